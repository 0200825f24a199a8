#include <string.h>
#include "base/mem.h"
#include "text/pipeline.h"
#include "text/unicode.h"
#include "text/utf8.h"

/* The tokens [start, start + n) of one text, and how they fall into windows of
 * at most `limit`, each `step` behind the one before. */
struct cut {
    size_t start, n;
    size_t limit, step;
    size_t windows; /* the first is the answer, the others overflow */
    bool left;      /* counted from the end */
};

/* As Encoding::truncate of `tokenizers`; a limit of 0 gives nothing, and then
 * all of it as overflow. */
static int plan_windows(struct cut *c, size_t limit,
                        const struct tf_encode_opts *opts, struct tf_err *err)
{
    c->limit = c->n;
    c->windows = 1;
    c->left = opts->truncate_left;
    if (limit >= c->n)
        return 0;
    c->limit = limit;
    if (!limit) {
        c->windows = 2;
    } else if (opts->stride >= limit) {
        return tf_fail_code(err, "too_long",
                            "stride %zu must be less than %zu, the tokens "
                            "that max_length %zu leaves for a text",
                            opts->stride, limit, opts->max_length);
    } else {
        c->step = limit - opts->stride;
        c->windows = 1 + (c->n - limit + c->step - 1) / c->step;
    }
    if (!opts->overflow)
        c->windows = 1;
    return 0;
}

static struct tf_span window_of(const struct cut *c, size_t k)
{
    size_t start, end;

    if (!c->limit) {
        start = 0;
        end = k ? c->n : 0;
    } else if (c->left) {
        end = c->n - k * c->step;
        start = end < c->limit ? 0 : end - c->limit;
    } else {
        start = k * c->step;
        end = c->n - start < c->limit ? c->n : start + c->limit;
    }
    return (struct tf_span){ (uint32_t)start, (uint32_t)end };
}

/* longest_first: each keeps what it has up to half, the rest goes to the
 * other; as truncate_encodings of `tokenizers`. */
static void share(size_t n1, size_t n2, size_t max, size_t limit[2])
{
    bool swap = n1 > n2;
    size_t few = swap ? n2 : n1, many;

    if (few > max)
        many = few;
    else
        many = few > max - few ? few : max - few;
    if (few + many > max) {
        few = max / 2;
        many = few + max % 2;
    }
    limit[swap] = few;
    limit[!swap] = many;
}

static int plan_cuts(struct cut c[2], size_t max, bool pair,
                     const struct tf_encode_opts *opts, struct tf_err *err)
{
    size_t limit[2] = { SIZE_MAX, SIZE_MAX };
    size_t total = c[0].n + c[1].n, which = opts->truncation == TF_ONLY_SECOND;

    if (!max) {
        limit[0] = limit[1] = 0;
    } else if (total > max && opts->truncation == TF_LONGEST_FIRST) {
        limit[0] = max;
        if (pair)
            share(c[0].n, c[1].n, max, limit);
    } else if (total > max) {
        if (which && !pair)
            return tf_fail_code(err, "too_long",
                                "Truncation error: Second sequence not "
                                "provided");
        if (c[which].n <= total - max)
            return tf_fail_code(err, "too_long",
                                "Truncation error: Sequence to truncate too "
                                "short to respect the provided max_length");
        limit[which] = c[which].n - (total - max);
    }
    return plan_windows(&c[0], limit[0], opts, err) ||
                   plan_windows(&c[1], limit[1], opts, err)
               ? -1
               : 0;
}

static int plan(struct cut c[2], const struct tf_tokenizer *tok,
                const struct tf_encode_opts *opts, bool pair,
                struct tf_err *err)
{
    size_t added = opts->no_special ? 0 : tok->post.added[pair];

    if (!opts->max_length) {
        c[0].limit = c[0].n;
        c[1].limit = c[1].n;
        c[0].windows = c[1].windows = 1;
        return 0;
    }
    if (opts->max_length < added)
        return tf_fail_code(err, "too_long",
                            "max_length %zu is less than the %zu special "
                            "tokens",
                            opts->max_length, added);
    if (opts->max_length - added < opts->stride)
        return tf_fail_code(err, "too_long",
                            "stride %zu is more than the %zu tokens that "
                            "max_length %zu leaves beside %zu special tokens",
                            opts->stride, opts->max_length - added,
                            opts->max_length, added);
    return plan_cuts(c, opts->max_length - added, pair, opts, err);
}

/* What is being assembled: where the next window's tokens go. */
struct builder {
    const struct tf_tok_state *st;
    const struct tf_layout *layout;
    const struct cut *cut;
    struct tf_window next;
    const char *surface; /* a copy that the encoding owns */
    bool trims;
};

