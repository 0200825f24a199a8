/*
 * Every model under tests/golden/models against what Transformers answered with
 * it (scripts/make-golden-models): float32 on both sides, so that only the
 * order of sums differs.
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

#define MODELS    "tests/golden/models"
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
static bool open_golden(struct golden *g, const char *name, const char *key,
                        enum tf_task task)
{
    struct tf_model_opts opts = { .task = task };
    struct tf_err err;
    char path[sizeof(g->dir) + 32];

    g->name = name;
    snprintf(g->dir, sizeof(g->dir), "%s/%s", MODELS, name);
    snprintf(path, sizeof(path), "%s/expected.json", g->dir);
    g->expected = json_load_file(path, 0, NULL);
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

/* Call fn for every golden model that has `key`. */
static void each_model(const char *key, enum tf_task task,
                       void (*fn)(struct golden *g, json_t *expected))
{
    struct dirent **names;
    int n = scandir(MODELS, &names, not_hidden, alphasort), seen = 0;

    for (int i = 0; i < n; i++) {
        struct golden g = { 0 };

        if (open_golden(&g, names[i]->d_name, key, task)) {
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
    each_model("cases", TF_SEQUENCE_CLASSIFICATION, classify_alone);
}

/* Long and short ones side by side, more tokens than one pass takes, and the
 * weights packed half way. */
static void classify_together(struct golden *g, json_t *cases)
{
    size_t n = json_array_size(cases), rounds = 4;
    struct batch b = { .count = 0 };
    struct tf_result r;
    struct tf_err err;

    for (size_t i = 0; i < n * rounds; i++)
        add_case(&b, json_array_get(cases, i % n));
    for (int packed = 0; packed < 2; packed++) {
        if (packed)
            assert_int_equal(tf_model_pack(g->model, pool, &err), 0);
        run_logits(g, &b, &r);
        assert_int_equal(r.rows, n * rounds);
        for (size_t i = 0; i < n * rounds; i++)
            check_row(g->name,
                      json_object_get(json_array_get(cases, i % n), "logits"),
                      r.data + i * r.cols);
    }
}

static void classifies_mixed_lengths_together(void **state)
{
    (void)state;
    each_model("cases", TF_SEQUENCE_CLASSIFICATION, classify_together);
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
    each_model("base", TF_TASK_NONE, check_hidden);
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
    each_model("token_classification", TF_TOKEN_CLASSIFICATION, tag);
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
    each_model("question_answering", TF_QUESTION_ANSWERING, answer);
}

static void fill(struct golden *g, json_t *golden)
{
    json_t *ids = json_object_get(golden, "top_ids"), *id;
    size_t at = (size_t)json_integer_value(json_object_get(golden, "position"));
    struct batch b = { .count = 0 };
    struct tf_result r;
    float found[16];
    size_t i;

    add_case(&b, golden);
    run_logits(g, &b, &r);
    assert_int_equal(r.cols, g->model->stack.spec->vocab);
    json_array_foreach (ids, i, id) {
        found[i] = r.data[at * r.cols + (size_t)json_integer_value(id)];
    }
    check_row(g->name, json_object_get(golden, "top_logits"), found);
}

static void fills_masks(void **state)
{
    (void)state;
    each_model("masked_lm", TF_MASKED_LM, fill);
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
    };

    return cmocka_run_group_tests(tests, make_pool, free_pool);
}
