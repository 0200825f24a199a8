/*
 * Small integers packed into int32, a scale and a zero for each group of inputs
 * and each output: w = scale (q - zero).
 *
 * GPTQ: qweight [in bits / 32][out], bits in ascending order along in; qzeros
 * [groups][out bits / 32], of which version 1 stores one less; scales
 * [groups][out]; g_idx [in], the group of each input.
 * AWQ: qweight [in][out / 8] and qzeros [groups][out / 8] in an order of
 * nibbles of its own; scales [groups][out].
 * compressed-tensors: weight_packed [out][in bits / 32], weight_scale
 * [out][groups], weight_zero_point [out bits / 32][groups] or none,
 * weight_g_idx [in] or none.
 */
#include "model/packed.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "base/io.h"
#include "kernel/kernel.h"
#include "model/config.h"

enum {
    BLOCK = 32, /* of TF_AFFINE4 and TF_AFFINE8 */
    JOB_ROWS = 64
};

enum layout { GPTQ, AWQ, COMPRESSED };

struct ints {
    const struct tf_packing *p;
    enum layout layout;
    unsigned bits;
    const char *q, *zeros; /* of int32, maybe unaligned; zeros NULL: */
    unsigned zero;         /* this one, else it is added */
    float *scales;
    size_t groups, group_size;
    uint32_t *group; /* [in], or NULL: by group_size */
    struct tf_tensor *t;
};

/* Little endian, unaligned. A call for each would take a third of the time. */
static inline uint32_t word(const char *p, size_t i)
{
    const unsigned char *b = (const unsigned char *)p + 4 * i;

    return b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 |
           (uint32_t)b[3] << 24;
}

/* `bits` bits from bit `at` of the words first, first + step, ... on. */
static unsigned bits_at(const char *p, size_t first, size_t step, size_t at,
                        unsigned bits)
{
    size_t i = first + at / 32 * step;
    unsigned shift = at % 32;
    uint32_t v = word(p, i) >> shift;

    if (shift + bits > 32)
        v |= word(p, i + step) << (32 - shift);
    return v & ((1u << bits) - 1);
}

/* Where AWQ puts column c of eight. */
static unsigned awq_nibble(const char *p, size_t row, size_t width, size_t c)
{
    static const unsigned char places[] = { 0, 4, 1, 5, 2, 6, 3, 7 };

    return word(p, row * width + c / 8) >> 4 * places[c % 8] & 15;
}

static size_t words_of(size_t n, unsigned bits)
{
    return n * bits / 32;
}

static unsigned value(const struct ints *x, size_t row, size_t col)
{
    size_t out = x->p->rows, in = x->p->cols;

    switch (x->layout) {
    case GPTQ:
        return bits_at(x->q, row, out, col * x->bits, x->bits);
    case AWQ:
        return awq_nibble(x->q, col, out / 8, row);
    default:
        return bits_at(x->q, row * words_of(in, x->bits), 1, col * x->bits,
                       x->bits);
    }
}

static unsigned zero_of(const struct ints *x, size_t row, size_t group)
{
    size_t out = x->p->rows;

    if (!x->zeros)
        return x->zero;
    switch (x->layout) {
    case GPTQ:
        return x->zero + bits_at(x->zeros, group * words_of(out, x->bits), 1,
                                 row * x->bits, x->bits);
    case AWQ:
        return awq_nibble(x->zeros, group, out / 8, row);
    default:
        return bits_at(x->zeros, group, x->groups, row * x->bits, x->bits);
    }
}

static float scale_of(const struct ints *x, size_t row, size_t group)
{
    return x->layout == COMPRESSED ? x->scales[row * x->groups + group]
                                   : x->scales[group * x->p->rows + row];
}

static size_t group_of(const struct ints *x, size_t col)
{
    return x->group ? x->group[col] : col / x->group_size;
}

/* 32 values of `bits` bits in ascending order. */
static void take_apart(unsigned char *q, const uint32_t *w, unsigned bits)
{
    for (unsigned i = 0; i < BLOCK; i++) {
        unsigned at = i * bits, shift = at % 32;
        uint32_t v = w[at / 32] >> shift;

        if (shift + bits > 32)
            v |= w[at / 32 + 1] << (32 - shift);
        q[i] = (unsigned char)(v & ((1u << bits) - 1));
    }
}

/* The values of one block of a row. */
static void load_block(const struct ints *x, size_t row, size_t block,
                       unsigned char q[BLOCK])
{
    size_t out = x->p->rows, step = x->layout == GPTQ ? out : 1, first, i;
    uint32_t w[8];

    if (x->layout == AWQ) {
        for (i = 0; i < BLOCK; i++)
            q[i] = (unsigned char)awq_nibble(x->q, block * BLOCK + i, out / 8,
                                             row);
        return;
    }
    first = x->layout == GPTQ
                ? block * x->bits * out + row
                : row * words_of(x->p->cols, x->bits) + block * x->bits;
    for (i = 0; i < x->bits; i++)
        w[i] = word(x->q, first + i * step);
    if (x->bits != 4)
        take_apart(q, w, x->bits);
    for (i = 0; x->bits == 4 && i < BLOCK; i++)
        q[i] = w[i / 8] >> 4 * (i % 8) & 15;
}

