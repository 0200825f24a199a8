#include "nn/tape.h"

#include "nn/record.h"
#include "nn/rows.h"

#include <string.h>

/* A piece of gradient memory: this, then the floats. */
struct tf_spare {
    struct tf_spare *next; /* while it is free */
    size_t floats;
};

void tf_tape_init(struct tf_tape *tape)
{
    *tape = (struct tf_tape){ 0 };
    tf_arena_init(&tape->grads);
}

void tf_tape_release(struct tf_tape *tape)
{
    tf_arena_release(&tape->grads);
    tape->last = NULL;
    tape->spares = NULL;
}

void tf_tape_clear(struct tf_tape *tape)
{
    tape->last = NULL;
    tape->spares = NULL;
    tf_arena_rewind(&tape->grads, (struct tf_arena_mark){ 0 });
}

void *tf_record(struct tf_ctx *ctx, size_t size, struct tf_tensor *out,
                bool wanted, void (*back)(struct tf_ctx *, struct tf_node *))
{
    struct tf_node *node;

    if (!ctx->tape || ctx->tape->paused || !wanted ||
        !(node = tf_scratch(ctx, 1, size)))
        return NULL;
    memset(node, 0, size);
    node->before = ctx->tape->last;
    node->back = back;
    node->out = out;
    out->needs_grad = true;
    ctx->tape->last = node;
    return node;
}

static struct tf_spare *header_of(float *grad)
{
    return (struct tf_spare *)(void *)((char *)grad - TF_ARENA_ALIGN);
}

/* The smallest spare piece that holds n floats, or new memory. */
static float *take(struct tf_ctx *ctx, size_t n)
{
    struct tf_spare **at, **best = NULL, *piece;

    for (at = &ctx->tape->spares; *at; at = &(*at)->next)
        if ((*at)->floats >= n && (!best || (*at)->floats < (*best)->floats))
            best = at;
    if (best && (*best)->floats / 2 <= n) {
        piece = *best;
        *best = piece->next;
        return (float *)(void *)((char *)piece + TF_ARENA_ALIGN);
    }
    piece = tf_arena_alloc(&ctx->tape->grads, 1,
                           n * sizeof(float) + TF_ARENA_ALIGN);
    if (!piece) {
        tf_no_memory(ctx->err, n * sizeof(float));
        ctx->failed = true;
        return NULL;
    }
    piece->floats = n;
    return (float *)(void *)((char *)piece + TF_ARENA_ALIGN);
}

static void give_back(struct tf_tape *tape, float *grad)
{
    struct tf_spare *piece = header_of(grad);

    piece->next = tape->spares;
    tape->spares = piece;
}

static size_t floats_of(const struct tf_tensor *t)
{
    return tf_tensor_rows(t) * t->ld;
}

float *tf_grad_open(struct tf_ctx *ctx, struct tf_tensor *t, bool *fresh)
{
    struct tf_tensor *base = tf_base_of(t);

    *fresh = false;
    if (!tf_wants_grad(t) || ctx->failed)
        return NULL;
    if (!base->grad) {
        base->grad = take(ctx, floats_of(base));
        if (!base->grad)
            return NULL;
        if (base == t && tf_cols(t) == t->ld)
            *fresh = true;
        else
            memset(base->grad, 0, floats_of(base) * sizeof(float));
    }
    if (base->grad_rows)
        memset(base->grad_rows, 1, tf_tensor_rows(base));
    return base->grad + ((float *)t->data - (float *)base->data);
}

float *tf_grad(struct tf_ctx *ctx, struct tf_tensor *t)
{
    bool fresh;
    float *grad = tf_grad_open(ctx, t, &fresh);

    if (grad && fresh)
        memset(grad, 0, floats_of(t) * sizeof(float));
    return grad;
}

struct sum_job {
    float *dst;
    const float *src;
    size_t ld, src_ld, cols;
    bool fresh;
};

static void sum_rows(void *arg, size_t first, size_t end)
{
    const struct sum_job *job = arg;
    size_t i;

    for (i = first; i < end; i++) {
        float *dst = job->dst + i * job->ld;
        const float *src = job->src + i * job->src_ld;

        if (job->fresh)
            memcpy(dst, src, job->cols * sizeof(float));
        else
            tf_kernels()->add(dst, dst, src, job->cols);
    }
}

