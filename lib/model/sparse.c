#include "model/sparse.h"

#include <math.h>
#include <string.h>

/* Some rows of a batch, by sequences. */
struct rows {
    int32_t *rows;
    struct tf_seqs seqs;
};

struct tf_sparse {
    struct rows near;        /* texts with windows; rows NULL: all have one */
    struct rows far;         /* those that see all */
    size_t *prefix, *suffix; /* [count] of keys that all see */
    size_t block;
    float prefix_bias;
};

static size_t length(const struct tf_seqs *seqs, size_t q)
{
    return seqs->start[q + 1] - seqs->start[q];
}

/* BigBirdModel.forward(): a text of fewer is attended to in full. */
static bool by_blocks(const struct tf_stack_spec *s, size_t tokens)
{
    return s->sparse_block &&
           tokens > (5 + 2 * s->sparse_random) * s->sparse_block;
}

/* Tokens before the first number see all, as those from the second on. */
static void far_bounds(const struct tf_run *run, size_t q, size_t *prefix,
                       size_t *suffix)
{
    const struct tf_stack_spec *s = run->stack->spec;
    size_t n = length(&run->batch->seqs, q);

    *suffix = n;
    if (s->sparse_block) {
        *prefix = by_blocks(s, n) ? s->sparse_block : n;
        if (*prefix < n)
            *suffix = (n - 1) / s->sparse_block * s->sparse_block;
    } else {
        *prefix = run->batch->global ? run->batch->global[q] : 0;
        if (*prefix > n)
            *prefix = n;
    }
}

static int new_rows(struct tf_ctx *ctx, struct rows *r, size_t count,
                    size_t tokens)
{
    size_t *start = tf_scratch(ctx, count + 1, sizeof(*start));

    r->rows = tf_scratch(ctx, tokens, sizeof(*r->rows));
    r->seqs = (struct tf_seqs){ .count = count, .start = start };
    if (!r->rows || !start)
        return -1;
    *start = 0;
    return 0;
}

static void add_rows(struct rows *r, size_t q, size_t first, size_t end)
{
    size_t *start = (size_t *)(uintptr_t)r->seqs.start;

    for (; first < end; first++)
        r->rows[start[q + 1]++] = (int32_t)first;
}

static int fill(struct tf_run *run, struct tf_sparse *p)
{
    const struct tf_seqs *seqs = &run->batch->seqs;
    size_t count = seqs->count, tokens = seqs->start[count];
    const struct tf_stack_spec *s = run->stack->spec;

    p->prefix = tf_scratch(run->ctx, count, sizeof(*p->prefix));
    p->suffix = tf_scratch(run->ctx, count, sizeof(*p->suffix));
    if (!p->prefix || !p->suffix ||
        new_rows(run->ctx, &p->near, count, tokens) ||
        new_rows(run->ctx, &p->far, count, tokens))
        return -1;
    for (size_t q = 0; q < count; q++) {
        size_t *near = (size_t *)(uintptr_t)p->near.seqs.start + q;
        size_t *far = (size_t *)(uintptr_t)p->far.seqs.start + q;
        size_t first = seqs->start[q];

        far_bounds(run, q, &p->prefix[q], &p->suffix[q]);
        near[1] = near[0];
        far[1] = far[0];
        add_rows(&p->far, q, first, first + p->prefix[q]);
        add_rows(&p->far, q, first + p->suffix[q], seqs->start[q + 1]);
        /* whole texts, so that their tokens know where they stand */
        if (!s->sparse_block || by_blocks(s, length(seqs, q)))
            add_rows(&p->near, q, first, seqs->start[q + 1]);
    }
    if (p->near.seqs.start[count] == tokens)
        p->near.rows = NULL;
    return 0;
}

static int refuse_training(struct tf_run *run)
{
    run->ctx->failed = true;
    return tf_fail(run->ctx->err,
                   "training with texts of more than %zu tokens, which are "
                   "attended to by blocks at random, is not supported; "
                   "\"attention_type\": \"original_full\" in config.json "
                   "attends to them in full",
                   (5 + 2 * run->stack->spec->sparse_random) *
                       run->stack->spec->sparse_block);
}

