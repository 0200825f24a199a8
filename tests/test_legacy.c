#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include "golden_text.h"
#include "text/legacy.h"
#include "text/spm.h"
#include "text/tokenizer.h"

#define DIR_NAME "tests/golden/legacy"

static void encode(const struct tf_tokenizer *tok, struct tf_tok_state *st,
                   struct tf_str text, struct tf_str pair,
                   struct tf_encoding *enc)
{
    struct tf_encode_opts opts = { .want = TF_TOK_OFFSETS };
    struct tf_err err;

    if (tf_tokenizer_encode(tok, st, &opts, text, pair, enc, &err))
        fail_msg("%s", err.msg);
}

static void check_ids(const char *name, size_t text, const struct tf_window *w,
                      const json_t *ids, const json_t *offsets)
{
    size_t i;

    for (i = 0; i < w->n || i < json_array_size(ids); i++) {
        const json_t *o = json_array_get(offsets, i);

        if (i >= w->n ||
            w->ids[i] != json_integer_value(json_array_get(ids, i)))
            fail_msg("%s: text %zu: token %zu", name, text, i);
        if (o &&
            (w->offsets[i][0] != json_integer_value(json_array_get(o, 0)) ||
             w->offsets[i][1] != json_integer_value(json_array_get(o, 1))))
            fail_msg("%s: text %zu: token %zu: offsets %u-%u", name, text, i,
                     w->offsets[i][0], w->offsets[i][1]);
    }
}

static void check_special(const char *name, const struct tf_tokenizer *tok,
                          const json_t *special)
{
    const struct tf_tokenizer_info *info = tf_tokenizer_info(tok);
    const struct {
        const char *name;
        int32_t id;
    } tokens[] = {
        { "bos_token", info->bos },   { "eos_token", info->eos },
        { "unk_token", info->unk },   { "sep_token", info->sep },
        { "pad_token", info->pad },   { "cls_token", info->cls },
        { "mask_token", info->mask },
    };
    size_t i;

    for (i = 0; i < sizeof(tokens) / sizeof(tokens[0]); i++) {
        struct tf_str want =
            golden_str(json_object_get(special, tokens[i].name));
        struct tf_str got = { NULL, 0 };

        if (tokens[i].id >= 0)
            got = tf_tokenizer_token(tok, tokens[i].id);
        if (!tf_str_eq(want, got))
            fail_msg("%s: %s is \"%.*s\"", name, tokens[i].name, (int)got.len,
                     got.s);
    }
}

static void check_decoded(const char *name, const struct tf_tokenizer *tok,
                          const json_t *ids, struct tf_str want)
{
    struct tf_buf out = TF_BUF_INIT;
    int32_t id[256];
    struct tf_err err;
    size_t i, n = json_array_size(ids);

    assert_true(n <= 256);
    for (i = 0; i < n; i++)
        id[i] = (int32_t)json_integer_value(json_array_get(ids, i));
    if (tf_tokenizer_decode(tok, id, n, false, &out, &err))
        fail_msg("%s: %s", name, err.msg);
    if (!tf_str_is(want, tf_buf_cstr(&out)))
        fail_msg("%s: \"%s\" instead of \"%s\"", name, tf_buf_cstr(&out),
                 want.s);
    tf_buf_release(&out);
}

static void check_folder(const char *name)
{
    char path[400];
    json_t *want, *ids;
    struct tf_tokenizer *tok;
    struct tf_tok_state *st;
    struct tf_encoding enc = { 0 };
    struct tf_str none = { NULL, 0 };
    struct tf_err err;
    size_t i;

    snprintf(path, sizeof(path), DIR_NAME "/%s/expected.json", name);
    want = golden(path);
    snprintf(path, sizeof(path), DIR_NAME "/%s", name);
    tok = tf_tokenizer_open(path, &err);
    if (!tok)
        fail_msg("%s", err.msg);
    st = tf_tok_state_new(tok, &err);
    assert_non_null(st);
    json_array_foreach (json_object_get(want, "ids"), i, ids) {
        const json_t *text = json_array_get(json_object_get(want, "texts"), i);
        const json_t *offsets =
            json_array_get(json_object_get(want, "offsets"), i);

        encode(tok, st, golden_str(text), none, &enc);
        check_ids(name, i, enc.windows, ids, offsets);
        check_decoded(
            name, tok, ids,
            golden_str(json_array_get(json_object_get(want, "decoded"), i)));
    }
    ids = json_object_get(want, "pair");
    encode(tok, st, golden_str(json_array_get(ids, 0)),
           golden_str(json_array_get(ids, 1)), &enc);
    check_ids(name, i, enc.windows, json_object_get(want, "pair_ids"), NULL);
    check_special(name, tok, json_object_get(want, "special"));
    if (json_is_integer(json_object_get(want, "size")))
        assert_int_equal(tf_tokenizer_info(tok)->vocab_size,
                         json_integer_value(json_object_get(want, "size")));
    tf_encoding_release(&enc);
    tf_tok_state_free(st);
    tf_tokenizer_close(tok);
    json_decref(want);
}

