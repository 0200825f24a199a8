#include "text/added.h"

#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "text/unicode.h"
#include "text/utf8.h"

static int copy(struct tf_str from, struct tf_str *to, struct tf_err *err)
{
    char *s = tf_strndup(from.s, from.len, err);

    if (!s)
        return -1;
    *to = (struct tf_str){ s, from.len };
    return 0;
}

static void free_spelled(struct tf_added_token *t)
{
    if (t->spelled.s != t->content.s)
        free((char *)t->spelled.s);
    t->spelled = t->content;
}

/* Once normalised, a token keeps that spelling, as in `tokenizers`, even when
 * it is added again without. */
static int spell(struct tf_added_token *t, const struct tf_normalizer *n,
                 struct tf_err *err)
{
    struct tf_pretext pre = { 0 };
    struct tf_str s = { "", 0 };
    int failed = 0;

    if (!t->normalized || !n)
        return 0;
    tf_pretext_set(&pre, t->content);
    tf_normalize(n, &pre, false);
    if (pre.pieces.count)
        s = (struct tf_str){ pre.text.s + pre.pieces.at[0].start,
                             pre.pieces.at[0].end - pre.pieces.at[0].start };
    if (pre.failed)
        failed = pre.why ? tf_fail(err, "%s", pre.why)
                         : tf_no_memory(err, t->content.len);
    if (!failed && !tf_str_eq(s, t->content)) {
        free_spelled(t);
        failed = copy(s, &t->spelled, err);
    }
    tf_pretext_release(&pre);
    return failed;
}

/* As `tokenizers` counts: from the vocabulary's size, not its largest id. */
void tf_added_begin(struct tf_added *a, const struct tf_model *model)
{
    size_t i;

    a->next = (int64_t)(model->type == TF_UNIGRAM ? model->vocab.count
                                                  : model->vocab.size);
    for (i = 0; i < a->count; i++)
        if (a->at[i].id >= a->next)
            a->next = a->at[i].id + 1;
}

static int set_by_id(struct tf_added *a, int32_t id, size_t index,
                     struct tf_err *err)
{
    size_t n = a->ids;
    uint32_t *p;

    if ((size_t)id >= n) {
        n = (size_t)id + 1 > n * 2 ? (size_t)id + 1 : n * 2;
        p = tf_grow(a->by_id, n, sizeof(*p), err);
        if (!p)
            return -1;
        memset(p + a->ids, 0, (n - a->ids) * sizeof(*p));
        a->by_id = p;
        a->ids = n;
    }
    a->by_id[id] = (uint32_t)index + 1;
    return 0;
}

/* A new entry with content and id; the caller sets the flags. */
static struct tf_added_token *append(struct tf_added *a, struct tf_str content,
                                     int32_t id, struct tf_err *err)
{
    struct tf_added_token *t;

    if (a->count == a->cap) {
        size_t cap = a->cap ? a->cap * 2 : 64;

        t = tf_grow(a->at, cap, sizeof(*t), err);
        if (!t)
            return NULL;
        a->at = t;
        a->cap = cap;
    }
    t = &a->at[a->count];
    memset(t, 0, sizeof(*t));
    if (copy(content, &t->content, err))
        return NULL;
    t->spelled = t->content;
    t->id = id;
    a->count++; /* from here on release() frees it */
    if (tf_strmap_set(&a->by_content, t->content.s, content.len,
                      (uint32_t)a->count - 1, err) ||
        set_by_id(a, id, a->count - 1, err))
        return NULL;
    return t;
}

int tf_added_put(struct tf_added *a, const struct tf_added_token *token,
                 const struct tf_model *model,
                 const struct tf_normalizer *normalizer, bool *is_new,
                 struct tf_err *err)
{
    uint32_t known =
        tf_strmap_get(&a->by_content, token->content.s, token->content.len);
    struct tf_added_token *t;
    int64_t id;

    *is_new = false;
    if (!token->content.len)
        return 0;
    if (known != TF_STRMAP_NONE) {
        t = &a->at[known];
    } else {
        id = tf_vocab_find(&model->vocab, token->content);
        *is_new = id < 0;
        if (id < 0)
            id = a->next++;
        if (id > TF_TOKEN_ID_MAX)
            return tf_fail(err, "no id is free for an added token");
        t = append(a, token->content, (int32_t)id, err);
        if (!t)
            return -1;
    }
    t->single_word = token->single_word;
    t->lstrip = token->lstrip;
    t->rstrip = token->rstrip;
    t->normalized = token->normalized;
    t->special = token->special;
    t->skipped |= token->special;
    return spell(t, normalizer, err);
}

