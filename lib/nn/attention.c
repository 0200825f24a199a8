#include "nn/attention.h"

#include "nn/rows.h"

#include <math.h>
#include <string.h>

/* What a query row knows so far (online softmax). */
struct progress {
    float max, sum;
};

struct attend {
    struct tf_att att;
    struct tf_tensor *out;
    float *lse; /* [Tq][H], or NULL */
    struct tf_att_queries *tasks;
    struct tf_att_scratch *scratch; /* [workers] */
    struct progress *progress;      /* [workers][rows] */
    float *acc;                     /* [workers][rows][Dv] */
    size_t rows;
};

/* Scores of a block become exp(s - max) inside each row's reach, 0 outside;
 * what was summed up under a smaller maximum is scaled down. */
static void soften(const struct tf_att *a, const struct tf_att_queries *q,
                   const struct tf_att_keys *keys, float *s, struct progress *p,
                   float *acc)
{
    const struct tf_kernels *k = tf_kernels();
    size_t i, g, lo, hi;

    for (i = 0; i < q->n; i++) {
        tf_att_clip(a, q, keys, i, &lo, &hi);
        for (g = 0; g < a->group; g++, s += keys->n, acc += a->v_size, p++) {
            float old = p->max, sum = 0;

            if (lo < hi)
                sum = k->exp_sum(s + lo, s + lo, 1, &p->max, hi - lo);
            memset(s, 0, lo * sizeof(*s));
            if (hi < keys->n)
                memset(s + hi, 0, (keys->n - hi) * sizeof(*s));
            if (p->sum > 0 && p->max > old) {
                float shrink = expf(old - p->max);

                p->sum *= shrink;
                k->scale(acc, shrink, a->v_size);
            }
            p->sum += sum;
        }
    }
}

static void attend_keys(const struct attend *job,
                        const struct tf_att_queries *q,
                        const struct tf_att_keys *keys, bool first,
                        struct tf_att_scratch *s, struct progress *p,
                        float *acc)
{
    const struct tf_att *a = &job->att;
    struct tf_epilogue more = { .accumulate = true };
    struct tf_gemm g = { .m = q->n * a->group, .n = a->v_size };

    tf_att_scores(a, q, keys, s);
    soften(a, q, keys, s->s, p, acc);
    if (a->draws.below)
        tf_att_drop(a, q, keys, s->s, s->s);
    g.k = keys->n;
    g.a = (struct tf_mat){ s->s, TF_F32, keys->n, 1 };
    g.b = keys->v;
    g.c = acc;
    g.ldc = a->v_size;
    g.epilogue = first ? NULL : &more;
    tf_gemm_serial(&g, s->gemm);
}

static void store(const struct attend *job, const struct tf_att_queries *q,
                  const struct progress *p, const float *acc)
{
    const struct tf_att *a = &job->att;
    size_t row = a->q_seqs->start[q->seq] + q->first;
    size_t head = q->kv_head * a->group, i, g, c;

    for (i = 0; i < q->n; i++) {
        float *y = tf_row(job->out, row + i) + head * a->v_size;

        for (g = 0; g < a->group; g++, p++) {
            float inv = p->sum > 0 ? 1 / p->sum : 0;

            if (job->lse)
                job->lse[(row + i) * a->spec->heads + head + g] =
                    p->max + logf(p->sum);
            for (c = 0; c < a->v_size; c++)
                *y++ = *acc++ * inv;
        }
    }
}

static struct progress begin_row(const struct tf_att *a,
                                 const struct tf_att_queries *q, size_t row)
{
    const struct tf_tensor *sinks = a->spec->sinks;

    if (!sinks)
        return (struct progress){ -INFINITY, 0 };
    return (struct progress){
        ((const float *)sinks->data)[q->kv_head * a->group + row % a->group], 1
    };
}

static void attend_block(void *arg, size_t i, int worker)
{
    const struct attend *job = arg;
    const struct tf_att *a = &job->att;
    const struct tf_att_queries *q = &job->tasks[i];
    struct tf_att_scratch *s = &job->scratch[worker];
    struct progress *p = job->progress + (size_t)worker * job->rows;
    float *acc = job->acc + (size_t)worker * job->rows * a->v_size;
    struct tf_att_walk walk;
    struct tf_att_keys keys;
    bool first = true;
    size_t r;

    for (r = 0; r < q->n * a->group; r++)
        p[r] = begin_row(a, q, r);
    if (a->spec->sinks) /* sums begin before the first key */
        memset(acc, 0, q->n * a->group * a->v_size * sizeof(*acc));
    tf_att_load_queries(a, q, s);
    tf_att_walk(a, q, &walk);
    while (tf_att_next(&walk, &keys)) {
        attend_keys(job, q, &keys, first, s, p, acc);
        first = false;
    }
    if (first)
        memset(acc, 0, q->n * a->group * a->v_size * sizeof(*acc));
    store(job, q, p, acc);
}

