/* The vocabulary files of a folder without tokenizer.json. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/io.h"
#include "base/json.h"
#include "base/jsonl.h"
#include "text/bytelevel.h"
#include "text/legacy_parts.h"
#include "text/unicode.h"
#include "text/utf8.h"

#define FILE_MAX ((size_t)256 << 20)

static const char *const piece_files[] = {
    "spiece.model",        "sentencepiece.bpe.model",
    "sentencepiece.model", "tokenizer.model",
    "spm.model",           "source.spm",
};

#define PIECE_FILES (sizeof(piece_files) / sizeof(piece_files[0]))

static void fail(struct tf_legacy *l)
{
    l->failed = true;
}

struct tf_str tf_legacy_text(struct tf_legacy *l, const char *fmt, ...)
{
    struct tf_str s = { "", 0 };
    va_list ap, again;
    char *p;
    int n;

    va_start(ap, fmt);
    va_copy(again, ap);
    n = vsnprintf(NULL, 0, fmt, ap);
    p = n < 0 ? NULL : tf_arena_alloc(&l->arena, (size_t)n + 1, 1);
    if (p) {
        vsnprintf(p, (size_t)n + 1, fmt, again);
        s = (struct tf_str){ p, (size_t)n };
    } else if (!l->failed) {
        tf_no_memory(l->err, (size_t)n);
        fail(l);
    }
    va_end(again);
    va_end(ap);
    return s;
}

static void add_entry(struct tf_legacy *l, struct tf_str s, double score,
                      uint32_t id)
{
    struct tf_legacy_entry *grown;
    size_t cap = l->cap ? 2 * l->cap : 1024;

    if (l->failed)
        return;
    if (l->count == l->cap) {
        grown = tf_grow(l->vocabulary, cap, sizeof(*grown), l->err);
        if (!grown) {
            fail(l);
            return;
        }
        l->vocabulary = grown;
        l->cap = cap;
    }
    l->vocabulary[l->count++] = (struct tf_legacy_entry){ s, score, id };
    if (tf_strmap_set(&l->ids, s.s, s.len, id, l->err))
        fail(l);
}

void tf_legacy_entry(struct tf_legacy *l, struct tf_str s, double score)
{
    add_entry(l, s, score, (uint32_t)l->count);
}

void tf_legacy_pieces(struct tf_legacy *l, size_t from)
{
    for (; from < l->spm.count; from++)
        tf_legacy_entry(l, l->spm.pieces[from].s, l->spm.pieces[from].score);
}

/* Append a file of the folder; false if there is none, or it can't be read. */
static bool read_file(struct tf_legacy *l, const char *name, struct tf_buf *out)
{
    char *path = tf_path(l->dir, name, l->err);
    bool there = path && tf_file_exists(path);

    if (!path || (there && tf_file_read(path, FILE_MAX, out, l->err)))
        fail(l);
    free(path);
    return there && !l->failed;
}

static void fail_in(struct tf_legacy *l, const char *name)
{
    tf_err_at(l->err, name);
    tf_err_at(l->err, l->dir);
    fail(l);
}

/* vocab.txt: a token a line, without the white space at its end. */
static void read_words(struct tf_legacy *l)
{
    struct tf_str line, rest = { l->bytes.data, l->bytes.len };
    const char *end;
    size_t before, len;

    if (tf_utf8_valid(rest.s, rest.len) != rest.len) {
        tf_fail(l->err, "is not UTF-8");
        fail_in(l, "vocab.txt");
    }
    while (rest.len && !l->failed) {
        end = memchr(rest.s, '\n', rest.len);
        line.s = rest.s;
        line.len = end ? (size_t)(end - rest.s) : rest.len;
        rest.s += line.len + (end != NULL);
        rest.len -= line.len + (end != NULL);
        while (line.len) {
            before = tf_utf8_before(line.s, line.len);
            if (!(tf_unicode_flags(tf_utf8_get(line.s + before, &len)) &
                  TF_U_SPACE))
                break;
            line.len = before;
        }
        tf_legacy_entry(l, line, 0);
    }
}

/* vocab.json: {token: id, ...} */
static void read_ids(struct tf_legacy *l)
{
    struct tf_str key;
    struct tf_json j;
    int64_t id;
    char *copy;

    tf_json_init(&j, l->vocab.data, l->vocab.len);
    if (tf_json_object(&j))
        while (!l->failed && tf_json_key(&j, &key)) {
            copy = tf_arena_alloc(&l->arena, key.len + 1, 1);
            if (!copy) {
                tf_no_memory(l->err, key.len);
                fail(l);
                break;
            }
            memcpy(copy, key.s, key.len);
            if (!tf_json_int(&j, &id))
                break;
            if (id < 0 || id >= INT32_MAX)
                tf_json_bad(&j, "a token's id is out of range");
            else
                add_entry(l, (struct tf_str){ copy, key.len }, 0, (uint32_t)id);
        }
    if (!l->failed && tf_json_failed(&j, l->err))
        fail_in(l, "vocab.json");
    tf_json_release(&j);
}

/* The score of an entry that the model has no piece for: the last resort. */
#define NO_PIECE (-1000.0)