static struct tf_str token_text(const struct tf_tok_state *st, size_t i,
                                const char *surface)
{
    struct tf_span t = st->texts[i];

    return t.end ? (struct tf_str){ surface + t.start, t.end - t.start }
                 : tf_vocab_token(&st->tok->model.vocab, st->tokens.ids[i]);
}

#define BYTE_SPACE 0x120 /* a space in byte-level spelling */

static bool is_space(uint32_t c)
{
    return c == BYTE_SPACE || tf_unicode_flags(c) & TF_U_SPACE;
}

/* Take a token's spaces out of its offsets, as ByteLevel's process_offsets. */
static void trim(struct tf_str text, uint32_t offsets[2], bool prefix_space,
                 bool first)
{
    uint32_t lead = 0, trail = 0;
    size_t at, len;

    for (at = 0; at < text.len && is_space(tf_utf8_get(text.s + at, &len));
         at += len)
        lead++;
    for (at = text.len; at > 0; trail++) {
        size_t before = tf_utf8_before(text.s, at);

        if (!is_space(tf_utf8_get(text.s + before, &len)))
            break;
        at = before;
    }
    if (lead == 1 && prefix_space && (first || !offsets[0]))
        lead = 0; /* the one that was put there */
    offsets[0] =
        offsets[0] + lead < offsets[1] ? offsets[0] + lead : offsets[1];
    if (trail && offsets[1] >= trail)
        offsets[1] =
            offsets[1] - trail > offsets[0] ? offsets[1] - trail : offsets[0];
}

static void put_special(struct builder *b, const struct tf_part *part,
                        struct tf_window *w)
{
    const struct tf_added_token *t;
    size_t i = w->n++;

    w->ids[i] = part->id;
    w->type_ids[i] = part->type;
    w->special[i] = 1;
    w->sequence[i] = 2;
    if (w->offsets)
        w->offsets[i][0] = w->offsets[i][1] = 0;
    if (w->words)
        w->words[i] = -1;
    if (w->tokens) {
        t = tf_added_by_id(&b->st->tok->added, part->id);
        w->tokens[i] =
            t ? t->spelled : tf_vocab_token(&b->st->tok->model.vocab, part->id);
    }
}

static void put_text(struct builder *b, const struct tf_part *part, size_t k,
                     bool overflow, struct tf_window *w)
{
    const struct tf_tok_state *st = b->st;
    const struct cut *c = &b->cut[part->sequence];
    struct tf_span span = window_of(c, k);
    size_t from = c->start + span.start, n = span.end - span.start;
    size_t at = w->n, i, t;

    if (!n)
        return;
    memcpy(w->ids + at, st->tokens.ids + from, n * sizeof(*w->ids));
    memset(w->type_ids + at, overflow ? part->overflow_type : part->type, n);
    memset(w->special + at, 0, n);
    memset(w->sequence + at, part->sequence, n);
    if (w->offsets)
        memcpy(w->offsets + at, st->offsets + from, n * sizeof(*w->offsets));
    if (w->words)
        memcpy(w->words + at, st->words + from, n * sizeof(*w->words));
    for (i = 0; i < n && w->tokens; i++)
        w->tokens[at + i] = token_text(st, from + i, b->surface);
    for (t = 0; t < part->trims && w->offsets; t++)
        for (i = 0; i < n; i++)
            trim(token_text(st, from + i, st->surface.data), w->offsets[at + i],
                 part->trim[t].prefix_space, part->trim[t].first && !i);
    w->n += n;
}

/* One window; pick[i] is the window of the text in part i. */
static void build_window(struct builder *b, const size_t *pick,
                         struct tf_window *w)
{
    size_t i;

    *w = b->next;
    for (i = 0; i < b->layout->count; i++) {
        const struct tf_part *part = &b->layout->parts[i];

        if (part->id >= 0)
            put_special(b, part, w);
        else
            put_text(b, part, pick[i], pick[i] > 0, w);
    }
    b->next.ids += w->n;
    b->next.type_ids += w->n;
    b->next.special += w->n;
    b->next.sequence += w->n;
    if (w->offsets)
        b->next.offsets += w->n;
    if (w->words)
        b->next.words += w->n;
    if (w->tokens)
        b->next.tokens += w->n;
}

