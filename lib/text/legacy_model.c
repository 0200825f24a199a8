/* The "model" member: the vocabulary, and merges. */
#include <math.h>
#include <string.h>
#include "base/jsonl.h"
#include "text/legacy_parts.h"
#include "text/utf8.h"

static void write_vocab(struct tf_legacy *l)
{
    size_t i;

    tf_buf_adds(l->out, ",\"vocab\":{");
    for (i = 0; i < l->count; i++) {
        const struct tf_legacy_entry *e = &l->vocabulary[i];

        if (i)
            tf_buf_addc(l->out, ',');
        tf_put_string(l->out, e->s.s, e->s.len);
        tf_buf_addf(l->out, ":%u", (unsigned)e->id);
    }
    tf_buf_addc(l->out, '}');
}

static void write_unk(struct tf_legacy *l, bool unk, const char *otherwise)
{
    struct tf_str s = tf_legacy_token(l, TF_UNK, otherwise);

    if (unk)
        tf_put_string(l->out, s.s, s.len);
    else
        tf_buf_adds(l->out, "null");
}

static void write_words(struct tf_legacy *l)
{
    if (l->cls->word_level) {
        tf_buf_adds(l->out, "{\"type\":\"WordLevel\",\"unk_token\":");
        write_unk(l, true, "<unk>");
        write_vocab(l);
        tf_buf_adds(l->out, "}");
        return;
    }
    tf_buf_adds(l->out, "{\"type\":\"WordPiece\",\"unk_token\":");
    write_unk(l, true, "[UNK]");
    tf_buf_adds(l->out, ",\"continuing_subword_prefix\":\"##\","
                        "\"max_input_chars_per_word\":100");
    write_vocab(l);
    tf_buf_adds(l->out, "}");
}

static void add_merge(struct tf_legacy *l, bool *first, struct tf_str a,
                      struct tf_str b)
{
    tf_buf_adds(l->out, *first ? "[" : ",[");
    *first = false;
    tf_put_string(l->out, a.s, a.len);
    tf_buf_addc(l->out, ',');
    tf_put_string(l->out, b.s, b.len);
    tf_buf_addc(l->out, ']');
}

/* merges.txt: two tokens a line, by rank. */
static void write_merges_file(struct tf_legacy *l)
{
    struct tf_str rest = { l->merges.data, l->merges.len }, line, a, b;
    const char *end, *space;
    size_t number = 0;
    bool first = true;

    while (rest.len && !l->failed) {
        end = memchr(rest.s, '\n', rest.len);
        line.s = rest.s;
        line.len = end ? (size_t)(end - rest.s) : rest.len;
        rest.s += line.len + (end != NULL);
        rest.len -= line.len + (end != NULL);
        number++;
        if (line.len && line.s[line.len - 1] == '\r')
            line.len--;
        if (!line.len || (line.len >= 8 && !memcmp(line.s, "#version", 8)))
            continue;
        space = memchr(line.s, ' ', line.len);
        a = (struct tf_str){ line.s, space ? (size_t)(space - line.s) : 0 };
        b = (struct tf_str){ line.s + a.len + 1, line.len - a.len - 1 };
        if (!space || memchr(b.s, ' ', b.len) ||
            tf_utf8_valid(line.s, line.len) != line.len) {
            tf_fail(l->err, "%s/merges.txt: line %zu is not two tokens", l->dir,
                    number);
            l->failed = true;
        } else {
            add_merge(l, &first, a, b);
        }
    }
}

/*
 * What Transformers makes of a model's pieces: each way to cut a piece in two
 * is a merge, by the piece's id, then by the first part's length.
 */
