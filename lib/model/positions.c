#include "model/positions.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "model/rope.h"
#include "model/stack.h"

#define TOKENS_LEAST 64

/*
 * T5's and MPNet's buckets of the distance j - i from query to key: half of
 * them for each sign (a causal stack has keys before the query only), in each
 * half the nearest distances one by one, the others by their logarithm
 * (_relative_position_bucket of T5Attention, in its float32 arithmetic).
 */
static int32_t log_bucket(const struct tf_stack_spec *s, ptrdiff_t distance)
{
    size_t buckets = s->bias_buckets, first = 0, exact, n, far;
    float share;

    if (s->causal) {
        n = distance < 0 ? (size_t)-distance : 0;
    } else {
        buckets /= 2;
        first = distance > 0 ? buckets : 0;
        n = (size_t)(distance < 0 ? -distance : distance);
    }
    exact = buckets / 2;
    if (n < exact)
        return (int32_t)(first + n);
    share = logf((float)n / (float)exact) /
            (float)log((double)s->bias_max_distance / (double)exact);
    far = exact + (size_t)(share * (float)(buckets - exact));
    return (int32_t)(first + (far < buckets ? far : buckets - 1));
}

/* DeBERTa's bucket of the relative position i - j (make_log_bucket_position),
 * or the position itself when there are no buckets. */
static ptrdiff_t relative_bucket(const struct tf_stack_spec *s, ptrdiff_t pos)
{
    ptrdiff_t mid = (ptrdiff_t)s->relative_buckets / 2;
    ptrdiff_t far = pos < 0 ? -pos : pos;
    float scale, at;

    if (!s->relative_buckets || far <= mid)
        return pos;
    scale = logf((float)(s->relative_max - 1) / (float)mid);
    at = ceilf(logf((float)far / (float)mid) / scale * (float)(mid - 1));
    at += (float)mid;
    return (ptrdiff_t)(pos < 0 ? -at : at);
}

static int32_t clamp(ptrdiff_t v, ptrdiff_t least, ptrdiff_t most)
{
    return (int32_t)(v < least ? least : v > most ? most : v);
}

/* Sines and cosines of the distance i - j from key to query, and which row is
 * that of which distance (XLNetModel.relative_positional_encoding). */
static int build_relative(struct tf_positions *p, const struct tf_stack_spec *s,
                          struct tf_err *err)
{
    size_t most = s->relative_clamp ? s->relative_clamp : p->tokens;
    size_t span = p->tokens - 1 < most ? p->tokens - 1 : most;
    size_t cols = s->width, n = cols / 2;
    float *table;

    p->rows = 2 * span + 1;
    p->first = 0;
    p->bucket_span = span;
    p->bucket_of = tf_alloc(p->rows, sizeof(p->bucket_of[0]), err);
    table = tf_alloc(p->rows, cols * sizeof(*table), err);
    p->relative = (struct tf_tensor){ .ndim = 2, .dim = { p->rows, cols } };
    p->relative.ld = cols;
    p->relative.data = table;
    if (!p->bucket_of || !table)
        return -1;
    for (size_t i = 0; i < p->rows; i++) {
        p->bucket_of[i] = (int32_t)(p->rows - 1 - i);
        for (size_t j = 0; j < n; j++) {
            double angle =
                ((double)i - (double)span) * pow(10000, -(double)j / (double)n);

            table[i * cols + j] = (float)sin(angle);
            table[i * cols + n + j] = (float)cos(angle);
        }
    }
    return 0;
}

static int build_buckets(struct tf_positions *p, const struct tf_stack_spec *s,
                         struct tf_err *err)
{
    bool relative = s->names.relative != NULL;
    size_t most = relative ? s->relative_max : s->bias_max_distance;
    ptrdiff_t span, rows = 0;

