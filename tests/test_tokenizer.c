#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/io.h"
#include "text/tokenizer.h"

#define GOLDEN "tests/golden/tokenizers"

/* One tokenizer of the golden folder and what it works with. */
struct subject {
    const char *name;
    struct tf_tokenizer *tok;
    struct tf_tok_state *st;
    struct tf_encoding enc;
};

static json_t *load(const char *name, const char *file)
{
    char path[320];

    snprintf(path, sizeof(path), GOLDEN "/%s/%s", name, file);
    return json_load_file(path, JSON_ALLOW_NUL, NULL);
}

static struct tf_str str(const json_t *s)
{
    return (struct tf_str){ json_string_value(s), json_string_length(s) };
}

static void open_subject(struct subject *s, const char *name)
{
    struct tf_err err;
    char path[320];

    /* a folder is opened as one only where its other files matter */
    snprintf(path, sizeof(path), GOLDEN "/%s%s", name,
             strncmp(name, "folder_", 7) ? "/tokenizer.json" : "");
    memset(s, 0, sizeof(*s));
    s->name = name;
    s->tok = tf_tokenizer_open(path, &err);
    if (!s->tok)
        fail_msg("%s", err.msg);
    s->st = tf_tok_state_new(s->tok, &err);
    assert_non_null(s->st);
}

static void close_subject(struct subject *s)
{
    tf_encoding_release(&s->enc);
    tf_tok_state_free(s->st);
    tf_tokenizer_close(s->tok);
}

static struct tf_encode_opts options(const json_t *c)
{
    const char *which = json_string_value(json_object_get(c, "truncation"));
    struct tf_encode_opts o = {
        .want = TF_TOK_OFFSETS | TF_TOK_WORDS | TF_TOK_TOKENS,
        .no_special = json_is_true(json_object_get(c, "no_special")),
        .max_length =
            (size_t)json_integer_value(json_object_get(c, "max_length")),
        .stride = (size_t)json_integer_value(json_object_get(c, "stride")),
        .overflow = true,
        .truncate_left = json_is_true(json_object_get(c, "left")),
    };

    if (which && !strcmp(which, "only_first"))
        o.truncation = TF_ONLY_FIRST;
    if (which && !strcmp(which, "only_second"))
        o.truncation = TF_ONLY_SECOND;
    return o;
}

static int encode(struct subject *s, const json_t *c,
                  const struct tf_encode_opts *o, struct tf_err *err)
{
    const json_t *words = json_object_get(c, "words");
    struct tf_str w[16];
    size_t i, n = json_array_size(words);

    if (!words)
        return tf_tokenizer_encode(
            s->tok, s->st, o, str(json_object_get(c, "text")),
            str(json_object_get(c, "pair")), &s->enc, err);
    assert_in_range(n, 0, 16);
    for (i = 0; i < n; i++)
        w[i] = str(json_array_get(words, i));
    return tf_tokenizer_encode_words(s->tok, s->st, o, w, n, &s->enc, err);
}

enum { IDS, TYPES, SPECIAL, SEQUENCES, OFFSETS, WORDS, TOKENS };

static json_t *member(const struct tf_window *w, int which, size_t i)
{
    switch (which) {
    case IDS:
        return json_integer(w->ids[i]);
    case TYPES:
        return json_integer(w->type_ids[i]);
    case SPECIAL:
        return json_integer(w->special[i]);
    case SEQUENCES:
        return json_integer(w->sequence[i]);
    case OFFSETS:
        return json_pack("[ii]", (int)w->offsets[i][0], (int)w->offsets[i][1]);
    case WORDS:
        return json_integer(w->words[i]);
    default:
        return json_stringn(w->tokens[i].s, w->tokens[i].len);
    }
}

static void check_window(const struct subject *s, const json_t *c,
                         const struct tf_window *w, const json_t *want)
{
    size_t which, i;

    for (which = 0; which < json_array_size(want); which++) {
        const json_t *list = json_array_get(want, which);
        json_t *got;

        if (json_is_null(list))
            continue;
        got = json_array();
        for (i = 0; i < w->n; i++)
            json_array_append_new(got, member(w, (int)which, i));
        if (!json_equal(got, list))
            fail_msg("%s: %.300s: part %zu\n got %.400s\nwant %.400s", s->name,
                     json_dumps(c, 0), which, json_dumps(got, 0),
                     json_dumps(list, 0));
        json_decref(got);
    }
}

