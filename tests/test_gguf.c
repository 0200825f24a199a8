#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/buf.h"
#include "format/gguf.h"

static void put(struct tf_buf *b, uint64_t v, int bytes)
{
    for (; bytes > 0; bytes--, v >>= 8)
        tf_buf_addc(b, (char)(v & 0xff));
}

static void put_string(struct tf_buf *b, const char *s)
{
    put(b, strlen(s), 8);
    tf_buf_adds(b, s);
}

static void put_key(struct tf_buf *b, const char *key, unsigned type)
{
    put_string(b, key);
    put(b, type, 4);
}

static void put_head(struct tf_buf *b, unsigned version, uint64_t tensors,
                     uint64_t values)
{
    tf_buf_adds(b, "GGUF");
    put(b, version, 4);
    put(b, tensors, 8);
    put(b, values, 8);
}

static void put_tensor(struct tf_buf *b, const char *name, unsigned type,
                       uint64_t inner, uint64_t outer, uint64_t offset)
{
    put_string(b, name);
    put(b, 2, 4);
    put(b, inner, 8);
    put(b, outer, 8);
    put(b, type, 4);
    put(b, offset, 8);
}

static struct tf_gguf *open_bytes(const char *data, size_t len,
                                  struct tf_err *err)
{
    char path[] = "/tmp/tf-test-XXXXXX";
    FILE *f = fdopen(mkstemp(path), "wb");
    struct tf_gguf *g;

    fwrite(data, 1, len, f);
    fclose(f);
    g = tf_gguf_open(path, err);
    unlink(path);
    return g;
}

/* A file with a value of each kind and two tensors. */
static void build(struct tf_buf *b)
{
    put_head(b, 3, 2, 6);
    put_key(b, "general.architecture", 8);
    put_string(b, "llama");
    put_key(b, "llama.block_count", 4);
    put(b, 2, 4);
    put_key(b, "llama.rope.freq_base", 6);
    put(b, 0x461c4000, 4); /* 10000.0f */
    put_key(b, "tokenizer.ggml.add_bos_token", 7);
    put(b, 1, 1);
    put_key(b, "tokenizer.ggml.tokens", 9);
    put(b, 8, 4);
    put(b, 2, 8);
    put_string(b, "<s>");
    put_string(b, "");
    put_key(b, "small", 1);
    put(b, 0xff, 1); /* -1 */
    put_tensor(b, "token_embd.weight", 0, 4, 2, 0);
    put_tensor(b, "output_norm.weight", 1, 2, 1, 32);
    while (b->len % 32)
        tf_buf_addc(b, 0);
    put(b, 0x3f800000, 4);
    while (b->len % 32)
        tf_buf_addc(b, 0);
    put(b, 0x3c003c00, 4);
}

static void reads_values_and_tensors_in_place(void **state)
{
    struct tf_buf b = TF_BUF_INIT;
    struct tf_gguf_array tokens;
    const struct tf_tensor *t;
    struct tf_gguf *g;
    struct tf_err err;
    struct tf_str s;
    double number;
    int64_t n;
    bool yes;

    (void)state;
    build(&b);
    g = open_bytes(b.data, b.len, &err);
    assert_non_null(g);
    assert_true(tf_gguf_string(g, "general.architecture", &s));
    assert_true(tf_str_is(s, "llama"));
    assert_true(tf_gguf_int(g, "llama.block_count", &n) && n == 2);
    assert_true(tf_gguf_int(g, "small", &n) && n == -1);
    assert_true(tf_gguf_double(g, "llama.rope.freq_base", &number));
    assert_true(number == 10000.0);
    assert_true(tf_gguf_bool(g, "tokenizer.ggml.add_bos_token", &yes) && yes);
    assert_false(tf_gguf_int(g, "general.architecture", &n));
    assert_false(tf_gguf_int(g, "absent", &n));
    assert_true(tf_gguf_array(g, "tokenizer.ggml.tokens", &tokens));
    assert_true(tf_gguf_next_string(&tokens, &s) && tf_str_is(s, "<s>"));
    assert_true(tf_gguf_next_string(&tokens, &s) && s.len == 0);
    assert_false(tf_gguf_next_string(&tokens, &s));
    t = tf_gguf_find(g, "token_embd.weight");
    assert_non_null(t);
    assert_int_equal(t->dim[0], 2);
    assert_int_equal(t->dim[1], 4);
    assert_true(*(const float *)t->data == 1.0f);
    assert_int_equal(tf_gguf_find(g, "output_norm.weight")->dtype, TF_F16);
    assert_null(tf_gguf_find(g, "absent"));
    tf_gguf_close(g);
    tf_buf_release(&b);
}

static void refuses_a_file_cut_anywhere(void **state)
{
    struct tf_buf b = TF_BUF_INIT;
    struct tf_err err;
    size_t len;

    (void)state;
    build(&b);
    for (len = 0; len < b.len; len++) {
        assert_null(open_bytes(b.data, len, &err));
        assert_true(err.msg[0]);
    }
    tf_buf_release(&b);
}

static void refuses_lies(void **state)
{
    static const struct {
        uint64_t tensors, values, inner, outer, offset;
        unsigned version, type;
        const char *why;
    } cases[] = {
        { 1, 0, 4, 2, 0, 1, 0, "version 1" },
        { 1, 0, 4, 2, 0, 0x03000000, 0, "big-endian" },
        { UINT64_MAX, 0, 4, 2, 0, 3, 0, "don't fit" },
        { 1, UINT64_MAX, 4, 2, 0, 3, 0, "don't fit" },
        { 1, 0, 1ull << 40, 1ull << 40, 0, 3, 0, "too large" },
        { 1, 0, 4, 2, 7, 3, 0, "not aligned" },
        { 1, 0, 4, 2, 64, 3, 0, "32 bytes at offset 64" },
        { 1, 0, 4, 200, 0, 3, 0, "the file has" },
        { 1, 0, 4, 2, 0, 3, 4, "type 4 is not supported" },
        { 1, 0, 4, 2, 0, 3, 9999, "type 9999 is not supported" },
        { 2, 0, 4, 2, 0, 3, 0, "stands twice" },
    };
    struct tf_buf b = TF_BUF_INIT;
    struct tf_err err;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        tf_buf_reset(&b);
        put_head(&b, cases[i].version, cases[i].tensors, cases[i].values);
        put_tensor(&b, "w", cases[i].type, cases[i].inner, cases[i].outer,
                   cases[i].offset);
        put_tensor(&b, "w", 0, 4, 2, 0);
        while (b.len % 32)
            tf_buf_addc(&b, 0);
        put(&b, 0, 8);
        put(&b, 0, 8);
        put(&b, 0, 8);
        put(&b, 0, 8);
        assert_null(open_bytes(b.data, b.len, &err));
        if (!strstr(err.msg, cases[i].why))
            fail_msg("case %zu: %s", i, err.msg);
    }
    tf_buf_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_values_and_tensors_in_place),
        cmocka_unit_test(refuses_a_file_cut_anywhere),
        cmocka_unit_test(refuses_lies),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