/* One block of a row. */
static void put_block(const struct ints *x, size_t row, size_t block)
{
    size_t bytes = tf_dtype_info(x->t->dtype)->bytes, first = block * BLOCK, i;
    size_t group = group_of(x, first);
    unsigned char *b = (unsigned char *)x->t->data +
                       (row * (x->p->cols / BLOCK) + block) * bytes;
    float scale = scale_of(x, row, group);
    unsigned zero = zero_of(x, row, group);
    unsigned char q[BLOCK];

    load_block(x, row, block, q);
    memcpy(b, &scale, sizeof(scale));
    b[4] = (unsigned char)zero;
    if (x->t->dtype == TF_AFFINE4) {
        for (i = 0; i < BLOCK / 2; i++)
            b[5 + i] = (unsigned char)(q[i] | q[BLOCK / 2 + i] << 4);
        return;
    }
    b[5] = (unsigned char)(zero >> 8);
    memcpy(b + 6, q, BLOCK);
}

/* Some rows: their values lie side by side in the files of most. */
static void put_blocks(void *arg, size_t job, int worker)
{
    const struct ints *x = arg;
    size_t first = job * JOB_ROWS, end = first + JOB_ROWS;

    (void)worker;
    if (end > x->p->rows)
        end = x->p->rows;
    for (size_t block = 0; block < x->p->cols / BLOCK; block++)
        for (size_t row = first; row < end; row++)
            put_block(x, row, block);
}

/* Inputs of a group lie anywhere: numbers as they are, in 16 bits. */
static void put_halves(void *arg, size_t row, int worker)
{
    const struct ints *x = arg;
    uint16_t *out = (uint16_t *)x->t->data + row * x->p->cols;

    (void)worker;
    for (size_t col = 0; col < x->p->cols; col++) {
        size_t g = group_of(x, col);
        int q = (int)value(x, row, col) - (int)zero_of(x, row, g);
        float w = scale_of(x, row, g) * (float)q;

        tf_kernels()->pack_f16(out + col, &w, 1);
    }
}

/* Whether a block has one scale. */
static bool in_blocks(const struct ints *x)
{
    for (size_t col = 0; col < x->p->cols; col++)
        if (group_of(x, col) != group_of(x, col / BLOCK * BLOCK))
            return false;
    return x->p->cols % BLOCK == 0;
}

static int convert(struct ints *x)
{
    bool blocks = in_blocks(x);

    if (tf_packed_make(x->p, x->t,
                       !blocks        ? TF_F16
                       : x->bits <= 4 ? TF_AFFINE4
                                      : TF_AFFINE8))
        return -1;
    if (blocks)
        tf_pool_run(x->p->bind->pool, (x->p->rows + JOB_ROWS - 1) / JOB_ROWS,
                    put_blocks, x);
    else
        tf_pool_run(x->p->bind->pool, x->p->rows, put_halves, x);
    tf_map_forget(x->q, x->p->rows * words_of(x->p->cols, x->bits) * 4);
    return 0;
}

static const char *int_data(const struct tf_packing *p,
                            const struct tf_tensor *t, const char *end)
{
    if (!t)
        return NULL;
    if (t->dtype == TF_I32 || t->dtype == TF_U32)
        return t->data;
    tf_fail(p->err, "%.300s%s: type %s where int32 is expected", p->stem, end,
            tf_dtype_info(t->dtype)->name);
    return NULL;
}

/* The groups of `groups` that inputs fall into in order. */
static int even_groups(struct ints *x)
{
    size_t in = x->p->cols;

    x->group_size = x->groups ? in / x->groups : 0;
    if (x->group_size && x->group_size * x->groups == in)
        return 0;
    return tf_fail(x->p->err, "%.300s: %zu groups for %zu inputs", x->p->stem,
                   x->groups, in);
}

static int read_group_index(struct ints *x, const char *end)
{
    const struct tf_packing *p = x->p;
    const struct tf_tensor *t = tf_packed_part(p, end);
    const char *data;

    if (!t)
        return even_groups(x);
    if (!tf_packed_need(p, end, 1, p->cols) || !(data = int_data(p, t, end)))
        return -1;
    x->group = tf_alloc(p->cols, sizeof(*x->group), p->err);
    if (!x->group)
        return -1;
    for (size_t i = 0; i < p->cols; i++) {
        x->group[i] = word(data, i);
        if (x->group[i] >= x->groups)
            return tf_fail(p->err, "%.300s%s: group %u of %zu", p->stem, end,
                           (unsigned)x->group[i], x->groups);
    }
    return 0;
}

/* Of each of n integers that so many words hold. */
static unsigned bits_of(size_t words, size_t n)
{
    return n && words < n ? (unsigned)(words * 32 / n) : 0;
}

