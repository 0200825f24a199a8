#include "train/trainer_parts.h"

#include "base/mem.h"
#include <stdlib.h>
#include <string.h>

/* The tags of one record after the other. */
struct tagger {
    struct tf_trainer *t;
    struct tf_session *session;
    double loss;
    struct tf_entity_metrics entities;
    struct tf_str *wanted, *found; /* of one record */
    size_t room;
    struct tf_err *err;
};

static int make_room(struct tagger *g, size_t n)
{
    struct tf_str *wanted, *found;

    if (n <= g->room)
        return 0;
    wanted = tf_grow(g->wanted, n, sizeof(*wanted), g->err);
    if (!wanted)
        return -1;
    g->wanted = wanted;
    found = tf_grow(g->found, n, sizeof(*found), g->err);
    if (!found)
        return -1;
    g->found = found;
    g->room = n;
    return 0;
}

static struct tf_str name_of(const struct tagger *g, size_t label)
{
    const char *name = g->t->labels.names[label];

    return (struct tf_str){ name, strlen(name) };
}

/* Compare one record's labels [n] with what its logits [n][labels] say. */
static int add_record(struct tagger *g, const int32_t *labels,
                      const float *logits, size_t n)
{
    size_t count = 0, outputs = g->t->labels.count;
    struct tf_pair pair;

    if (make_room(g, n))
        return -1;
    for (size_t i = 0; i < n; i++, logits += outputs) {
        size_t best = 0;

        if (labels[i] == TF_IGNORE)
            continue;
        for (size_t k = 1; k < outputs; k++)
            if (logits[k] > logits[best])
                best = k;
        g->wanted[count] = name_of(g, (size_t)labels[i]);
        g->found[count++] = name_of(g, best);
    }
    pair = (struct tf_pair){ .predictions = g->found,
                             .references = g->wanted,
                             .prediction_count = count,
                             .reference_count = count,
                             .many_predictions = true,
                             .many_references = true };
    if (g->t->config->compute_metrics)
        tf_pair_put(&g->t->pairs, &pair);
    return tf_entity_metrics_add_tags(&g->entities, g->wanted, g->found, count,
                                      g->err);
}

static int run(void *arg, size_t first, size_t end, struct tf_buf *out,
               struct tf_err *err)
{
    struct tagger *g = arg;
    struct tf_trainer *t = g->t;
    struct tf_result r;

    tf_join_reset(&t->joined);
    for (size_t i = first; i < end; i++)
        if (tf_join_add(&t->joined, &t->valid.inputs[i], err))
            return -1;
    if (tf_session_logits(g->session, &t->joined.batch, &r, err))
        return -1;
    tf_buf_add(out, (const char *)r.data, r.rows * r.cols * sizeof(float));
    return 0;
}

/* The mean loss of logits for labels [rows]. */
static int add_loss(struct tagger *g, const float *given, const int32_t *labels,
                    size_t rows, double part)
{
    struct tf_trainer *t = g->t;
    struct tf_arena_mark mark = tf_arena_mark(&t->arena);
    struct tf_ctx ctx = { .pool = t->pool,
                          .arena = &t->arena,
                          .bf16 = t->config->bf16,
                          .err = g->err };
    struct tf_loss spec = { .smoothing = (float)t->config->label_smoothing };
    struct tf_tensor logits = { .ndim = 2, .dim = { rows, t->labels.count } };
    struct tf_tensor *mean;

    logits.ld = t->labels.count;
    logits.data = (void *)(uintptr_t)given;
    mean = tf_cross_entropy(&ctx, &logits, labels, &spec);
    if (mean)
        g->loss += *(float *)mean->data * part;
    tf_arena_rewind(&t->arena, mark);
    return mean ? 0 : -1;
}

/* Records [first, end): their tags, and the mean loss of their tokens. */
static int take(void *arg, size_t first, size_t end, const char *given,
                size_t n, struct tf_err *err)
{
    struct tagger *g = arg;
    const struct tf_dataset *d = &g->t->valid;
    const float *logits = (const void *)given;
    size_t cols = g->t->labels.count, rows = n / sizeof(float) / cols, at = 0;
    int32_t *labels = tf_alloc(rows, sizeof(*labels), err);
    int failed = !labels;

    for (size_t i = first; !failed && i < end; i++) {
        size_t tokens = d->inputs[i].n;

        memcpy(labels + at, d->labels[i], tokens * sizeof(*labels));
        failed = add_record(g, labels + at, logits + at * cols, tokens);
        at += tokens;
    }
    failed = failed || add_loss(g, logits, labels, rows,
                                (double)(end - first) / (double)d->count);
    free(labels);
    return failed ? -1 : 0;
}

int tf_train_evaluate_tags(struct tf_trainer *t, double *loss,
                           struct tf_metrics *metrics, struct tf_err *err)
{
    struct tagger g = { .t = t, .err = err };
    struct tf_evaluation e = { &g, run, take };
    int failed;

    g.session = tf_session_new(t->model, t->pool, err);
    failed = !g.session || tf_train_evaluate_parts(t, &e, err) ||
             tf_entity_metrics_results(&g.entities, metrics, err);
    *loss = g.loss;
    tf_entity_metrics_release(&g.entities);
    free(g.wanted);
    free(g.found);
    tf_session_free(g.session);
    return failed ? -1 : 0;
}
