#include "nn/attention.h"

#include "nn/rows.h"

#include <string.h>

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

void tf_att_init(struct tf_att *a, const struct tf_tensor *q,
                 const struct tf_seqs *q_seqs, const struct tf_kv *kv,
                 const struct tf_attention *spec)
{
    size_t rows = spec->p2c ? TF_ATT_ROWS_WIDE : TF_ATT_ROWS;

    a->spec = spec;
    a->q = q;
    a->q_seqs = q_seqs;
    a->kv = kv;
    a->group = spec->heads / spec->kv_heads;
    a->v_size = spec->v_head_size ? spec->v_head_size : spec->head_size;
    a->block = a->group < rows && !spec->places ? rows / a->group : 1;
}

ptrdiff_t tf_att_place(const struct tf_att *a, size_t seq, size_t i)
{
    const size_t *start = a->q_seqs->start + seq;

    if (a->spec->places)
        return a->spec->places[start[0] + i];
    return (ptrdiff_t)a->kv[seq].tokens - (ptrdiff_t)(start[1] - start[0] - i);
}

struct tf_kv *tf_att_kv(struct tf_ctx *ctx, const struct tf_tensor *k,
                        const struct tf_tensor *v, const struct tf_seqs *seqs)
{
    struct tf_kv *kv = tf_scratch(ctx, seqs->count, sizeof(*kv));
    struct tf_kv_piece *piece = tf_scratch(ctx, seqs->count, sizeof(*piece));
    size_t i;

    for (i = 0; piece && i < seqs->count; i++) {
        piece[i].dtype = TF_F32;
        piece[i].k = tf_row(k, seqs->start[i]);
        piece[i].v = tf_row(v, seqs->start[i]);
        piece[i].rows = seqs->start[i + 1] - seqs->start[i];
        piece[i].k_ld = k->ld;
        piece[i].v_ld = v->ld;
        kv[i].tokens = piece[i].rows;
        kv[i].count = 1;
        kv[i].pieces = &piece[i];
    }
    return piece ? kv : NULL;
}

/* The floats that any product of a block needs, there or back. */
static size_t gemm_scratch(const struct tf_att *a, size_t rows, size_t keys,
                           size_t reach, bool back)
{
    size_t size = a->spec->head_size, v_size = a->v_size, band = 0;
    size_t need[9] = { 0 }, most = 0, i;

    if (a->spec->c2p || a->spec->p2c)
        band = TF_ATT_BAND;
    need[0] = tf_gemm_scratch(rows, keys, size);
    need[1] = tf_gemm_scratch(rows, v_size, keys);
    need[2] = tf_gemm_scratch(band, reach, size);
    if (back) {
        need[3] = tf_gemm_scratch(rows, keys, v_size);
        need[4] = tf_gemm_scratch(rows, size, keys);
        need[5] = tf_gemm_scratch(keys, size, rows);
        need[6] = tf_gemm_scratch(keys, v_size, rows);
        need[7] = tf_gemm_scratch(band, size, reach);
        need[8] = tf_gemm_scratch(reach, size, band);
    }
    for (i = 0; i < 9; i++)
        most = need[i] > most ? need[i] : most;
    return most;
}

/* What only the way back needs. */
static void scratch_back(struct tf_ctx *ctx, const struct tf_att *a,
                         struct tf_att_scratch *s, size_t rows, size_t keys)
{
    if (a->spec->soft_cap > 0)
        s->slope = tf_scratch(ctx, rows * keys, sizeof(float));
    if (a->draws.below)
        s->p = tf_scratch(ctx, rows * keys, sizeof(float));
    s->ds = tf_scratch(ctx, rows * keys, sizeof(float));
    s->out = tf_scratch(ctx, rows * a->v_size, sizeof(float));
    s->dq = tf_scratch(ctx, rows * a->spec->head_size, sizeof(float));
    s->delta = tf_scratch(ctx, rows, sizeof(float));
}