static int check_gptq(const struct tf_packing *p, unsigned bits, bool *second)
{
    const char *format = tf_packed_word(p, "checkpoint_format");

    *second = format && !strcmp(format, "gptq_v2");
    if ((format && strcmp(format, "gptq") && !*second) ||
        json_is_true(tf_config_get(p->bind->quantization, "is_marlin_format")))
        return tf_fail(p->err,
                       "the checkpoint_format of its GPTQ is \"%.40s\"; read "
                       "are gptq and gptq_v2",
                       format ? format : "marlin");
    if (bits != 2 && bits != 3 && bits != 4 && bits != 8)
        return tf_fail(p->err, "%.300s.qweight: %u bits are not read", p->stem,
                       bits);
    return 0;
}

static int read_gptq(struct ints *x)
{
    const struct tf_packing *p = x->p;
    const struct tf_tensor *q = tf_packed_part(p, ".qweight"), *s, *z;
    bool second;

    x->bits = bits_of(q->ndim == 2 ? q->dim[0] : 0, p->cols);
    s = tf_packed_part(p, ".scales");
    x->groups = s && s->ndim == 2 ? s->dim[0] : 0;
    if (check_gptq(p, x->bits, &second) ||
        !tf_packed_need(p, ".qweight", words_of(p->cols, x->bits), p->rows) ||
        !(s = tf_packed_need(p, ".scales", x->groups, p->rows)) ||
        !(z = tf_packed_need(p, ".qzeros", x->groups,
                             words_of(p->rows, x->bits))) ||
        !(x->q = int_data(p, q, ".qweight")) ||
        !(x->zeros = int_data(p, z, ".qzeros")))
        return -1;
    x->zero = second ? 0 : 1;
    x->scales = tf_packed_floats(p, s);
    return x->scales ? read_group_index(x, ".g_idx") : -1;
}

static int read_awq(struct ints *x)
{
    const struct tf_packing *p = x->p;
    const char *version = tf_packed_word(p, "version");
    const struct tf_tensor *q = tf_packed_part(p, ".qweight"), *s, *z;

    if (version && strcasecmp(version, "gemm"))
        return tf_fail(p->err,
                       "the version of its AWQ is \"%.40s\"; only gemm is read",
                       version);
    if (p->rows % 8)
        return tf_fail(p->err, "%.300s: %zu outputs are no multiple of 8",
                       p->stem, p->rows);
    x->bits = 4;
    s = tf_packed_part(p, ".scales");
    x->groups = s && s->ndim == 2 ? s->dim[0] : 0;
    if (!tf_packed_need(p, ".qweight", p->cols, p->rows / 8) ||
        !(s = tf_packed_need(p, ".scales", x->groups, p->rows)) ||
        !(z = tf_packed_need(p, ".qzeros", x->groups, p->rows / 8)) ||
        !(x->q = int_data(p, q, ".qweight")) ||
        !(x->zeros = int_data(p, z, ".qzeros")))
        return -1;
    x->scales = tf_packed_floats(p, s);
    return x->scales ? even_groups(x) : -1;
}

static int read_compressed(struct ints *x)
{
    const struct tf_packing *p = x->p;
    const struct tf_tensor *q = tf_packed_part(p, ".weight_packed"), *s, *z;

    x->bits = bits_of(q->ndim == 2 ? q->dim[1] : 0, p->cols);
    if (x->bits != 4 && x->bits != 8)
        return tf_fail(p->err, "%.300s.weight_packed: %u bits are not read",
                       p->stem, x->bits);
    s = tf_packed_part(p, ".weight_scale");
    x->groups = s && s->ndim == 2 ? s->dim[1] : 1;
    if (!tf_packed_need(p, ".weight_packed", p->rows,
                        words_of(p->cols, x->bits)) ||
        !(s = tf_packed_need(p, ".weight_scale", p->rows, x->groups)) ||
        !(x->q = int_data(p, q, ".weight_packed")))
        return -1;
    tf_packed_part(p, ".weight_shape");
    z = tf_packed_part(p, ".weight_zero_point");
    if (z && (!tf_packed_need(p, ".weight_zero_point",
                              words_of(p->rows, x->bits), x->groups) ||
              !(x->zeros = int_data(p, z, ".weight_zero_point"))))
        return -1;
    x->zero = 1u << (x->bits - 1);
    x->scales = tf_packed_floats(p, s);
    return x->scales ? read_group_index(x, ".weight_g_idx") : -1;
}

static int read_ints(const struct tf_packing *p, struct tf_tensor *t,
                     enum layout layout, int (*read)(struct ints *x))
{
    struct ints x = { .p = p, .layout = layout, .t = t };
    int failed = read(&x) || convert(&x);

    free(x.scales);
    free(x.group);
    return failed ? -1 : 0;
}

int tf_packed_gptq(const struct tf_packing *p, struct tf_tensor *t)
{
    return read_ints(p, t, GPTQ, read_gptq);
}

int tf_packed_awq(const struct tf_packing *p, struct tf_tensor *t)
{
    return read_ints(p, t, AWQ, read_awq);
}

int tf_packed_compressed(const struct tf_packing *p, struct tf_tensor *t)
{
    return read_ints(p, t, COMPRESSED, read_compressed);
}
