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
#include "format/weights.h"

static char dir[] = "/tmp/tf-test-weights-XXXXXX";

static const char *in_dir(const char *name)
{
    static char path[256];

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    return path;
}

static void write_file(const char *name, const void *bytes, size_t n)
{
    FILE *f = fopen(in_dir(name), "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    fclose(f);
}

/* A safetensors file of `data` bytes 0, 1, 2, ... after the header, which
 * claims to be `claimed` bytes long (0: as long as it is). */
static void write_tensors(const char *name, const char *header,
                          uint64_t claimed, size_t data)
{
    unsigned char bytes[4096];
    size_t len = strlen(header), n = 8;

    if (!claimed)
        claimed = len;
    for (size_t i = 0; i < 8; i++)
        bytes[i] = (unsigned char)(claimed >> (8 * i));
    memcpy(bytes + n, header, len);
    n += len;
    for (size_t i = 0; i < data; i++)
        bytes[n++] = (unsigned char)i;
    write_file(name, bytes, n);
}

static void finds_a_tensor_in_place(void **state)
{
    const struct tf_tensor *t;
    struct tf_safetensors *st;
    struct tf_err err;
    const char *name;

    (void)state;
    /* the header's length leaves the data unaligned, which is legal */
    write_tensors("a.safetensors",
                  "{\"__metadata__\":{\"format\":\"pt\"},"
                  "\"b\":{\"dtype\":\"U8\",\"shape\":[],"
                  "\"data_offsets\":[8,9]},"
                  "\"n\\u00e9\":{\"shape\":[1,2],\"dtype\":\"F32\","
                  "\"data_offsets\":[0,8],\"extra\":{}},"
                  "\"none\":{\"dtype\":\"F64\",\"shape\":[3,0],"
                  "\"data_offsets\":[8,8]}}   ",
                  0, 9);
    st = tf_safetensors_open(in_dir("a.safetensors"), &err);
    assert_non_null(st);
    assert_int_equal(tf_safetensors_count(st), 3);
    t = tf_safetensors_find(st, "n\xc3\xa9");
    assert_non_null(t);
    assert_int_equal(t->dtype, TF_F32);
    assert_int_equal(t->ndim, 2);
    assert_int_equal(t->dim[1], 2);
    assert_int_equal(t->ld, 2);
    assert_memory_equal(t->data, "\0\1\2\3\4\5\6\7", 8);
    assert_ptr_equal(tf_safetensors_at(st, 0, &name), t);
    assert_int_equal(*(const char *)tf_safetensors_find(st, "b")->data, 8);
    assert_int_equal(tf_safetensors_find(st, "none")->dim[0], 3);
    assert_null(tf_safetensors_find(st, "c"));
    tf_safetensors_close(st);
}

#define F32(name, shape, begin, end)                                           \
    "\"" name "\":{\"dtype\":\"F32\",\"shape\":" shape                         \
    ",\"data_offsets\":[" begin "," end "]}"

static void refuses_a_malformed_file(void **state)
{
    static const struct {
        const char *header;
        uint64_t claimed;
        size_t data;
        const char *says;
    } cases[] = {
        { "", 8, 0, "a header of 8 bytes in a file of 8" },
        { "{}", UINT64_MAX, 0, "a header of 18446744073709551615 bytes" },
        { "{}", UINT64_C(1) << 63, 0, "a header of 9223372036854775808" },
        { "[]", 0, 0, "no header" },
        { " {}", 0, 0, "no header" },
        { "{", 0, 0, "header: byte" },
        { "{} x", 0, 0, "header: byte" },
        { "{\"__metadata__\":{\"a\":1}}", 0, 0, "header: byte" },
        { "{" F32("a", "[1]", "0", "4") "}", 0, 5, "is it cut off?" },
        { "{" F32("a", "[1]", "0", "4") "}", 0, 3, "outside the file's" },
        { "{" F32("a", "[1]", "-4", "0") "}", 0, 4, "outside the file's" },
        { "{" F32("a", "[1]", "4", "0") "}", 0, 4, "outside the file's" },
        { "{" F32("a", "[2]", "0", "4") "}", 0, 4, "the shape needs 8 bytes" },
        { "{" F32("a", "[1]", "4", "8") "}", 0, 8, "a hole before" },
        { "{" F32("a", "[1]", "0", "4") "," F32("b", "[1]", "8", "12") "}", 0,
          12, "b: a hole before" },
        { "{" F32("a", "[2]", "0", "8") "," F32("b", "[1]", "4", "8") "}", 0, 8,
          "b: overlaps" },
        { "{" F32("a", "[1]", "0", "4") "," F32("a", "[1]", "4", "8") "}", 0, 8,
          "a: a tensor given twice" },
        { "{" F32("a", "[4611686018427387904]", "0", "0") "}", 0, 0,
          "the shape overflows" },
        { "{" F32("a", "[-1]", "0", "4") "}", 0, 4, "a negative dimension" },
        { "{" F32("a", "[1.5]", "0", "4") "}", 0, 4, "a: byte" },
        { "{" F32("a", "[1,1,1,1,1,1,1,1,1]", "0", "4") "}", 0, 4,
          "more than 8 dimensions" },
        { "{" F32("a\\u0000b", "[1]", "0", "4") "}", 0, 4, "NUL" },
        { "{\"a\":{\"dtype\":\"F4\",\"shape\":[1],\"data_offsets\":[0,4]}}", 0,
          4, "a dtype that is not supported" },
        { "{\"a\":{\"shape\":[1],\"data_offsets\":[0,4]}}", 0, 4,
          "a: no dtype" },
        { "{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", 0, 4,
          "a: no data_offsets" },
        { "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"shape\":[1],"
          "\"data_offsets\":[0,4]}}",
          0, 4, "a member given twice" },
        { "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],"
          "\"data_offsets\":[0,4,8]}}",
          0, 4, "more than two offsets" },
        { "{\"a\":7}", 0, 0, "a: byte" },
    };
    struct tf_err err;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        write_tensors("bad.safetensors", cases[i].header, cases[i].claimed,
                      cases[i].data);
        assert_null(tf_safetensors_open(in_dir("bad.safetensors"), &err));
        if (!strstr(err.msg, cases[i].says))
            fail_msg("case %zu: \"%s\" does not say \"%s\"", i, err.msg,
                     cases[i].says);
        assert_non_null(strstr(err.msg, "bad.safetensors: "));
    }
}

