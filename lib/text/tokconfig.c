#include "text/tokconfig.h"

#include <stdlib.h>
#include <string.h>
#include "base/io.h"
#include "base/json.h"
#include "base/mem.h"

#define FILE_MAX ((size_t)256 << 20)

static void list_release(struct tf_token_list *l)
{
    size_t i;

    for (i = 0; i < l->count; i++)
        free((char *)l->at[i].content.s);
    free(l->at);
    memset(l, 0, sizeof(*l));
}

static struct tf_added_token *list_add(struct tf_token_list *l,
                                       struct tf_err *err)
{
    struct tf_added_token *t;

    if (l->count == l->cap) {
        size_t cap = l->cap ? l->cap * 2 : 16;

        t = tf_grow(l->at, cap, sizeof(*t), err);
        if (!t)
            return NULL;
        l->at = t;
        l->cap = cap;
    }
    t = &l->at[l->count++];
    memset(t, 0, sizeof(*t));
    t->id = -1;
    return t;
}

/* A token's own copy of its content. */
static int set_content(struct tf_added_token *t, struct tf_str s,
                       struct tf_err *err)
{
    char *copy = tf_strndup(s.s, s.len, err);

    if (!copy)
        return -1;
    free((char *)t->content.s);
    t->content = (struct tf_str){ copy, s.len };
    return 0;
}

/*
 * A token at the cursor: "<s>", which is special and not normalised, or
 * {"content": "<s>", "lstrip": …}. Content stays NULL for anything else.
 */
static int read_token(struct tf_json *j, struct tf_added_token *t,
                      struct tf_err *err)
{
    struct tf_str key, s;
    bool has_normalized = false;

    if (tf_json_peek(j) == TF_JSON_STRING) {
        t->special = true;
        return tf_json_string(j, &s) ? set_content(t, s, err) : 0;
    }
    if (tf_json_peek(j) != TF_JSON_OBJECT) {
        tf_json_skip(j, NULL);
        return 0;
    }
    tf_json_object(j);
    while (tf_json_key(j, &key)) {
        if (tf_str_is(key, "content")) {
            if (tf_json_string(j, &s) && set_content(t, s, err))
                return -1;
        } else if (tf_str_is(key, "single_word")) {
            tf_json_bool(j, &t->single_word);
        } else if (tf_str_is(key, "lstrip")) {
            tf_json_bool(j, &t->lstrip);
        } else if (tf_str_is(key, "rstrip")) {
            tf_json_bool(j, &t->rstrip);
        } else if (tf_str_is(key, "normalized")) {
            has_normalized = tf_json_bool(j, &t->normalized);
        } else if (tf_str_is(key, "special")) {
            tf_json_bool(j, &t->special);
        } else {
            tf_json_skip(j, NULL);
        }
    }
    if (!has_normalized)
        t->normalized = !t->special;
    return 0;
}

static int by_id(const void *a, const void *b)
{
    const struct tf_added_token *x = a, *y = b;

    return (x->id > y->id) - (x->id < y->id);
}

static int32_t id_of(struct tf_str key)
{
    int64_t id = 0;
    size_t i;

    for (i = 0; i < key.len && id <= TF_TOKEN_ID_MAX; i++) {
        if (key.s[i] < '0' || key.s[i] > '9')
            return -1;
        id = id * 10 + (key.s[i] - '0');
    }
    return i && i == key.len && id <= TF_TOKEN_ID_MAX ? (int32_t)id : -1;
}

/* {"0": {"content": …}, …} */
static int read_decoder(struct tf_tokconfig *c, struct tf_json *j,
                        struct tf_err *err)
{
    struct tf_added_token *t;
    struct tf_str key;

    tf_json_object(j);
    while (tf_json_key(j, &key)) {
        t = list_add(&c->added, err);
        if (!t)
            return -1;
        t->id = id_of(key);
        if (t->id < 0) {
            tf_json_bad(j, "the key is no token id");
            break;
        }
        if (read_token(j, t, err))
            return -1;
        if (!t->content.s)
            tf_json_bad(j, "expected an object with \"content\"");
    }
    return 0;
}

