#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "text/pipeline.h"

/* Where the file's members stand that others must be read before. */
struct late {
    struct tf_str added_tokens;
};

static int read_flag(struct tf_json *j, bool *out)
{
    return tf_json_bool(j, out) ? 0 : -1;
}

static int read_added_token(struct tf_tokenizer *tok, struct tf_json *j,
                            struct tf_buf *content, struct tf_err *err)
{
    struct tf_added_token t = { 0 };
    bool has_normalized = false, is_new;
    struct tf_str key, s;

    tf_buf_reset(content);
    tf_json_object(j);
    while (tf_json_key(j, &key)) {
        if (tf_str_is(key, "content")) {
            if (tf_json_string(j, &s))
                tf_buf_add(content, s.s, s.len);
        } else if (tf_str_is(key, "single_word")) {
            read_flag(j, &t.single_word);
        } else if (tf_str_is(key, "lstrip")) {
            read_flag(j, &t.lstrip);
        } else if (tf_str_is(key, "rstrip")) {
            read_flag(j, &t.rstrip);
        } else if (tf_str_is(key, "normalized")) {
            has_normalized = !read_flag(j, &t.normalized);
        } else if (tf_str_is(key, "special")) {
            read_flag(j, &t.special);
        } else {
            tf_json_skip(j, NULL);
        }
    }
    if (tf_json_failed(j, err))
        return -1;
    if (!has_normalized)
        t.normalized = !t.special;
    t.content = (struct tf_str){ content->data, content->len };
    if (content->failed)
        return tf_no_memory(err, content->len);
    return tf_added_put(&tok->added, &t, &tok->model, tok->normalizer, &is_new,
                        err);
}

static int read_added_tokens(struct tf_tokenizer *tok, struct tf_str raw,
                             struct tf_err *err)
{
    struct tf_buf content = TF_BUF_INIT;
    struct tf_json j;
    int failed = 0;

    tf_added_begin(&tok->added, &tok->model);
    tf_json_init(&j, raw.s, raw.len);
    if (raw.s && !tf_json_null(&j)) {
        tf_json_array(&j);
        while (!failed && tf_json_item(&j))
            failed = read_added_token(tok, &j, &content, err);
        failed = failed || tf_json_failed(&j, err);
    }
    tf_json_release(&j);
    tf_buf_release(&content);
    return failed || tf_added_index(&tok->added, err) ? -1 : 0;
}

static int read_version(struct tf_json *j, struct tf_err *err)
{
    struct tf_str s;

    if (tf_json_string(j, &s) && !tf_str_is(s, "1.0"))
        return tf_fail(err, "unknown version \"%.*s\", expected \"1.0\"",
                       s.len < 60 ? (int)s.len : 60, s.s);
    return 0;
}

/* What of the file's own settings Transformers takes as defaults. */
static int read_side(struct tf_json *j, bool *left, char **pad_token,
                     struct tf_err *err)
{
    struct tf_str key, s;

    if (tf_json_null(j))
        return 0;
    tf_json_object(j);
    while (tf_json_key(j, &key)) {
        if (tf_str_is(key, "direction") && tf_json_peek(j) == TF_JSON_STRING) {
            if (tf_json_string(j, &s))
                *left = tf_str_is(s, "Left");
        } else if (pad_token && !*pad_token && tf_str_is(key, "pad_token") &&
                   tf_json_peek(j) == TF_JSON_STRING) {
            if (tf_json_string(j, &s) &&
                !(*pad_token = tf_strndup(s.s, s.len, err)))
                return -1;
        } else {
            tf_json_skip(j, NULL);
        }
    }
    return 0;
}

static int read_member(struct tf_tokenizer *tok, struct tf_json *j,
                       struct tf_str key, struct late *late, struct tf_err *err)
{
    if (tf_str_is(key, "version"))
        return read_version(j, err);
    if (tf_str_is(key, "truncation"))
        return read_side(j, &tok->info.truncate_left, NULL, err);
    if (tf_str_is(key, "padding"))
        return read_side(j, &tok->info.pad_left, &tok->pad_token, err);
    if (tf_str_is(key, "normalizer") && !tok->normalizer)
        return tf_normalizer_read(j, &tok->normalizer, err);
    if (tf_str_is(key, "pre_tokenizer") && !tok->splitter)
        return tf_splitter_read(j, &tok->splitter, err);
    if (tf_str_is(key, "post_processor") && !tok->has_post) {
        tok->has_post = true;
        return tf_postprocessor_read(&tok->post, j, err);
    }
    if (tf_str_is(key, "decoder") && !tok->decoder)
        return tf_decoder_read(j, &tok->decoder, err);
    if (tf_str_is(key, "model") && tok->model.type == TF_MODEL_NONE)
        return tf_model_read(&tok->model, j, err);
    if (tf_str_is(key, "added_tokens"))
        tf_json_skip(j, &late->added_tokens);
    else
        tf_json_skip(j, NULL);
    return 0;
}

/* "key: " before a message that does not tell where, if any came. */
static int fail_at(struct tf_json *j, struct tf_str key, int failed,
                   struct tf_err *err)
{
    char name[64];
    size_t n = key.len < sizeof(name) ? key.len : sizeof(name) - 1;

    if (!failed && !tf_json_failed(j, err))
        return 0;
    memcpy(name, key.s, n);
    name[n] = 0;
    tf_err_at(err, name);
    return -1;
}

int tf_tokenizer_read(struct tf_tokenizer *tok, const char *text, size_t len,
                      struct tf_err *err)
{
    struct late late = { { NULL, 0 } };
    struct tf_str key;
    struct tf_json j;
    int failed = 0;

    tf_json_init(&j, text, len);
    tf_json_object(&j);
    while (!failed && tf_json_key(&j, &key)) {
        failed = read_member(tok, &j, key, &late, err);
        failed = fail_at(&j, key, failed, err);
    }
    if (!failed) {
        tf_json_done(&j);
        failed = tf_json_failed(&j, err) ? -1 : 0;
    }
    tf_json_release(&j);
    if (!failed && tok->model.type == TF_MODEL_NONE)
        failed = tf_fail(err, "no \"model\"");
    if (!failed && !tok->has_post) {
        tf_json_init(&j, "null", 4);
        failed = tf_postprocessor_read(&tok->post, &j, err);
    }
    if (!failed && read_added_tokens(tok, late.added_tokens, err)) {
        tf_err_at(err, "added_tokens");
        failed = -1;
    }
    return failed;
}
