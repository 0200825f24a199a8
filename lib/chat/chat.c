#include "chat/chat.h"

#include <stdlib.h>
#include <string.h>
#include "base/io.h"
#include "base/json.h"
#include "base/jsonl.h"
#include "base/mem.h"
#include "chat/chat_messages.h"
#include "chat/jinja.h"
#include "text/pipeline.h"

#define FILE_MAX ((size_t)16 << 20)

struct tf_chat {
    struct tf_jinja *usual, *with_tools; /* the latter maybe NULL */
    struct tf_jinja_var *special;        /* bos_token, ... */
    size_t count;
    struct tf_buf json; /* their values */
};

static int parse(struct tf_jinja **t, struct tf_str source, struct tf_err *err)
{
    tf_jinja_free(*t);
    *t = tf_jinja_new(source, err);
    return *t ? 0 : -1;
}

/* Parse dir/name, if there is such a file. */
static int read_file(struct tf_jinja **t, const char *dir, const char *name,
                     struct tf_err *err)
{
    struct tf_buf text = TF_BUF_INIT;
    char *path = tf_path(dir, name, err);
    int failed = path ? 0 : -1;

    if (path && tf_file_exists(path)) {
        failed = tf_file_read(path, FILE_MAX, &text, err);
        if (!failed && tf_utf8_valid(text.data, text.len) != text.len)
            failed = tf_fail(err, "not UTF-8");
        if (!failed)
            failed = parse(t, (struct tf_str){ text.data, text.len }, err);
        if (failed)
            tf_err_at(err, path);
    }
    free(path);
    tf_buf_release(&text);
    return failed;
}

/* {"name": ..., "template": ...} */
static int read_named(struct tf_chat *c, struct tf_str raw, struct tf_err *err)
{
    struct tf_record rec = { 0 };
    struct tf_buf name = TF_BUF_INIT, source = TF_BUF_INIT;
    struct tf_str n, s;
    int failed = tf_record_parse(&rec, raw.s, raw.len, err) ||
                 tf_record_text(&rec, "name", &name, &n, err) ||
                 tf_record_text(&rec, "template", &source, &s, err);

    if (!failed && tf_str_is(n, "default"))
        failed = parse(&c->usual, s, err);
    else if (!failed && tf_str_is(n, "tool_use"))
        failed = parse(&c->with_tools, s, err);
    tf_record_release(&rec);
    tf_buf_release(&name);
    tf_buf_release(&source);
    return failed ? -1 : 0;
}

static int read_config(struct tf_chat *c, struct tf_str value,
                       struct tf_err *err)
{
    struct tf_json j;
    struct tf_str s;
    int failed = 0;

    tf_json_init(&j, value.s, value.len);
    if (tf_json_peek(&j) == TF_JSON_STRING) {
        if (tf_json_string(&j, &s))
            failed = parse(&c->usual, s, err);
    } else if (tf_json_array(&j)) {
        while (!failed && tf_json_item(&j))
            if (tf_json_skip(&j, &s))
                failed = read_named(c, s, err);
    }
    if (!failed && tf_json_failed(&j, err))
        failed = -1;
    tf_json_release(&j);
    return failed;
}

/* The string of a special token's member: itself, or its content. */
static struct tf_str content(struct tf_str value)
{
    struct tf_str none = { NULL, 0 }, key, raw;
    struct tf_json j;

    if (*value.s == '"')
        return value;
    tf_json_init(&j, value.s, value.len);
    if (tf_json_peek(&j) == TF_JSON_OBJECT && tf_json_object(&j))
        while (tf_json_key(&j, &key)) {
            bool here = tf_str_is(key, "content");

            if (tf_json_skip(&j, &raw) && here && *raw.s == '"')
                none = raw;
        }
    tf_json_release(&j);
    return none;
}

static bool is_token_name(struct tf_str s)
{
    static const char end[] = "_token";
    size_t n = sizeof(end) - 1, i;

    for (i = 0; i < TF_SPECIALS; i++)
        if (tf_str_is(s, tf_special_names[i]))
            return false;
    return s.len > n && !memcmp(s.s + s.len - n, end, n);
}

/* What templates call bos_token and so on: the named special tokens, and
 * others of the config. */
