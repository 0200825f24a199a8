#include "kernel/block_q8.h"
#include "kernel/block_tile.h"
#include "kernel/gemm_parts.h"

#include <string.h>

enum {
    PASS_ROWS = 512,     /* of A, which are rounded together */
    JOBS_PER_THREAD = 4, /* evens out threads that run unevenly */
    TILE_ROWS = TF_TILE_SIDES * TF_SIDE_ROWS,
    CHUNK_PIECES = TF_Q8_CHUNK / TF_PIECE
};

struct work {
    const struct tf_kernels *kern;
    const struct tf_gemm *g;
    const struct tf_dtype_info *type;
    struct tf_block_kind kind;
    size_t pieces;        /* of k */
    size_t row, rows;     /* of this pass */
    size_t sides;         /* of the pass */
    size_t columns;       /* of a job */
    struct tf_q8_side *x; /* [sides][pieces] */
    char *scratch;        /* of the workers: */
    size_t each;          /* bytes of one */
    struct tf_finish finish;
};

static const struct tf_block_kind kinds[TF_DTYPES] = {
    [TF_Q4_0] = { .offset = 8 },
    [TF_Q4_1] = { .min = true },
    [TF_Q5_0] = { .offset = 16 },
    [TF_Q5_1] = { .min = true },
    [TF_Q8_0] = { .offset = 128 },
    [TF_IQ4_NL] = { .offset = 128 },
    [TF_Q2_K] = { .large = true, .halves = true, .min = true },
    [TF_Q3_K] = { .large = true, .halves = true, .offset = 4 },
    [TF_Q4_K] = { .large = true, .min = true },
    [TF_Q5_K] = { .large = true, .min = true },
    [TF_Q6_K] = { .large = true, .halves = true, .offset = 32 },
    [TF_IQ4_XS] = { .large = true, .offset = 128 },
};

/* What belongs to row i of a piece, which is piece `at` of a chunk. */
static void put_scales(struct tf_q8_side *x, size_t i,
                       struct tf_block_kind kind, const struct tf_q8 *row,
                       size_t at)
{
    x->scale[i] = row->scale[at];
    if (kind.min && kind.large)
        memcpy(x->sums[i], row->sums + 2 * at, sizeof(x->sums[i]));
    else if (kind.min)
        x->sum[i] = row->sum[at];
}

/* Round sixteen rows of A and lay them side by side. */
static void pack_side(void *arg, size_t s, int worker)
{
    const struct work *w = arg;
    const struct tf_gemm *g = w->g;
    size_t chunks = tf_q8_chunks(g->k), first = s * TF_SIDE_ROWS, i, p;
    size_t rows = tf_least(TF_SIDE_ROWS, w->rows - first);
    char *scratch = w->scratch + (size_t)worker * w->each;
    struct tf_q8 *q = (struct tf_q8 *)(void *)scratch;
    struct tf_q8_side *x = w->x + s * w->pieces;

    memset(q + rows * chunks, 0, (TF_SIDE_ROWS - rows) * chunks * sizeof(*q));
    for (i = 0; i < rows; i++)
        tf_q8_quantize(w->kern, q + i * chunks,
                       (const float *)g->a.data +
                           (w->row + first + i) * g->a.rs,
                       g->k, w->type->block);
    for (p = 0; p < w->pieces; p++, x++) {
        const struct tf_q8 *from = q + p / CHUNK_PIECES;
        size_t at = p % CHUNK_PIECES;

        w->kern->transpose(
            (float *)(void *)x->q, TF_SIDE_ROWS,
            (const float *)(const void *)(from->q + at * TF_PIECE),
            chunks * sizeof(*q) / sizeof(float), TF_SIDE_ROWS, TF_PIECE / 4);
        for (i = 0; i < TF_SIDE_ROWS; i++)
            put_scales(x, i, w->kind, from + i * chunks, at);
    }
    if (!w->kind.min)
        w->kern->block_starts(x - w->pieces, w->pieces, w->kind);
}

/* Take the next bytes of the scratch, or with none count them. */
static void *take(char *scratch, size_t *used, size_t bytes)
{
    char *p = scratch ? scratch + *used : NULL;

    *used += tf_round_up(bytes, 64);
    return p;
}