/* How many windows, and how many tokens in all of them. */
static int measure(const struct tf_layout *l, const struct cut *cut,
                   size_t *windows, size_t *tokens, struct tf_err *err)
{
    size_t i, k, sum, total = 0, w = 1;
    bool over = false;

    for (i = 0; i < l->count; i++)
        if (l->parts[i].id < 0)
            over |= __builtin_mul_overflow(w, cut[l->parts[i].sequence].windows,
                                           &w);
    for (i = 0; i < l->count && !over; i++) {
        const struct cut *c = &cut[l->parts[i].sequence];

        sum = 1;
        if (l->parts[i].id < 0)
            for (sum = k = 0; k < c->windows; k++)
                sum += window_of(c, k).end - window_of(c, k).start;
        over |= __builtin_mul_overflow(
            sum, l->parts[i].id < 0 ? w / c->windows : w, &sum);
        over |= __builtin_add_overflow(total, sum, &total);
    }
    if (over || w > SIZE_MAX / 256 || total > SIZE_MAX / 256)
        return tf_no_memory(err, SIZE_MAX);
    *windows = w;
    *tokens = total;
    return 0;
}

static void *carve(char **at, size_t n, size_t size)
{
    void *p = *at;

    *at += n * size;
    return p;
}

/* Room for all arrays in the encoding's memory; the widest elements first, so
 * that each lies aligned. */
static int carve_arrays(struct builder *b, struct tf_encoding *enc,
                        unsigned want, size_t windows, size_t tokens,
                        size_t **pick, struct tf_err *err)
{
    size_t surface = want & TF_TOK_TOKENS ? b->st->surface.len : 0;
    size_t total =
        windows * sizeof(*enc->windows) + b->layout->count * sizeof(**pick) +
        tokens * (sizeof(int32_t) * 4 + 3 + sizeof(struct tf_str)) + surface;
    char *at, *copy;

    tf_buf_reset(&enc->memory);
    at = tf_buf_room(&enc->memory, total);
    if (!at)
        return tf_no_memory(err, total);
    memset(&b->next, 0, sizeof(b->next));
    enc->windows = carve(&at, windows, sizeof(*enc->windows));
    *pick = carve(&at, b->layout->count, sizeof(**pick));
    memset(*pick, 0, b->layout->count * sizeof(**pick));
    if (want & TF_TOK_TOKENS)
        b->next.tokens = carve(&at, tokens, sizeof(struct tf_str));
    if (want & TF_TOK_OFFSETS)
        b->next.offsets = carve(&at, tokens, sizeof(*b->next.offsets));
    b->next.ids = carve(&at, tokens, sizeof(int32_t));
    if (want & TF_TOK_WORDS)
        b->next.words = carve(&at, tokens, sizeof(int32_t));
    b->next.type_ids = carve(&at, tokens, 1);
    b->next.special = carve(&at, tokens, 1);
    b->next.sequence = carve(&at, tokens, 1);
    copy = carve(&at, surface, 1);
    if (surface)
        memcpy(copy, b->st->surface.data, surface);
    b->surface = copy;
    return 0;
}

/*
 * The next choice of windows in the order in which `tokenizers` merges them:
 * all that begin with an overflow window of the first text, then those of the
 * second beside the first's answer.
 */
static void next_pick(const struct tf_layout *l, const struct cut *cut,
                      size_t *pick)
{
    size_t first = 0, i;

    while (first < l->count && !pick[first])
        first++;
    for (i = l->count; i-- > first; pick[i] = 0)
        if (l->parts[i].id < 0 && ++pick[i] < cut[l->parts[i].sequence].windows)
            return;
    /* that one has run out, or this is the beginning: the next that overflows
     */
    for (i = first < l->count ? first + 1 : 0; i < l->count; i++)
        if (l->parts[i].id < 0 && cut[l->parts[i].sequence].windows > 1) {
            pick[i] = 1;
            return;
        }
}

int tf_tok_assemble(const struct tf_tok_state *st,
                    const struct tf_encode_opts *opts, size_t first, bool pair,
                    struct tf_encoding *enc, struct tf_err *err)
{
    const struct tf_tokenizer *tok = st->tok;
    const struct tf_layout *layout = &tok->post.layout[pair][!opts->no_special];
    struct cut cut[2] = { { .start = 0, .n = first },
                          { .start = first, .n = st->tokens.n - first } };
    struct builder b = { .st = st, .layout = layout, .cut = cut };
    size_t windows = 0, tokens = 0, *pick = NULL, i;

    enc->windows = NULL;
    enc->count = 0;
    if (plan(cut, tok, opts, pair, err) ||
        measure(layout, cut, &windows, &tokens, err) ||
        carve_arrays(&b, enc, opts->want, windows, tokens, &pick, err))
        return -1;
    for (i = 0; i < windows; i++) {
        build_window(&b, pick, &enc->windows[i]);
        next_pick(layout, cut, pick);
    }
    enc->count = windows;
    return 0;
}
