/*
 * Weights after four steps against PyTorch's and Transformers' optimizers
 * (scripts/make-golden-optimizers). Both are float32 with other orders of
 * rounding: they agree to 1e-6 of weights of size 1.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "format/weights.h"
#include "train/optimizer.h"

enum { STEPS = 4, PARAMS = 3 };

static const char *const names[PARAMS] = { "matrix", "vector", "stack" };
static const double rates[STEPS] = { 0.01, 0.02, 0.005, 0.01 };

static struct tf_weights *golden;
static struct tf_pool *pool;

static const struct tf_tensor *find(const char *format, const char *name,
                                    int step)
{
    const struct tf_tensor *t;
    char path[80];

    snprintf(path, sizeof(path), format, name, step);
    t = tf_weights_find(golden, path);
    if (!t)
        fail_msg("%s is not in the golden file", path);
    return t;
}

struct fixture {
    struct tf_param params[PARAMS];
    struct tf_tensor tensors[PARAMS];
};

static void copy_of(float **dst, const struct tf_tensor *src)
{
    if (!*dst)
        *dst = malloc(tf_tensor_bytes(src));
    memcpy(*dst, src->data, tf_tensor_bytes(src));
}

static void open_params(struct fixture *f)
{
    size_t i;

    memset(f, 0, sizeof(*f));
    for (i = 0; i < PARAMS; i++) {
        const struct tf_tensor *start = find("%s.start", names[i], 0);
        float *data = NULL;

        f->tensors[i] = *start;
        copy_of(&data, start);
        f->tensors[i].data = data;
        f->tensors[i].grad = calloc(tf_tensor_count(start), sizeof(float));
        f->params[i].name = names[i];
        f->params[i].tensor = &f->tensors[i];
        f->params[i].decay = strcmp(names[i], "vector") != 0;
    }
}

static void close_params(struct fixture *f)
{
    size_t i;

    for (i = 0; i < PARAMS; i++) {
        free(f->tensors[i].data);
        free(f->tensors[i].grad);
        free(f->params[i].master);
    }
}

static void load_gradients(struct fixture *f, int step)
{
    size_t i;

    for (i = 0; i < PARAMS; i++)
        copy_of(&f->tensors[i].grad, find("%s.grad%d", names[i], step));
}

static void compare(const struct fixture *f, const char *run)
{
    size_t i, j;

    for (i = 0; i < PARAMS; i++) {
        char path[80];
        const float *want, *got = f->tensors[i].data;

        snprintf(path, sizeof(path), "%s.%s", run, names[i]);
        want = find("%s", path, 0)->data;
        for (j = 0; j < tf_tensor_count(&f->tensors[i]); j++) {
            if (!(fabsf(got[j] - want[j]) <= 1e-6f))
                fail_msg("%s, element %zu: %.9g, not %.9g", path, j,
                         (double)got[j], (double)want[j]);
            assert_true(f->tensors[i].grad[j] == 0);
        }
    }
}

static void check_run(const char *run, const struct tf_optimizer_config *config,
                      double max_norm)
{
    struct tf_optimizer *opt;
    struct fixture f;
    struct tf_err err;
    int step;

    open_params(&f);
    opt = tf_optimizer_new(config, f.params, PARAMS, &err);
    assert_non_null(opt);
    for (step = 0; step < STEPS; step++) {
        double factor = 1;

        load_gradients(&f, step);
        if (max_norm > 0) {
            double norm = tf_optimizer_norm(opt, pool);

            assert_float_equal(
                norm, *(float *)find("%s.norm%d", run, step)->data, 1e-5);
            factor = tf_clip_factor(norm, max_norm);
        }
        tf_optimizer_step(opt, pool, rates[step], factor);
    }
    compare(&f, run);
    tf_optimizer_free(opt);
    close_params(&f);
}

static void adamw_clips_and_decays(void **state)
{
    struct tf_optimizer_config c;

    (void)state;
    tf_optimizer_defaults(&c, TF_ADAMW);
    c.beta2 = 0.99;
    c.weight_decay = 0.1;
    check_run("adamw", &c, 1);
}

static void sgd_has_momentum(void **state)
{
    struct tf_optimizer_config c;

    (void)state;
    tf_optimizer_defaults(&c, TF_SGD);
    c.weight_decay = 0.1;
    check_run("sgd", &c, 0);
    c.momentum = 0.9;
    check_run("momentum", &c, 0);
    c.nesterov = true;
    check_run("nesterov", &c, 0);
}

static void adafactor_factors_matrices(void **state)
{
    struct tf_optimizer_config c;

    (void)state;
    tf_optimizer_defaults(&c, TF_ADAFACTOR);
    c.weight_decay = 0.1;
    check_run("adafactor", &c, 0);
    c.weight_decay = 0;
    c.beta1 = 0.9;
    c.relative_step = true;
    c.scale_parameter = true;
    c.warmup_init = true;
    check_run("adafactor.relative", &c, 0);
}

static void state_can_be_moved_to_another(void **state)
{
    struct tf_optimizer_config c;
    struct tf_optimizer *opt, *next;
    struct fixture f;
    struct tf_err err;
    const char *name;
    size_t i, j, n;
    int step;

    (void)state;
    tf_optimizer_defaults(&c, TF_ADAMW);
    c.beta2 = 0.99;
    c.weight_decay = 0.1;
    open_params(&f);
    opt = tf_optimizer_new(&c, f.params, PARAMS, &err);
    for (step = 0; step < STEPS; step++) {
        next = tf_optimizer_new(&c, f.params, PARAMS, &err);
        for (i = 0; i < PARAMS; i++)
            for (j = 0; tf_optimizer_state(opt, i, j, &name, &n); j++)
                memcpy(tf_optimizer_state(next, i, j, &name, &n),
                       tf_optimizer_state(opt, i, j, &name, &n),
                       n * sizeof(float));
        assert_int_equal(j, 2);
        assert_string_equal(name, "exp_avg_sq");
        tf_optimizer_set_steps(next, tf_optimizer_steps(opt));
        tf_optimizer_free(opt);
        opt = next;
        load_gradients(&f, step);
        tf_optimizer_step(opt, pool, rates[step],
                          tf_clip_factor(tf_optimizer_norm(opt, pool), 1));
    }
    compare(&f, "adamw");
    tf_optimizer_free(opt);
    close_params(&f);
}

static void bfloat16_follows_its_master(void **state)
{
    struct tf_optimizer_config c;
    struct tf_optimizer *opt;
    uint16_t half[70];
    struct fixture f;
    struct tf_err err;
    size_t i;

    (void)state;
    tf_optimizer_defaults(&c, TF_SGD);
    open_params(&f);
    f.params[0].master = f.tensors[0].data;
    f.tensors[0].data = half;
    f.tensors[0].dtype = TF_BF16;
    f.tensors[0].dim[0] = 1;
    load_gradients(&f, 0);
    opt = tf_optimizer_new(&c, f.params, 1, &err);
    tf_optimizer_step(opt, pool, 1, 1);
    for (i = 0; i < 70; i++) {
        uint32_t bits = (uint32_t)half[i] << 16;
        float rounded;

        memcpy(&rounded, &bits, sizeof(rounded));
        assert_true(fabsf(rounded - f.params[0].master[i]) <=
                    fabsf(rounded) / 256);
    }
    f.tensors[0].data = NULL;
    tf_optimizer_free(opt);
    close_params(&f);
}

/* A table most of whose rows get no gradient, and another step by step. */
enum { ROWS = 9000, COLS = 7, CELLS = ROWS * COLS };