/* Lay out a worker's part of a product in its scratch; returns the bytes. */
static size_t lay_out(const struct work *w, char *scratch,
                      struct tf_block_tile *t, float **turned)
{
    const struct tf_block_kind *kind = &w->kind;
    size_t row = TF_BLOCK_ROWS * sizeof(float), used = 0;
    size_t blocks = kind->large ? w->pieces / CHUNK_PIECES : 0;

    *t = (struct tf_block_tile){
        .kind = w->kind, .pieces = w->pieces, .ldx = w->pieces, .ldc = TILE_ROWS
    };
    t->w.q = take(scratch, &used, w->pieces * TF_BLOCK_ROWS * TF_PIECE);
    t->w.scale = take(scratch, &used, w->pieces * row * (kind->halves ? 2 : 1));
    if (kind->min && !kind->large)
        t->w.min = take(scratch, &used, w->pieces * row);
    if (kind->min && kind->large)
        t->w.mins = take(scratch, &used, w->pieces * sizeof(*t->w.mins));
    t->w.d = take(scratch, &used, blocks * row);
    t->w.dmin = take(scratch, &used, blocks * row);
    t->c = take(scratch, &used, TILE_ROWS * row);
    *turned = take(scratch, &used, TILE_ROWS * row);
    return used;
}

static void multiply(void *arg, size_t job, int worker)
{
    const struct work *w = arg;
    const struct tf_gemm *g = w->g;
    size_t at = job * w->columns, n = tf_least(w->columns, g->n - at), i, m, s;
    struct tf_block_tile t;
    float *turned;

    lay_out(w, w->scratch + (size_t)worker * w->each, &t, &turned);
    t.rows = tf_round_up(n, TF_BLOCK_STEP);
    for (i = 0; i < t.rows; i++) { /* the last row fills the last step */
        size_t first = (at + tf_least(i, n - 1)) * g->b.cs;

        w->kern->block_rows[g->b.dtype](
            g->k,
            (const char *)g->b.data + first / w->type->block * w->type->bytes,
            &t.w, i);
    }
    for (s = 0; s < w->sides; s += t.sides) {
        t.sides = tf_least(TF_TILE_SIDES, w->sides - s);
        t.x = w->x + s * w->pieces;
        w->kern->block_tile(&t);
        m = tf_least(t.sides * TF_SIDE_ROWS, w->rows - s * TF_SIDE_ROWS);
        w->kern->transpose(turned, n, t.c, t.ldc, n, m);
        w->kern->finish(&w->finish, turned, n, w->row + s * TF_SIDE_ROWS, at, m,
                        n);
    }
}

int tf_gemm_blocks(struct tf_pool *pool, const struct tf_kernels *kern,
                   const struct tf_gemm *g, struct tf_err *err)
{
    size_t threads = (size_t)tf_pool_threads(pool), packed, rounded;
    size_t most = tf_div_up(tf_least(g->m, PASS_ROWS), TF_SIDE_ROWS);
    struct work w = { .kern = kern,
                      .g = g,
                      .type = tf_dtype_info(g->b.dtype),
                      .kind = kinds[g->b.dtype],
                      .pieces = g->k / TF_PIECE,
                      .finish = tf_finish_of(g->epilogue, g->c, g->ldc) };
    struct tf_block_tile t;
    float *turned;

    w.columns =
        tf_round_up(tf_div_up(g->n, threads * JOBS_PER_THREAD), TF_BLOCK_STEP);
    w.columns = tf_least(w.columns, TF_BLOCK_ROWS);
    rounded = TF_SIDE_ROWS * tf_q8_chunks(g->k) * sizeof(struct tf_q8);
    w.each = tf_round_up(tf_most(lay_out(&w, NULL, &t, &turned), rounded), 64);
    packed = most * w.pieces * sizeof(*w.x);
    w.x = (struct tf_q8_side *)(void *)tf_gemm_thread_scratch(
        (packed + threads * w.each) / sizeof(float), err);
    if (!w.x)
        return -1;
    w.scratch = (char *)w.x + packed;
    for (; w.row < g->m; w.row += w.rows) {
        w.rows = tf_least(PASS_ROWS, g->m - w.row);
        w.sides = tf_div_up(w.rows, TF_SIDE_ROWS);
        tf_pool_run(pool, w.sides, pack_side, &w);
        tf_pool_run(pool, tf_div_up(g->n, w.columns), multiply, &w);
    }
    return 0;
}
