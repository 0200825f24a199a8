#include "text/legacy.h"

#include <stdlib.h>
#include <string.h>
#include "base/jsonl.h"
#include "text/legacy_parts.h"

struct tf_str tf_legacy_token(const struct tf_legacy *l, enum tf_special which,
                              const char *otherwise)
{
    struct tf_str s = { NULL, 0 };

    if (l->config->special.count > (size_t)which)
        s = l->config->special.at[which].content;
    if (!s.s && otherwise)
        s = (struct tf_str){ otherwise, strlen(otherwise) };
    return s;
}

struct tf_str tf_legacy_language(struct tf_legacy *l)
{
    struct tf_str s = tf_tokconfig_string(l->config, "src_lang");
    const char *form = strstr(l->cls->language, "__") ? "__%.*s__" : "%.*s";

    if (!s.s)
        return (struct tf_str){ l->cls->language, strlen(l->cls->language) };
    if (s.len >= 2 && s.s[0] == '_')
        return s;
    return tf_legacy_text(l, form, (int)s.len, s.s);
}

static const struct tf_added_token *find_added(const struct tf_legacy *l,
                                               struct tf_str s)
{
    size_t i;

    for (i = 0; i < l->added_count; i++)
        if (tf_str_eq(l->added[i].content, s))
            return &l->added[i];
    return NULL;
}

uint32_t tf_legacy_id(const struct tf_legacy *l, struct tf_str s)
{
    const struct tf_added_token *t = find_added(l, s);
    uint32_t id = t ? (uint32_t)t->id : tf_strmap_get(&l->ids, s.s, s.len);
    struct tf_str unk = tf_legacy_token(l, TF_UNK, "<unk>");

    if (id == TF_STRMAP_NONE)
        id = tf_strmap_get(&l->ids, unk.s, unk.len);
    return id == TF_STRMAP_NONE ? 0 : id;
}

/* Add a token with its flags, unless it is there. */
static void add_token(struct tf_legacy *l, const struct tf_added_token *token)
{
    struct tf_added_token *t;
    uint32_t id;
    size_t cap = l->added_cap ? 2 * l->added_cap : 64;

    if (l->failed || !token->content.len || find_added(l, token->content))
        return;
    if (l->added_count == l->added_cap) {
        t = tf_grow(l->added, cap, sizeof(*t), l->err);
        if (!t) {
            l->failed = true;
            return;
        }
        l->added = t;
        l->added_cap = cap;
    }
    t = &l->added[l->added_count++];
    *t = *token;
    id = tf_strmap_get(&l->ids, t->content.s, t->content.len);
    t->id = (int32_t)(id == TF_STRMAP_NONE ? l->next_id++ : id);
}

void tf_legacy_special(struct tf_legacy *l, struct tf_str s)
{
    struct tf_added_token t = { .content = s, .special = true };

    add_token(l, &t);
}

void tf_legacy_plain(struct tf_legacy *l, struct tf_str s)
{
    struct tf_added_token t = { .content = s };

    add_token(l, &t);
}

/* Is this special token one of whose flags neither the files nor the model say
 * anything? */
static bool by_class(const struct tf_legacy *l, size_t which,
                     const struct tf_added_token *token)
{
    struct tf_str raw =
        tf_record_get(&l->config->config, tf_special_names[which]);
    size_t i;

    for (i = 0; i < l->config->added.count; i++)
        if (tf_str_eq(l->config->added.at[i].content, token->content))
            return false;
    for (i = 0; i < l->spm.count; i++)
        if (l->spm.pieces[i].type == TF_SPM_CONTROL &&
            tf_str_eq(l->spm.pieces[i].s, token->content))
            return false;
    return !raw.s || *raw.s == '"';
}

/*
 * Tokens as Transformers adds them: those of the files by id, then the named
 * ones, then the class's own and those of the SentencePiece model.
 */
