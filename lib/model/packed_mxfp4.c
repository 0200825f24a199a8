/*
 * MXFP4 (Open Compute Project's microscaling formats) as gpt-oss's files have
 * it: of each 16 bytes byte j holds numbers 2 j (its low half) and 2 j + 1.
 * TF_E2M1, ggml's block, has the scale before them, and numbers j and j + 16
 * in byte j.
 */
#include "model/packed.h"

#include <string.h>
#include "base/io.h"

enum { BLOCK = 32, HALF = 16, BYTES = HALF + 1 };

struct repack {
    const unsigned char *blocks, *scales;
    unsigned char *out;
    size_t groups; /* blocks in a row */
};

static unsigned half_of(const unsigned char *bytes, size_t i)
{
    return bytes[i / 2] >> 4 * (i % 2) & 15;
}

static void repack_row(void *arg, size_t row, int worker)
{
    const struct repack *r = arg;
    const unsigned char *from = r->blocks + row * r->groups * HALF;
    unsigned char *to = r->out + row * r->groups * BYTES;

    (void)worker;
    for (size_t g = 0; g < r->groups; g++, from += HALF, to += BYTES) {
        to[0] = r->scales[row * r->groups + g];
        for (size_t j = 0; j < HALF; j++)
            to[1 + j] = (unsigned char)(half_of(from, j) |
                                        half_of(from, j + HALF) << 4);
    }
}

static int check(const struct tf_packing *p, const struct tf_tensor *t,
                 const char *end, const size_t *dim, size_t ndim)
{
    if (t && t->dtype == TF_U8 && t->ndim == ndim &&
        !memcmp(t->dim, dim, ndim * sizeof(dim[0])))
        return 0;
    return tf_fail(p->err,
                   t ? "%.300s%s: not the bytes of [%zu, %zu, %zu] that %zu "
                       "matrices of [%zu, %zu] have"
                     : "%.300s%s is missing",
                   p->stem, end, dim[0], dim[1], dim[2], dim[0], p->rows,
                   p->cols);
}

int tf_packed_mxfp4(struct tf_bind *bind, struct tf_tensor *t,
                    const char *pattern, struct tf_place at, size_t experts,
                    size_t rows, size_t cols, char name[TF_BIND_NAME],
                    struct tf_err *err)
{
    size_t dim[4] = { experts, rows, cols / BLOCK, HALF };
    struct tf_packing p = { .bind = bind, .rows = rows, .cols = cols };
    struct repack job = { .groups = cols / BLOCK };
    const struct tf_tensor *blocks, *scales;
    size_t each = rows * job.groups;

    blocks = tf_bind_find(bind, pattern, at, "_blocks", name, TF_BIND_NAME);
    if (!blocks)
        return 0;
    if (bind->params && !bind->adapters)
        return tf_fail(err,
                       "%.300s: quantised weights can't be trained, but "
                       "adapters beside them can",
                       name);
    p.err = err;
    memcpy(p.stem, name, TF_BIND_NAME);
    p.stem[strlen(name) - strlen("_blocks")] = 0;
    scales = tf_packed_part(&p, "_scales");
    if (check(&p, blocks, "_blocks", dim, 4) ||
        check(&p, scales, "_scales", dim, 3) || tf_packed_make(&p, t, TF_E2M1))
        return -1;
    job.blocks = (const unsigned char *)blocks->data + at.part * each * HALF;
    job.scales = (const unsigned char *)scales->data + at.part * each;
    job.out = t->data;
    tf_pool_run(bind->pool, rows, repack_row, &job);
    tf_map_forget(job.blocks, each * HALF);
    return 1;
}
