/*
 * Every model under tests/golden/models and decoders against what Transformers
 * answered with it (scripts/make-golden-models): float32 on both sides, so that
 * only the order of sums differs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/pool.h"
#include "model/model.h"

#define ENCODERS  "tests/golden/models"
#define DECODERS  "tests/golden/decoders"
#define TOLERANCE 2e-5 /* the contract is 1e-4 */
#define TOKENS    8192

static struct tf_pool *pool;

/* One or more golden cases as a batch. */
struct batch {
    int32_t ids[TOKENS];
    uint8_t types[TOKENS];
    size_t start[64];
    size_t count;
};

static void add_case(struct batch *b, json_t *golden)
{
    json_t *ids = json_object_get(golden, "input_ids");
    json_t *types = json_object_get(golden, "token_type_ids");
    size_t at = b->start[b->count];

    for (size_t i = 0; i < json_array_size(ids); i++, at++) {
        b->ids[at] = (int32_t)json_integer_value(json_array_get(ids, i));
        b->types[at] = (uint8_t)json_integer_value(json_array_get(types, i));
    }
    b->start[++b->count] = at;
}

static struct tf_batch as_batch(const struct batch *b)
{
    return (struct tf_batch){ b->ids, b->types, { b->count, b->start } };
}

static void check_row(const char *what, json_t *golden, const float *found)
{
    json_t *number;
    size_t i;

    json_array_foreach (golden, i, number) {
        double wanted = json_number_value(number);

        if (!(fabs((double)found[i] - wanted) <=
              TOLERANCE * fmax(1, fabs(wanted))))
            fail_msg("%s: number %zu is %.8g, Transformers has %.8g", what, i,
                     (double)found[i], wanted);
    }
}

struct golden {
    const char *name; /* of the model */
    char dir[512];
    json_t *expected;
    struct tf_model *model;
    struct tf_session *session;
};

/* Open the model for a task; its expectations stand under `key`. */
static bool open_golden(struct golden *g, const char *folder, const char *name,
                        const char *key, enum tf_task task)
{
    struct tf_model_opts opts = { .task = task };
    struct tf_err err;
    char path[sizeof(g->dir) + 32];

    g->name = name;
    snprintf(g->dir, sizeof(g->dir), "%s/%s", folder, name);
    snprintf(path, sizeof(path), "%s/expected.json", g->dir);
    g->expected = json_load_file(path, JSON_ALLOW_NUL, NULL);
    if (!g->expected)
        fail_msg("%s: can't be read", path);
    if (!json_object_get(g->expected, key)) {
        json_decref(g->expected);
        return false;
    }
    g->model = tf_model_open(g->dir, &opts, &err);
    if (!g->model)
        fail_msg("%s", err.msg);
    g->session = tf_session_new(g->model, pool, &err);
    assert_non_null(g->session);
    return true;
}

static void close_golden(struct golden *g)
{
    tf_session_free(g->session);
    tf_model_close(g->model);
    json_decref(g->expected);
}

static int not_hidden(const struct dirent *e)
{
    return e->d_name[0] != '.';
}

/* Call fn for every golden model of a folder that has `key`. */
static void each_model(const char *folder, const char *key, enum tf_task task,
                       void (*fn)(struct golden *g, json_t *expected))
{
    struct dirent **names;
    int n = scandir(folder, &names, not_hidden, alphasort), seen = 0;

    for (int i = 0; i < n; i++) {
        struct golden g = { 0 };

        if (open_golden(&g, folder, names[i]->d_name, key, task)) {
            fn(&g, json_object_get(g.expected, key));
            close_golden(&g);
            seen++;
        }
        free(names[i]);
    }
    if (n >= 0)
        free(names);
    assert_true(seen > 0);
}

static void run_logits(struct golden *g, const struct batch *b,
                       struct tf_result *r)
{
    struct tf_batch batch = as_batch(b);
    struct tf_err err;

    for (size_t i = 0; i < b->count; i++)
        if (tf_model_check(g->model, b->ids + b->start[i],
                           b->types + b->start[i],
                           b->start[i + 1] - b->start[i], &err))
            fail_msg("%s: %s", g->name, err.msg);
    if (tf_session_logits(g->session, &batch, r, &err))
        fail_msg("%s: %s", g->name, err.msg);
}