int tf_sparse_plan(struct tf_run *run)
{
    const struct tf_stack_spec *s = run->stack->spec;
    const struct tf_seqs *seqs = &run->batch->seqs;
    bool wanted = run->batch->global && s->names.global_q;
    struct tf_sparse *p;

    for (size_t q = 0; q < seqs->count && !wanted; q++)
        wanted = by_blocks(s, length(seqs, q));
    if (!wanted)
        return 0;
    if (s->sparse_block && run->ctx->training)
        return refuse_training(run);
    p = tf_scratch(run->ctx, 1, sizeof(*p));
    if (!p)
        return -1;
    *p = (struct tf_sparse){ .block = s->sparse_block };
    /* without training the blocks at random are all the first */
    if (s->sparse_block)
        p->prefix_bias = logf(1 + (float)s->sparse_random);
    if (fill(run, p))
        return -1;
    run->sparse = p;
    return 0;
}

/* Attention of tokens without a window, through projections of their own where
 * the layer has them. */
static struct tf_tensor *attend_far(struct tf_run *run, struct tf_layer *layer,
                                    struct tf_tensor *all,
                                    const struct tf_qkv *p,
                                    const struct tf_attention *spec)
{
    const struct rows *far = &run->sparse->far;
    size_t n = far->seqs.start[far->seqs.count];
    struct tf_attention whole = *spec;
    struct tf_ctx *ctx = run->ctx;
    struct tf_qkv mine = *p;

    whole.window_left = whole.window_right = SIZE_MAX;
    if (layer->global_q.w.data) {
        mine.q = tf_linear(ctx, tf_gather_rows(ctx, all, far->rows, n),
                           &layer->global_q, TF_ACT_NONE, NULL);
        mine.k = tf_linear(ctx, all, &layer->global_k, TF_ACT_NONE, NULL);
        mine.v = tf_linear(ctx, all, &layer->global_v, TF_ACT_NONE, NULL);
    } else {
        mine.q = tf_gather_rows(ctx, p->q, far->rows, n);
    }
    return tf_attention(ctx, mine.q, &far->seqs, mine.k, mine.v,
                        &run->batch->seqs, &whole);
}

/* Rows between which nothing is put yet. */
static struct tf_tensor *zeros(struct tf_ctx *ctx, size_t rows, size_t cols)
{
    struct tf_tensor *t = tf_new(ctx, rows, cols);

    if (t)
        memset(t->data, 0, tf_tensor_bytes(t));
    return t;
}

struct tf_tensor *tf_sparse_attend(struct tf_run *run, struct tf_layer *layer,
                                   struct tf_tensor *all,
                                   const struct tf_qkv *p,
                                   const struct tf_attention *spec)
{
    const struct tf_sparse *sparse = run->sparse;
    const struct rows *near = &sparse->near, *far = &sparse->far;
    struct tf_ctx *ctx = run->ctx;
    struct tf_attention windowed = *spec;
    struct tf_tensor *q = p->q, *y;

    windowed.prefix = sparse->prefix;
    windowed.suffix = sparse->suffix;
    if (sparse->block) {
        windowed.window_block = sparse->block;
        windowed.window_left = windowed.window_right = 1;
        windowed.prefix_bias = sparse->prefix_bias;
    }
    if (near->rows) {
        q = tf_gather_rows(ctx, q, near->rows,
                           near->seqs.start[near->seqs.count]);
    }
    y = tf_attention(ctx, q, &near->seqs, p->k, p->v, &run->batch->seqs,
                     &windowed);
    if (near->rows && y)
        y = tf_put_rows(ctx, zeros(ctx, all->dim[0], y->dim[1]), y, near->rows);
    if (!far->seqs.start[far->seqs.count])
        return y;
    return tf_put_rows(ctx, y, attend_far(run, layer, all, p, spec), far->rows);
}