static void write_piece_merges(struct tf_legacy *l)
{
    struct tf_strmap ids = { 0 };
    struct tf_str a, b;
    size_t i, at;
    bool first = true;

    for (i = 0; i < l->spm.count && !l->failed; i++)
        if (tf_strmap_set(&ids, l->spm.pieces[i].s.s, l->spm.pieces[i].s.len,
                          (uint32_t)i, l->err))
            l->failed = true;
    for (i = 0; i < l->spm.count && !l->failed; i++) {
        a.s = l->spm.pieces[i].s.s;
        b.len = l->spm.pieces[i].s.len;
        if (tf_strmap_get(&ids, a.s, b.len) != i)
            continue; /* the same piece comes again */
        for (at = 0; at < b.len;) {
            at += tf_utf8_len((unsigned char)a.s[at]);
            if (at == b.len)
                break;
            if (tf_strmap_get(&ids, a.s, at) != TF_STRMAP_NONE &&
                tf_strmap_get(&ids, a.s + at, b.len - at) != TF_STRMAP_NONE)
                add_merge(l, &first, (struct tf_str){ a.s, at },
                          (struct tf_str){ a.s + at, b.len - at });
        }
    }
    tf_strmap_release(&ids);
}

static const char *flag(bool b)
{
    return b ? "true" : "false";
}

static void write_bpe(struct tf_legacy *l)
{
    const struct tf_legacy_class *c = l->cls;

    tf_buf_adds(l->out, "{\"type\":\"BPE\",\"dropout\":null,\"unk_token\":");
    if (c->from_model)
        tf_put_string(l->out, l->spm.unk.s, l->spm.unk.len);
    else
        write_unk(l, c->unk, "<unk>");
    tf_buf_addf(l->out,
                ",\"continuing_subword_prefix\":%s,\"end_of_word_suffix\":%s,"
                "\"fuse_unk\":%s,\"byte_fallback\":%s,\"ignore_merges\":false",
                c->prefix ? c->prefix : "null", c->suffix ? c->suffix : "null",
                flag(c->fuse_unk),
                flag(c->from_model ? l->spm.byte_fallback : c->byte_fallback));
    write_vocab(l);
    tf_buf_adds(l->out, ",\"merges\":[");
    if (l->files == TF_LEGACY_MERGES)
        write_merges_file(l);
    else if (l->files != TF_LEGACY_BYTES)
        write_piece_merges(l);
    tf_buf_adds(l->out, "]}");
}

static uint32_t unigram_unk(const struct tf_legacy *l)
{
    struct tf_str s = tf_legacy_token(l, TF_UNK, "<unk>");
    uint32_t id;

    if (l->cls->from_model)
        return l->spm.unk_id > 0 ? (uint32_t)l->spm.unk_id : 0;
    if (l->cls->unk_id >= 0)
        return (uint32_t)l->cls->unk_id;
    id = tf_strmap_get(&l->ids, s.s, s.len);
    if (id == TF_STRMAP_NONE)
        id = l->spm.unk_id > 0 ? (uint32_t)l->spm.unk_id : 0;
    return id;
}

static void write_unigram(struct tf_legacy *l)
{
    size_t i;

    tf_buf_addf(l->out, "{\"type\":\"Unigram\",\"unk_id\":%u,\"vocab\":[",
                (unsigned)unigram_unk(l));
    for (i = 0; i < l->count; i++) {
        const struct tf_legacy_entry *e = &l->vocabulary[i];

        tf_buf_adds(l->out, i ? ",[" : "[");
        tf_put_string(l->out, e->s.s, e->s.len);
        tf_buf_addf(l->out, ",%.17g]", isfinite(e->score) ? e->score : 0.0);
    }
    tf_buf_addf(l->out, "],\"byte_fallback\":%s}",
                flag(l->cls->from_model && l->spm.byte_fallback));
}

void tf_legacy_write_model(struct tf_legacy *l)
{
    if (l->files == TF_LEGACY_WORDS)
        write_words(l);
    else if (l->files == TF_LEGACY_MERGES || l->files == TF_LEGACY_BYTES ||
             l->cls->bpe || (l->cls->from_model && !l->spm.unigram))
        write_bpe(l);
    else
        write_unigram(l);
}