static void classify_alone(struct golden *g, json_t *cases)
{
    json_t *golden;
    size_t i;

    json_array_foreach (cases, i, golden) {
        struct batch b = { .count = 0 };
        struct tf_result r;

        add_case(&b, golden);
        run_logits(g, &b, &r);
        assert_int_equal(r.rows, 1);
        check_row(g->name, json_object_get(golden, "logits"), r.data);
    }
}

static void classifies_each_text_alone(void **state)
{
    (void)state;
    each_model(ENCODERS, "cases", TF_SEQUENCE_CLASSIFICATION, classify_alone);
}

/* Long and short ones side by side, more tokens than one pass takes. */
static void classify_together(struct golden *g, json_t *cases)
{
    size_t n = json_array_size(cases), rounds = 4;
    struct batch b = { .count = 0 };
    struct tf_result r;

    for (size_t i = 0; i < n * rounds; i++)
        add_case(&b, json_array_get(cases, i % n));
    run_logits(g, &b, &r);
    assert_int_equal(r.rows, n * rounds);
    for (size_t i = 0; i < n * rounds; i++)
        check_row(g->name,
                  json_object_get(json_array_get(cases, i % n), "logits"),
                  r.data + i * r.cols);
}

static void classifies_mixed_lengths_together(void **state)
{
    (void)state;
    each_model(ENCODERS, "cases", TF_SEQUENCE_CLASSIFICATION,
               classify_together);
}

static void check_hidden(struct golden *g, json_t *base)
{
    struct batch b = { .count = 0 };
    struct tf_batch batch;
    struct tf_result r;
    struct tf_err err;
    json_t *row;
    size_t i;

    add_case(&b, base);
    batch = as_batch(&b);
    if (tf_session_hidden(g->session, &batch, SIZE_MAX, &r, &err))
        fail_msg("%s: %s", g->name, err.msg);
    json_array_foreach (json_object_get(base, "last_hidden_state"), i, row) {
        check_row(g->name, row, r.data + i * r.cols);
    }
}

static void gives_the_hidden_states(void **state)
{
    (void)state;
    each_model(ENCODERS, "base", TF_TASK_NONE, check_hidden);
}

static void tag(struct golden *g, json_t *golden)
{
    struct batch b = { .count = 0 };
    struct tf_result r;
    json_t *row;
    size_t i;

    add_case(&b, golden);
    run_logits(g, &b, &r);
    json_array_foreach (json_object_get(golden, "logits"), i, row) {
        check_row(g->name, row, r.data + i * r.cols);
    }
}

static void tags_every_token(void **state)
{
    (void)state;
    each_model(ENCODERS, "token_classification", TF_TOKEN_CLASSIFICATION, tag);
    each_model(DECODERS, "token_classification", TF_TOKEN_CLASSIFICATION, tag);
}

static void answer(struct golden *g, json_t *golden)
{
    struct batch b = { .count = 0 };
    struct tf_result r;

    add_case(&b, golden);
    run_logits(g, &b, &r);
    assert_int_equal(r.cols, 2);
    for (size_t i = 0; i < r.rows; i++) {
        json_t *both = json_array();

        json_array_append(
            both, json_array_get(json_object_get(golden, "start_logits"), i));
        json_array_append(
            both, json_array_get(json_object_get(golden, "end_logits"), i));
        check_row(g->name, both, r.data + 2 * i);
        json_decref(both);
    }
}

static void finds_the_ends_of_answers(void **state)
{
    (void)state;
    each_model(ENCODERS, "question_answering", TF_QUESTION_ANSWERING, answer);
    each_model(DECODERS, "question_answering", TF_QUESTION_ANSWERING, answer);
}