    if (s->relative_sines)
        return build_relative(p, s, err);
    if (!relative && !s->names.position_bias)
        return 0;
    p->bucket_span = p->tokens - 1 < most ? p->tokens - 1 : most;
    p->bucket_of =
        tf_alloc(2 * p->bucket_span + 1, sizeof(p->bucket_of[0]), err);
    if (!p->bucket_of)
        return -1;
    span = (ptrdiff_t)p->bucket_span;
    if (!relative) {
        for (ptrdiff_t d = -span; d <= span; d++)
            p->bucket_of[d + span] = log_bucket(s, d);
        return 0;
    }
    rows = 2 * (ptrdiff_t)tf_relative_span(s);
    for (ptrdiff_t d = -span; d <= span; d++)
        p->bucket_of[d + span] =
            clamp(relative_bucket(s, -d) + rows / 2, 0, rows - 1);
    /* they fall as the distance grows */
    p->first = (size_t)p->bucket_of[2 * span];
    p->rows = (size_t)p->bucket_of[0] - p->first + 1;
    for (ptrdiff_t i = 0; i <= 2 * span; i++)
        p->bucket_of[i] -= (int32_t)p->first;
    return 0;
}

/* Slopes of ALiBi (Press et al. 2021): a geometric sequence for the largest
 * power of two of the heads, every other one of twice as many for the rest. */
static int build_alibi(struct tf_positions *p, const struct tf_stack_spec *s,
                       struct tf_err *err)
{
    size_t power = 1;

    if (!s->alibi || p->alibi)
        return 0;
    p->alibi = tf_alloc(s->heads, sizeof(p->alibi[0]), err);
    if (!p->alibi)
        return -1;
    while (2 * power <= s->heads)
        power *= 2;
    for (size_t h = 0; h < s->heads; h++) {
        double step = h < power ? -8.0 / (double)power : -4.0 / (double)power;
        double n = h < power ? (double)(h + 1) : (double)(2 * (h - power) + 1);

        p->alibi[h] = (float)exp2(step * n);
        if (s->alibi_scaled)
            p->alibi[h] /= sqrtf((float)s->head_size);
    }
    return 0;
}

static int build_sines(struct tf_positions *p, const struct tf_stack_spec *s,
                       struct tf_err *err)
{
    size_t before = s->position_after_pad ? s->pad + 1 : s->position_offset;
    size_t rows = p->tokens + before, cols = s->width;
    size_t n = cols / 2;
    double last = (double)(s->sines == TF_SINES_OPEN ? n : n - 1);
    float *table;

    if (s->sines == TF_SINES_NONE)
        return 0;
    table = tf_alloc(rows, cols * sizeof(*table), err);
    if (!table)
        return -1;
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < n; j++) {
            double angle = (double)i * pow(10000, -(double)j / last);

            table[i * cols + j] = (float)sin(angle);
            table[i * cols + n + j] = (float)cos(angle);
        }
    if (s->pad_is_zero && s->pad < rows)
        memset(table + s->pad * cols, 0, cols * sizeof(*table));
    p->sines = (struct tf_tensor){ .ndim = 2, .dim = { rows, cols } };
    p->sines.ld = cols;
    p->sines.data = table;
    return 0;
}

static void drop_tables(struct tf_positions *p)
{
    tf_rope_release(&p->rope);
    tf_rope_release(&p->local_rope);
    free(p->sines.data);
    free(p->relative.data);
    p->relative.data = NULL;
    free(p->bucket_of);
    p->sines.data = NULL;
    p->bucket_of = NULL;
    p->tokens = 0;
}

size_t tf_relative_span(const struct tf_stack_spec *spec)
{
    return spec->relative_buckets ? spec->relative_buckets : spec->relative_max;
}

int tf_positions_reach(struct tf_positions *p, const struct tf_stack_spec *spec,
                       size_t n, struct tf_err *err)
{
    bool by_length = tf_rope_by_length(spec);
    size_t tokens = TOKENS_LEAST;

    if (n <= p->tokens && (!by_length || n == p->length))
        return 0;
    while (tokens < n)
        tokens *= 2;
    drop_tables(p);
    p->generation++;
    p->tokens = tokens;
    p->length = n;
    if (!tf_rope_build(&p->rope, spec, false, tokens, n, err) &&
        !tf_rope_build(&p->local_rope, spec, true, tokens, n, err) &&
        !build_buckets(p, spec, err) && !build_alibi(p, spec, err) &&
        !build_sines(p, spec, err))
        return 0;
    drop_tables(p);
    return -1;
}

void tf_positions_release(struct tf_positions *p)
{
    drop_tables(p);
    free(p->alibi);
    p->alibi = NULL;
}