static void check_count(struct subject *s, const json_t *c)
{
    size_t n;
    struct tf_err err;

    if (!json_object_get(c, "text") || json_object_get(c, "max_length"))
        return;
    assert_int_equal(
        tf_tokenizer_count(s->tok, s->st,
                           json_is_true(json_object_get(c, "no_special")),
                           str(json_object_get(c, "text")),
                           str(json_object_get(c, "pair")), &n, &err),
        0);
    assert_int_equal(n, s->enc.windows[0].n);
}

static void check_decoded(struct subject *s, const json_t *c)
{
    const json_t *want = json_object_get(c, "decoded");
    struct tf_window *w = &s->enc.windows[0];
    struct tf_buf text = TF_BUF_INIT;
    struct tf_err err;
    size_t i;

    for (i = 0; i < json_array_size(want); i++) {
        tf_buf_reset(&text);
        assert_int_equal(
            tf_tokenizer_decode(s->tok, w->ids, w->n, i, &text, &err), 0);
        if (!tf_str_eq((struct tf_str){ text.data, text.len },
                       str(json_array_get(want, i))))
            fail_msg("%s: %.200s\ngives \"%.*s\"", s->name, json_dumps(c, 0),
                     (int)text.len, text.data);
    }
    tf_buf_release(&text);
}

static void check_case(struct subject *s, const json_t *c)
{
    const json_t *windows = json_object_get(c, "windows");
    struct tf_encode_opts o = options(c);
    struct tf_err err;
    json_t *ids;
    size_t i;

    if (encode(s, c, &o, &err)) {
        if (!json_object_get(c, "error"))
            fail_msg("%s: %.300s: %s", s->name, json_dumps(c, 0), err.msg);
        assert_non_null(err.code);
        return;
    }
    if (json_object_get(c, "error"))
        fail_msg("%s: no error for %.300s", s->name, json_dumps(c, 0));
    if (s->enc.count != json_array_size(windows))
        fail_msg("%s: %.200s: %zu windows", s->name, json_dumps(c, 0),
                 s->enc.count);
    for (i = 0; i < s->enc.count; i++)
        check_window(s, c, &s->enc.windows[i], json_array_get(windows, i));
    check_decoded(s, c);
    check_count(s, c);
    /* fewer arrays, and only the answer: the same ids */
    o.want = 0;
    o.overflow = false;
    assert_int_equal(encode(s, c, &o, &err), 0);
    assert_int_equal(s->enc.count, 1);
    assert_null(s->enc.windows[0].offsets);
    ids = json_pack("[O]", json_array_get(json_array_get(windows, 0), 0));
    check_window(s, c, &s->enc.windows[0], ids);
    json_decref(ids);
}

static int is_name(const struct dirent *e)
{
    return e->d_name[0] != '.';
}

static void equals_the_tokenizers_library(void **state)
{
    struct dirent **list;
    int n = scandir(GOLDEN, &list, is_name, alphasort), i;
    struct subject s;
    size_t k;

    (void)state;
    assert_true(n > 50);
    for (i = 0; i < n; i++) {
        json_t *cases = load(list[i]->d_name, "cases.json");

        assert_non_null(cases);
        open_subject(&s, list[i]->d_name);
        for (k = 0; k < json_array_size(cases); k++)
            check_case(&s, json_array_get(cases, k));
        close_subject(&s);
        json_decref(cases);
        free(list[i]);
    }
    free(list);
}

static void knows_what_transformers_knows(void **state)
{
    static const char *const names[] = { "folder_bert", "folder_general",
                                         "folder_old", "folder_split_special",
                                         "folder_model_type" };
    const struct tf_tokenizer_info *info;
    struct subject s;
    json_t *got, *want;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(names) / sizeof(*names); i++) {
        open_subject(&s, names[i]);
        info = tf_tokenizer_info(s.tok);
        want = load(names[i], "info.json");
        got = json_pack("{si si si si si si si si si si sb sb sb}", "bos",
                        info->bos, "eos", info->eos, "unk", info->unk, "sep",
                        info->sep, "pad", info->pad, "cls", info->cls, "mask",
                        info->mask, "vocab_size", (int)info->vocab_size,
                        "added", (int)info->added, "model_max_length",
                        (int)info->model_max_length, "type_ids",
                        info->has_type_ids, "pad_left", info->pad_left,
                        "truncate_left", info->truncate_left);
        if (!json_equal(got, want))
            fail_msg("%s\n got %s\nwant %s", names[i],
                     json_dumps(got, JSON_SORT_KEYS),
                     json_dumps(want, JSON_SORT_KEYS));
        json_decref(got);
        json_decref(want);
        close_subject(&s);
    }
}

