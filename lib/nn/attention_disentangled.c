/*
 * DeBERTa's disentangled terms, and their ways back. The table rows in reach of
 * a block are up to twice as many as any of its queries needs, so queries (c2p)
 * or keys (p2c) are taken a band at a time.
 */
#include "nn/attention.h"

#include "nn/rows.h"

#include <string.h>

/* Queries or keys [first, first + n) of a block, and the buckets of all
 * distances from them to the other side. */
struct band {
    size_t first, n;
    size_t bucket0, buckets;
};

/* The band from `first` on, out of `own` queries (or keys) that face `other`
 * keys (or queries). */
static struct band band_at(const struct tf_att_scratch *s, size_t first,
                           size_t own, size_t other, bool queries)
{
    struct band b = { .first = first };
    int32_t min = INT32_MAX, max = 0;
    size_t d, low;

    b.n = own - first < TF_ATT_BAND ? own - first : TF_ATT_BAND;
    low = queries ? own - first - b.n : first;
    for (d = low; d < low + b.n + other - 1; d++) {
        min = s->bucket[d] < min ? s->bucket[d] : min;
        max = s->bucket[d] > max ? s->bucket[d] : max;
    }
    b.bucket0 = (size_t)min;
    b.buckets = (size_t)(max - min) + 1;
    return b;
}

/* The band's rows of a table for one head, as B[D][buckets]. */
static struct tf_mat table_mat(const struct tf_tensor *table,
                               const struct band *b, size_t column)
{
    return (struct tf_mat){ tf_row(table, b->bucket0) + column, TF_F32, 1,
                            table->ld };
}

/* s->band[n][buckets] = alpha a table^T */
static void fill_band(struct tf_att_scratch *s, const struct band *b,
                      float alpha, struct tf_mat a, struct tf_mat table,
                      size_t size)
{
    struct tf_epilogue e = { .alpha = alpha };
    struct tf_gemm g = { .m = b->n, .n = b->buckets, .k = size };

    g.a = a;
    g.b = table;
    g.c = s->band;
    g.ldc = b->buckets;
    g.epilogue = &e;
    tf_gemm_serial(&g, s->gemm);
}

/* The buckets of query i and each key, from the first one of them. */
static const int32_t *buckets_of(const struct tf_att_queries *q,
                                 const struct tf_att_scratch *s, size_t i)
{
    return s->bucket + q->n - 1 - i;
}

void tf_att_add_c2p(const struct tf_att *a, const struct tf_att_queries *q,
                    const struct tf_att_keys *keys, struct tf_att_scratch *s)
{
    size_t size = a->spec->head_size, first, i, j;
    struct band b;

    for (first = 0; first < q->n; first += b.n) {
        b = band_at(s, first, q->n, keys->n, true);
        fill_band(s, &b, 1, tf_rows_mat(s->q + first * size, size),
                  table_mat(a->spec->c2p, &b, q->kv_head * size), size);
        for (i = first; i < first + b.n; i++) {
            const int32_t *bucket = buckets_of(q, s, i);
            const float *src = s->band + (i - first) * b.buckets;
            float *row = s->s + i * keys->n;

            for (j = 0; j < keys->n; j++)
                row[j] += src[(size_t)bucket[j] - b.bucket0];
        }
    }
}

/* Keys from one on, as the A of a product. */
static struct tf_mat keys_from(const struct tf_att_keys *keys, size_t first)
{
    struct tf_mat k = tf_turn(keys->k);

    k.data =
        (const char *)k.data + first * k.rs * tf_dtype_info(k.dtype)->bytes;
    return k;
}

void tf_att_add_p2c(const struct tf_att *a, const struct tf_att_queries *q,
                    const struct tf_att_keys *keys, struct tf_att_scratch *s)
{
    size_t size = a->spec->head_size, first, i, j;
    struct band b;

    for (first = 0; first < keys->n; first += b.n) {
        b = band_at(s, first, keys->n, q->n, false);
        fill_band(s, &b, a->spec->scale, keys_from(keys, first),
                  table_mat(a->spec->p2c, &b, q->kv_head * size), size);
        for (i = 0; i < q->n; i++) {
            const int32_t *bucket = buckets_of(q, s, i) + first;
            float *row = s->s + i * keys->n + first;

            for (j = 0; j < b.n; j++)
                row[j] +=
                    s->band[j * b.buckets + (size_t)bucket[j] - b.bucket0];
        }
    }
}

void tf_att_back_c2p(const struct tf_att *a, const struct tf_att_queries *q,
                     const struct tf_att_keys *keys, struct tf_att_scratch *s,
                     float *dtable)
{
    const struct tf_tensor *table = a->spec->c2p;
    size_t size = a->spec->head_size, column = q->kv_head * size, first, i, j;
    struct tf_mat sums;
    struct band b;

    for (first = 0; first < q->n; first += b.n) {
        b = band_at(s, first, q->n, keys->n, true);
        sums = tf_rows_mat(s->band, b.buckets);
        memset(s->band, 0, b.n * b.buckets * sizeof(*s->band));
        for (i = first; i < first + b.n; i++) {
            const int32_t *bucket = buckets_of(q, s, i);
            const float *ds = s->ds + i * keys->n;
            float *dst = s->band + (i - first) * b.buckets;

            for (j = 0; j < keys->n; j++)
                dst[(size_t)bucket[j] - b.bucket0] += ds[j];
        }
        tf_att_add_product(s->dq + first * size, size, 1, sums,
                           tf_turn(table_mat(table, &b, column)), b.n, size,
                           b.buckets, s->gemm);
        if (dtable)
            tf_att_add_product(dtable + b.bucket0 * table->ld + column,
                               table->ld, 1, tf_turn(sums),
                               tf_rows_mat(s->q + first * size, size),
                               b.buckets, size, b.n, s->gemm);
    }
}

void tf_att_back_p2c(const struct tf_att *a, const struct tf_att_queries *q,
                     const struct tf_att_keys *keys, struct tf_att_scratch *s,
                     float *dtable, float *dk, size_t ldk)
{
    const struct tf_tensor *table = a->spec->p2c;
    size_t size = a->spec->head_size, column = q->kv_head * size, first, i, j;
    struct tf_mat sums;
    struct band b;

    for (first = 0; first < keys->n; first += b.n) {
        b = band_at(s, first, keys->n, q->n, false);
        sums = tf_rows_mat(s->band, b.buckets);
        memset(s->band, 0, b.n * b.buckets * sizeof(*s->band));
        for (i = 0; i < q->n; i++) {
            const int32_t *bucket = buckets_of(q, s, i) + first;
            const float *ds = s->ds + i * keys->n + first;

            for (j = 0; j < b.n; j++)
                s->band[j * b.buckets + (size_t)bucket[j] - b.bucket0] += ds[j];
        }
        if (dk)
            tf_att_add_product(dk + first * ldk, ldk, a->spec->scale, sums,
                               tf_turn(table_mat(table, &b, column)), b.n, size,
                               b.buckets, s->gemm);
        if (dtable)
            tf_att_add_product(dtable + b.bucket0 * table->ld + column,
                               table->ld, a->spec->scale, tf_turn(sums),
                               keys_from(keys, first), b.buckets, size, b.n,
                               s->gemm);
    }
}