struct table {
    float data[CELLS], grad[CELLS];
    uint8_t rows[ROWS];
    struct tf_tensor tensor;
    struct tf_param param;
};

static void open_table(struct table *t, bool counted)
{
    for (size_t i = 0; i < CELLS; i++)
        t->data[i] = (float)(i % 101) / 101 - 0.5f;
    t->tensor = (struct tf_tensor){ .dtype = TF_F32,
                                    .ndim = 2,
                                    .dim = { ROWS, COLS },
                                    .ld = COLS,
                                    .data = t->data,
                                    .grad = t->grad,
                                    .grad_rows = counted ? t->rows : NULL };
    t->param = (struct tf_param){ .name = "table",
                                  .tensor = &t->tensor,
                                  .decay = true };
}

static void add_gradients(struct table *t, int step)
{
    for (size_t row = (size_t)step; row < ROWS; row += 17 + (size_t)step) {
        t->rows[row] = 1;
        for (size_t i = row * COLS; i < (row + 1) * COLS; i++)
            t->grad[i] = (float)(i % 13) - 6;
    }
}

static struct tf_optimizer *moved(struct tf_optimizer *from,
                                  struct tf_param *param,
                                  const struct tf_optimizer_config *c)
{
    struct tf_err err;
    struct tf_optimizer *to = tf_optimizer_new(c, param, 1, &err);
    const char *name;
    size_t n;

    for (size_t i = 0; tf_optimizer_state(from, 0, i, &name, &n); i++)
        memcpy(tf_optimizer_state(to, 0, i, &name, &n),
               tf_optimizer_state(from, 0, i, &name, &n), n * sizeof(float));
    tf_optimizer_set_steps(to, tf_optimizer_steps(from));
    tf_optimizer_free(from);
    return to;
}

static void rows_without_gradients_are_stepped_alike(void **state)
{
    static struct table counted, plain;
    struct tf_optimizer_config c;
    struct tf_optimizer *a, *b;
    struct tf_err err;
    double norm;
    int step;

    (void)state;
    tf_optimizer_defaults(&c, TF_ADAMW);
    c.weight_decay = 0.1;
    open_table(&counted, true);
    open_table(&plain, false);
    a = tf_optimizer_new(&c, &counted.param, 1, &err);
    b = tf_optimizer_new(&c, &plain.param, 1, &err);
    for (step = 0; step < 6; step++) {
        add_gradients(&counted, step);
        add_gradients(&plain, step);
        norm = tf_optimizer_norm(b, pool);
        assert_true(fabs(tf_optimizer_norm(a, pool) - norm) <= 1e-6 * norm);
        tf_optimizer_step(a, pool, 0.01, 0.5);
        tf_optimizer_step(b, pool, 0.01, 0.5);
        if (step == 3)
            a = moved(a, &counted.param, &c);
    }
    assert_memory_equal(counted.data, plain.data, sizeof(plain.data));
    for (size_t i = 0; i < ROWS; i++)
        assert_int_equal(counted.rows[i], 0);
    for (size_t i = 0; i < CELLS; i++)
        assert_true(counted.grad[i] == 0);
    tf_optimizer_free(a);
    tf_optimizer_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(adamw_clips_and_decays),
        cmocka_unit_test(sgd_has_momentum),
        cmocka_unit_test(adafactor_factors_matrices),
        cmocka_unit_test(state_can_be_moved_to_another),
        cmocka_unit_test(bfloat16_follows_its_master),
        cmocka_unit_test(rows_without_gradients_are_stepped_alike),
    };
    struct tf_err err;
    int failed;

    pool = tf_pool_new(2, &err);
    golden = tf_weights_open("tests/golden/optimizers.safetensors", &err);
    if (!golden) {
        fprintf(stderr, "%s\n", err.msg);
        return 1;
    }
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    tf_weights_close(golden);
    tf_pool_free(pool);
    return failed;
}
