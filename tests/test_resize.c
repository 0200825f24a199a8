#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "convert/resize.h"
#include "format/safetensors.h"

#define MODELS "tests/golden/"

static char folder[] = "/tmp/test_resize.XXXXXX";

static int enter_folder(void **state)
{
    (void)state;
    return !mkdtemp(folder);
}

static int remove_folder(void **state)
{
    char command[64];

    (void)state;
    snprintf(command, sizeof(command), "rm -rf %s", folder);
    return system(command);
}

/* A model before and after. */
struct both {
    struct tf_safetensors *old, *new;
    struct tf_resize_report report;
};

static void resize(struct both *b, const char *model,
                   const struct tf_resize_opts *opts)
{
    static int turn;
    char from[128], to[128], file[160];
    struct tf_err err = { 0 };

    snprintf(from, sizeof(from), MODELS "%s", model);
    snprintf(to, sizeof(to), "%s/%d", folder, turn++);
    if (tf_resize(from, to, opts, &b->report, &err))
        fail_msg("%s", err.msg);
    snprintf(file, sizeof(file), "%s/model.safetensors", from);
    b->old = tf_safetensors_open(file, &err);
    snprintf(file, sizeof(file), "%s/model.safetensors", to);
    b->new = tf_safetensors_open(file, &err);
    assert_non_null(b->old);
    assert_non_null(b->new);
}

static void close_both(struct both *b)
{
    tf_safetensors_close(b->old);
    tf_safetensors_close(b->new);
}

/* The numbers of a tensor, for the next call to write over. */
static const float *numbers(const struct tf_safetensors *st, const char *name)
{
    static float *out;
    const struct tf_tensor *t = tf_safetensors_find(st, name);

    assert_non_null(t);
    out = realloc(out, tf_tensor_count(t) * sizeof(*out));
    assert_non_null(out);
    tf_dtype_info(t->dtype)->unpack(out, t->data, tf_tensor_count(t));
    return out;
}

static void compare_rows(const struct both *b, const char *name, size_t rows,
                         double *mean, double *spread)
{
    const struct tf_tensor *old = tf_safetensors_find(b->old, name);
    const struct tf_tensor *new = tf_safetensors_find(b->new, name);
    size_t before = old->dim[0], cols = old->ndim > 1 ? old->dim[1] : 1;
    size_t kept = before < rows ? before : rows;
    const float *x = numbers(b->old, name);

    assert_int_equal(new->dim[0], rows);
    assert_int_equal(new->dtype, old->dtype);
    assert_memory_equal(old->data, new->data,
                        kept * cols * tf_dtype_info(old->dtype)->bytes);
    for (size_t c = 0; c < cols; c++) {
        double sum = 0, squares = 0;

        for (size_t i = 0; i < before; i++) {
            sum += (double)x[i * cols + c];
            squares += (double)x[i * cols + c] * (double)x[i * cols + c];
        }
        mean[c] = sum / (double)before;
        spread[c] = sqrt(squares / (double)before - mean[c] * mean[c]);
    }
}

static void new_rows_are_drawn_like_the_old(void **state)
{
    struct tf_resize_opts opts = { .size = 4000, .seed = 7 };
    double mean[64], spread[64];
    struct both b;
    const float *y;

    (void)state;
    resize(&b, "decoders/llama", &opts);
    assert_int_equal(b.report.resized, 2);
    for (int k = 0; k < 2; k++) {
        const char *name = k ? "lm_head.weight" : "model.embed_tokens.weight";
        size_t n = 4000 - 280, cols = 24;

        compare_rows(&b, name, 4000, mean, spread);
        y = numbers(b.new, name);
        for (size_t c = 0; c < cols; c++) {
            double sum = 0, squares = 0, wanted = spread[c] * sqrt(1e-9);

            for (size_t i = 280; i < 4000; i++) {
                double d = (double)y[i * cols + c] - mean[c];

                sum += d;
                squares += d * d;
            }
            /* within four deviations of what a sample of n has */
            assert_true(fabs(sum / (double)n) <
                        4 * wanted / sqrt((double)n) + 1e-8);
            assert_true(fabs(sqrt(squares / (double)n) / wanted - 1) < 0.06);
        }
    }
    close_both(&b);
}

static void biases_of_tied_heads_are_zero_and_of_others_the_mean(void **state)
{
    struct tf_resize_opts opts = { .multiple = 64, .size = 281 };
    double mean[64], spread[64];
    struct both b;
    const float *y;

    (void)state;
    resize(&b, "decoders/phi", &opts);
    assert_int_equal(b.report.after, 320);
    compare_rows(&b, "lm_head.bias", 320, mean, spread);
    y = numbers(b.new, "lm_head.bias");
    assert_true(fabs((double)y[319] - mean[0]) < 1e-4); /* of float16 */
    close_both(&b);

    resize(&b, "models/distilbert", &opts);
    compare_rows(&b, "vocab_projector.bias", 320, mean, spread);
    y = numbers(b.new, "vocab_projector.bias");
    assert_true(y[319] == 0);
    close_both(&b);
}

static void rows_are_dropped_from_the_end(void **state)
{
    struct tf_resize_opts opts = { .size = 100 };
    double mean[64], spread[64];
    struct both b;

    (void)state;
    resize(&b, "decoders/gpt2", &opts);
    compare_rows(&b, "transformer.wte.weight", 100, mean, spread);
    close_both(&b);
}

static void new_rows_are_what_is_asked_for(void **state)
{
    struct tf_resize_opts opts = { .size = 2000 };
    double mean[64], spread[64], squares = 0;
    struct both b;
    const float *y;

    (void)state;
    for (int k = 0; k < 3; k++) {
        opts.rows = k == 0 ? TF_NEW_MEAN : k == 1 ? TF_NEW_ZERO : TF_NEW_NORMAL;
        resize(&b, "decoders/gpt2", &opts);
        compare_rows(&b, "transformer.wte.weight", 2000, mean, spread);
        y = numbers(b.new, "transformer.wte.weight");
        for (size_t i = 280 * 16; k < 2 && i < 2000 * 16; i++)
            assert_true(fabs((double)y[i] - (k ? 0 : mean[i % 16])) < 1e-6);
        for (size_t i = 280 * 16; k == 2 && i < 2000 * 16; i++)
            squares += (double)y[i] * (double)y[i] / (1720 * 16);
        close_both(&b);
    }
    assert_true(fabs(sqrt(squares) - 0.02) < 0.001);
}

static void says_what_can_not_be_resized(void **state)
{
    struct tf_resize_opts opts = { .size = 100 };
    struct tf_resize_report report;
    struct tf_err err = { 0 };

    (void)state;
    assert_int_equal(
        tf_resize(MODELS "gguf/gpt2.gguf", folder, &opts, &report, &err), -1);
    assert_int_equal(
        tf_resize(MODELS "models/nothing", folder, &opts, &report, &err), -1);
    opts.size = 0;
    opts.tokenizer = MODELS "models/nothing";
    assert_int_equal(
        tf_resize(MODELS "models/bert", folder, &opts, &report, &err), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(new_rows_are_drawn_like_the_old),
        cmocka_unit_test(biases_of_tied_heads_are_zero_and_of_others_the_mean),
        cmocka_unit_test(rows_are_dropped_from_the_end),
        cmocka_unit_test(new_rows_are_what_is_asked_for),
        cmocka_unit_test(says_what_can_not_be_resized),
    };

    return cmocka_run_group_tests(tests, enter_folder, remove_folder);
}
