#include "kernel/int8_outliers.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "kernel/gemm_parts.h"

enum { WORD = 64, JOB_ROWS = 16 };

struct search {
    const struct tf_gemm_int8 *g;
    const float *scale;
    struct tf_outliers *o;
};

static uint64_t *bits_of(const struct tf_outliers *o, size_t row)
{
    return o->bits + o->record[row] * o->words;
}

/* Mark the outliers of row i among its record's. */
static void mark_row(const struct search *s, size_t i)
{
    const struct tf_gemm_int8 *g = s->g;
    const float *x = g->x + i * g->ldx;
    uint64_t *bits = bits_of(s->o, i);
    size_t w, c, n;

    for (w = 0; w < s->o->words; w++, x += WORD) {
        uint64_t found = 0;

        n = tf_least(WORD, g->w->k - w * WORD);
        if (tf_kernels()->largest(x, n) < g->threshold)
            continue;
        for (c = 0; c < n; c++)
            if (fabsf(x[c]) >= g->threshold)
                found |= (uint64_t)1 << c;
        if (found)
            __atomic_fetch_or(&bits[w], found, __ATOMIC_RELAXED);
    }
}

/* A row that is not finite may have outliers too. */
static bool may_have(const struct tf_gemm_int8 *g, float scale)
{
    return !(scale < g->threshold / 127);
}

static void mark_rows(void *arg, size_t job, int worker)
{
    const struct search *s = arg;
    size_t i = job * JOB_ROWS, end = tf_least(s->g->m, i + JOB_ROWS);

    (void)worker;
    for (; i < end; i++)
        if (may_have(s->g, s->scale[i]))
            mark_row(s, i);
}

static int mark(struct tf_pool *pool, const struct search *s,
                struct tf_err *err)
{
    const struct tf_gemm_int8 *g = s->g;
    size_t records = g->start ? g->records : g->m, r = 0, i;
    struct tf_outliers *o = s->o;

    o->words = tf_div_up(g->w->k, WORD);
    o->record = tf_alloc(g->m, sizeof(*o->record), err);
    o->bits = tf_alloc(records, o->words * sizeof(*o->bits), err);
    if (!o->record || !o->bits)
        return -1;
    for (i = 0; i < g->m; i++) {
        while (g->start && i >= g->start[r + 1])
            r++;
        o->record[i] = (uint32_t)(g->start ? r : i);
    }
    tf_pool_run(pool, tf_div_up(g->m, JOB_ROWS), mark_rows, (void *)s);
    return 0;
}

/* The columns that any record has. */
static int list(struct tf_outliers *o, const struct tf_gemm_int8 *g,
                struct tf_err *err)
{
    size_t records = g->start ? g->records : g->m, w, r;
    uint64_t *all = tf_alloc(o->words, sizeof(*all), err);

    if (!all)
        return -1;
    for (r = 0; r < records; r++)
        for (w = 0; w < o->words; w++)
            all[w] |= o->bits[r * o->words + w];
    for (w = 0; w < o->words; w++)
        o->count += (size_t)__builtin_popcountll(all[w]);
    o->column = tf_alloc(o->count, sizeof(*o->column), err);
    o->count = 0;
    for (w = 0; o->column && w < o->words; w++)
        for (; all[w]; all[w] &= all[w] - 1)
            o->column[o->count++] =
                (uint32_t)(w * WORD + (size_t)__builtin_ctzll(all[w]));
    free(all);
    return o->column ? 0 : -1;
}

int tf_outliers_find(struct tf_pool *pool, const struct tf_gemm_int8 *g,
                     const float *scale, struct tf_outliers *o,
                     struct tf_err *err)
{
    struct search s = { g, scale, o };
    size_t i = 0;

    memset(o, 0, sizeof(*o));
    while (i < g->m && !may_have(g, scale[i]))
        i++;
    if (!(g->threshold > 0) || i == g->m)
        return 0;
    if (mark(pool, &s, err) || list(o, g, err))
        return -1;
    if (!o->count)
        return 0;
    o->kept = tf_alloc(g->m, o->count * sizeof(*o->kept), err);
    o->w = tf_alloc(g->w->n, o->count * sizeof(*o->w), err);
    return o->kept && o->w ? 0 : -1;
}

void tf_outliers_release(struct tf_outliers *o)
{
    free(o->column);
    free(o->kept);
    free(o->w);
    free(o->record);
    free(o->bits);
}

bool tf_outliers_in_row(const struct tf_outliers *o, size_t i)
{
    const uint64_t *bits = bits_of(o, i);
    uint64_t any = 0;
    size_t w;

    for (w = 0; w < o->words; w++)
        any |= bits[w];
    return any != 0;
}

void tf_outliers_take(struct tf_outliers *o, size_t i, float *x)
{
    const uint64_t *bits = bits_of(o, i);
    float *kept = o->kept + i * o->count;
    size_t j, c;

    for (j = 0; j < o->count; j++) {
        c = o->column[j];
        if (bits[c / WORD] >> c % WORD & 1) {
            kept[j] = x[c];
            x[c] = 0;
        }
    }
}