/* added_tokens.json: {"<mask>": 250001, …} */
static int read_added_map(struct tf_tokconfig *c, struct tf_json *j,
                          struct tf_err *err)
{
    struct tf_added_token *t;
    struct tf_str key;
    int64_t id = -1;
    size_t i;

    tf_json_object(j);
    while (tf_json_key(j, &key)) {
        t = list_add(&c->added, err);
        if (!t || set_content(t, key, err))
            return -1;
        if (tf_json_int(j, &id) && (id < 0 || id > TF_TOKEN_ID_MAX))
            tf_json_bad(j, "a token's id is out of range");
        t->id = (int32_t)id;
        for (i = 0; i < c->special.count + c->extra.count; i++) {
            const struct tf_added_token *s =
                i < c->special.count ? &c->special.at[i]
                                     : &c->extra.at[i - c->special.count];

            t->special |= s->content.s && tf_str_eq(s->content, t->content);
        }
        t->normalized = !t->special;
    }
    return 0;
}

/* A list of tokens, or an object of named ones. */
static int read_extra(struct tf_token_list *l, struct tf_json *j,
                      struct tf_err *err)
{
    bool named = tf_json_peek(j) == TF_JSON_OBJECT;
    struct tf_added_token *t;
    struct tf_str key;

    if (!named && tf_json_peek(j) != TF_JSON_ARRAY) {
        tf_json_skip(j, NULL);
        return 0;
    }
    if (named)
        tf_json_object(j);
    else
        tf_json_array(j);
    while (named ? tf_json_key(j, &key) : tf_json_item(j)) {
        t = list_add(l, err);
        if (!t || read_token(j, t, err))
            return -1;
        if (!t->content.s)
            l->count--;
    }
    return 0;
}

static int with_json(struct tf_tokconfig *c, struct tf_str value,
                     int (*read)(struct tf_tokconfig *c, struct tf_json *j,
                                 struct tf_err *err),
                     struct tf_err *err)
{
    struct tf_json j;
    int failed;

    tf_json_init(&j, value.s, value.len);
    failed = read(c, &j, err) || tf_json_failed(&j, err);
    tf_json_release(&j);
    return failed ? -1 : 0;
}

static int read_extra_list(struct tf_tokconfig *c, struct tf_json *j,
                           struct tf_err *err)
{
    list_release(&c->extra);
    return read_extra(&c->extra, j, err);
}

/* bos_token …, or another name that ends in _token, if the value is a token. */
static int read_named(struct tf_tokconfig *c, const struct tf_member *m,
                      struct tf_err *err)
{
    static const char end[] = "_token";
    size_t n = sizeof(end) - 1, i;
    struct tf_added_token token = { .id = -1 }, *t = NULL;
    struct tf_json j;
    int failed;

    if (m->name.len <= n || memcmp(m->name.s + m->name.len - n, end, n))
        return 0;
    tf_json_init(&j, m->value.s, m->value.len);
    failed = read_token(&j, &token, err) || tf_json_failed(&j, err);
    tf_json_release(&j);
    for (i = 0; i < TF_SPECIALS; i++)
        if (tf_str_is(m->name, tf_special_names[i]))
            t = &c->special.at[i];
    if (!failed && !t && token.content.s)
        failed = !(t = list_add(&c->special, err));
    if (failed || !t) {
        free((char *)token.content.s);
        return failed ? -1 : 0;
    }
    token.special = true;
    free((char *)t->content.s);
    *t = token;
    return 0;
}

static int read_members(struct tf_tokconfig *c, const struct tf_record *rec,
                        struct tf_err *err)
{
    struct tf_str extra = tf_record_get(rec, "extra_special_tokens");
    size_t i;

