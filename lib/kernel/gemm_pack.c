#include "kernel/gemm_parts.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"

enum {
    MAX_TILE = 64, /* at least every level's mr and nr */
    STRIP = 16,    /* rows unpacked together before they are transposed */
    STRIP_K = 256  /* k unpacked together: a multiple of every block */
};

static const void *element(const struct tf_side *s, size_t i, size_t p)
{
    const struct tf_dtype_info *type = tf_dtype_info(s->dtype);

    return (const char *)s->data +
           (i * s->along + p * s->depth) / type->block * type->bytes;
}

static bool plain(const struct tf_side *s)
{
    return s->dtype == TF_F32 && (uintptr_t)s->data % sizeof(float) == 0;
}

bool tf_rows_in_place(const struct tf_side *s)
{
    return plain(s) && s->depth == 1;
}

bool tf_columns_in_place(const struct tf_side *s)
{
    return plain(s) && s->along == 1;
}

void tf_pack_rows(float *dst, size_t ldd, const struct tf_side *s, size_t i,
                  size_t m, size_t p, size_t k)
{
    const struct tf_kernels *kern = tf_kernels();
    const struct tf_dtype_info *type = tf_dtype_info(s->dtype);
    float strip[STRIP * STRIP_K];
    size_t r, q, d, n, w;

    if (s->depth == 1) {
        for (r = 0; r < m; r++)
            type->unpack(dst + r * ldd, element(s, i + r, p), k);
    } else if (s->along == 1 && plain(s)) {
        kern->transpose(dst, ldd, element(s, i, p), s->depth, k, m);
    } else if (s->along == 1) {
        for (r = 0; r < m; r += w) {
            w = tf_least(STRIP_K, m - r);
            for (q = 0; q < k; q += n) {
                n = tf_least(STRIP, k - q);
                for (d = 0; d < n; d++)
                    type->unpack(strip + d * w, element(s, i + r, p + q + d),
                                 w);
                kern->transpose(dst + r * ldd + q, ldd, strip, w, n, w);
            }
        }
    } else {
        for (r = 0; r < m; r++)
            for (q = 0; q < k; q++)
                type->unpack(dst + r * ldd + q, element(s, i + r, p + q), 1);
    }
}

static void pack_columns(float *dst, size_t nr, const struct tf_side *s,
                         size_t j, size_t n, size_t p, size_t k)
{
    const struct tf_kernels *kern = tf_kernels();
    const struct tf_dtype_info *type = tf_dtype_info(s->dtype);
    float strip[STRIP * STRIP_K];
    size_t c, d, q, w, h;

    if (plain(s)) {
        kern->transpose(dst, nr, element(s, j, p), s->along, n, k);
        return;
    }
    for (c = 0; c < n; c += h) {
        h = tf_least(STRIP, n - c);
        for (q = 0; q < k; q += w) {
            w = tf_least(STRIP_K, k - q);
            for (d = 0; d < h; d++)
                type->unpack(strip + d * STRIP_K, element(s, j + c + d, p + q),
                             w);
            kern->transpose(dst + q * nr + c, nr, strip, STRIP_K, h, w);
        }
    }
}

/* Whole columns of float32: short copies whose length is worth telling. */
static void copy_columns(float *dst, size_t nr, const float *src, size_t depth,
                         size_t k)
{
    size_t q;

    if (nr == 32)
        for (q = 0; q < k; q++)
            memcpy(dst + q * 32, src + q * depth, 32 * sizeof(*dst));
    else
        for (q = 0; q < k; q++)
            memcpy(dst + q * nr, src + q * depth, nr * sizeof(*dst));
}

void tf_pack_panel(float *dst, size_t nr, const struct tf_side *s, size_t j,
                   size_t n, size_t p, size_t k)
{
    const struct tf_dtype_info *type = tf_dtype_info(s->dtype);
    size_t q, c;

    if (s->along == 1 && plain(s) && n == nr) {
        copy_columns(dst, nr, element(s, j, p), s->depth, k);
    } else if (s->along == 1 && type->block == 1) {
        for (q = 0; q < k; q++)
            type->unpack(dst + q * nr, element(s, j, p + q), n);
    } else if (s->depth == 1) {
        pack_columns(dst, nr, s, j, n, p, k);
    } else {
        for (q = 0; q < k; q++)
            for (c = 0; c < n; c++)
                type->unpack(dst + q * nr + c, element(s, j + c, p + q), 1);
    }
    for (q = 0; n < nr && q < k; q++)
        for (c = n; c < nr; c++)
            dst[q * nr + c] = 0;
}

size_t tf_panels_floats(size_t k, size_t nr, size_t count)
{
    return k * nr * count;
}

float *tf_panel(const struct tf_panels *p, size_t block, size_t panel)
{
    return p->data + (block * TF_GEMM_KC * p->count +
                      tf_k_in_block(p->k, block) * panel) *
                         p->nr;
}

struct pack_job {
    const struct tf_panels *dst;
    const struct tf_side *s;
    size_t j, n;
};

static void pack_one(void *arg, size_t i, int worker)
{
    const struct pack_job *job = arg;
    size_t block, nr = job->dst->nr, n = tf_least(nr, job->n - i * nr);

    (void)worker;
    for (block = 0; block < tf_k_blocks(job->dst->k); block++)
        tf_pack_panel(tf_panel(job->dst, block, i), nr, job->s, job->j + i * nr,
                      n, block * TF_GEMM_KC, tf_k_in_block(job->dst->k, block));
}

void tf_pack_panels(struct tf_pool *pool, const struct tf_panels *dst,
                    const struct tf_side *s, size_t j, size_t n)
{
    struct pack_job job = { dst, s, j, n };

    tf_pool_run(pool, dst->count, pack_one, &job);
}

struct tf_packed *tf_pack(struct tf_pool *pool, size_t k, size_t n,
                          struct tf_mat b, struct tf_err *err)
{
    size_t nr = tf_kernels()->f32.nr;
    struct tf_side side = { b.data, b.dtype, b.cs, b.rs };
    struct tf_packed *p = tf_alloc(1, sizeof(*p), err);
    size_t bytes, count = n / nr + (n % nr != 0);

    if (!p)
        return NULL;
    p->n = n;
    p->panels = (struct tf_panels){ k, nr, count, NULL };
    if (__builtin_mul_overflow(k, count * nr * sizeof(float), &bytes) ||
        !(p->panels.data = aligned_alloc(64, (bytes + 64) / 64 * 64))) {
        tf_no_memory(err, bytes);
        free(p);
        return NULL;
    }
    tf_pack_panels(pool, &p->panels, &side, 0, n);
    return p;
}

void tf_packed_free(struct tf_packed *p)
{
    if (p)
        free(p->panels.data);
    free(p);
}

size_t tf_packed_bytes(const struct tf_packed *p)
{
    return tf_panels_floats(p->panels.k, p->panels.nr, p->panels.count) *
           sizeof(float);
}
