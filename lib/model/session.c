#include "model/model.h"

#include <stdlib.h>
#include <string.h>
#include "base/io.h"
#include "base/mem.h"
#include "model/rope.h"

#define CUT_TOKENS 1024 /* of one pass: its activations stay in the cache */

struct tf_session {
    struct tf_model *model;
    struct tf_pool *pool;
    struct tf_arena arena;
    struct tf_runner runner;
    bool alone;       /* every sequence runs by itself */
    float *out;       /* the result */
    size_t cap, used; /* floats */
    size_t *start;    /* of the sequences of one pass */
    size_t starts;    /* room there */
};

struct tf_session *tf_session_new(struct tf_model *m, struct tf_pool *pool,
                                  struct tf_err *err)
{
    struct tf_session *s = tf_alloc(1, sizeof(*s), err);

    if (!s)
        return NULL;
    s->model = m;
    s->pool = pool;
    s->alone = tf_rope_by_length(m->stack.spec);
    tf_arena_init(&s->arena);
    return s;
}

void tf_session_free(struct tf_session *s)
{
    if (!s)
        return;
    tf_runner_release(&s->runner);
    tf_arena_release(&s->arena);
    free(s->out);
    free(s->start);
    free(s);
}

/* The sequences from `first` that one pass takes: [first, end). */
static size_t cut(const struct tf_session *s, const struct tf_seqs *seqs,
                  size_t first)
{
    size_t end = first + 1;

    if (!s->alone)
        while (end < seqs->count &&
               seqs->start[end + 1] - seqs->start[first] <= CUT_TOKENS)
            end++;
    return end;
}

/* Sequences [first, end) of the batch as one of their own. */
static int slice(struct tf_session *s, const struct tf_batch *batch,
                 size_t first, size_t end, struct tf_batch *part,
                 struct tf_err *err)
{
    size_t n = end - first, base = batch->seqs.start[first];

    if (n + 1 > s->starts) {
        size_t *grown = tf_grow(s->start, n + 1, sizeof(*grown), err);

        if (!grown)
            return -1;
        s->start = grown;
        s->starts = n + 1;
    }
    for (size_t i = 0; i <= n; i++)
        s->start[i] = batch->seqs.start[first + i] - base;
    *part = (struct tf_batch){
        .ids = batch->ids + base,
        .type_ids = batch->type_ids ? batch->type_ids + base : NULL,
        .seqs = { n, s->start },
    };
    return 0;
}

static int append(struct tf_session *s, const struct tf_tensor *y,
                  struct tf_err *err)
{
    size_t rows = y->dim[0], cols = y->dim[1], n = rows * cols;

    if (s->used + n > s->cap) {
        size_t cap = s->used + n > 2 * s->cap ? s->used + n : 2 * s->cap;
        float *grown = tf_grow(s->out, cap, sizeof(*grown), err);

        if (!grown)
            return -1;
        s->out = grown;
        s->cap = cap;
    }
    for (size_t i = 0; i < rows; i++)
        memcpy(s->out + s->used + i * cols, (float *)y->data + i * y->ld,
               cols * sizeof(float));
    s->used += n;
    return 0;
}

/* What to compute: hidden states after so many layers, or logits. */
struct wish {
    bool logits;
    size_t layers;
    const int32_t *rows; /* logits of these tokens of the batch, the next ones
                            first; NULL: as the head has it */
    size_t row_count;
};

/* The head's logits of the wish's rows, which it passes on from, in the part
 * that begins at token `base`. */
static struct tf_tensor *logits_at(struct tf_session *s, struct tf_ctx *ctx,
                                   const struct tf_batch *part, size_t base,
                                   struct wish *wish)
{
    size_t end = base + part->seqs.start[part->seqs.count], n = 0;
    int32_t *rows = tf_scratch(ctx, wish->row_count, sizeof(*rows));
    struct tf_batch mine = *part;
    struct tf_tensor *x;

    for (; rows && n < wish->row_count && (size_t)wish->rows[n] < end; n++)
        rows[n] = (int32_t)((size_t)wish->rows[n] - base);
    wish->rows += n;
    wish->row_count -= n;
    if (tf_head_mark(ctx, &s->model->head, &mine))
        return NULL;
    x = tf_stack_run(ctx, &s->runner, &s->model->stack, &mine, TF_ROWS_ALL,
                     SIZE_MAX);
    x = tf_gather_rows(ctx, x, rows, n);
    return tf_head_run(ctx, &s->model->head, x, part);
}

static int run_part(struct tf_session *s, const struct tf_batch *part,
                    size_t base, struct wish *wish, size_t *cols,
                    struct tf_err *err)
{
    struct tf_arena_mark mark = tf_arena_mark(&s->arena);
    struct tf_ctx ctx = { .pool = s->pool, .arena = &s->arena, .err = err };
    struct tf_tensor *y;
    int failed;

    if (wish->rows)
        y = logits_at(s, &ctx, part, base, wish);
    else if (wish->logits)
        y = tf_model_logits(&ctx, &s->runner, s->model, part);
    else
        y = tf_stack_run(&ctx, &s->runner, &s->model->stack, part, TF_ROWS_ALL,
                         wish->layers);
    failed = !y || append(s, y, err);
    if (!failed)
        *cols = y->dim[1];
    tf_arena_rewind(&s->arena, mark);
    return failed ? -1 : 0;
}

static int run_batch(struct tf_session *s, const struct tf_batch *batch,
                     struct wish *wish, struct tf_result *out,
                     struct tf_err *err)
{
    const struct tf_seqs *seqs = &batch->seqs;
    size_t cols = 0, end;
    struct tf_batch part;

    s->used = 0;
    for (size_t first = 0; first < seqs->count; first = end) {
        end = cut(s, seqs, first);
        if (slice(s, batch, first, end, &part, err) ||
            run_part(s, &part, seqs->start[first], wish, &cols, err))
            return -1;
    }
    if (tf_map_broken())
        return tf_fail(err, "the model's files shrank while they were read");
    out->data = s->out;
    out->cols = cols;
    out->rows = cols ? s->used / cols : 0;
    return 0;
}

int tf_session_logits(struct tf_session *s, const struct tf_batch *batch,
                      struct tf_result *out, struct tf_err *err)
{
    struct wish wish = { .logits = true };

    return run_batch(s, batch, &wish, out, err);
}

int tf_session_logits_at(struct tf_session *s, const struct tf_batch *batch,
                         const int32_t *rows, size_t n, struct tf_result *out,
                         struct tf_err *err)
{
    struct wish wish = { .logits = true, .rows = rows, .row_count = n };

    return run_batch(s, batch, &wish, out, err);
}

int tf_session_hidden(struct tf_session *s, const struct tf_batch *batch,
                      size_t layers, struct tf_result *out, struct tf_err *err)
{
    struct wish wish = { .layers = layers };

    return run_batch(s, batch, &wish, out, err);
}
