#include "nn/linear.h"
#include "nn/record.h"
#include "nn/rows.h"

#include <math.h>
#include <string.h>

enum { ROWS = 256 }; /* of a sequence's table that are made at a time */

/* cos and sin of the turns i / n. */
static void make_roots(float *cos_of, float *sin_of, size_t n)
{
    const double turn = 2 * 3.14159265358979323846 / (double)n;

    for (size_t i = 0; i < n; i++) {
        cos_of[i] = (float)cos(turn * (double)i);
        sin_of[i] = (float)sin(turn * (double)i);
    }
}

void tf_fourier_basis(float *basis, size_t c)
{
    const double turn = 2 * 3.14159265358979323846 / (double)c;

    for (size_t i = 0; i < c; i++)
        for (size_t k = 0; k < c; k++) {
            double angle = turn * (double)(i * k % c);

            basis[i * 2 * c + k] = (float)cos(angle);
            basis[i * 2 * c + c + k] = (float)sin(angle);
        }
}

struct fourier {
    struct tf_node node;
    struct tf_tensor *x;
    struct tf_seqs seqs;
    const float *basis;
};

/* Rows of a table: those of numbers of turns first, first + 1, ... */
struct table {
    float *rows; /* [ROWS][tokens] */
    const float *roots;
    size_t first, tokens;
    float sign;
};

static void fill_rows(void *arg, size_t first, size_t end)
{
    const struct table *t = arg;

    for (size_t i = first; i < end; i++) {
        size_t step = (t->first + i) % t->tokens, at = 0;

        for (size_t k = 0; k < t->tokens; k++) {
            t->rows[i * t->tokens + k] = t->sign * t->roots[at];
            at = at + step < t->tokens ? at + step : at + step - t->tokens;
        }
    }
}

/* y [T][C], added to, of one sequence: cos a - sin b for the halves a, b of
 * the transformed rows [T][2 C]. */
static void mix_tokens(struct tf_ctx *ctx, const float *half, size_t c,
                       size_t tokens, float *y, size_t ld)
{
    float *cos_of = tf_scratch(ctx, tokens, sizeof(float));
    float *sin_of = tf_scratch(ctx, tokens, sizeof(float));
    struct tf_epilogue e = { .accumulate = true };
    struct table t = { .tokens = tokens };

    t.rows =
        tf_scratch(ctx, tokens < ROWS ? tokens : ROWS, tokens * sizeof(float));
    if (!cos_of || !sin_of || !t.rows)
        return;
    make_roots(cos_of, sin_of, tokens);
    for (; t.first < tokens && !ctx->failed; t.first += ROWS) {
        struct tf_gemm g = { .n = c, .k = tokens, .epilogue = &e };

        g.m = tokens - t.first < ROWS ? tokens - t.first : ROWS;
        g.a = tf_rows_mat(t.rows, tokens);
        g.c = y + t.first * ld;
        g.ldc = ld;
        for (int part = 0; part < 2; part++) {
            t.roots = part ? sin_of : cos_of;
            t.sign = part ? -1 : 1;
            tf_rows_run(ctx, g.m, tokens, fill_rows, &t);
            g.b = tf_rows_mat(half + (part ? c : 0), 2 * c);
            tf_product(ctx, &g);
        }
    }
}

/* y += the transform of x. */
static void transform(struct tf_ctx *ctx, const struct fourier *f,
                      const float *x, size_t ldx, float *y, size_t ldy)
{
    struct tf_arena_mark mark = tf_arena_mark(ctx->arena);
    size_t c = tf_cols(f->x), rows = tf_tensor_rows(f->x);
    struct tf_gemm g = { .m = rows, .n = 2 * c, .k = c };
    float *half = tf_scratch(ctx, rows, 2 * c * sizeof(float));

    if (!half)
        return;
    g.a = tf_rows_mat(x, ldx);
    g.b = tf_rows_mat(f->basis, 2 * c);
    g.c = half;
    g.ldc = 2 * c;
    tf_product(ctx, &g);
    for (size_t s = 0; s < f->seqs.count && !ctx->failed; s++) {
        size_t first = f->seqs.start[s], n = f->seqs.start[s + 1] - first;
        struct tf_arena_mark here = tf_arena_mark(ctx->arena);

        mix_tokens(ctx, half + first * 2 * c, c, n, y + first * ldy, ldy);
        tf_arena_rewind(ctx->arena, here);
    }
    tf_arena_rewind(ctx->arena, mark);
}

/* The transform is its own transpose. */
static void fourier_back(struct tf_ctx *ctx, struct tf_node *node)
{
    struct fourier *f = (struct fourier *)node;
    float *dx = tf_grad(ctx, f->x);

    if (dx)
        transform(ctx, f, node->out->grad, node->out->ld, dx, f->x->ld);
}

struct tf_tensor *tf_fourier(struct tf_ctx *ctx, struct tf_tensor *x,
                             const struct tf_seqs *seqs, const float *basis)
{
    struct fourier job = { .x = x, .seqs = *seqs, .basis = basis };
    struct fourier *n;
    struct tf_tensor *y;

    if (!x || !(y = tf_new(ctx, tf_tensor_rows(x), tf_cols(x))))
        return NULL;
    memset(y->data, 0, tf_tensor_bytes(y));
    transform(ctx, &job, x->data, x->ld, y->data, y->ld);
    n = tf_record(ctx, sizeof(*n), y, tf_wants_grad(x), fourier_back);
    if (n) {
        job.node = n->node;
        *n = job;
    }
    return ctx->failed ? NULL : y;
}