static void tells_tokens_and_ids(void **state)
{
    struct subject s;
    struct tf_str token;

    (void)state;
    open_subject(&s, "wordpiece_bert");
    assert_int_equal(tf_tokenizer_id(s.tok, "[CLS]", 5), 2);
    assert_int_equal(tf_tokenizer_id(s.tok, "no such", 7), -1);
    token = tf_tokenizer_token(s.tok, 2);
    assert_true(tf_str_is(token, "[CLS]"));
    assert_true(tf_tokenizer_is_special(s.tok, 2));
    assert_false(tf_tokenizer_is_special(s.tok, 7));
    assert_null(tf_tokenizer_token(s.tok, -1).s);
    assert_null(tf_tokenizer_token(s.tok, INT32_MAX).s);
    assert_int_equal(tf_tokenizer_added(s.tok, false), 2);
    assert_int_equal(tf_tokenizer_added(s.tok, true), 3);
    close_subject(&s);
}

static void adds_tokens_behind_the_others(void **state)
{
    static const char *const tokens[] = { "<new>", "the", "<new>", "[CLS]" };
    struct tf_encode_opts o = { .no_special = true };
    struct tf_str text = { "a<new>the", 9 }, none = { NULL, 0 };
    struct subject s;
    struct tf_err err;
    int32_t size;

    (void)state;
    open_subject(&s, "wordpiece_bert");
    size = (int32_t)tf_tokenizer_info(s.tok)->vocab_size;
    assert_int_equal(tf_tokenizer_add(s.tok, tokens, 4, true, &err), 1);
    assert_int_equal(tf_tokenizer_id(s.tok, "<new>", 5), size);
    assert_int_equal(tf_tokenizer_info(s.tok)->vocab_size, size + 1);
    assert_true(tf_tokenizer_is_special(s.tok, size));
    assert_true(
        tf_tokenizer_is_special(s.tok, tf_tokenizer_id(s.tok, "the", 3)));
    assert_int_equal(
        tf_tokenizer_encode(s.tok, s.st, &o, text, none, &s.enc, &err), 0);
    assert_int_equal(s.enc.windows[0].n, 3);
    assert_int_equal(s.enc.windows[0].ids[1], size);
    close_subject(&s);
}

/* The same ids, texts and facts? */
static void check_same(const struct tf_tokenizer *a,
                       const struct tf_tokenizer *b)
{
    const struct tf_tokenizer_info *x = tf_tokenizer_info(a);
    const struct tf_tokenizer_info *y = tf_tokenizer_info(b);
    struct tf_str text = { "The <s>dogs</s>, it's [MASK].", 29 };
    struct tf_str none = { NULL, 0 };
    struct tf_encode_opts o = { 0 };
    struct tf_encoding enc[2] = { { 0 } };
    const struct tf_tokenizer *tok[] = { a, b };
    struct tf_err err;
    int i;

    assert_int_equal(x->vocab_size, y->vocab_size);
    assert_int_equal(x->added, y->added);
    assert_int_equal(x->eos, y->eos);
    assert_int_equal(x->pad, y->pad);
    assert_int_equal(x->has_type_ids, y->has_type_ids);
    for (i = 0; i < 2; i++) {
        struct tf_tok_state *st = tf_tok_state_new(tok[i], &err);

        assert_non_null(st);
        assert_int_equal(
            tf_tokenizer_encode(tok[i], st, &o, text, none, &enc[i], &err), 0);
        tf_tok_state_free(st);
    }
    assert_int_equal(enc[0].windows[0].n, enc[1].windows[0].n);
    assert_memory_equal(enc[0].windows[0].ids, enc[1].windows[0].ids,
                        enc[0].windows[0].n * sizeof(int32_t));
    tf_encoding_release(&enc[0]);
    tf_encoding_release(&enc[1]);
}