static void add_tokens(struct tf_legacy *l)
{
    const struct tf_tokconfig *c = l->config;
    size_t i;

    for (i = 0; i < l->count; i++)
        if (l->vocabulary[i].id >= l->next_id)
            l->next_id = l->vocabulary[i].id + 1;
    for (i = 0; i < c->added.count; i++)
        add_token(l, &c->added.at[i]);
    for (i = 0; i < c->special.count; i++) {
        struct tf_added_token t = c->special.at[i];

        if (i == TF_MASK && t.content.s && by_class(l, i, &t))
            t.lstrip = l->cls->mask_lstrip;
        if ((i == TF_EOS || i == TF_UNK || i == TF_PAD) && t.content.s &&
            l->cls->ends_strip && by_class(l, i, &t))
            t.lstrip = t.rstrip = true;
        if (t.content.s)
            add_token(l, &t);
    }
    for (i = 0; i < c->extra.count; i++)
        add_token(l, &c->extra.at[i]);
    if (l->cls->tokens)
        l->cls->tokens(l);
    for (i = 0; l->files == TF_LEGACY_PIECES && i < l->spm.count; i++) {
        const struct tf_spm_piece *p = &l->spm.pieces[i];
        struct tf_added_token t = { .content = p->s };

        t.special = p->type == TF_SPM_CONTROL;
        if (t.special || p->type == TF_SPM_USER_DEFINED)
            add_token(l, &t);
    }
}

static const char *flag(bool b)
{
    return b ? "true" : "false";
}

static void write_added(struct tf_legacy *l)
{
    size_t i;

    tf_buf_adds(l->out, "[");
    for (i = 0; i < l->added_count; i++) {
        const struct tf_added_token *t = &l->added[i];

        tf_buf_addf(l->out, "%s{\"id\":%d,\"content\":", i ? ",\n" : "",
                    (int)t->id);
        tf_put_string(l->out, t->content.s, t->content.len);
        tf_buf_addf(l->out,
                    ",\"single_word\":%s,\"lstrip\":%s,\"rstrip\":%s,"
                    "\"normalized\":%s,\"special\":%s}",
                    flag(t->single_word), flag(t->lstrip), flag(t->rstrip),
                    flag(t->normalized), flag(t->special));
    }
    tf_buf_adds(l->out, "]");
}

static void write_part(struct tf_legacy *l, const char *name,
                       void (*part)(struct tf_legacy *l))
{
    tf_buf_addf(l->out, ",\n\"%s\":", name);
    if (part)
        part(l);
    else
        tf_buf_adds(l->out, "null");
}

static void write_all(struct tf_legacy *l)
{
    add_tokens(l);
    tf_buf_adds(l->out, "{\"version\":\"1.0\",\"truncation\":null,"
                        "\"padding\":null");
    write_part(l, "added_tokens", write_added);
    write_part(l, "normalizer", l->cls->normalizer);
    write_part(l, "pre_tokenizer", l->cls->splitter);
    write_part(l, "decoder", l->cls->decoder);
    tf_buf_adds(l->out, ",\n\"post_processor\":");
    if (l->cls->post)
        l->cls->post(l);
    else
        tf_legacy_template(l, l->cls->single, l->cls->pair);
    write_part(l, "model", tf_legacy_write_model);
    tf_buf_adds(l->out, "}\n");
}

/* The general class takes its tokens from the model. */
static int name_tokens(struct tf_legacy *l, struct tf_tokconfig *config)
{
    const struct tf_spm *m = &l->spm;

    if (!l->cls->from_model || !m->count)
        return 0;
    return (m->bos_id >= 0 &&
            tf_tokconfig_name(config, TF_BOS, m->bos, l->err)) ||
                   (m->eos_id >= 0 &&
                    tf_tokconfig_name(config, TF_EOS, m->eos, l->err)) ||
                   (m->unk_id >= 0 &&
                    tf_tokconfig_name(config, TF_UNK, m->unk, l->err))
               ? -1
               : 0;
}

int tf_legacy_tokenizer(const char *dir, struct tf_tokconfig *config,
                        struct tf_buf *json, struct tf_err *err)
{
    struct tf_legacy l = { .dir = dir, .config = config, .out = json };
    int failed;

    if (config->cls && config->cls->python)
        return tf_fail(err,
                       "%s: %s is Python code that is not run here; a "
                       "tokenizer.json would do in its place",
                       dir, config->cls->name);
    l.err = err;
    l.cls = tf_legacy_class_find(config);
    tf_arena_init(&l.arena);
    failed = tf_legacy_read(&l) || name_tokens(&l, config) ? -1 : 0;
    if (!failed) {
        write_all(&l);
        failed = l.failed ? -1 : 0;
        if (!failed && json->failed)
            failed = tf_no_memory(err, json->len);
    }
    tf_buf_release(&l.bytes);
    tf_buf_release(&l.merges);
    tf_buf_release(&l.vocab);
    tf_spm_release(&l.spm);
    tf_arena_release(&l.arena);
    tf_strmap_release(&l.ids);
    free(l.vocabulary);
    free(l.added);
    return failed;
}