/*
 * The vocabulary of vocab.json by id, with the scores of the model's pieces.
 * Ids that it leaves out get names of their own.
 */
static void pair_ids(struct tf_legacy *l)
{
    struct tf_legacy_entry *old = l->vocabulary;
    struct tf_strmap scores = { 0 };
    size_t i, n = l->count, top = 0;
    uint32_t piece;

    for (i = 0; i < n; i++)
        top = old[i].id >= top ? old[i].id + (size_t)1 : top;
    if (!l->failed && top > 2 * n + 1000) {
        tf_fail(l->err, "has %zu tokens, and ids up to %zu", n, top - 1);
        fail_in(l, "vocab.json");
    }
    for (i = 0; i < l->spm.count && !l->failed; i++)
        if (tf_strmap_set(&scores, l->spm.pieces[i].s.s, l->spm.pieces[i].s.len,
                          (uint32_t)i, l->err))
            fail(l);
    l->vocabulary = NULL;
    l->count = l->cap = 0;
    for (i = 0; i < top && !l->failed; i++)
        tf_legacy_entry(l, tf_legacy_text(l, "<unused_%zu>", i), NO_PIECE);
    for (i = 0; i < n && !l->failed; i++) {
        piece = tf_strmap_get(&scores, old[i].s.s, old[i].s.len);
        old[i].score =
            piece == TF_STRMAP_NONE ? NO_PIECE : l->spm.pieces[piece].score;
        l->vocabulary[old[i].id] = old[i];
    }
    tf_strmap_release(&scores);
    free(old);
}

static void read_model(struct tf_legacy *l)
{
    struct tf_str bytes = { l->bytes.data, l->bytes.len };

    if (tf_spm_read(&l->spm, bytes, l->err)) {
        fail_in(l, l->model_name);
    } else if (l->files == TF_LEGACY_PAIRED) {
        read_ids(l);
        pair_ids(l);
    } else if (l->cls->pieces) {
        l->cls->pieces(l);
    } else {
        tf_legacy_pieces(l, 0);
    }
}

/* ByT5Tokenizer: three tokens, then every byte in its order, as byte-level
 * pieces spell it. */
static void add_bytes(struct tf_legacy *l)
{
    static const char *const first[] = { "<pad>", "</s>", "<unk>" };

    for (size_t i = 0; i < sizeof(first) / sizeof(first[0]); i++)
        tf_legacy_entry(l, tf_legacy_text(l, "%s", first[i]), 0);
    for (int i = 0; i < 256; i++) {
        char c[4] = { 0 };

        tf_utf8_put(c, tf_byte_char((unsigned char)i));
        tf_legacy_entry(l, tf_legacy_text(l, "%s", c), 0);
    }
}

static bool has_model(struct tf_legacy *l)
{
    size_t i;

    if (l->config->target && read_file(l, "target.spm", &l->bytes))
        l->model_name = "source.spm"; /* in the place of */
    for (i = 0; i < PIECE_FILES && !l->model_name; i++)
        if (read_file(l, piece_files[i], &l->bytes))
            l->model_name = piece_files[i];
    return l->model_name != NULL;
}

/* Read the files of this kind, if they are all there. */
static bool has_files(struct tf_legacy *l, enum tf_legacy_files files)
{
    switch (files) {
    case TF_LEGACY_WORDS:
        return read_file(l, "vocab.txt", &l->bytes);
    case TF_LEGACY_MERGES:
        tf_buf_reset(&l->vocab);
        return read_file(l, "vocab.json", &l->vocab) &&
               read_file(l, "merges.txt", &l->merges);
    case TF_LEGACY_PAIRED:
        tf_buf_reset(&l->vocab);
        return read_file(l, "vocab.json", &l->vocab) && has_model(l);
    case TF_LEGACY_BYTES:
        return true;
    default:
        return has_model(l);
    }
}

/* What the class wants, else what else there is. */
static bool find_files(struct tf_legacy *l)
{
    static const enum tf_legacy_files order[] = {
        TF_LEGACY_MERGES,
        TF_LEGACY_PAIRED,
        TF_LEGACY_PIECES,
        TF_LEGACY_WORDS,
    };
    size_t i;

    l->files = l->cls->files;
    if (has_files(l, l->files))
        return true;
    for (i = 0; i < sizeof(order) / sizeof(order[0]) && !l->failed; i++)
        if (has_files(l, order[i])) {
            l->files = order[i];
            l->cls = tf_legacy_class_of(l);
            return true;
        }
    return false;
}

int tf_legacy_read(struct tf_legacy *l)
{
    if (!find_files(l) && !l->failed) {
        tf_fail(l->err,
                "%s: no tokenizer: neither tokenizer.json, nor vocab.txt, nor "
                "vocab.json with merges.txt, nor a SentencePiece model "
                "(spiece.model, tokenizer.model, sentencepiece.bpe.model)",
                l->dir);
        fail(l);
    }
    if (l->failed)
        return -1;
    if (l->files == TF_LEGACY_WORDS)
        read_words(l);
    else if (l->files == TF_LEGACY_MERGES)
        read_ids(l);
    else if (l->files == TF_LEGACY_BYTES)
        add_bytes(l);
    else
        read_model(l);
    return l->failed ? -1 : 0;
}