int tf_added_index(struct tf_added *a, struct tf_err *err)
{
    struct tf_trie_entry *e = tf_alloc(a->count, sizeof(*e), err);
    int normalized, failed = 0;
    size_t i, n;

    if (!e)
        return -1;
    for (normalized = 0; normalized < 2 && !failed; normalized++) {
        tf_trie_release(&a->found[normalized]);
        for (i = n = 0; i < a->count; i++) {
            if (a->at[i].normalized != normalized || !a->at[i].spelled.len)
                continue;
            e[n].s = normalized ? a->at[i].spelled : a->at[i].content;
            e[n++].value = (uint32_t)i;
        }
        if (n)
            failed = tf_trie_build(&a->found[normalized], e, n, err);
    }
    free(e);
    return failed;
}

void tf_added_release(struct tf_added *a)
{
    size_t i;

    for (i = 0; i < a->count; i++) {
        free_spelled(&a->at[i]);
        free((char *)a->at[i].content.s);
    }
    free(a->at);
    free(a->by_id);
    tf_strmap_release(&a->by_content);
    tf_trie_release(&a->found[0]);
    tf_trie_release(&a->found[1]);
    memset(a, 0, sizeof(*a));
}

const struct tf_added_token *tf_added_by_id(const struct tf_added *a,
                                            int32_t id)
{
    if ((size_t)id >= a->ids || !a->by_id[id])
        return NULL;
    return &a->at[a->by_id[id] - 1];
}

const struct tf_added_token *tf_added_find(const struct tf_added *a,
                                           struct tf_str content)
{
    uint32_t i = tf_strmap_get(&a->by_content, content.s, content.len);

    return i == TF_STRMAP_NONE ? NULL : &a->at[i];
}

static uint32_t flags_before(const char *s, size_t at)
{
    size_t len;

    return at ? tf_unicode_flags(tf_utf8_get(s + tf_utf8_before(s, at), &len))
              : 0;
}

static uint32_t flags_at(const char *s, size_t at, size_t end, size_t *len)
{
    *len = 0;
    return at < end ? tf_unicode_flags(tf_utf8_get(s + at, len)) : 0;
}

/* The end of the longest token that begins at `at`, or 0. */
static size_t longest(const struct tf_trie *t, const char *s, size_t at,
                      size_t end, uint32_t *index)
{
    uint32_t node = 0;
    size_t stop = 0;

    while (at < end &&
           (node = tf_trie_step(t, node, (unsigned char)s[at])) != 0) {
        at++;
        if (t->nodes[node].value != TF_TRIE_NONE) {
            *index = t->nodes[node].value;
            stop = at;
        }
    }
    return stop;
}

/* The white space that a token takes along, and what it leaves of it. */
static void widen(const struct tf_added_token *t, const char *s, size_t end,
                  size_t done, size_t *start, size_t *stop)
{
    size_t len;

    if (t->lstrip) {
        while (*start > 0 && flags_before(s, *start) & TF_U_SPACE)
            *start = tf_utf8_before(s, *start);
        if (*start < done)
            *start = done < *stop ? done : *stop;
    }
    if (t->rstrip)
        while (flags_at(s, *stop, end, &len) & TF_U_SPACE)
            *stop += len;
}

/* One piece: the leftmost tokens, of those at one place the longest; a match
 * that single_word rules out is still passed over. */
static void split_piece(const struct tf_added *a, const struct tf_trie *trie,
                        struct tf_pretext *pre, struct tf_piece piece)
{
    const char *s = pre->text.s + piece.start;
    size_t end = piece.end - piece.start, at = 0, done = 0, start, stop, len;
    const struct tf_added_token *t;
    uint32_t index = 0;

    while (at < end) {
        if (!trie->root[(unsigned char)s[at]] ||
            !(stop = longest(trie, s, at, end, &index))) {
            at++;
            continue;
        }
        t = &a->at[index];
        start = at;
        at = stop;
        if ((a->split_special && t->skipped) ||
            (t->single_word && ((flags_before(s, start) & TF_U_WORD) ||
                                (flags_at(s, stop, end, &len) & TF_U_WORD))))
            continue;
        widen(t, s, end, done, &start, &stop);
        if (done < start)
            tf_pretext_push(pre, piece.start + done, piece.start + start, -1);
        tf_pretext_push(pre, piece.start + start, piece.start + stop, t->id);
        done = stop;
    }
    tf_pretext_push(pre, piece.start + done, piece.end, -1);
}

void tf_added_split(const struct tf_added *a, bool normalized,
                    struct tf_pretext *pre)
{
    const struct tf_trie *trie = &a->found[normalized];
    size_t i;

    if (!trie->count)
        return;
    for (i = 0; i < pre->pieces.count; i++) {
        struct tf_piece p = pre->pieces.at[i];

        if (p.id >= 0)
            tf_pretext_push(pre, p.start, p.end, p.id);
        else
            split_piece(a, trie, pre, p);
    }
    tf_pretext_turn(pre);
}