void tf_grad_add(struct tf_ctx *ctx, const struct tf_tensor *from,
                 struct tf_tensor *t)
{
    struct sum_job job = { .src = from->grad, .src_ld = from->ld };

    if (!tf_wants_grad(t) || !(job.dst = tf_grad_open(ctx, t, &job.fresh)))
        return;
    job.ld = t->ld;
    job.cols = tf_cols(t);
    tf_rows_run(ctx, tf_tensor_rows(t), job.cols, sum_rows, &job);
}

void tf_grad_pass(struct tf_ctx *ctx, struct tf_node *node, struct tf_tensor *t)
{
    struct tf_tensor *out = node->out;

    if (!tf_wants_grad(t))
        return;
    if (t->base || t->grad || t->ld != out->ld || node->keep) {
        tf_grad_add(ctx, out, t);
        return;
    }
    t->grad = out->grad;
    node->keep = true; /* the memory is no longer out's to give back */
}

static void go_back(struct tf_ctx *ctx)
{
    struct tf_tape *tape = ctx->tape;
    struct tf_node *node;

    while ((node = tape->last) && !ctx->failed) {
        tape->last = node->before;
        if (!node->out->grad)
            continue; /* the loss does not depend on it */
        node->back(ctx, node);
        if (!node->keep) {
            give_back(tape, node->out->grad);
            node->out->grad = NULL;
        }
    }
}

int tf_backward(struct tf_ctx *ctx, struct tf_tensor *loss)
{
    float *grad = loss ? tf_grad(ctx, loss) : NULL;

    if (grad) {
        *grad = 1;
        go_back(ctx);
    }
    tf_tape_clear(ctx->tape);
    return ctx->failed ? -1 : 0;
}

struct recompute_node {
    struct tf_node node;
    tf_block_fn *block;
    void *arg;
    struct tf_tensor *x;
    uint32_t draws;
    struct tf_pass place;
};

static void recompute_back(struct tf_ctx *ctx, struct tf_node *node)
{
    struct recompute_node *n = (struct recompute_node *)node;
    struct tf_arena_mark mark = tf_arena_mark(ctx->arena);
    struct tf_node *before = ctx->tape->last;
    uint32_t draws = ctx->draws;
    struct tf_pass place = ctx->place;
    struct tf_tensor *y;

    ctx->tape->last = NULL;
    ctx->draws = n->draws;
    ctx->place = n->place;
    y = n->block(ctx, n->arg, n->x);
    if (y && tf_wants_grad(y)) {
        tf_grad_pass(ctx, node, y);
        go_back(ctx);
    }
    ctx->draws = draws;
    ctx->place = place;
    ctx->tape->last = before;
    tf_arena_rewind(ctx->arena, mark);
}

struct tf_tensor *tf_recompute(struct tf_ctx *ctx, tf_block_fn *block,
                               void *arg, struct tf_tensor *x)
{
    struct tf_tape *tape = ctx->tape;
    struct recompute_node *n;
    struct tf_arena_mark mark;
    struct tf_tensor *out, *y;
    uint32_t draws = ctx->draws;
    size_t i;

    if (!x || !tape || tape->paused)
        return x ? block(ctx, arg, x) : NULL;
    out = tf_new(ctx, tf_tensor_rows(x), tf_cols(x));
    if (!out)
        return NULL;
    mark = tf_arena_mark(ctx->arena);
    tape->paused = true;
    y = block(ctx, arg, x);
    tape->paused = false;
    if (!y)
        return NULL;
    for (i = 0; i < out->dim[0]; i++)
        memcpy(tf_row(out, i), tf_row(y, i), out->ld * sizeof(float));
    tf_arena_rewind(ctx->arena, mark);
    n = tf_record(ctx, sizeof(*n), out, true, recompute_back);
    if (!n)
        return NULL;
    n->block = block;
    n->arg = arg;
    n->x = x;
    n->draws = draws;
    n->place = ctx->place;
    return out;
}