static void refuses_a_file_cut_anywhere(void **state)
{
    struct tf_buf whole = TF_BUF_INIT;
    struct tf_err err;

    (void)state;
    write_tensors(
        "whole.safetensors",
        "{" F32("a", "[1]", "0", "4") "," F32("b", "[1]", "4", "8") "}", 0, 8);
    assert_int_equal(
        tf_file_read(in_dir("whole.safetensors"), 4096, &whole, &err), 0);
    for (size_t n = 0; n < whole.len; n++) {
        write_file("cut.safetensors", whole.data, n);
        assert_null(tf_safetensors_open(in_dir("cut.safetensors"), &err));
    }
    tf_buf_release(&whole);
}

static void reads_a_folder_of_shards(void **state)
{
    static const char index[] =
        "{\"metadata\":{\"total_size\":12},\"weight_map\":{"
        "\"a\":\"1.safetensors\",\"b\":\"2.safetensors\","
        "\"c\":\"2.safetensors\"}}";
    const struct tf_tensor *t;
    struct tf_weights *w;
    struct tf_err err;
    const char *name;

    (void)state;
    write_tensors("1.safetensors", "{" F32("a", "[1]", "0", "4") "}", 0, 4);
    write_tensors(
        "2.safetensors",
        "{" F32("c", "[1]", "0", "4") "," F32("b", "[1]", "4", "8") "}", 0, 8);
    write_file("model.safetensors.index.json", index, strlen(index));
    w = tf_weights_open(dir, &err);
    assert_non_null(w);
    assert_int_equal(tf_weights_count(w), 3);
    assert_int_equal(tf_weights_bytes(w), 12);
    t = tf_weights_find(w, "b");
    assert_non_null(t);
    assert_int_equal(*(const char *)t->data, 4);
    assert_ptr_equal(tf_weights_at(w, 2, &name), t);
    assert_string_equal(name, "b");
    assert_int_equal(tf_weights_index(w, "b"), 2);
    assert_int_equal(tf_weights_index(w, "d"), SIZE_MAX);
    tf_weights_close(w);
    w = tf_weights_open(in_dir("model.safetensors.index.json"), &err);
    assert_non_null(w);
    tf_weights_close(w);
}

