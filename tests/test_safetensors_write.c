#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/io.h"
#include "format/safetensors.h"
#include "format/safetensors_write.h"

#define GOLDEN "tests/golden/torchbin/"
#define MOST   64

static int fill(void *arg, const struct tf_named_tensor *t, void *out,
                struct tf_err *err)
{
    const struct tf_tensor *from = tf_safetensors_find(arg, t->name);

    (void)err;
    memcpy(out, from->data, tf_tensor_bytes(from));
    return 0;
}

static int refuse(void *arg, const struct tf_named_tensor *t, void *out,
                  struct tf_err *err)
{
    (void)arg;
    (void)out;
    return tf_fail(err, "%s: no data", t->name);
}

/* The tensors of a file in falling order; every other one without data. */
static size_t list(struct tf_safetensors *st, struct tf_named_tensor *v)
{
    size_t n = tf_safetensors_count(st), i;

    assert_true(n <= MOST);
    for (i = 0; i < n; i++) {
        v[n - 1 - i].tensor = *tf_safetensors_at(st, i, &v[n - 1 - i].name);
        if (i % 2)
            v[n - 1 - i].tensor.data = NULL;
    }
    return n;
}

static void writes_the_bytes_of_the_reference(void **state)
{
    static const char *const files[] = { GOLDEN "state.safetensors",
                                         GOLDEN "new-dtypes.safetensors" };
    struct tf_named_tensor v[MOST];
    struct tf_err err = { 0 };
    size_t i, n;

    (void)state;
    for (i = 0; i < 2; i++) {
        char path[] = "/tmp/tf-test-XXXXXX";
        struct tf_buf want = TF_BUF_INIT, got = TF_BUF_INIT;
        struct tf_safetensors *st = tf_safetensors_open(files[i], &err);

        assert_non_null(st);
        close(mkstemp(path));
        n = list(st, v);
        if (tf_safetensors_write(path, v, n, fill, st, &err))
            fail_msg("%s", err.msg);
        assert_int_equal(tf_file_read(files[i], 1 << 20, &want, &err), 0);
        assert_int_equal(tf_file_read(path, 1 << 20, &got, &err), 0);
        assert_int_equal(want.len, got.len);
        assert_memory_equal(want.data, got.data, want.len);
        tf_buf_release(&want);
        tf_buf_release(&got);
        tf_safetensors_close(st);
        unlink(path);
    }
}

static void leaves_the_old_file_when_it_fails(void **state)
{
    char path[] = "/tmp/tf-test-XXXXXX";
    struct tf_named_tensor v[2] = {
        { "a", { .dtype = TF_F32, .ndim = 1, .dim = { 2 } } },
        { "a", { .dtype = TF_F32, .ndim = 1, .dim = { 2 } } },
    };
    struct tf_buf got = TF_BUF_INIT;
    struct tf_err err;
    int fd = mkstemp(path);

    (void)state;
    assert_int_equal(write(fd, "old", 3), 3);
    close(fd);
    assert_int_equal(tf_safetensors_write(path, v, 1, refuse, NULL, &err), -1);
    assert_non_null(strstr(err.msg, "a: no data"));
    assert_int_equal(tf_safetensors_write(path, v, 2, refuse, NULL, &err), -1);
    assert_non_null(strstr(err.msg, "a: stands twice"));
    assert_int_equal(
        tf_safetensors_write("/nowhere/x", v, 1, refuse, NULL, &err), -1);
    assert_int_equal(tf_file_read(path, 100, &got, &err), 0);
    assert_int_equal(got.len, 3);
    tf_buf_release(&got);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_the_bytes_of_the_reference),
        cmocka_unit_test(leaves_the_old_file_when_it_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