    if (!extra.s)
        extra = tf_record_get(rec, "additional_special_tokens");
    if (extra.s && with_json(c, extra, read_extra_list, err)) {
        tf_err_at(err, "extra_special_tokens");
        return -1;
    }
    for (i = 0; i < rec->count; i++)
        if (read_named(c, &rec->members[i], err)) {
            tf_err_at(err, "a special token");
            return -1;
        }
    return 0;
}

/* Read dir/name into `rec` whose bytes are in `text`. Absent: an empty one. */
static int read_file(const char *dir, const char *name, struct tf_buf *text,
                     struct tf_record *rec, struct tf_err *err)
{
    char *path = tf_path(dir, name, err);
    int failed = 0;

    if (!path)
        return -1;
    if (tf_file_exists(path)) {
        failed = tf_file_read(path, FILE_MAX, text, err);
        if (!failed && tf_record_parse(rec, text->data, text->len, err)) {
            tf_err_at(err, path);
            err->code = NULL;
            failed = -1;
        }
    }
    free(path);
    return failed;
}

/* The old files, which count where tokenizer_config.json has no
 * added_tokens_decoder. */
static int read_old_files(struct tf_tokconfig *c, const char *dir,
                          struct tf_err *err)
{
    static const char map_name[] = "special_tokens_map.json";
    static const char added_name[] = "added_tokens.json";
    struct tf_buf text = TF_BUF_INIT;
    struct tf_record rec = { 0 };
    int failed = read_file(dir, map_name, &text, &rec, err);

    if (!failed && read_members(c, &rec, err)) {
        tf_err_at(err, map_name);
        failed = -1;
    }
    tf_buf_reset(&text);
    rec.count = 0;
    failed = failed || read_file(dir, added_name, &text, &rec, err);
    if (!failed && text.len &&
        with_json(c, (struct tf_str){ text.data, text.len }, read_added_map,
                  err)) {
        tf_err_at(err, added_name);
        failed = -1;
    }
    tf_buf_release(&text);
    tf_record_release(&rec);
    return failed ? -1 : 0;
}

static struct tf_str plain_string(const struct tf_record *rec, const char *name)
{
    struct tf_str v = tf_record_get(rec, name);

    if (v.len < 2 || *v.s != '"' || memchr(v.s, '\\', v.len))
        return (struct tf_str){ NULL, 0 };
    return (struct tf_str){ v.s + 1, v.len - 2 };
}

static int choose_class(struct tf_tokconfig *c, const char *dir,
                        struct tf_err *err)
{
    struct tf_str name = tf_tokconfig_string(c, "tokenizer_class");
    struct tf_buf text = TF_BUF_INIT;
    struct tf_record rec = { 0 };
    int failed = read_file(dir, "config.json", &text, &rec, err);

    if (!failed) {
        if (!name.s)
            name = plain_string(&rec, "tokenizer_class");
        c->cls = tf_tokclass_choose(name, plain_string(&rec, "model_type"));
        if (name.s) {
            c->class_name = tf_strndup(name.s, name.len, err);
            failed = c->class_name ? 0 : -1;
        }
    }
    tf_buf_release(&text);
    tf_record_release(&rec);
    return failed;
}

static int fill_defaults(struct tf_tokconfig *c, struct tf_err *err)
{
    struct tf_added_token *t;
    const char *s;
    size_t i;

    for (i = 0; i < TF_SPECIALS; i++) {
        t = list_add(&c->special, err);
        s = c->cls->special[i];
        if (!t || (s && set_content(t, (struct tf_str){ s, strlen(s) }, err)))
            return -1;
        t->special = true;
    }
    return 0;
}

static bool has_file(const char *dir, const char *name, struct tf_err *err)
{
    char *path = tf_path(dir, name, err);
    bool exists = path && tf_file_exists(path);

    free(path);
    return exists;
}

int tf_tokconfig_read(struct tf_tokconfig *c, const char *dir,
                      struct tf_err *err)
{
    static const char name[] = "tokenizer_config.json";
    struct tf_str decoder;

