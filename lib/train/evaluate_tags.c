#include "train/trainer_parts.h"

#include <stdlib.h>
#include <string.h>
#include "base/mem.h"

/* The tags of one record after the other. */
struct tagger {
    struct tf_trainer *t;
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

/* Records [first, end): their tags, and the mean loss of their tokens. */
static int run_batch(struct tagger *g, struct tf_session *session, size_t first,
                     size_t end, double *loss)
{
    struct tf_trainer *t = g->t;
    struct tf_ctx ctx = { .pool = t->pool,
                          .arena = &t->arena,
                          .bf16 = t->config->bf16,
                          .err = g->err };
    struct tf_loss spec = { .smoothing = (float)t->config->label_smoothing };
    struct tf_arena_mark mark = tf_arena_mark(&t->arena);
    struct tf_tensor logits = { .ndim = 2 }, *mean;
    size_t tokens = 0, rows = 0;
    struct tf_result r;
    int32_t *labels;

    tf_join_reset(&t->joined);
    for (size_t i = first; i < end; i++) {
        if (tf_join_add(&t->joined, &t->valid.inputs[i], g->err))
            return -1;
        rows += t->valid.inputs[i].n;
    }
    labels = tf_scratch(&ctx, rows, sizeof(*labels));
    if (!labels || tf_session_logits(session, &t->joined.batch, &r, g->err))
        return -1;
    for (size_t i = first; i < end; i++) {
        size_t n = t->valid.inputs[i].n;

        memcpy(labels + tokens, t->valid.labels[i], n * sizeof(*labels));
        if (add_record(g, labels + tokens, r.data + tokens * r.cols, n))
            return -1;
        tokens += n;
    }
    logits.dim[0] = r.rows;
    logits.dim[1] = logits.ld = r.cols;
    logits.data = (void *)(uintptr_t)r.data;
    mean = tf_cross_entropy(&ctx, &logits, labels, &spec);
    if (mean)
        *loss = *(float *)mean->data;
    tf_arena_rewind(&t->arena, mark);
    return mean ? 0 : -1;
}

int tf_train_evaluate_tags(struct tf_trainer *t, double *loss,
                           struct tf_metrics *metrics, struct tf_err *err)
{
    size_t batch = (size_t)t->config->eval_batch, n = t->valid.count, end;
    struct tf_session *session = tf_session_new(t->model, t->pool, err);
    struct tagger g = { .t = t, .err = err };
    int failed = !session;

    *loss = 0;
    for (size_t first = 0; !failed && first < n; first = end) {
        double mean = 0;

        end = n - first < batch ? n : first + batch;
        failed = run_batch(&g, session, first, end, &mean);
        *loss += mean * (double)(end - first) / (double)n;
    }
    failed = failed || tf_entity_metrics_results(&g.entities, metrics, err);
    tf_entity_metrics_release(&g.entities);
    free(g.wanted);
    free(g.found);
    tf_session_free(session);
    return failed ? -1 : 0;
}
