/*
 * Matrices of one-byte numbers with scales beside them. FP8: "x.weight" in
 * E4M3, and "x.weight_scale_inv" (DeepSeek's and Transformers' fine-grained
 * FP8) or "x.weight_scale" (compressed-tensors, fbgemm, ModelOpt): one scale,
 * or one a row, or one for each block of rows and columns. int8 (compressed-
 * tensors): one, or one a row.
 */
#include "model/packed.h"

#include <stdlib.h>
#include <string.h>
#include "base/io.h"
#include "base/mem.h"
#include "model/config.h"

enum { BLOCK = 32, BLOCK_BYTES = 36 }; /* of TF_E4M3 */

/* Scale of (row, col) is scales[row / rows * across + col / cols]. */
struct scales {
    const struct tf_packing *p;
    float *v;
    size_t rows, cols, across;
    const unsigned char *q;
    struct tf_tensor *t;
};

static const struct tf_tensor *scales_of(const struct tf_packing *p)
{
    const struct tf_tensor *t = tf_packed_part(p, ".weight_scale_inv");

    return t ? t : tf_packed_part(p, ".weight_scale");
}

static size_t block_size(const struct tf_packing *p, size_t i)
{
    json_t *list = tf_config_get(p->bind->quantization, "weight_block_size");
    json_int_t n = json_integer_value(json_array_get(list, i));

    return n > 0 ? (size_t)n : 128;
}

static size_t div_up(size_t a, size_t b)
{
    return a / b + (a % b != 0);
}

/* What of the matrix a scale is for, by the scales' shape. */
static int lay_out(struct scales *s, const struct tf_tensor *t)
{
    const struct tf_packing *p = s->p;
    size_t n = tf_tensor_count(t);
    size_t high = block_size(p, 0), wide = block_size(p, 1);

    s->cols = p->cols;
    s->across = 1;
    if (n == 1) {
        s->rows = p->rows;
    } else if (n == p->rows && (t->ndim == 1 || t->dim[t->ndim - 1] == 1)) {
        s->rows = 1;
    } else if (t->ndim == 2 && t->dim[0] == div_up(p->rows, high) &&
               t->dim[1] == div_up(p->cols, wide)) {
        s->rows = high;
        s->cols = wide;
        s->across = t->dim[1];
    } else {
        return tf_fail(p->err,
                       "%.300s: %zu scales do not fit a matrix of [%zu, %zu]",
                       p->stem, n, p->rows, p->cols);
    }
    return 0;
}

static int check_shape(const struct tf_packing *p, const struct tf_tensor *w)
{
    if (w->ndim == 2 && w->dim[0] == p->rows && w->dim[1] == p->cols)
        return 0;
    return tf_fail(p->err,
                   "%.300s.weight: its shape is not the [%zu, %zu] of "
                   "config.json",
                   p->stem, p->rows, p->cols);
}

static float scale_at(const struct scales *s, size_t row, size_t col)
{
    return s->v ? s->v[row / s->rows * s->across + col / s->cols] : 1;
}

static void put_row(void *arg, size_t row, int worker)
{
    const struct scales *s = arg;
    size_t cols = s->p->cols, col;
    const unsigned char *q = s->q + row * cols;
    unsigned char *out =
        (unsigned char *)s->t->data + row * (cols / BLOCK) * BLOCK_BYTES;

    (void)worker;
    for (col = 0; col < cols; col += BLOCK, out += BLOCK_BYTES) {
        float scale = scale_at(s, row, col);

        memcpy(out, &scale, sizeof(scale));
        memcpy(out + sizeof(scale), q + col, BLOCK);
    }
}

/* Where scales change within a block. */
static void put_floats(void *arg, size_t row, int worker)
{
    const struct scales *s = arg;
    size_t cols = s->p->cols, col;
    float *out = (float *)s->t->data + row * cols;

    (void)worker;
    tf_dtype_info(TF_F8_E4M3)->unpack(out, s->q + row * cols, cols);
    for (col = 0; col < cols; col++)
        out[col] *= scale_at(s, row, col);
}

static int convert_fp8(struct scales *s)
{
    bool blocks = s->p->cols % BLOCK == 0 &&
                  (s->cols == s->p->cols || s->cols % BLOCK == 0);

    if (tf_packed_make(s->p, s->t, blocks ? TF_E4M3 : TF_F32))
        return -1;
    tf_pool_run(s->p->bind->pool, s->p->rows, blocks ? put_row : put_floats, s);
    tf_map_forget(s->q, s->p->rows * s->p->cols);
    return 0;
}

int tf_packed_fp8(const struct tf_packing *p, struct tf_tensor *t)
{
    const struct tf_tensor *w = tf_packed_part(p, ".weight");
    const struct tf_tensor *scales = scales_of(p);
    struct scales s = { .p = p, .q = w->data, .t = t };
    int failed;

    if (w->dtype != TF_F8_E4M3)
        return tf_fail(p->err, "%.300s.weight: %s is not read", p->stem,
                       tf_dtype_info(w->dtype)->name);
    tf_packed_part(p, ".input_scale");
    s.rows = p->rows;
    s.cols = p->cols;
    if (check_shape(p, w) || (scales && lay_out(&s, scales)))
        return -1;
    if (scales && !(s.v = tf_packed_floats(p, scales)))
        return -1;
    failed = convert_fp8(&s);
    free(s.v);
    return failed ? -1 : 0;
}

int tf_packed_int8(const struct tf_packing *p, struct tf_tensor *t)
{
    const struct tf_tensor *w = tf_packed_part(p, ".weight");
    const struct tf_tensor *scales = tf_packed_part(p, ".weight_scale");
    struct scales s = { .p = p };
    float *rows;

    if (tf_packed_part(p, ".weight_zero_point"))
        return tf_fail(p->err, "%.300s: int8 with zero points is not read",
                       p->stem);
    tf_packed_part(p, ".input_scale");
    if (check_shape(p, w) || lay_out(&s, scales))
        return -1;
    if (s.across > 1 || (s.rows != 1 && s.rows != p->rows))
        return tf_fail(p->err, "%.300s: int8 with scales by block is not read",
                       p->stem);
    rows = tf_arena_alloc(p->bind->memory, p->rows, sizeof(*rows));
    if (!rows)
        return tf_no_memory(p->err, p->rows * sizeof(*rows));
    if (!(s.v = tf_packed_floats(p, scales)))
        return -1;
    for (size_t row = 0; row < p->rows; row++)
        rows[row] = scale_at(&s, row, 0);
    free(s.v);
    *t = *w;
    t->scale = rows;
    return 0;
}