static int name_special(struct tf_chat *c, const struct tf_tokenizer *tok,
                        struct tf_err *err)
{
    const struct tf_tokconfig *config = &tok->config;
    size_t i, at = 0;

    c->special =
        tf_alloc(TF_SPECIALS + config->config.count, sizeof(*c->special), err);
    if (!c->special)
        return -1;
    for (i = 0; i < TF_SPECIALS && i < config->special.count; i++) {
        struct tf_str s = config->special.at[i].content;

        if (!s.s)
            continue;
        c->special[c->count].name =
            (struct tf_str){ tf_special_names[i], strlen(tf_special_names[i]) };
        tf_put_string(&c->json, s.s, s.len);
        c->special[c->count++].json.len = c->json.len - at;
        at = c->json.len;
    }
    for (at = 0, i = 0; i < c->count; at += c->special[i++].json.len)
        c->special[i].json.s = c->json.data + at;
    for (i = 0; i < config->config.count; i++) {
        const struct tf_member *m = &config->config.members[i];
        struct tf_str s = content(m->value);

        if (is_token_name(m->name) && s.s)
            c->special[c->count++] = (struct tf_jinja_var){ m->name, s };
    }
    return c->json.failed ? tf_no_memory(err, c->json.len) : 0;
}

static bool is_found(const struct tf_chat *c)
{
    return c->usual || c->with_tools;
}

/* A template that the tokenizer's own text has. */
static int read_own(struct tf_chat *c, const struct tf_tokenizer *tok,
                    struct tf_err *err)
{
    struct tf_str value = tf_record_get(&tok->config.config, "chat_template");

    if (!value.s || !read_config(c, value, err))
        return 0;
    tf_err_at(err, tok->path);
    return -1;
}

static int read_files(struct tf_chat *c, const char *dir, struct tf_err *err)
{
    return read_file(&c->usual, dir, "chat_template.jinja", err) ||
                   read_file(&c->with_tools, dir,
                             "additional_chat_templates/tool_use.jinja", err)
               ? -1
               : 0;
}

/* tokenizer_config.json of a folder, where the tokenizer is not from it. */
static int read_foreign(struct tf_chat *c, const char *dir, struct tf_err *err)
{
    char *path = tf_path(dir, "tokenizer_config.json", err);
    struct tf_buf text = TF_BUF_INIT;
    struct tf_record rec = { 0 };
    struct tf_str value = { 0 };
    int failed = !path;

    if (path && tf_file_exists(path)) {
        failed = tf_file_read(path, FILE_MAX, &text, err) ||
                 tf_record_parse(&rec, text.data, text.len, err);
        if (!failed)
            value = tf_record_get(&rec, "chat_template");
        failed = failed || (value.s && read_config(c, value, err));
        if (failed)
            tf_err_at(err, path);
    }
    tf_record_release(&rec);
    tf_buf_release(&text);
    free(path);
    return failed ? -1 : 0;
}

/* A folder's files come before what its tokenizer_config.json has; a file's
 * own template before those that lie beside it. */
static int read_templates(struct tf_chat *c, const struct tf_tokenizer *tok,
                          struct tf_err *err)
{
    const char *slash = strrchr(tok->path, '/');
    char *dir;
    int failed;

    if (tf_dir_exists(tok->path))
        return read_files(c, tok->path, err) ||
                       (!is_found(c) && read_own(c, tok, err))
                   ? -1
                   : 0;
    if (read_own(c, tok, err))
        return -1;
    if (is_found(c))
        return 0;
    dir = slash ? tf_strndup(tok->path, (size_t)(slash - tok->path) + 1, err)
                : tf_strndup(".", 1, err);
    failed = !dir || read_files(c, dir, err) ||
             (!is_found(c) && read_foreign(c, dir, err));
    free(dir);
    return failed ? -1 : 0;
}

struct tf_chat *tf_chat_open(const struct tf_tokenizer *tok, struct tf_err *err)
{
    struct tf_chat *c = tf_alloc(1, sizeof(*c), err);
    int failed;