static void saves_what_opens_as_the_same(void **state)
{
    static const char *const paths[] = {
        GOLDEN "/folder_general", GOLDEN "/wordpiece_bert/tokenizer.json",
        "tests/golden/legacy/bert", "tests/golden/legacy/llama"
    };
    static const char *const tokens[] = { "<added \"here\">" };
    char dir[] = "/tmp/test_tokenizer.XXXXXX", path[100];
    struct tf_tokenizer *tok, *saved;
    struct tf_err err;
    size_t i;

    (void)state;
    assert_non_null(mkdtemp(dir));
    for (i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
        tok = tf_tokenizer_open(paths[i], &err);
        if (!tok || tf_tokenizer_add(tok, tokens, 1, true, &err) != 1 ||
            tf_tokenizer_save(tok, dir, &err))
            fail_msg("%s", err.msg);
        saved = tf_tokenizer_open(dir, &err);
        if (!saved)
            fail_msg("%s", err.msg);
        check_same(tok, saved);
        assert_true(tf_tokenizer_is_special(
            saved, (int32_t)tf_tokenizer_info(tok)->vocab_size - 1));
        /* over itself, too */
        assert_int_equal(tf_tokenizer_save(saved, dir, &err), 0);
        tf_tokenizer_close(saved);
        saved = tf_tokenizer_open(dir, &err);
        assert_non_null(saved);
        check_same(tok, saved);
        tf_tokenizer_close(saved);
        tf_tokenizer_close(tok);
    }
    snprintf(path, sizeof(path), "%s/tokenizer.json", dir);
    unlink(path);
    snprintf(path, sizeof(path), "%s/tokenizer_config.json", dir);
    unlink(path);
    assert_int_equal(rmdir(dir), 0);
}

static void says_when_max_length_holds_no_special_tokens(void **state)
{
    struct tf_encode_opts o = { .max_length = 1 };
    struct tf_str text = { "the", 3 }, none = { NULL, 0 };
    struct subject s;
    struct tf_err err;

    (void)state;
    open_subject(&s, "wordpiece_bert");
    assert_int_equal(
        tf_tokenizer_encode(s.tok, s.st, &o, text, none, &s.enc, &err), -1);
    assert_string_equal(err.code, "too_long");
    close_subject(&s);
}

/* A long text is cut into words and put together by a heap: the same tokens. */
static void joins_a_long_word_as_a_short_one(void **state)
{
    struct tf_encode_opts o = { .want = TF_TOK_OFFSETS };
    struct tf_str none = { NULL, 0 };
    struct tf_buf text = TF_BUF_INIT;
    struct tf_err err;
    struct subject s;
    size_t i, n;

    (void)state;
    open_subject(&s, "bpe_byte_level");
    for (i = 0; i < 3000; i++)
        tf_buf_adds(&text, "the");
    assert_int_equal(tf_tokenizer_encode(s.tok, s.st, &o,
                                         (struct tf_str){ text.data, 30 }, none,
                                         &s.enc, &err),
                     0);
    n = s.enc.windows[0].n;
    assert_int_equal(tf_tokenizer_encode(s.tok, s.st, &o,
                                         (struct tf_str){ text.data, text.len },
                                         none, &s.enc, &err),
                     0);
    assert_int_equal(s.enc.windows[0].n, n * 300);
    assert_int_equal(s.enc.windows[0].offsets[n * 300 - 1][1], text.len);
    tf_buf_release(&text);
    close_subject(&s);
}