/* One task for each block of queries and key head. */
static size_t make_tasks(struct tf_ctx *ctx, struct attend *job)
{
    const struct tf_att *a = &job->att;
    const size_t *start = a->q_seqs->start;
    size_t heads = a->spec->kv_heads, count = 0, s, h, i, len;
    struct tf_att_queries *t;

    for (s = 0; s < a->q_seqs->count; s++) {
        len = start[s + 1] - start[s];
        count += (len + a->block - 1) / a->block * heads;
    }
    job->tasks = t = tf_scratch(ctx, count, sizeof(*t));
    for (s = 0; t && s < a->q_seqs->count; s++) {
        len = start[s + 1] - start[s];
        for (h = 0; h < heads; h++)
            for (i = 0; i < len; i += a->block, t++) {
                t->seq = s;
                t->kv_head = h;
                t->first = i;
                t->n = len - i < a->block ? len - i : a->block;
                t->pos = tf_att_place(a, s, i);
            }
    }
    return count;
}

static struct tf_tensor *attend(struct tf_ctx *ctx, struct attend *job,
                                struct tf_arena_mark mark)
{
    const struct tf_att *a = &job->att;
    size_t workers = (size_t)tf_pool_threads(ctx->pool), tasks;

    tasks = make_tasks(ctx, job);
    job->rows = a->block * a->group;
    job->scratch = tf_att_scratch(ctx, a, workers, false);
    job->progress =
        tf_scratch(ctx, workers * job->rows, sizeof(*job->progress));
    job->acc =
        tf_scratch(ctx, workers * job->rows * a->v_size, sizeof(*job->acc));
    if (ctx->failed)
        return NULL;
    tf_pool_run(ctx->pool, tasks, attend_block, job);
    tf_arena_rewind(ctx->arena, mark);
    return job->out;
}

static struct tf_tensor *new_out(struct tf_ctx *ctx, const struct tf_tensor *q,
                                 const struct tf_attention *spec)
{
    size_t size = spec->v_head_size ? spec->v_head_size : spec->head_size;

    return tf_new(ctx, tf_tensor_rows(q), spec->heads * size);
}

struct tf_tensor *tf_attention(struct tf_ctx *ctx, struct tf_tensor *q,
                               const struct tf_seqs *q_seqs,
                               struct tf_tensor *k, struct tf_tensor *v,
                               const struct tf_seqs *kv_seqs,
                               const struct tf_attention *spec)
{
    struct attend job = { .att.draws =
                              tf_draws_next(ctx, spec->dropout,
                                            q_seqs->start[q_seqs->count]) };
    struct tf_arena_mark mark;
    struct tf_att_node *n;
    struct tf_kv *kv;

    if (!q || !k || !v || !(job.out = new_out(ctx, q, spec)))
        return NULL;
    n = tf_record(ctx, sizeof(*n), job.out,
                  tf_wants_grad(q) || tf_wants_grad(k) || tf_wants_grad(v) ||
                      tf_wants_grad(spec->bias) || tf_wants_grad(spec->c2p) ||
                      tf_wants_grad(spec->p2c) || tf_wants_grad(spec->sinks) ||
                      tf_wants_grad(spec->prefix_table),
                  tf_att_back);
    if (n) {
        n->q = q;
        n->k = k;
        n->v = v;
        n->q_seqs = *q_seqs;
        n->kv_seqs = *kv_seqs;
        n->spec = *spec;
        n->draws = job.att.draws;
        n->lse = tf_scratch(ctx, job.out->dim[0] * spec->heads, sizeof(float));
        job.lse = n->lse;
    }
    mark = tf_arena_mark(ctx->arena);
    kv = tf_att_kv(ctx, k, v, kv_seqs);
    if (!kv)
        return NULL;
    tf_att_init(&job.att, q, q_seqs, kv, spec);
    return attend(ctx, &job, mark);
}

struct tf_tensor *tf_attention_cached(struct tf_ctx *ctx, struct tf_tensor *q,
                                      const struct tf_seqs *q_seqs,
                                      const struct tf_kv *kv,
                                      const struct tf_attention *spec)
{
    struct attend job = { .out = NULL };

    if (!q || !(job.out = new_out(ctx, q, spec)))
        return NULL;
    tf_att_init(&job.att, q, q_seqs, kv, spec);
    return attend(ctx, &job, tf_arena_mark(ctx->arena));
}
