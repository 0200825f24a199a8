#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/io.h"
#include "format/decompress.h"
#include "format/parquet.h"
#include "format/thrift.h"

#define GOLDEN "tests/golden/parquet/"

/* All rows, a line each. */
static int rows_of(struct tf_parquet *p, struct tf_buf *out, struct tf_err *err)
{
    int more;

    while ((more = tf_parquet_next(p, out, err)) > 0)
        tf_buf_addc(out, '\n');
    return more;
}

static void compare(const char *name)
{
    struct tf_buf rows = TF_BUF_INIT, wanted = TF_BUF_INIT;
    char path[128];
    struct tf_err err = { 0 };
    struct tf_parquet *p;

    snprintf(path, sizeof(path), GOLDEN "%s.parquet", name);
    p = tf_parquet_open(path, &err);
    if (!p || rows_of(p, &rows, &err))
        fail_msg("%s: %s", name, err.msg);
    snprintf(path, sizeof(path), GOLDEN "%s.jsonl", name);
    assert_int_equal(tf_file_read(path, 1 << 20, &wanted, &err), 0);
    assert_string_equal(tf_buf_cstr(&rows), tf_buf_cstr(&wanted));
    tf_parquet_close(p);
    tf_buf_release(&rows);
    tf_buf_release(&wanted);
}

static void reads_every_type_as_pyarrow_does(void **state)
{
    (void)state;
    compare("types");
    compare("types-plain");
}

static void puts_lists_and_structs_together(void **state)
{
    (void)state;
    compare("nested");
    compare("nested-pages");
}

static void reads_every_encoding(void **state)
{
    (void)state;
    compare("delta");
    compare("delta-2");
}

static void reads_every_compression(void **state)
{
    (void)state;
    compare("codec-snappy");
    compare("codec-gzip");
    compare("codec-gzip-2");
    compare("codec-zstd");
    compare("codec-brotli");
    compare("codec-lz4");
}

static void reads_row_groups_one_after_the_other(void **state)
{
    (void)state;
    compare("groups");
    compare("empty");
}

static void finds_what_the_writer_noted(void **state)
{
    struct tf_err err;
    struct tf_parquet *p = tf_parquet_open(GOLDEN "classes.parquet", &err);
    struct tf_str features;

    (void)state;
    assert_non_null(p);
    assert_int_equal(tf_parquet_rows(p), 9);
    features = tf_parquet_metadata(p, "huggingface");
    assert_non_null(features.s);
    assert_memory_equal(features.s, "{\"info\"", 7);
    assert_null(tf_parquet_metadata(p, "other").s);
    tf_parquet_close(p);
}

static void names_the_column_and_what_is_wrong_with_it(void **state)
{
    struct tf_buf file = TF_BUF_INIT, rows = TF_BUF_INIT;
    struct tf_err err = { 0 };
    struct tf_parquet *p;

    (void)state;
    assert_int_equal(
        tf_file_read(GOLDEN "codec-zstd.parquet", 1 << 20, &file, &err), 0);
    file.data[60] ^= 1; /* in the first page */
    p = tf_parquet_read(file.data, file.len, &err);
    assert_non_null(p);
    assert_int_equal(rows_of(p, &rows, &err), -1);
    assert_string_equal(err.msg, "column \"text\": a page's bytes do not have "
                                 "the sum that it says");
    tf_parquet_close(p);
    assert_null(tf_parquet_read(file.data, file.len - 1, &err));
    assert_string_equal(err.msg, "not a Parquet file, or cut short");
    tf_buf_release(&file);
    tf_buf_release(&rows);
}

/* Whatever a byte is changed to: rows or a message, and no memory error. */
static void survives_damage(void **state)
{
    static const char *const files[] = { GOLDEN "nested-pages.parquet",
                                         GOLDEN "types.parquet",
                                         GOLDEN "delta-2.parquet" };
    struct tf_buf rows = TF_BUF_INIT;

    (void)state;
    for (size_t f = 0; f < sizeof(files) / sizeof(files[0]); f++) {
        struct tf_buf file = TF_BUF_INIT;
        struct tf_err err = { 0 };

        assert_int_equal(tf_file_read(files[f], 1 << 20, &file, &err), 0);
        for (size_t i = 0; i < file.len; i++) {
            char was = file.data[i];
            struct tf_parquet *p;

            file.data[i] = (char)(was ^ (i % 3 ? 1 << i % 8 : 0xff));
            p = tf_parquet_read(file.data, file.len, &err);
            tf_buf_reset(&rows);
            if (p)
                rows_of(p, &rows, &err);
            tf_parquet_close(p);
            file.data[i] = was;
        }
        tf_buf_release(&file);
    }
    tf_buf_release(&rows);
}

static void stops_at_the_limit_of_what_is_decompressed(void **state)
{
    /* gzip of "hello\n" twice, as two members */
    static const unsigned char gz[] = {
        0x1f, 0x8b, 8,    0,    0,    0,    0,    0,    2,    3,    0xcb,
        0x48, 0xcd, 0xc9, 0xc9, 0xe7, 0x02, 0x00, 0x20, 0x30, 0x3a, 0x36,
        6,    0,    0,    0,    0x1f, 0x8b, 8,    0,    0,    0,    0,
        0,    2,    3,    0xcb, 0x48, 0xcd, 0xc9, 0xc9, 0xe7, 0x02, 0x00,
        0x20, 0x30, 0x3a, 0x36, 6,    0,    0,    0
    };
    struct tf_buf out = TF_BUF_INIT;
    struct tf_err err;

    (void)state;
    assert_int_equal(tf_gunzip(gz, sizeof(gz), 12, &out, &err), 0);
    assert_string_equal(tf_buf_cstr(&out), "hello\nhello\n");
    tf_buf_reset(&out);
    assert_int_equal(tf_gunzip(gz, sizeof(gz), 11, &out, &err), -1);
    assert_string_equal(err.msg, "more than 11 bytes when decompressed");
    tf_buf_reset(&out);
    assert_int_equal(tf_gunzip(gz, sizeof(gz) - 9, 12, &out, &err), -1);
    assert_string_equal(err.msg, "the gzip data is cut short");
    assert_int_equal(tf_unzstd(gz, sizeof(gz), 12, &out, &err), -1);
    assert_string_equal(err.msg, "the zstd data is damaged");
    tf_buf_release(&out);
}

static void passes_over_thrift_that_never_ends(void **state)
{
    /* a map of 2^63 booleans, and lists in lists */
    static const unsigned char map[] = { 0x80, 0x80, 0x80, 0x80, 0x80, 0x80,
                                         0x80, 0x80, 0x80, 0x01, 0x11 };
    unsigned char lists[100];
    struct tf_thrift t = { map, map + sizeof(map), false };

    (void)state;
    tf_thrift_skip(&t, 11);
    assert_true(t.bad);
    memset(lists, 0x19, sizeof(lists));
    t = (struct tf_thrift){ lists, lists + sizeof(lists), false };
    tf_thrift_skip(&t, 9);
    assert_true(t.bad);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_type_as_pyarrow_does),
        cmocka_unit_test(puts_lists_and_structs_together),
        cmocka_unit_test(reads_every_encoding),
        cmocka_unit_test(reads_every_compression),
        cmocka_unit_test(reads_row_groups_one_after_the_other),
        cmocka_unit_test(finds_what_the_writer_noted),
        cmocka_unit_test(names_the_column_and_what_is_wrong_with_it),
        cmocka_unit_test(survives_damage),
        cmocka_unit_test(stops_at_the_limit_of_what_is_decompressed),
        cmocka_unit_test(passes_over_thrift_that_never_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