struct tf_att_scratch *
tf_att_scratch(struct tf_ctx *ctx, const struct tf_att *a, size_t n, bool back)
{
    const struct tf_attention *spec = a->spec;
    struct tf_att_scratch *s = tf_scratch(ctx, n, sizeof(*s));
    size_t queries = 0, keys = 0, rows, reach, i;

    for (i = 0; i < a->q_seqs->count; i++) {
        size_t len = a->q_seqs->start[i + 1] - a->q_seqs->start[i];

        queries = len > queries ? len : queries;
        keys = a->kv[i].tokens > keys ? a->kv[i].tokens : keys;
    }
    queries = least(queries, a->block);
    keys = least(keys, TF_ATT_KEYS);
    rows = queries * a->group;
    reach = queries + keys;
    for (i = 0; s && i < n; i++) {
        memset(&s[i], 0, sizeof(s[i]));
        s[i].q = tf_scratch(ctx, rows * spec->head_size, sizeof(float));
        s[i].s = tf_scratch(ctx, rows * keys, sizeof(float));
        if (spec->alibi || spec->bias)
            s[i].bias = tf_scratch(ctx, reach, sizeof(float));
        if (spec->bucket_of)
            s[i].bucket = tf_scratch(ctx, reach, sizeof(int32_t));
        if (spec->c2p || spec->p2c)
            s[i].band = tf_scratch(ctx, TF_ATT_BAND * reach, sizeof(float));
        s[i].gemm = tf_scratch(ctx, gemm_scratch(a, rows, keys, reach, back),
                               sizeof(float));
        if (back)
            scratch_back(ctx, a, &s[i], rows, keys);
    }
    return ctx->failed ? NULL : s;
}

/* The keys of the blocks around that of a query. */
static void block_reach(const struct tf_attention *spec, ptrdiff_t pos,
                        ptrdiff_t n, ptrdiff_t *from, ptrdiff_t *to)
{
    ptrdiff_t size = (ptrdiff_t)spec->window_block, block = pos / size;

    if (spec->window_left < (size_t)n && block > (ptrdiff_t)spec->window_left)
        *from = (block - (ptrdiff_t)spec->window_left) * size;
    if (spec->window_right < (size_t)n)
        *to = (block + (ptrdiff_t)spec->window_right + 1) * size;
}

static size_t prefix_of(const struct tf_att *a, size_t seq)
{
    return a->spec->prefix ? least(a->spec->prefix[seq], a->kv[seq].tokens) : 0;
}

static size_t suffix_of(const struct tf_att *a, size_t seq)
{
    size_t n = a->kv[seq].tokens;

    return a->spec->suffix ? least(a->spec->suffix[seq], n) : n;
}

void tf_att_reach(const struct tf_att *a, const struct tf_att_queries *q,
                  size_t i, size_t *lo, size_t *hi)
{
    const struct tf_attention *spec = a->spec;
    ptrdiff_t n = (ptrdiff_t)a->kv[q->seq].tokens;
    ptrdiff_t pos = q->pos + (ptrdiff_t)i, from = 0, to = n;

    /* windows wider than the sequence are none, so that sums stay in range */
    if (spec->window_block) {
        block_reach(spec, pos, n, &from, &to);
    } else {
        if (spec->window_left < (size_t)n && pos > (ptrdiff_t)spec->window_left)
            from = pos - (ptrdiff_t)spec->window_left;
        if (!spec->causal && spec->window_right < (size_t)n)
            to = pos + (ptrdiff_t)spec->window_right + 1;
    }
    if (spec->causal)
        to = pos + 1;
    to = to < n ? to : n;
    *lo = (size_t)from;
    *hi = to > from ? (size_t)to : (size_t)from;
}

void tf_att_clip(const struct tf_att *a, const struct tf_att_queries *q,
                 const struct tf_att_keys *keys, size_t i, size_t *lo,
                 size_t *hi)
{
    /* no block of keys crosses these bounds */
    if (keys->first < prefix_of(a, q->seq) ||
        keys->first >= suffix_of(a, q->seq)) {
        *lo = 0;
        *hi = keys->n;
        return;
    }
    tf_att_reach(a, q, i, lo, hi);
    *lo = least(*lo > keys->first ? *lo - keys->first : 0, keys->n);
    *hi = least(*hi > keys->first ? *hi - keys->first : 0, keys->n);
}

void tf_att_walk(const struct tf_att *a, const struct tf_att_queries *q,
                 struct tf_att_walk *walk)
{
    const struct tf_kv *kv = &a->kv[q->seq];
    size_t unused;

    tf_att_reach(a, q, 0, &walk->lo, &unused);
    tf_att_reach(a, q, q->n - 1, &unused, &walk->hi);
    walk->prefix = prefix_of(a, q->seq);
    walk->suffix = suffix_of(a, q->seq);
    walk->tokens = kv->tokens;
    walk->piece = kv->pieces;
    walk->at = walk->end = 0;
    walk->k_first = q->kv_head * a->spec->head_size;
    walk->v_first = q->kv_head * a->v_size;
    walk->in_piece = 0;
}

