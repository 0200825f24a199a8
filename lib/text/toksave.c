#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "base/io.h"
#include "base/jsonl.h"
#include "text/pipeline.h"
#include "text/toksource.h"

#define FILE_MAX ((size_t)1 << 31)

static void put_flag(struct tf_buf *b, const char *name, bool value)
{
    tf_buf_addf(b, ", \"%s\": %s", name, value ? "true" : "false");
}

static void put_added(struct tf_buf *b, const struct tf_added_token *t)
{
    tf_buf_addf(b, "{\"id\": %d, \"content\": ", (int)t->id);
    tf_put_string(b, t->content.s, t->content.len);
    put_flag(b, "single_word", t->single_word);
    put_flag(b, "lstrip", t->lstrip);
    put_flag(b, "rstrip", t->rstrip);
    put_flag(b, "normalized", t->normalized);
    put_flag(b, "special", t->special);
    tf_buf_addc(b, '}');
}

static void put_all_added(struct tf_buf *b, const struct tf_added *a)
{
    const char *comma = "";
    size_t id;

    tf_buf_adds(b, "[");
    for (id = 0; id < a->ids; id++) {
        if (!a->by_id[id])
            continue;
        tf_buf_addf(b, "%s\n    ", comma);
        put_added(b, &a->at[a->by_id[id] - 1]);
        comma = ",";
    }
    tf_buf_adds(b, "\n  ]");
}

/* `"name": value` of an object, after a comma if it is not the first. */
static void put_member(struct tf_buf *b, struct tf_str name,
                       struct tf_str value, bool *first)
{
    tf_buf_adds(b, *first ? "\n  " : ",\n  ");
    tf_put_string(b, name.s, name.len);
    tf_buf_adds(b, ": ");
    tf_buf_add(b, value.s, value.len);
    *first = false;
}

/* The file's members as they are, but for the added tokens. */
static int put_tokenizer(const struct tf_tokenizer *tok, struct tf_buf *out,
                         struct tf_err *err)
{
    struct tf_toksource s = { 0 };
    struct tf_tokconfig config = { 0 };
    struct tf_buf added = TF_BUF_INIT;
    struct tf_str added_name = { "added_tokens", 12 }, key, value;
    struct tf_json j;
    bool first = true, has_added = false;
    struct tf_err late;
    int failed = tf_toksource_open(&s, tok->path, &config, NULL, err);

    put_all_added(&added, &tok->added);
    tf_json_init(&j, s.text.s, s.text.len);
    tf_buf_addc(out, '{');
    if (!failed)
        tf_json_object(&j);
    while (!failed && tf_json_key(&j, &key) && tf_json_skip(&j, &value)) {
        if (tf_str_eq(key, added_name)) {
            value = (struct tf_str){ added.data, added.len };
            has_added = true;
        }
        put_member(out, key, value, &first);
    }
    if (!has_added)
        put_member(out, added_name, (struct tf_str){ added.data, added.len },
                   &first);
    tf_buf_adds(out, "\n}\n");
    failed = failed || tf_json_failed(&j, err) ? -1 : 0;
    if (!failed && (added.failed || out->failed))
        failed = tf_no_memory(err, out->len);
    tf_json_release(&j);
    tf_buf_release(&added);
    tf_tokconfig_release(&config);
    return tf_toksource_close(&s, failed ? &late : err) || failed ? -1 : 0;
}

/* Members that are written anew, or that tokenizer.json has. */
static bool is_replaced(struct tf_str name)
{
    size_t i;

    for (i = 0; i < TF_SPECIALS; i++)
        if (tf_str_is(name, tf_special_names[i]))
            return true;
    return tf_str_is(name, "added_tokens_decoder") ||
           tf_str_is(name, "tokenizer_class");
}

static void put_string(struct tf_buf *out, const char *name,
                       struct tf_str value, bool *first)
{
    put_member(out, (struct tf_str){ name, strlen(name) },
               (struct tf_str){ "", 0 }, first);
    tf_put_string(out, value.s, value.len);
}

/* tokenizer_config.json as version 5 of Transformers writes it: special tokens
 * by their content, their flags in tokenizer.json alone. */
static int put_config(const struct tf_tokenizer *tok, struct tf_buf *out,
                      struct tf_err *err)
{
    const struct tf_tokconfig *c = &tok->config;
    const char *name = c->class_name;
    bool first = true;
    size_t i;

    tf_buf_addc(out, '{');
    for (i = 0; i < c->config.count; i++)
        if (!is_replaced(c->config.members[i].name))
            put_member(out, c->config.members[i].name,
                       c->config.members[i].value, &first);
    for (i = 0; i < TF_SPECIALS && i < c->special.count; i++)
        if (c->special.at[i].content.s)
            put_string(out, tf_special_names[i], c->special.at[i].content,
                       &first);
    if (!name)
        name = c->cls ? c->cls->name : "TokenizersBackend";
    put_string(out, "tokenizer_class", (struct tf_str){ name, strlen(name) },
               &first);
    tf_buf_adds(out, "\n}\n");
    return out->failed ? tf_no_memory(err, out->len) : 0;
}

static int write_file(const char *dir, const char *name,
                      const struct tf_buf *text, struct tf_err *err)
{
    char *path = tf_path(dir, name, err);
    int failed = !path || tf_file_write(path, text->data, text->len, err);

    free(path);
    return failed ? -1 : 0;
}

/* chat_template.jinja goes along. */
static int copy_template(const struct tf_tokenizer *tok, const char *dir,
                         struct tf_err *err)
{
    static const char name[] = "chat_template.jinja";
    struct tf_buf text = TF_BUF_INIT;
    int failed = 0;
    char *path;

    if (!tf_dir_exists(tok->path))
        return 0;
    path = tf_path(tok->path, name, err);
    if (!path)
        return -1;
    if (tf_file_exists(path))
        failed = tf_file_read(path, FILE_MAX, &text, err) ||
                 write_file(dir, name, &text, err);
    free(path);
    tf_buf_release(&text);
    return failed ? -1 : 0;
}

int tf_tokenizer_save(const struct tf_tokenizer *tok, const char *dir,
                      struct tf_err *err)
{
    struct tf_buf json = TF_BUF_INIT, config = TF_BUF_INIT;
    int failed;

    if (mkdir(dir, 0777) && errno != EEXIST)
        return tf_fail(err, "%s: can't create: %s", dir, strerror(errno));
    failed = put_tokenizer(tok, &json, err) || put_config(tok, &config, err) ||
             write_file(dir, "tokenizer.json", &json, err) ||
             write_file(dir, "tokenizer_config.json", &config, err) ||
             copy_template(tok, dir, err);

    tf_buf_release(&json);
    tf_buf_release(&config);
    return failed ? -1 : 0;
}