static void says_what_is_wrong_with_an_index(void **state)
{
    static const struct {
        const char *index, *says;
    } cases[] = {
        { "{}", "no weight_map" },
        { "{\"weight_map\":{}}", "no weight_map" },
        { "{\"weight_map\":[]}", "byte" },
        { "{\"weight_map\":{\"a\":1}}", "byte" },
        { "{\"weight_map\":{\"a\":\"../1.safetensors\"}}", "not a plain file" },
        { "{\"weight_map\":{\"a\":\"..\"}}", "not a plain file" },
        { "{\"weight_map\":{\"a\":\"\"}}", "not a plain file" },
        { "{\"weight_map\":{\"a\":\"1.safetensors\","
          "\"a\":\"1.safetensors\"}}",
          "given twice" },
        { "{\"weight_map\":{\"a\":\"3.safetensors\"}}",
          "3.safetensors: the index names this shard, but it is missing" },
        { "{\"weight_map\":{\"z\":\"1.safetensors\"}}",
          "1.safetensors: the index puts \"z\" here" },
        { "{\"weight_map\":{\"b\":\"same.safetensors\","
          "\"e\":\"more.safetensors\"}}",
          "d: in two shards" },
    };
    struct tf_err err;

    (void)state;
    write_tensors("1.safetensors", "{" F32("a", "[1]", "0", "4") "}", 0, 4);
    write_tensors(
        "same.safetensors",
        "{" F32("d", "[1]", "0", "4") "," F32("b", "[1]", "4", "8") "}", 0, 8);
    write_tensors(
        "more.safetensors",
        "{" F32("d", "[1]", "0", "4") "," F32("e", "[1]", "4", "8") "}", 0, 8);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *says = cases[i].says;

        write_file("model.safetensors.index.json", cases[i].index,
                   strlen(cases[i].index));
        if (tf_weights_open(dir, &err))
            fail_msg("case %zu: opened", i);
        if (!strstr(err.msg, says))
            fail_msg("case %zu: \"%s\" does not say \"%s\"", i, err.msg, says);
    }
}

static void names_the_weights_it_cannot_read(void **state)
{
    struct tf_err err;

    (void)state;
    unlink(in_dir("model.safetensors.index.json"));
    assert_null(tf_weights_open(dir, &err));
    assert_non_null(strstr(err.msg, "neither model.safetensors nor"));
    write_file("pytorch_model.bin", "PK", 2);
    assert_null(tf_weights_open(dir, &err));
    assert_non_null(strstr(err.msg, "pytorch_model.bin"));
}

static int make_dir(void **state)
{
    (void)state;
    return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
    static const char *const files[] = {
        "a.safetensors",    "bad.safetensors",  "whole.safetensors",
        "cut.safetensors",  "1.safetensors",    "2.safetensors",
        "same.safetensors", "more.safetensors", "pytorch_model.bin",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        unlink(in_dir(files[i]));
    return rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_a_tensor_in_place),
        cmocka_unit_test(refuses_a_malformed_file),
        cmocka_unit_test(refuses_a_file_cut_anywhere),
        cmocka_unit_test(reads_a_folder_of_shards),
        cmocka_unit_test(says_what_is_wrong_with_an_index),
        cmocka_unit_test(names_the_weights_it_cannot_read),
    };

    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