/* Element (row, column) of an array of rows. */
static const void *element(const void *data, enum tf_dtype dtype, size_t ld,
                           size_t row, size_t column)
{
    return (const char *)data +
           (row * ld + column) * tf_dtype_info(dtype)->bytes;
}

/* Go to the next keys that may be seen: false when there are none. */
static bool seek(struct tf_att_walk *walk)
{
    size_t at = walk->at;

    if (at < walk->prefix) {
        walk->end = walk->prefix;
    } else if (at < walk->suffix && walk->lo < walk->suffix && at < walk->hi &&
               walk->lo < walk->hi) {
        at = at > walk->lo ? at : walk->lo;
        walk->end = least(walk->hi, walk->suffix);
    } else {
        at = at > walk->suffix ? at : walk->suffix;
        walk->end = walk->tokens;
    }
    walk->in_piece += at - walk->at;
    walk->at = at;
    return at < walk->end;
}

bool tf_att_next(struct tf_att_walk *walk, struct tf_att_keys *keys)
{
    const struct tf_kv_piece *p;

    if (walk->at >= walk->end && !seek(walk))
        return false;
    while (walk->in_piece >= walk->piece->rows)
        walk->in_piece -= walk->piece++->rows;
    p = walk->piece;
    keys->first = walk->at;
    keys->n = least(least(p->rows - walk->in_piece, walk->end - walk->at),
                    TF_ATT_KEYS);
    keys->k.data =
        element(p->k, p->dtype, p->k_ld, walk->in_piece, walk->k_first);
    keys->k.dtype = p->dtype;
    keys->k.rs = 1;
    keys->k.cs = p->k_ld;
    keys->v.data =
        element(p->v, p->dtype, p->v_ld, walk->in_piece, walk->v_first);
    keys->v.dtype = p->dtype;
    keys->v.rs = p->v_ld;
    keys->v.cs = 1;
    walk->at += keys->n;
    walk->in_piece += keys->n;
    return true;
}

void tf_att_load_queries(const struct tf_att *a, const struct tf_att_queries *q,
                         struct tf_att_scratch *s)
{
    size_t size = a->spec->head_size, first, i, c;
    size_t width = a->group * size;

    first = a->q_seqs->start[q->seq] + q->first;
    for (i = 0; i < q->n; i++) {
        const float *src = tf_row(a->q, first + i) + q->kv_head * width;
        float *dst = s->q + i * width;

        for (c = 0; c < width; c++)
            dst[c] = src[c] * a->spec->scale;
    }
}

/* The distance of the first key from the last query of the block; distances
 * are counted from it. */
static ptrdiff_t lowest(const struct tf_att_queries *q,
                        const struct tf_att_keys *keys)
{
    return (ptrdiff_t)keys->first - q->pos - (ptrdiff_t)q->n + 1;
}

/* s->bucket[d]: the bucket of every distance in reach. */
static void load_buckets(const struct tf_attention *spec,
                         const struct tf_att_queries *q,
                         const struct tf_att_keys *keys,
                         struct tf_att_scratch *s)
{
    ptrdiff_t low = lowest(q, keys), span = (ptrdiff_t)spec->bucket_span, at;
    size_t n = q->n + keys->n - 1, d;

    for (d = 0; d < n; d++) {
        at = low + (ptrdiff_t)d;
        at = at < -span ? -span : at > span ? span : at;
        s->bucket[d] = spec->bucket_of[at + span];
    }
}

bool tf_att_by_prefix(const struct tf_att *a, const struct tf_att_queries *q,
                      const struct tf_att_keys *keys)
{
    return a->spec->prefix_table && keys->first < prefix_of(a, q->seq);
}

size_t tf_att_prefix_bucket(const struct tf_att *a,
                            const struct tf_att_queries *q,
                            const struct tf_att_keys *keys, size_t i, size_t j)
{
    const struct tf_attention *spec = a->spec;
    size_t prefix = prefix_of(a, q->seq);
    size_t place = (size_t)(q->pos + (ptrdiff_t)i) - prefix;
    size_t group = least(place / spec->prefix_group, prefix - 1);
    ptrdiff_t span = (ptrdiff_t)spec->bucket_span;
    ptrdiff_t at = (ptrdiff_t)(keys->first + j) - (ptrdiff_t)group;

    at = at < -span ? -span : at > span ? span : at;
    return (size_t)spec->bucket_of[at + span];
}

