#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "format/gguf_write.h"
#include "text/gguf_vocab.h"
#include "text/gguf_vocab_write.h"
#include "text/tokenizer.h"

#define GOLDEN "tests/golden/tokenizers"

static char gguf_path[] = "/tmp/tf-test-vocab-XXXXXX";
static const struct tf_gguf_ids no_ids = { -1, -1, -1, -1 };

static struct tf_tokenizer *open_golden(const char *name)
{
    struct tf_tokenizer *tok;
    struct tf_err err;
    char path[320];

    snprintf(path, sizeof(path), GOLDEN "/%s/tokenizer.json", name);
    tok = tf_tokenizer_open(path, &err);
    if (!tok)
        fail_msg("%s", err.msg);
    return tok;
}

/* The tokenizer after its way through a GGUF. */
static struct tf_tokenizer *through_gguf(const struct tf_tokenizer *tok)
{
    size_t rows = tf_tokenizer_info(tok)->vocab_size + 3;
    struct tf_gguf_meta m = { 0 };
    struct tf_tokenizer *back;
    struct tf_err err;

    if (tf_gguf_put_vocab(&m, tok, rows, &no_ids, &err) ||
        tf_gguf_write(gguf_path, &m, NULL, 0, NULL, NULL, &err))
        fail_msg("%s", err.msg);
    tf_gguf_meta_release(&m);
    back = tf_tokenizer_open(gguf_path, &err);
    if (!back)
        fail_msg("%s", err.msg);
    return back;
}

static void encode(const struct tf_tokenizer *tok, struct tf_str text,
                   struct tf_encoding *enc)
{
    struct tf_encode_opts opts = { 0 };
    struct tf_str none = { 0 };
    struct tf_err err;
    struct tf_tok_state *st = tf_tok_state_new(tok, &err);

    assert_non_null(st);
    if (tf_tokenizer_encode(tok, st, &opts, text, none, enc, &err))
        fail_msg("%s", err.msg);
    tf_tok_state_free(st);
}

static void expect_same(const char *name, const struct tf_tokenizer *a,
                        const struct tf_tokenizer *b, struct tf_str text)
{
    struct tf_encoding x = { 0 }, y = { 0 };
    struct tf_buf s = TF_BUF_INIT, t = TF_BUF_INIT;
    struct tf_err err;

    encode(a, text, &x);
    encode(b, text, &y);
    if (x.windows[0].n != y.windows[0].n ||
        memcmp(x.windows[0].ids, y.windows[0].ids,
               x.windows[0].n * sizeof(int32_t)))
        fail_msg("%s: other tokens of \"%.*s\"", name, (int)text.len, text.s);
    assert_int_equal(tf_tokenizer_decode(a, x.windows[0].ids, x.windows[0].n,
                                         true, &s, &err),
                     0);
    assert_int_equal(tf_tokenizer_decode(b, y.windows[0].ids, y.windows[0].n,
                                         true, &t, &err),
                     0);
    if (s.len != t.len || (s.len && memcmp(s.data, t.data, s.len)))
        fail_msg("%s: \"%.*s\" became \"%s\"", name, (int)text.len, text.s,
                 tf_buf_cstr(&t));
    tf_buf_release(&s);
    tf_buf_release(&t);
    tf_encoding_release(&x);
    tf_encoding_release(&y);
}

/* The texts of the golden cases of the folder. */
static void compare_cases(const char *name, const struct tf_tokenizer *a,
                          const struct tf_tokenizer *b)
{
    char path[320];
    json_t *cases, *c;
    size_t i;

    snprintf(path, sizeof(path), GOLDEN "/%s/cases.json", name);
    cases = json_load_file(path, JSON_ALLOW_NUL, NULL);
    assert_true(json_array_size(cases) > 0);
    json_array_foreach (cases, i, c) {
        json_t *text = json_object_get(c, "text");

        if (json_is_string(text))
            expect_same(name, a, b,
                        (struct tf_str){ json_string_value(text),
                                         json_string_length(text) });
    }
    json_decref(cases);
}

static void keeps_real_tokenizers(void **state)
{
    static const char *const names[] = { "real_gemma3", "real_llama2",
                                         "real_llama3", "real_qwen3",
                                         "real_gpt2",   "real_minilm" };

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct tf_tokenizer *tok = open_golden(names[i]);
        struct tf_tokenizer *back = through_gguf(tok);

        compare_cases(names[i], tok, back);
        tf_tokenizer_close(tok);
        tf_tokenizer_close(back);
    }
}

static void refuses_what_no_gguf_says(void **state)
{
    static const char *const bad[][2] = {
        { "unigram", "Unigram" },
        { "bpe_affixes", "where words begin or end" },
        { "bpe_words_glued", "splits texts" },
    };
    struct tf_gguf_meta m = { 0 };
    struct tf_err err;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct tf_tokenizer *tok = open_golden(bad[i][0]);

        assert_int_equal(tf_gguf_put_vocab(&m, tok, 100, &no_ids, &err), -1);
        if (!strstr(err.msg, bad[i][1]))
            fail_msg("%s: %s", bad[i][0], err.msg);
        tf_tokenizer_close(tok);
        tf_gguf_meta_release(&m);
    }
}

