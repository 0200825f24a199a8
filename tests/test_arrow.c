#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/io.h"
#include "format/arrow.h"

#define GOLDEN "tests/golden/arrow/"

/* All rows, a line each. */
static int rows_of(struct tf_arrow *a, struct tf_buf *out, struct tf_err *err)
{
    int more;

    while ((more = tf_arrow_next(a, out, err)) > 0)
        tf_buf_addc(out, '\n');
    return more;
}

static void read_golden(const char *name, struct tf_buf *out)
{
    char path[128];
    struct tf_err err;

    snprintf(path, sizeof(path), GOLDEN "%s", name);
    if (tf_file_read(path, 1 << 20, out, &err))
        fail_msg("%s", err.msg);
}

static void compare(const char *name)
{
    struct tf_buf file = TF_BUF_INIT, rows = TF_BUF_INIT, wanted = TF_BUF_INIT;
    char full[64];
    struct tf_err err = { 0 };
    struct tf_arrow *a;

    snprintf(full, sizeof(full), "%s.arrow", name);
    read_golden(full, &file);
    snprintf(full, sizeof(full), "%s.jsonl", name);
    read_golden(full, &wanted);
    a = tf_arrow_read(file.data, file.len, &err);
    if (!a || rows_of(a, &rows, &err))
        fail_msg("%s: %s", name, err.msg);
    assert_string_equal(tf_buf_cstr(&rows), tf_buf_cstr(&wanted));
    tf_arrow_close(a);
    tf_buf_release(&file);
    tf_buf_release(&rows);
    tf_buf_release(&wanted);
}

static void reads_every_type_as_pyarrow_does(void **state)
{
    (void)state;
    compare("types");
    compare("types-file");
    compare("more");
}

static void puts_lists_and_structs_together(void **state)
{
    (void)state;
    compare("nested");
    compare("sliced");
}

static void reads_batches_one_after_the_other(void **state)
{
    (void)state;
    compare("batches");
    compare("batches-file");
    compare("empty");
}

static void reads_dictionaries_that_change(void **state)
{
    (void)state;
    compare("coded");
}

static void reads_compressed_buffers(void **state)
{
    (void)state;
    compare("codec-lz4");
    compare("codec-zstd");
}

static void finds_what_datasets_noted(void **state)
{
    struct tf_buf file = TF_BUF_INIT;
    struct tf_str features;
    struct tf_err err;
    struct tf_arrow *a;

    (void)state;
    compare("classes");
    read_golden("classes.arrow", &file);
    a = tf_arrow_read(file.data, file.len, &err);
    assert_non_null(a);
    features = tf_arrow_metadata(a, "huggingface");
    assert_non_null(features.s);
    assert_memory_equal(features.s, "{\"info\"", 7);
    assert_null(tf_arrow_metadata(a, "other").s);
    tf_arrow_close(a);
    tf_buf_release(&file);
}

static void says_what_is_wrong(void **state)
{
    struct tf_buf file = TF_BUF_INIT, rows = TF_BUF_INIT;
    struct tf_err err = { 0 };
    struct tf_arrow *a;

    (void)state;
    assert_null(tf_arrow_read("no arrow", 8, &err));
    assert_non_null(strstr(err.msg, "neither a stream nor a file"));
    read_golden("types-file.arrow", &file);
    assert_null(tf_arrow_read(file.data, file.len - 1, &err));
    assert_string_equal(err.msg, "not an Arrow file, or cut short");
    tf_buf_reset(&file);
    read_golden("nested.arrow", &file);
    a = tf_arrow_read(file.data, file.len - 200, &err);
    assert_non_null(a);
    assert_int_equal(rows_of(a, &rows, &err), -1);
    assert_string_equal(err.msg, "cut short");
    tf_arrow_close(a);
    tf_buf_release(&file);
    tf_buf_release(&rows);
}

/* Whatever a byte is changed to, or wherever it ends: rows or a message, and no
 * memory error. */
static void survives_damage(void **state)
{
    static const char *const files[] = { "more.arrow", "coded.arrow",
                                         "codec-lz4.arrow",
                                         "types-file.arrow" };
    struct tf_buf rows = TF_BUF_INIT;

    (void)state;
    for (size_t f = 0; f < sizeof(files) / sizeof(files[0]); f++) {
        struct tf_buf file = TF_BUF_INIT;
        struct tf_err err = { 0 };

        read_golden(files[f], &file);
        for (size_t i = 0; i < 2 * file.len; i++) {
            size_t at = i % file.len, len = i < file.len ? file.len : at;
            char was = file.data[at];
            char *copy;
            struct tf_arrow *a;

            if (i < file.len)
                file.data[at] = (char)(was ^ (at % 3 ? 1 << at % 8 : 0xff));
            /* one that ends where the sanitizer sees it */
            copy = malloc(len + 1);
            assert_non_null(copy);
            memcpy(copy, file.data, len);
            file.data[at] = was;
            a = tf_arrow_read(copy, len, &err);
            tf_buf_reset(&rows);
            for (int k = 0; a && k < 100 && rows.len < 1 << 20; k++)
                if (tf_arrow_next(a, &rows, &err) <= 0)
                    break;
            tf_arrow_close(a);
            free(copy);
        }
        tf_buf_release(&file);
    }
    tf_buf_release(&rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_type_as_pyarrow_does),
        cmocka_unit_test(puts_lists_and_structs_together),
        cmocka_unit_test(reads_batches_one_after_the_other),
        cmocka_unit_test(reads_dictionaries_that_change),
        cmocka_unit_test(reads_compressed_buffers),
        cmocka_unit_test(finds_what_datasets_noted),
        cmocka_unit_test(says_what_is_wrong),
        cmocka_unit_test(survives_damage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