static void add_prefix_bias(const struct tf_att *a,
                            const struct tf_att_queries *q,
                            const struct tf_att_keys *keys,
                            struct tf_att_scratch *s)
{
    float *row = s->s;
    size_t i, g, j;

    for (i = 0; i < q->n; i++)
        for (g = 0; g < a->group; g++, row += keys->n)
            for (j = 0; j < keys->n; j++)
                row[j] +=
                    tf_row(a->spec->prefix_table,
                           tf_att_prefix_bucket(a, q, keys, i,
                                                j))[q->kv_head * a->group + g];
}

/* Add what depends on the distance alone. */
static void add_bias(const struct tf_att *a, const struct tf_att_queries *q,
                     const struct tf_att_keys *keys, struct tf_att_scratch *s)
{
    const struct tf_attention *spec = a->spec;
    const struct tf_kernels *k = tf_kernels();
    ptrdiff_t low = lowest(q, keys);
    size_t g, i, d, head;

    for (g = 0; g < a->group; g++) {
        head = q->kv_head * a->group + g;
        for (d = 0; d < q->n + keys->n - 1; d++) {
            float b = 0;

            if (spec->alibi)
                b = spec->alibi[head] * (float)(low + (ptrdiff_t)d);
            if (spec->bias)
                b += tf_row(spec->bias, (size_t)s->bucket[d])[head];
            s->bias[d] = b;
        }
        for (i = 0; i < q->n; i++) {
            float *row = s->s + (i * a->group + g) * keys->n;

            k->add(row, row, s->bias + q->n - 1 - i, keys->n);
        }
    }
}

/* s becomes cap tanh(s / cap); slope, if not NULL, its derivative. */
static void cap_scores(float *s, float *slope, float cap, size_t n)
{
    const struct tf_kernels *k = tf_kernels();
    size_t i;

    k->scale(s, 1 / cap, n);
    k->act[TF_ACT_TANH](s, s, n);
    for (i = 0; slope && i < n; i++)
        slope[i] = 1 - s[i] * s[i];
    k->scale(s, cap, n);
}

void tf_att_scores(const struct tf_att *a, const struct tf_att_queries *q,
                   const struct tf_att_keys *keys, struct tf_att_scratch *s)
{
    const struct tf_attention *spec = a->spec;
    struct tf_gemm g = { .m = q->n * a->group, .n = keys->n };

    g.k = spec->head_size;
    g.a = (struct tf_mat){ s->q, TF_F32, spec->head_size, 1 };
    g.b = keys->k;
    g.c = s->s;
    g.ldc = keys->n;
    tf_gemm_serial(&g, s->gemm);
    if (spec->soft_cap > 0)
        cap_scores(s->s, s->slope, spec->soft_cap, g.m * g.n);
    if (spec->bucket_of)
        load_buckets(spec, q, keys, s);
    if (tf_att_by_prefix(a, q, keys))
        add_prefix_bias(a, q, keys, s);
    else if (s->bias)
        add_bias(a, q, keys, s);
    if (spec->c2p)
        tf_att_add_c2p(a, q, keys, s);
    if (spec->p2c)
        tf_att_add_p2c(a, q, keys, s);
    if (spec->prefix_bias != 0 && keys->first < prefix_of(a, q->seq))
        for (size_t i = 0; i < g.m * g.n; i++)
            s->s[i] += spec->prefix_bias;
}

/* Each block of scores has a stretch of the stream to itself: the query block
 * and key head say where it begins, the first key how far on. */
void tf_att_drop(const struct tf_att *a, const struct tf_att_queries *q,
                 const struct tf_att_keys *keys, float *dst, const float *src)
{
    uint64_t row = a->draws.row + a->q_seqs->start[q->seq] + q->first;
    size_t rows = q->n * a->group;
    struct tf_draws d = a->draws;

    d.lo = (row * a->spec->kv_heads + q->kv_head) << 32 | keys->first * rows;
    tf_kernels()->dropout(&d, 0, dst, src, rows * keys->n);
}

void tf_att_add_product(float *c, size_t ldc, float alpha, struct tf_mat a,
                        struct tf_mat b, size_t m, size_t n, size_t k,
                        float *scratch)
{
    struct tf_epilogue e = { .alpha = alpha, .accumulate = true };
    struct tf_gemm g = { .m = m, .n = n, .k = k, .a = a, .b = b };

    g.c = c;
    g.ldc = ldc;
    g.epilogue = &e;
    tf_gemm_serial(&g, scratch);
}