    if (read_file(dir, name, &c->text, &c->config, err) ||
        choose_class(c, dir, err) || fill_defaults(c, err))
        return -1;
    decoder = tf_record_get(&c->config, "added_tokens_decoder");
    if (read_members(c, &c->config, err) ||
        (decoder.s && with_json(c, decoder, read_decoder, err))) {
        tf_err_at(err, name);
        return -1;
    }
    if (!decoder.s && read_old_files(c, dir, err))
        return -1;
    if (c->added.count)
        qsort(c->added.at, c->added.count, sizeof(*c->added.at), by_id);
    c->has_template = tf_record_get(&c->config, "chat_template").s ||
                      has_file(dir, "chat_template.jinja", err);
    return 0;
}

int tf_tokconfig_of(struct tf_tokconfig *c, struct tf_buf *text,
                    struct tf_err *err)
{
    struct tf_str none = { 0 };

    c->text = *text;
    *text = (struct tf_buf)TF_BUF_INIT;
    if (tf_record_parse(&c->config, c->text.data, c->text.len, err))
        return -1;
    c->cls = tf_tokclass_choose(none, none);
    if (fill_defaults(c, err) || read_members(c, &c->config, err))
        return -1;
    c->has_template = tf_record_get(&c->config, "chat_template").s;
    return 0;
}

int tf_tokconfig_default_pad(struct tf_tokconfig *c, const char *token,
                             struct tf_err *err)
{
    struct tf_added_token *pad = &c->special.at[TF_PAD];
    size_t i;

    if (pad->content.s)
        return 0;
    for (i = 0; i < c->config.count; i++)
        if (tf_str_is(c->config.members[i].name, tf_special_names[TF_PAD]))
            return 0; /* null */
    return set_content(pad, (struct tf_str){ token, strlen(token) }, err);
}

void tf_tokconfig_release(struct tf_tokconfig *c)
{
    tf_buf_release(&c->text);
    tf_record_release(&c->config);
    free(c->class_name);
    list_release(&c->special);
    list_release(&c->extra);
    list_release(&c->added);
    memset(c, 0, sizeof(*c));
}

int tf_tokconfig_name(struct tf_tokconfig *c, enum tf_special which,
                      struct tf_str content, struct tf_err *err)
{
    struct tf_added_token *t = &c->special.at[which];

    return t->content.s ? 0 : set_content(t, content, err);
}

bool tf_tokconfig_flag(const struct tf_tokconfig *c, const char *name,
                       bool otherwise)
{
    struct tf_str v = tf_record_get(&c->config, name);

    return tf_str_is(v, "true") || (otherwise && !tf_str_is(v, "false"));
}

double tf_tokconfig_number(const struct tf_tokconfig *c, const char *name,
                           double otherwise)
{
    struct tf_str v = tf_record_get(&c->config, name);
    struct tf_json j;
    double d;

    if (!v.s)
        return otherwise;
    tf_json_init(&j, v.s, v.len);
    if (!tf_json_double(&j, &d))
        d = otherwise;
    tf_json_release(&j);
    return d;
}

struct tf_str tf_tokconfig_string(const struct tf_tokconfig *c,
                                  const char *name)
{
    return plain_string(&c->config, name);
}

bool tf_tokconfig_lists(const struct tf_tokconfig *c, const char *name,
                        const char *string, bool otherwise)
{
    struct tf_str v = tf_record_get(&c->config, name), s;
    struct tf_json j;
    bool found = false;

    if (!v.s || *v.s != '[')
        return otherwise;
    tf_json_init(&j, v.s, v.len);
    tf_json_array(&j);
    while (tf_json_item(&j))
        if (tf_json_peek(&j) != TF_JSON_STRING)
            tf_json_skip(&j, NULL);
        else if (tf_json_string(&j, &s))
            found |= tf_str_is(s, string);
    tf_json_release(&j);
    return found;
}