    if (!c)
        return NULL;
    failed = name_special(c, tok, err) || read_templates(c, tok, err);
    if (!failed && !is_found(c))
        failed = tf_fail(err,
                         "%s: the tokenizer has no chat template (neither a "
                         "chat_template.jinja nor a chat_template in "
                         "tokenizer_config.json)",
                         tok->path);
    if (failed) {
        tf_chat_close(c);
        return NULL;
    }
    return c;
}

void tf_chat_close(struct tf_chat *c)
{
    if (!c)
        return;
    tf_jinja_free(c->usual);
    tf_jinja_free(c->with_tools);
    tf_buf_release(&c->json);
    free(c->special);
    free(c);
}

/* A list of objects, or nothing. */
static int check_list(struct tf_str value, const char *name, struct tf_err *err)
{
    struct tf_json j;
    bool good = true;

    if (!value.s)
        return 0;
    tf_json_init(&j, value.s, value.len);
    good = tf_json_array(&j);
    while (good && tf_json_item(&j))
        good = tf_json_peek(&j) == TF_JSON_OBJECT && tf_json_skip(&j, NULL);
    good = good && tf_json_done(&j);
    tf_json_release(&j);
    return good ? 0
                : tf_fail_code(err, "bad_field",
                               "\"%s\" must be a list of objects", name);
}

static struct tf_jinja_var var(const char *name, struct tf_str json)
{
    static const struct tf_str none = { "null", 4 };

    return (struct tf_jinja_var){ { name, strlen(name) },
                                  json.s ? json : none };
}

static int render(const struct tf_chat *c, const struct tf_chat_request *q,
                  struct tf_str messages, const struct tf_record *variables,
                  struct tf_buf *out, struct tf_jinja_spans *generated,
                  struct tf_err *err)
{
    const struct tf_jinja *t =
        q->tools.s && c->with_tools ? c->with_tools : c->usual;
    struct tf_jinja_var *vars;
    size_t i, n = c->count;
    int failed;

    if (!t)
        return tf_fail_code(err, "bad_field",
                            "the chat template is only for chats with tools");
    vars = tf_alloc(c->count + variables->count + 4, sizeof(*vars), err);
    if (!vars)
        return -1;
    if (n)
        memcpy(vars, c->special, n * sizeof(*vars));
    for (i = 0; i < variables->count; i++)
        vars[n++] = (struct tf_jinja_var){ variables->members[i].name,
                                           variables->members[i].value };
    vars[n++] = var("messages", messages);
    vars[n++] = var("tools", q->tools);
    vars[n++] = var("documents", q->documents);
    vars[n++] = var("add_generation_prompt",
                    q->generation_prompt ? (struct tf_str){ "true", 4 }
                                         : (struct tf_str){ "false", 5 });
    failed = tf_jinja_render(t, vars, n, out, generated, err);
    if (failed && !err->code)
        err->code = "bad_field";
    free(vars);
    return failed;
}

int tf_chat_render(const struct tf_chat *c, const struct tf_chat_request *q,
                   struct tf_buf *out, struct tf_err *err)
{
    return tf_chat_render_marked(c, q, out, NULL, err);
}

int tf_chat_render_marked(const struct tf_chat *c,
                          const struct tf_chat_request *q, struct tf_buf *out,
                          struct tf_jinja_spans *generated, struct tf_err *err)
{
    struct tf_record variables = { 0 };
    struct tf_buf messages = TF_BUF_INIT, last = TF_BUF_INIT;
    size_t begun = out->len;
    int failed = 0;

    err->code = NULL;
    if (check_list(q->tools, "tools", err) ||
        check_list(q->documents, "documents", err))
        return -1;
    if (q->variables.s &&
        tf_record_parse(&variables, q->variables.s, q->variables.len, err)) {
        err->code = "bad_field";
        failed = -1;
    }
    if (!failed)
        failed = tf_chat_messages(q->messages, q->go_on ? &last : NULL,
                                  &messages, err) ||
                 render(c, q, (struct tf_str){ messages.data, messages.len },
                        &variables, out, generated, err);
    if (!failed && q->go_on)
        failed = tf_chat_cut(out, begun, &last, err);
    if (!failed && out->failed)
        failed = tf_no_memory(err, out->len);
    tf_record_release(&variables);
    tf_buf_release(&messages);
    tf_buf_release(&last);
    return failed ? -1 : 0;
}
