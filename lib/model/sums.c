#include "model/sums.h"

#include <string.h>

/*
 * The blocks of a batch's texts: so many tokens each, those left over belonging
 * to the last. A text that is too short for one has a block here, for the
 * ranges to lie end to end, but no sum.
 */
struct blocks {
    struct tf_seqs seqs;     /* [blocks] */
    struct tf_tensor *sizes; /* [blocks][1] */
    int32_t *real;           /* [count]: those that have a sum */
    size_t count;
    /* keys: of each text its sums, then its tokens */
    struct tf_seqs keys;
    size_t *prefix;                /* [texts]: sums */
    int32_t *sum_rows, *text_rows; /* where they stand among the keys */
};

static int new_blocks(struct tf_run *run, struct blocks *b)
{
    const struct tf_seqs *texts = &run->batch->seqs;
    size_t size = run->stack->spec->global_block, n = 0, tokens;
    struct tf_ctx *ctx = run->ctx;

    tokens = texts->start[texts->count];
    for (size_t q = 0; q < texts->count; q++) {
        size_t len = texts->start[q + 1] - texts->start[q];

        n += len < size ? 1 : len / size;
    }
    b->seqs.start = tf_scratch(ctx, n + 1, sizeof(size_t));
    b->seqs.count = n;
    b->keys.start = tf_scratch(ctx, texts->count + 1, sizeof(size_t));
    b->keys.count = texts->count;
    b->sizes = tf_new(ctx, n, 1);
    b->real = tf_scratch(ctx, n, sizeof(*b->real));
    b->sum_rows = tf_scratch(ctx, n, sizeof(*b->sum_rows));
    b->text_rows = tf_scratch(ctx, tokens, sizeof(*b->text_rows));
    b->prefix = tf_scratch(ctx, texts->count, sizeof(*b->prefix));
    return ctx->failed ? -1 : 0;
}

static int cut_texts(struct tf_run *run, struct blocks *b)
{
    const struct tf_seqs *texts = &run->batch->seqs;
    size_t size = run->stack->spec->global_block, at = 0, row = 0;
    size_t *start, *keys;

    if (new_blocks(run, b))
        return -1;
    start = (size_t *)(uintptr_t)b->seqs.start;
    keys = (size_t *)(uintptr_t)b->keys.start;
    for (size_t q = 0; q < texts->count; q++) {
        size_t first = texts->start[q], end = texts->start[q + 1];
        size_t n = (end - first) / size;

        keys[q] = row;
        b->prefix[q] = n;
        for (size_t i = 0; i < n || i == 0; i++, at++) {
            size_t stop = i + 1 < n ? first + (i + 1) * size : end;

            start[at] = first + i * size;
            ((float *)b->sizes->data)[at] = (float)(stop - start[at]);
            if (n) {
                b->real[b->count] = (int32_t)at;
                b->sum_rows[b->count++] = (int32_t)row++;
            }
        }
        for (size_t i = first; i < end; i++)
            b->text_rows[i] = (int32_t)row++;
    }
    start[at] = texts->start[texts->count];
    keys[texts->count] = row;
    return 0;
}

static struct tf_tensor *zeros(struct tf_ctx *ctx, size_t rows, size_t cols)
{
    struct tf_tensor *t = tf_new(ctx, rows, cols);

    if (t)
        memset(t->data, 0, tf_tensor_bytes(t));
    return t;
}

/* What keys and values are made of: normed sums, then tokens. */
static struct tf_tensor *join(struct tf_ctx *ctx, const struct blocks *b,
                              struct tf_layer *layer, struct tf_tensor *x)
{
    size_t rows = b->keys.start[b->keys.count], cols = x->dim[1];
    struct tf_tensor *all =
        tf_put_rows(ctx, zeros(ctx, rows, cols), x, b->text_rows);
    struct tf_tensor *sums;

    if (!b->count)
        return all;
    sums =
        tf_add_weighted(ctx, zeros(ctx, b->seqs.count, cols),
                        tf_mean_rows(ctx, x, &b->seqs), NULL, b->sizes, NULL);
    sums = tf_gather_rows(ctx, sums, b->real, b->count);
    return tf_put_rows(ctx, all, tf_norm(ctx, sums, &layer->global_norm),
                       b->sum_rows);
}

struct tf_tensor *tf_attend_sums(struct tf_run *run, struct tf_layer *layer,
                                 struct tf_tensor *x,
                                 const struct tf_attention *spec)
{
    struct tf_ctx *ctx = run->ctx;
    struct tf_attention mine = *spec;
    struct blocks b = { .count = 0 };
    struct tf_tensor *q, *k, *v, *all;

    if (!x || cut_texts(run, &b))
        return NULL;
    mine.prefix = b.prefix;
    mine.prefix_table = &run->stack->global_bias;
    mine.prefix_group = run->stack->spec->global_block;
    all = join(ctx, &b, layer, x);
    q = tf_linear(ctx, x, &layer->q, TF_ACT_NONE, NULL);
    k = tf_linear(ctx, all, &layer->k, TF_ACT_NONE, NULL);
    v = tf_linear(ctx, all, &layer->v, TF_ACT_NONE, NULL);
    return tf_attention(ctx, q, &run->batch->seqs, k, v, &b.keys, &mine);
}
