/* The gradients of every small model of the tests against PyTorch's. */
#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "base/pool.h"
#include "model/init.h"
#include "nn/tape.h"

#define GOLDEN "tests/golden"

/* One model with memory for its gradients. */
struct run {
    const char *name;
    struct tf_model *m;
    float *grads;
    size_t count; /* of gradients */
    struct tf_pool *pool;
    struct tf_arena arena;
    struct tf_tape tape;
    struct tf_runner runner;
    struct tf_err err;
};

static void begin(struct run *r, json_t *golden, bool recompute)
{
    struct tf_model_training training = { .seed = 1 };
    struct tf_model_opts opts = { .train = &training };
    const char *folder = json_string_value(json_object_get(golden, "folder"));
    char dir[256];
    size_t n = 0;

    memset(r, 0, sizeof(*r));
    r->name = json_string_value(json_object_get(golden, "model"));
    snprintf(dir, sizeof(dir), GOLDEN "/%s/%s", folder, r->name);
    if (tf_model_task(dir, &opts.task, &r->err) ||
        !(r->m = tf_model_open(dir, &opts, &r->err)))
        fail_msg("%s", r->err.msg);
    for (size_t i = 0; i < r->m->params.count; i++)
        if (!r->m->params.v[i].buffer)
            r->count += tf_tensor_count(r->m->params.v[i].tensor);
    r->grads = calloc(r->count, sizeof(float));
    assert_non_null(r->grads);
    for (size_t i = 0; i < r->m->params.count; i++)
        if (!r->m->params.v[i].buffer) {
            r->m->params.v[i].tensor->grad = r->grads + n;
            n += tf_tensor_count(r->m->params.v[i].tensor);
        }
    r->pool = tf_pool_new(2, &r->err);
    tf_arena_init(&r->arena);
    tf_tape_init(&r->tape);
    r->runner.recompute = recompute;
}

static void end(struct run *r)
{
    tf_runner_release(&r->runner);
    tf_tape_release(&r->tape);
    tf_arena_release(&r->arena);
    tf_pool_free(r->pool);
    tf_model_close(r->m);
    free(r->grads);
}

/* Forward and back; gives the loss. */
static double go_back(struct run *r, json_t *golden)
{
    struct tf_ctx ctx = {
        .pool = r->pool, .arena = &r->arena, .tape = &r->tape, .err = &r->err
    };
    size_t start[3] = { 0 }, n = 0;
    struct tf_batch batch = { .seqs = { 2, start } };
    struct tf_loss spec = { 0 };
    struct tf_tensor *logits, *loss;
    json_t *rows = json_object_get(golden, "ids"), *v;
    int32_t ids[64];
    float *targets;
    double value;
    size_t i;

    for (size_t q = 0; q < 2; q++) {
        json_array_foreach (json_array_get(rows, q), i, v)
            ids[n++] = (int32_t)json_integer_value(v);
        start[q + 1] = n;
    }
    batch.ids = ids;
    if (r->m->encoder && r->m->decoder_start < 0)
        r->m->decoder_start = 2; /* as the script does */
    logits = tf_model_logits(&ctx, &r->runner, r->m, &batch);
    if (!logits)
        fail_msg("%s: %s", r->name, r->err.msg);
    n = tf_tensor_count(logits);
    targets = tf_scratch(&ctx, n, sizeof(*targets));
    for (i = 0; i < n; i++)
        targets[i] = (float)sin((double)i);
    loss = tf_squared_error(&ctx, logits, targets, &spec);
    if (!loss)
        fail_msg("%s: %s", r->name, r->err.msg);
    value = (double)*(float *)loss->data;
    assert_int_equal(tf_backward(&ctx, loss), 0);
    return value;
}

static int by_name(const void *a, const void *b)
{
    const struct tf_parameter *const *x = a, *const *y = b;

    return strcmp((*x)->name, (*y)->name);
}

/* Its gradient as the files have its numbers, times sin 1, sin 2, ... */
static double dot(const struct tf_parameter *p)
{
    struct tf_tensor turned = *p->tensor;
    struct tf_parameter saved = *p;
    size_t n = tf_tensor_count(p->tensor);
    float *g = malloc(n * sizeof(*g));
    double sum = 0;

    assert_non_null(g);
    turned.data = p->tensor->grad;
    saved.tensor = &turned;
    tf_parameter_export(&saved, g);
    for (size_t i = 0; i < n; i++)
        sum += (double)g[i] * sin((double)(i + 1));
    free(g);
    return sum;
}

static void check_parts(struct run *r, json_t *golden, double norm)
{
    const struct tf_parameter **sorted =
        calloc(r->m->params.count, sizeof(*sorted));
    json_t *dots = json_object_get(golden, "dots");
    size_t n = 0;

    for (size_t i = 0; i < r->m->params.count; i++)
        if (!r->m->params.v[i].buffer)
            sorted[n++] = &r->m->params.v[i];
    qsort(sorted, n, sizeof(*sorted), by_name);
    if (n != json_array_size(dots))
        fail_msg("%s: %zu parameters, not %zu", r->name, n,
                 json_array_size(dots));
    for (size_t i = 0; i < n; i++) {
        double wanted = json_number_value(json_array_get(dots, i));
        double found = dot(sorted[i]);

        if (fabs(found - wanted) > 2e-5 * (norm + fabs(wanted)))
            fail_msg("%s: %s: %.8g, not %.8g (norm %.4g)", r->name,
                     sorted[i]->name, found, wanted, norm);
    }
    free(sorted);
}

static void check(json_t *golden, bool recompute)
{
    double wanted = json_number_value(json_object_get(golden, "loss"));
    double norm = json_number_value(json_object_get(golden, "norm"));
    double loss, sum = 0;
    struct run r;

    begin(&r, golden, recompute);
    loss = go_back(&r, golden);
    if (fabs(loss - wanted) > 1e-5 * (1 + wanted))
        fail_msg("%s: loss %.8g, not %.8g", r.name, loss, wanted);
    check_parts(&r, golden, norm);
    for (size_t i = 0; i < r.count; i++)
        sum += (double)r.grads[i] * (double)r.grads[i];
    if (fabs(sqrt(sum) - norm) > 1e-5 * norm)
        fail_msg("%s: norm %.8g, not %.8g", r.name, sqrt(sum), norm);
    end(&r);
}

static json_t *goldens(void)
{
    json_t *all = json_load_file(GOLDEN "/backward.json", 0, NULL);

    assert_non_null(all);
    return all;
}

static void every_architecture_goes_back_as_pytorch(void **state)
{
    json_t *all = goldens(), *golden;
    size_t i;

    (void)state;
    json_array_foreach (all, i, golden)
        check(golden, false);
    json_decref(all);
}

static void so_does_one_that_runs_layers_again(void **state)
{
    json_t *all = goldens(), *golden;
    size_t i;

    (void)state;
    json_array_foreach (all, i, golden)
        if (i % 3 == 0)
            check(golden, true);
    json_decref(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_architecture_goes_back_as_pytorch),
        cmocka_unit_test(so_does_one_that_runs_layers_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