/* The same text twice, of which one token of the second is read. */
static void fill(struct golden *g, json_t *golden)
{
    json_t *ids = json_object_get(golden, "top_ids"), *id;
    struct batch b = { .count = 0 };
    struct tf_batch batch;
    struct tf_result r;
    struct tf_err err;
    int32_t read;
    float found[16];
    size_t i;

    add_case(&b, golden);
    add_case(&b, golden);
    batch = as_batch(&b);
    read = (int32_t)b.start[1] +
           (int32_t)json_integer_value(json_object_get(golden, "position"));
    if (tf_session_logits_at(g->session, &batch, &read, 1, &r, &err))
        fail_msg("%s: %s", g->name, err.msg);
    assert_int_equal(r.rows, 1);
    assert_int_equal(r.cols, g->model->stack.spec->vocab);
    json_array_foreach (ids, i, id) {
        found[i] = r.data[json_integer_value(id)];
    }
    check_row(g->name, json_object_get(golden, "top_logits"), found);
}

static void fills_masks(void **state)
{
    (void)state;
    each_model(ENCODERS, "masked_lm", TF_MASKED_LM, fill);
}

/* Natural logarithm of the softmax of a row at `id`, negated. */
static double nll_of(const float *logits, size_t n, size_t id)
{
    double max = -INFINITY, sum = 0;

    for (size_t i = 0; i < n; i++)
        max = fmax(max, (double)logits[i]);
    for (size_t i = 0; i < n; i++)
        sum += exp((double)logits[i] - max);
    return max + log(sum) - (double)logits[id];
}

/* The target of an encoder-decoder: its start token, then target_ids. */
static void add_target(struct batch *b, const struct golden *g, json_t *golden)
{
    json_t *ids = json_object_get(golden, "target_ids");
    size_t n = json_array_size(ids);

    b->ids[0] = g->model->decoder_start;
    for (size_t i = 0; i < n; i++)
        b->ids[i + 1] = (int32_t)json_integer_value(json_array_get(ids, i));
    b->start[1] = n;
    b->count = 1;
}

static void check_nll(struct golden *g, json_t *cases)
{
    json_t *golden;
    size_t i;

    json_array_foreach (cases, i, golden) {
        json_t *wanted = json_object_get(golden, "token_nll");
        size_t n = json_array_size(wanted);
        struct batch b = { .count = 0 }, t = { .count = 0 };
        struct tf_batch batch, target;
        struct tf_arena arena;
        struct tf_err err;
        struct tf_ctx ctx = { .pool = pool, .arena = &arena, .err = &err };
        struct tf_runner runner = { 0 };
        struct tf_tensor *y;
        const int32_t *ids;
        float found[256];

        add_case(&b, golden);
        batch = as_batch(&b);
        ids = b.ids;
        if (g->model->encoder) {
            add_target(&t, g, golden);
            target = as_batch(&t);
            batch.target = &target;
            ids = t.ids;
        }
        tf_arena_init(&arena);
        y = tf_model_logits(&ctx, &runner, g->model, &batch);
        if (!y)
            fail_msg("%s: %s", g->name, err.msg);
        for (size_t k = 0; k < n; k++)
            found[k] = (float)nll_of((float *)y->data + k * y->ld, y->dim[1],
                                     (size_t)ids[k + 1]);
        check_row(g->name, wanted, found);
        tf_runner_release(&runner);
        tf_arena_release(&arena);
    }
}

static void predicts_the_next_token(void **state)
{
    (void)state;
    each_model(DECODERS, "nll", TF_CAUSAL_LM, check_nll);
}

static void classifies_with_decoders(void **state)
{
    (void)state;
    each_model(DECODERS, "cases", TF_SEQUENCE_CLASSIFICATION, classify_alone);
    each_model(DECODERS, "cases", TF_SEQUENCE_CLASSIFICATION,
               classify_together);
}

static int make_pool(void **state)
{
    struct tf_err err;

    (void)state;
    pool = tf_pool_new(2, &err);
    return pool ? 0 : -1;
}

static int free_pool(void **state)
{
    (void)state;
    tf_pool_free(pool);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(classifies_each_text_alone),
        cmocka_unit_test(classifies_mixed_lengths_together),
        cmocka_unit_test(gives_the_hidden_states),
        cmocka_unit_test(tags_every_token),
        cmocka_unit_test(finds_the_ends_of_answers),
        cmocka_unit_test(fills_masks),
        cmocka_unit_test(predicts_the_next_token),
        cmocka_unit_test(classifies_with_decoders),
    };

    return cmocka_run_group_tests(tests, make_pool, free_pool);
}