static void opens_folders_as_transformers(void **state)
{
    DIR *dir = opendir(DIR_NAME);
    struct dirent *e;
    int n = 0;

    (void)state;
    assert_non_null(dir);
    while ((e = readdir(dir)))
        if (e->d_name[0] != '.') {
            check_folder(e->d_name);
            n++;
        }
    closedir(dir);
    assert_true(n > 20);
}

static void names_the_files_it_looked_for(void **state)
{
    struct tf_tokconfig config = { 0 };
    struct tf_buf json = TF_BUF_INIT;
    struct tf_err err;

    (void)state;
    assert_int_equal(tf_legacy_tokenizer("tests/golden", &config, &json, &err),
                     -1);
    assert_non_null(strstr(err.msg, "tests/golden: no tokenizer"));
    assert_non_null(strstr(err.msg, "vocab.txt"));
    tf_buf_release(&json);
}

static size_t read_all(const char *path, char *out, size_t max)
{
    FILE *f = fopen(path, "rb");
    size_t n;

    assert_non_null(f);
    n = fread(out, 1, max, f);
    fclose(f);
    return n;
}

/* Models come from strangers: any bytes must end in an error or a model. */
static void survives_any_model(void **state)
{
    static char bytes[1 << 16], copy[1 << 16];
    size_t n = read_all(DIR_NAME "/xlm-roberta/sentencepiece.bpe.model", bytes,
                        sizeof(bytes));
    struct tf_spm spm;
    struct tf_err err;
    uint32_t seed = 1;
    size_t round, i;

    (void)state;
    assert_int_equal(tf_spm_read(&spm, (struct tf_str){ bytes, n }, &err), 0);
    assert_true(spm.unigram && spm.charsmap.s && spm.count > 50);
    assert_true(tf_str_is(spm.pieces[0].s, "<unk>"));
    assert_int_equal(spm.pieces[1].type, TF_SPM_CONTROL);
    tf_spm_release(&spm);
    for (round = 0; round < 3000; round++) {
        memcpy(copy, bytes, n);
        for (i = 0; i < 1 + round % 4; i++) {
            seed = seed * 1664525u + 1013904223u;
            copy[(seed >> 8) % n] = (char)(seed >> 24);
        }
        i = round % 3 ? n : seed % n;
        if (!tf_spm_read(&spm, (struct tf_str){ copy, i }, &err))
            tf_spm_release(&spm);
    }
}

static void expect_ids(struct tf_tokenizer *tok, const int32_t *ids, size_t n)
{
    static const char text[] = "are there  the tokenizers";
    struct tf_str s = { text, sizeof(text) - 1 }, none = { NULL, 0 };
    struct tf_encoding enc = { 0 };
    struct tf_tok_state *st;
    struct tf_err err;

    assert_non_null(tok);
    st = tf_tok_state_new(tok, &err);
    encode(tok, st, s, none, &enc);
    assert_int_equal(enc.windows[0].n, n);
    assert_memory_equal(enc.windows[0].ids, ids, n * sizeof(*ids));
    tf_encoding_release(&enc);
    tf_tok_state_free(st);
    tf_tokenizer_close(tok);
}

/* Expected ids are those of MarianTokenizer called with text and with
 * text_target. */
static void splits_targets_by_their_own_model(void **state)
{
    static const int32_t source[] = { 54, 68, 37, 20, 68, 66, 34, 0 };
    static const int32_t target[] = { 53, 37, 20, 67, 21, 20, 67, 20, 66,
                                      33, 29, 20, 32, 27, 47, 21, 38, 0 };
    struct tf_err err;

    (void)state;
    expect_ids(tf_tokenizer_open(DIR_NAME "/marian", &err), source, 8);
    expect_ids(tf_tokenizer_open_target(DIR_NAME "/marian", &err), target, 18);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opens_folders_as_transformers),
        cmocka_unit_test(names_the_files_it_looked_for),
        cmocka_unit_test(survives_any_model),
        cmocka_unit_test(splits_targets_by_their_own_model),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
