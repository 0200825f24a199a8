/* What tests of whole training runs share: a folder with a golden model and its
 * records, a run in it, and the checks against PyTorch's. */
#ifndef TRAIN_RUN_H
#define TRAIN_RUN_H

#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "base/io.h"
#include "model/model.h"
#include "train/trainer.h"

#define GOLDEN    "tests/golden"
#define TOLERANCE 1e-4
#define STEPS     50

/* A folder of the test's own, and what a run in it printed. */
struct place {
    char dir[64];
    struct tf_pool *pool;
    double loss[2 * STEPS], norm[2 * STEPS];
    int64_t step[2 * STEPS];
    size_t lines;
    volatile sig_atomic_t stop;
    int64_t stop_after; /* set stop at this step; 0: never */
};

static inline void take_line(void *arg, const char *json)
{
    struct place *p = arg;
    json_t *row = json_loads(json, 0, NULL);
    json_t *loss = json_object_get(row, "loss");

    assert_non_null(row);
    if (loss && p->lines < 2 * STEPS) {
        p->loss[p->lines] = json_real_value(loss);
        p->norm[p->lines] = json_real_value(json_object_get(row, "grad_norm"));
        p->step[p->lines++] = json_integer_value(json_object_get(row, "step"));
        if (p->step[p->lines - 1] == p->stop_after)
            p->stop = 1;
    }
    json_decref(row);
}

static inline void take_note(void *arg, const char *text)
{
    (void)arg;
    (void)text;
}

static inline const char *in(const struct place *p, const char *name)
{
    static char path[4][192];
    static int turn;

    turn = (turn + 1) % 4;
    snprintf(path[turn], sizeof(path[0]), "%s/%s", p->dir, name);
    return path[turn];
}

static inline void write_json(const char *path, json_t *v)
{
    assert_int_equal(json_dump_file(v, path, JSON_INDENT(1)), 0);
    json_decref(v);
}

/* The golden model with the dropout of its config at `dropout`. */
static inline void make_model(const struct place *p, json_t *golden,
                              double dropout)
{
    static const char *const names[] = {
        "hidden_dropout_prob",
        "attention_probs_dropout_prob",
        "classifier_dropout",
        "classifier_dropout_prob",
        "dropout",
        "attention_dropout",
        "seq_classif_dropout",
        "pooler_dropout",
        "cls_dropout",
        "embedding_dropout",
        "resid_pdrop",
        "embd_pdrop",
        "attn_pdrop",
        "dropout_rate",
    };
    const char *name = json_string_value(json_object_get(golden, "model"));
    const char *folder = json_string_value(json_object_get(golden, "folder"));
    char from[160], cwd[1024], target[1400];
    json_t *config;

    assert_non_null(getcwd(cwd, sizeof(cwd)));
    assert_int_equal(tf_dir_make(in(p, "model"), &(struct tf_err){ 0 }), 0);
    snprintf(from, sizeof(from), GOLDEN "/%s/%s/config.json", folder, name);
    config = json_load_file(from, 0, NULL);
    assert_non_null(config);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        json_object_set_new(config, names[i], json_real(dropout));
    write_json(in(p, "model/config.json"), config);
    snprintf(target, sizeof(target), "%s/" GOLDEN "/%s/%s/model.safetensors",
             cwd, folder, name);
    assert_int_equal(symlink(target, in(p, "model/model.safetensors")), 0);
    snprintf(target, sizeof(target),
             "%s/" GOLDEN "/models/bert-no-prefix/tokenizer.json", cwd);
    assert_int_equal(symlink(target, in(p, "model/tokenizer.json")), 0);
}

static inline void write_records(const struct place *p, json_t *golden)
{
    json_t *ids = json_object_get(golden, "ids");
    json_t *labels = json_object_get(golden, "labels");
    json_t *tags = json_object_get(golden, "ner_tags");
    json_t *targets = json_object_get(golden, "targets");
    json_t *ends = json_object_get(golden, "positions");
    FILE *f = fopen(in(p, "train.jsonl"), "w");

    assert_non_null(f);
    for (size_t i = 0; i < json_array_size(ids); i++) {
        json_t *row = json_pack("{s:O}", "input_ids", json_array_get(ids, i));

        if (labels)
            json_object_set(row, "label", json_array_get(labels, i));
        if (tags)
            json_object_set(row, "ner_tags", json_array_get(tags, i));
        if (targets)
            json_object_set(row, "labels", json_array_get(targets, i));
        for (size_t k = 0; ends && k < 2; k++)
            json_object_set(row, k ? "end_positions" : "start_positions",
                            json_array_get(json_array_get(ends, i), k));
        assert_int_equal(json_dumpf(row, f, 0), 0);
        fputc('\n', f);
        json_decref(row);
    }
    assert_int_equal(fclose(f), 0);
}