/* A GGUF of SentencePiece BPE at gguf_path; its first piece is unknown. */
static void write_pieces(const struct tf_str *pieces, const double *scores,
                         const int *types, size_t n)
{
    struct tf_gguf_meta m = { 0 };
    struct tf_err err;

    tf_gguf_put_string(&m, "tokenizer.ggml.model",
                       (struct tf_str){ "llama", 5 });
    tf_gguf_put_bool(&m, "tokenizer.ggml.add_bos_token", false);
    tf_gguf_put_bool(&m, "tokenizer.ggml.add_space_prefix", false);
    tf_gguf_put_u32(&m, "tokenizer.ggml.unknown_token_id", 0);
    tf_gguf_put_strings(&m, "tokenizer.ggml.tokens", n);
    for (size_t i = 0; i < n; i++)
        tf_gguf_add_string(&m, pieces[i]);
    tf_gguf_put_f32s(&m, "tokenizer.ggml.scores", n);
    for (size_t i = 0; i < n; i++)
        tf_gguf_add_f32(&m, scores[i]);
    tf_gguf_put_i32s(&m, "tokenizer.ggml.token_type", n);
    for (size_t i = 0; i < n; i++)
        tf_gguf_add_i32(&m, types[i]);
    if (tf_gguf_write(gguf_path, &m, NULL, 0, NULL, NULL, &err))
        fail_msg("%s", err.msg);
    tf_gguf_meta_release(&m);
}

static struct tf_tokenizer *open_path(const char *path)
{
    struct tf_err err;
    struct tf_tokenizer *tok = tf_tokenizer_open(path, &err);

    if (!tok)
        fail_msg("%s", err.msg);
    return tok;
}

/* Of "abc", "bc" is the better piece, though "ab" has the lower id. */
static void joins_pieces_by_their_scores(void **state)
{
    static const struct tf_str pieces[] = { { "<unk>", 5 }, { "a", 1 },
                                            { "b", 1 },     { "c", 1 },
                                            { "ab", 2 },    { "bc", 2 } };
    static const double scores[] = { 0, -9, -9, -9, -2, -1 };
    static const int types[] = { 2, 1, 1, 1, 1, 1 };
    struct tf_encoding enc = { 0 };
    struct tf_tokenizer *tok;

    (void)state;
    write_pieces(pieces, scores, types, 6);
    tok = open_path(gguf_path);
    encode(tok, (struct tf_str){ "abc", 3 }, &enc);
    assert_int_equal(enc.windows[0].n, 2);
    assert_int_equal(enc.windows[0].ids[0], 1);
    assert_int_equal(enc.windows[0].ids[1], 5);
    tf_encoding_release(&enc);
    tf_tokenizer_close(tok);
}

/* The tokenizer that the file's tokenizer.json, with all merges listed, makes.
 */
static struct tf_tokenizer *open_listed(void)
{
    struct tf_buf json = TF_BUF_INIT, config = TF_BUF_INIT;
    char path[] = "/tmp/tf-test-vocab-XXXXXX";
    struct tf_tokenizer *tok;
    struct tf_err err;
    struct tf_gguf *g = tf_gguf_open(gguf_path, &err);
    int fd = mkstemp(path);

    assert_non_null(g);
    assert_int_equal(tf_gguf_vocab(g, NULL, &json, &config, &err), 0);
    assert_int_equal(write(fd, json.data, json.len), json.len);
    close(fd);
    tok = open_path(path);
    unlink(path);
    tf_gguf_close(g);
    tf_buf_release(&json);
    tf_buf_release(&config);
    return tok;
}

enum { PIECES = 160, LETTERS = 4 };

/* Numbers in [0, n), the same in each run (Knuth's linear generator). */
static size_t below(size_t n)
{
    static uint64_t state = 7;

    state = state * 6364136223846793005 + 1442695040888963407;
    return (size_t)((state >> 33) % n);
}

static size_t put_letters(char *out, size_t n)
{
    static const char *const letters[LETTERS] = { "a", "b", "\xC3\xA9",
                                                  "\xE2\x96\x81" };
    char *p = out;

    while (n--)
        p = stpcpy(p, letters[below(LETTERS)]);
    return (size_t)(p - out);
}

/* Pieces made at random, some twice, some of another type; `longest` letters
 * in one of them. */
static void write_random(size_t longest)
{
    static const char unknown[] = "<unk>";
    struct tf_str pieces[PIECES] = { { unknown, sizeof(unknown) - 1 } };
    double scores[PIECES] = { 0 };
    int types[PIECES] = { 2 };
    char bytes[PIECES][3 * 200];

    for (size_t i = 1; i < PIECES; i++) {
        size_t n = i == 1 ? longest : 1 + below(5);

        pieces[i] = (struct tf_str){ bytes[i], put_letters(bytes[i], n) };
        scores[i] = -(double)below(40);
        types[i] = below(20) ? 1 : 5;
    }
    write_pieces(pieces, scores, types, PIECES);
}

static void joins_pieces_as_a_list_of_merges_would(void **state)
{
    (void)state;
    for (int round = 0; round < 24; round++) {
        struct tf_tokenizer *direct, *listed;
        char text[3 * 120];

        write_random(round % 4 ? 5 : 150);
        direct = open_path(gguf_path);
        listed = open_listed();
        for (int i = 0; i < 30; i++) {
            size_t n = put_letters(text, 1 + below(119));

            expect_same("random pieces", direct, listed,
                        (struct tf_str){ text, n });
        }
        tf_tokenizer_close(direct);
        tf_tokenizer_close(listed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_real_tokenizers),
        cmocka_unit_test(refuses_what_no_gguf_says),
        cmocka_unit_test(joins_pieces_by_their_scores),
        cmocka_unit_test(joins_pieces_as_a_list_of_merges_would),
    };
    int failed;

    close(mkstemp(gguf_path));
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(gguf_path);
    return failed;
}
