#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "format/gguf.h"
#include "format/gguf_write.h"

#define STR(s) ((struct tf_str){ s, sizeof(s) - 1 })

static char path[] = "/tmp/tf-test-gguf-XXXXXX";

static void put_values(struct tf_gguf_meta *m)
{
    tf_gguf_put_string(m, "general.architecture", STR("test"));
    tf_gguf_put_u32(m, "test.block_count", 7);
    tf_gguf_put_f32(m, "test.eps", 1e-6);
    tf_gguf_put_bool(m, "test.causal", false);
    tf_gguf_put_strings(m, "test.words", 2);
    tf_gguf_add_string(m, STR("a"));
    tf_gguf_add_string(m, STR("long word\0nul"));
    tf_gguf_put_i32s(m, "test.types", 3);
    for (int i = -1; i < 2; i++)
        tf_gguf_add_i32(m, i);
    tf_gguf_put_f32s(m, "test.scores", 1);
    tf_gguf_add_f32(m, -0.5);
    tf_gguf_put_bools(m, "test.flags", 2);
    tf_gguf_add_bool(m, true);
    tf_gguf_add_bool(m, false);
}

static int fill(void *arg, const struct tf_named_tensor *t, void *out,
                struct tf_err *err)
{
    (void)err;
    assert_string_equal(t->name, "made");
    memset(out, *(int *)arg, tf_tensor_bytes(&t->tensor));
    return 0;
}

static void check_values(const struct tf_gguf *g)
{
    struct tf_gguf_array a;
    struct tf_str s;
    int64_t i;
    double d;
    bool b;

    assert_true(tf_gguf_string(g, "general.architecture", &s));
    assert_true(tf_str_is(s, "test"));
    assert_true(tf_gguf_int(g, "test.block_count", &i) && i == 7);
    assert_true(tf_gguf_double(g, "test.eps", &d) && (float)d == 1e-6f);
    assert_true(tf_gguf_bool(g, "test.causal", &b) && !b);
    assert_true(tf_gguf_array(g, "test.words", &a) && a.count == 2);
    assert_true(tf_gguf_next_string(&a, &s) && tf_str_is(s, "a"));
    assert_true(tf_gguf_next_string(&a, &s) && s.len == 13);
    assert_true(tf_gguf_array(g, "test.types", &a) && a.count == 3);
    assert_true(tf_gguf_next_int(&a, &i) && i == -1);
    assert_true(tf_gguf_array(g, "test.scores", &a));
    assert_true(tf_gguf_next_double(&a, &d) && d == -0.5);
    assert_true(tf_gguf_array(g, "test.flags", &a));
    assert_true(tf_gguf_next_int(&a, &i) && i == 1);
    assert_true(tf_gguf_next_int(&a, &i) && i == 0);
}

static void reads_what_it_writes(void **state)
{
    float odd[5] = { 1, 2, 3, 4, 5 };
    struct tf_named_tensor tensors[] = {
        { "vector", { .ndim = 1, .dim = { 5 }, .data = odd } },
        { "made", { .dtype = TF_Q8_0, .ndim = 3, .dim = { 2, 3, 32 } } },
        { "empty", { .ndim = 2, .dim = { 0, 4 } } },
        { "after",
          { .dtype = TF_BF16, .ndim = 2, .dim = { 1, 2 }, .data = odd } },
    };
    struct tf_gguf_meta meta = { 0 };
    const struct tf_tensor *t;
    struct tf_gguf *g;
    struct tf_err err;
    int value = 7;

    (void)state;
    put_values(&meta);
    assert_int_equal(tf_gguf_write(path, &meta, tensors, 4, fill, &value, &err),
                     0);
    g = tf_gguf_open(path, &err);
    assert_non_null(g);
    check_values(g);
    assert_int_equal(tf_gguf_count(g), 4);
    t = tf_gguf_find(g, "vector");
    assert_int_equal(t->dim[0], 5);
    assert_memory_equal(t->data, odd, sizeof(odd));
    t = tf_gguf_find(g, "made");
    assert_int_equal(t->dtype, TF_Q8_0);
    assert_int_equal(t->dim[0], 2);
    assert_int_equal(t->dim[2], 32);
    assert_int_equal(((const char *)t->data)[6 * 34 - 1], 7);
    assert_int_equal((uintptr_t)t->data % 32, 0);
    t = tf_gguf_find(g, "after");
    assert_memory_equal(t->data, odd, 4);
    tf_gguf_close(g);
    tf_gguf_meta_release(&meta);
}

/* Copied one by one, metadata are the same bytes again. */
static void copies_values_as_they_stand(void **state)
{
    struct tf_gguf_meta meta = { 0 }, copy = { 0 };
    struct tf_gguf *g;
    struct tf_err err;

    (void)state;
    put_values(&meta);
    assert_int_equal(tf_gguf_write(path, &meta, NULL, 0, fill, NULL, &err), 0);
    g = tf_gguf_open(path, &err);
    assert_non_null(g);
    for (size_t i = 0; i < tf_gguf_value_count(g); i++) {
        struct tf_str key, value = tf_gguf_value_at(g, i, &key);

        tf_gguf_put_raw(&copy, key, value);
    }
    assert_int_equal(copy.count, meta.count);
    assert_int_equal(copy.bytes.len, meta.bytes.len);
    assert_memory_equal(copy.bytes.data, meta.bytes.data, meta.bytes.len);
    tf_gguf_close(g);
    tf_gguf_meta_release(&meta);
    tf_gguf_meta_release(&copy);
}

static void refuses_tensors_that_no_gguf_has(void **state)
{
    static const struct {
        struct tf_named_tensor t;
        const char *word;
    } bad[] = {
        { { "x", { .ndim = 5, .dim = { 1, 1, 1, 1, 1 } } }, "5 dimensions" },
        { { "x", { .dtype = TF_U8, .ndim = 1, .dim = { 1 } } }, "no type U8" },
        { { "x.123456789.123456789.123456789.123456789.123456789.123456789.12",
            { .ndim = 1, .dim = { 1 } } },
          "more than 63 bytes" },
    };
    struct tf_gguf_meta meta = { 0 };
    struct tf_err err;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(
            tf_gguf_write(path, &meta, &bad[i].t, 1, fill, NULL, &err), -1);
        assert_non_null(strstr(err.msg, bad[i].word));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_it_writes),
        cmocka_unit_test(copies_values_as_they_stand),
        cmocka_unit_test(refuses_tensors_that_no_gguf_has),
    };
    int failed;

    close(mkstemp(path));
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(path);
    return failed;
}