static inline void write_config(const struct place *p, json_t *more)
{
    json_t *config = json_pack(
        "{s:s, s:s, s:s, s:i, s:i, s:i, s:f, s:f, s:i, s:i, s:s, s:s}", "model",
        in(p, "model"), "train_file", in(p, "train.jsonl"), "output_dir",
        in(p, "out"), "max_steps", STEPS, "per_device_train_batch_size", 3,
        "gradient_accumulation_steps", 2, "learning_rate", 1e-3, "weight_decay",
        0.01, "warmup_steps", 5, "logging_steps", 1, "save_strategy", "no",
        "train_sampling_strategy", "sequential");

    json_object_update(config, more);
    json_decref(more);
    write_json(in(p, "config.yaml"), config);
}

/* Train; returns what tf_trainer_run() does. */
static inline int train(struct place *p, char *const *words)
{
    struct tf_train_hooks hooks = {
        .arg = p, .line = take_line, .note = take_note, .stop = &p->stop
    };
    struct tf_train_config config;
    struct tf_trainer *t;
    struct tf_err err = { 0 };
    int done;

    p->lines = 0;
    p->stop = 0;
    if (tf_train_config_open(&config, in(p, "config.yaml"), words, &err))
        fail_msg("%s", err.msg);
    t = tf_trainer_new(&config, in(p, "model"), p->pool, &hooks, &err);
    if (!t)
        fail_msg("%s", err.msg);
    done = tf_trainer_run(t, &err);
    if (done < 0)
        fail_msg("%s", err.msg);
    tf_trainer_free(t);
    tf_train_config_release(&config);
    return done;
}

static inline void check_curve(const struct place *p, json_t *golden)
{
    const char *name = json_string_value(json_object_get(golden, "model"));
    json_t *losses = json_object_get(golden, "losses");
    json_t *norms = json_object_get(golden, "norms");

    assert_int_equal(p->lines, STEPS);
    for (size_t i = 0; i < STEPS; i++) {
        double loss = json_real_value(json_array_get(losses, i));
        double norm = json_real_value(json_array_get(norms, i));

        if (fabs(p->loss[i] - loss) > TOLERANCE)
            fail_msg("%s: step %zu: loss %.7f, not %.7f", name, i + 1,
                     p->loss[i], loss);
        if (fabs(p->norm[i] - norm) > 1e-3 * (1 + norm))
            fail_msg("%s: step %zu: norm %.7f, not %.7f", name, i + 1,
                     p->norm[i], norm);
    }
}

static inline enum tf_task task_of(json_t *golden)
{
    return json_object_get(golden, "labels")      ? TF_SEQUENCE_CLASSIFICATION
           : json_object_get(golden, "ner_tags")  ? TF_TOKEN_CLASSIFICATION
           : json_object_get(golden, "positions") ? TF_QUESTION_ANSWERING
                                                  : TF_CAUSAL_LM;
}

/* The saved model answers another text as PyTorch's does. */
static inline void check_logits(const struct place *p, json_t *golden)
{
    bool adapter = json_object_get(golden, "peft") != NULL;
    struct tf_model_opts opts = { .task = task_of(golden),
                                  .adapter = adapter ? in(p, "out") : NULL };
    json_t *other = json_object_get(golden, "other");
    json_t *logits = json_object_get(golden, "logits");
    size_t n = json_array_size(other), start[2] = { 0, n };
    struct tf_batch batch = { .seqs = { 1, start } };
    struct tf_model *m;
    struct tf_session *s;
    struct tf_result r;
    struct tf_err err;
    int32_t ids[64];

    m = tf_model_open(in(p, adapter ? "model" : "out"), &opts, &err);
    if (!m)
        fail_msg("%s", err.msg);
    for (size_t i = 0; i < n; i++)
        ids[i] = (int32_t)json_integer_value(json_array_get(other, i));
    batch.ids = ids;
    s = tf_session_new(m, p->pool, &err);
    assert_int_equal(tf_session_logits(s, &batch, &r, &err), 0);
    assert_int_equal(r.cols, json_array_size(logits));
    for (size_t i = 0; i < r.cols; i++) {
        double wanted = json_real_value(json_array_get(logits, i));
        double found = (double)r.data[(r.rows - 1) * r.cols + i];

        if (opts.task == TF_QUESTION_ANSWERING)
            found -= (double)r.data[i]; /* what all have is free */
        if (fabs(found - wanted) > TOLERANCE)
            fail_msg("%s: logit %zu is %.7f, not %.7f",
                     json_string_value(json_object_get(golden, "model")), i,
                     found, wanted);
    }
    tf_session_free(s);
    tf_model_close(m);
}

static inline void begin(struct place *p)
{
    struct tf_err err;

    memset(p, 0, sizeof(*p));
    strcpy(p->dir, "/tmp/tf-train-XXXXXX");
    assert_non_null(mkdtemp(p->dir));
    p->pool = tf_pool_new(2, &err);
    assert_non_null(p->pool);
}

static inline void end(struct place *p)
{
    char command[96];

    tf_pool_free(p->pool);
    snprintf(command, sizeof(command), "rm -rf %s", p->dir);
    assert_int_equal(system(command), 0);
}

static inline json_t *goldens(void)
{
    json_t *all = json_load_file("tests/golden/training.json", 0, NULL);

    assert_non_null(all);
    return all;
}
#endif