/* What a message must contain about a tokenizer.json that says this. */
static const struct {
    const char *text, *what;
} malformed[] = {
    { "", "the text ends too early" },
    { "[]", "expected an object" },
    { "{}", "no \"model\"" },
    { "{\"version\": \"2.0\"}", "version: unknown version \"2.0\"" },
    { "{\"model\": {}}", "model: no \"vocab\"" },
    { "{\"model\": {\"type\": \"Foo\"}}", "model: unknown type \"Foo\"" },
    { "{\"model\": {\"type\": \"BPE\", \"vocab\": {}}}", "no \"merges\"" },
    { "{\"model\": {\"type\": \"BPE\", \"vocab\": [], \"merges\": []}}",
      "vocab: expected an object" },
    { "{\"model\": {\"type\": \"Unigram\", \"vocab\": {}}}",
      "vocab: expected an array" },
    { "{\"model\": {\"vocab\": {\"a\": -1}}}", "\"a\" has id -1" },
    { "{\"model\": {\"vocab\": {\"a\": 4294967295}}}", "id 4294967295" },
    { "{\"model\": {\"vocab\": {\"a\": 1e99}}}", "expected an integer" },
    { "{\"model\": {\"vocab\": {\"a\": 0}, \"merges\": [\"a b\"]}}",
      "token \"b\" (of number 1) is not in the vocabulary" },
    { "{\"model\": {\"vocab\": {\"a\": 0}, \"merges\": [[\"a\", \"a\"]]}}",
      "token \"aa\" (of number 1) is not in the vocabulary" },
    { "{\"model\": {\"vocab\": {\"a\": 0}, \"merges\": [\"aa\"]}}",
      "\"aa\" (number 1) is not two tokens" },
    { "{\"model\": {\"vocab\": {\"a\": 0}, \"merges\": [[\"a\"]]}}",
      "expected two tokens" },
    { "{\"model\": {\"vocab\": [[\"a\", 1], [\"b\"]]}}",
      "expected a piece and its score" },
    { "{\"model\": {\"vocab\": {\"a\": 0}, \"merges\": [[], \"a a\"]}}",
      "expected two tokens" },
    { "{\"model\": {\"vocab\": [[], [\"a\", 1]]}}",
      "expected a piece and its score" },
    { "{\"model\": {\"vocab\": [[\"a\", NaN]]}}", "expected a number" },
    { "{\"model\": {\"vocab\": [[\"a\", 1]], \"unk_id\": 1}}",
      "unk_id is 1, the vocabulary has 1" },
    { "{\"normalizer\": {\"type\": \"Foo\"}}", "normalizer: " },
    { "{\"pre_tokenizer\": {\"type\": \"Foo\"}}", "pre_tokenizer: " },
    { "{\"decoder\": {\"type\": \"Foo\"}}", "decoder: " },
    { "{\"post_processor\": {\"type\": \"Foo\"}}",
      "post_processor: unknown type \"Foo\"" },
    { "{\"post_processor\": {\"type\": \"TemplateProcessing\", \"single\": "
      "[{\"SpecialToken\": {\"id\": \"X\", \"type_id\": 0}}], \"pair\": []}}",
      "no special token \"X\"" },
    { "{\"post_processor\": {\"type\": \"TemplateProcessing\", \"single\": "
      "[{\"Sequence\": {\"id\": \"B\", \"type_id\": 0}}], \"pair\": []}}",
      "asks for a second" },
    { "{\"post_processor\": {\"type\": \"TemplateProcessing\", \"single\": "
      "[{\"Sequence\": {\"id\": \"A\", \"type_id\": 256}}], \"pair\": []}}",
      "expected a type_id in 0..255" },
    { "{\"post_processor\": {\"sep\": [\"x\", -1], \"cls\": [\"y\", 1]}}",
      "sep: expected a token and its id" },
    { "{\"model\": {\"vocab\": {}, \"merges\": []}, \"added_tokens\": [1]}",
      "added_tokens: " },
    { "{\"model\": {\"vocab\": {}, \"merges\": []}} x", "more text" },
};

static void names_what_is_wrong_with_a_file(void **state)
{
    char path[] = "/tmp/test_tokenizer.XXXXXX";
    int fd = mkstemp(path);
    struct tf_err err;
    size_t i, n;

    (void)state;
    assert_true(fd >= 0);
    for (i = 0; i < sizeof(malformed) / sizeof(*malformed); i++) {
        n = strlen(malformed[i].text);
        assert_int_equal(ftruncate(fd, 0), 0);
        assert_int_equal(pwrite(fd, malformed[i].text, n, 0), (ssize_t)n);
        assert_null(tf_tokenizer_open(path, &err));
        if (!strstr(err.msg, malformed[i].what) || !strstr(err.msg, path))
            fail_msg("%s\nsays %s\nnot %s", malformed[i].text, err.msg,
                     malformed[i].what);
    }
    close(fd);
    unlink(path);
    assert_null(tf_tokenizer_open("/nonexistent", &err));
    assert_null(tf_tokenizer_open("tests/golden", &err));
    assert_non_null(strstr(err.msg, "tests/golden"));
}

/* Cut at any byte, a file is refused; nothing is read past its end. */
static void refuses_a_file_cut_anywhere(void **state)
{
    char path[] = "/tmp/test_tokenizer.XXXXXX";
    struct tf_buf text = TF_BUF_INIT;
    int fd = mkstemp(path);
    struct tf_err err;
    size_t i;

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(tf_file_read(GOLDEN "/bpe_affixes/tokenizer.json",
                                  SIZE_MAX, &text, &err),
                     0);
    assert_int_equal(pwrite(fd, text.data, text.len, 0), (ssize_t)text.len);
    for (i = text.len - 1; i > 0; i -= i > 400 ? 97 : 1) {
        assert_int_equal(ftruncate(fd, (off_t)i), 0);
        assert_null(tf_tokenizer_open(path, &err));
    }
    close(fd);
    unlink(path);
    tf_buf_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equals_the_tokenizers_library),
        cmocka_unit_test(knows_what_transformers_knows),
        cmocka_unit_test(tells_tokens_and_ids),
        cmocka_unit_test(adds_tokens_behind_the_others),
        cmocka_unit_test(saves_what_opens_as_the_same),
        cmocka_unit_test(says_when_max_length_holds_no_special_tokens),
        cmocka_unit_test(joins_a_long_word_as_a_short_one),
        cmocka_unit_test(names_what_is_wrong_with_a_file),
        cmocka_unit_test(refuses_a_file_cut_anywhere),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
