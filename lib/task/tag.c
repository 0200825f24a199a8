#include "task/tag.h"

#include <stdlib.h>
#include <string.h>
#include "base/jsonl.h"
#include "task/classify.h"

/* A token that is no special one. */
struct tf_tag_piece {
    size_t index, start, end;
    struct tf_str word;
    const float *scores; /* [labels] */
    bool subword;        /* goes on with the word of the piece before it */
};

void tf_tag_release(struct tf_tagging *t)
{
    tf_points_release(&t->text);
    free(t->found);
    tf_arena_release(&t->memory);
    free(t->scratch.scores);
    free(t->scratch.pieces);
    free(t->scratch.tagged);
    free(t->scratch.words);
    tf_buf_release(&t->scratch.joined);
    memset(t, 0, sizeof(*t));
}

int tf_tag_begin(struct tf_tagging *t, const struct tf_tag_opts *opts,
                 const struct tf_tag_text *text, struct tf_err *err)
{
    t->opts = *opts;
    t->word_start = text->word_start;
    t->has_text = text->text.s != NULL;
    t->has_offsets = false;
    t->windows = t->count = 0;
    tf_arena_release(&t->memory);
    return tf_points_read(&t->text, text->text, err);
}

static int make_room(struct tf_tag_scratch *s, size_t n, size_t labels,
                     struct tf_err *err)
{
    if (n <= s->cap && labels == s->labels)
        return 0;
    s->cap = 0;
    free(s->scores);
    free(s->pieces);
    free(s->tagged);
    free(s->words);
    s->scores = tf_alloc(n, labels * sizeof(*s->scores), err);
    s->pieces = tf_alloc(n, sizeof(*s->pieces), err);
    s->tagged = tf_alloc(n, sizeof(*s->tagged), err);
    s->words = tf_alloc(n, sizeof(*s->words), err);
    if (!s->scores || !s->pieces || !s->tagged || !s->words)
        return -1;
    s->cap = n;
    s->labels = labels;
    return 0;
}

/* Does the token go on with a word? Known by its spelling where the model marks
 * such tokens; else a guess from the blanks in the text. */
static bool is_subword(const struct tf_tagging *t,
                       const struct tf_tag_piece *piece, struct tf_str surface)
{
    struct tf_str around;

    if (tf_tokenizer_info(t->opts.tokenizer)->prefix)
        return tf_points_count(piece->word) != tf_points_count(surface);
    if (!piece->start)
        return false;
    around = tf_points_slice(&t->text, piece->start - 1, piece->start + 1);
    return !around.len || !memchr(around.s, ' ', around.len);
}

/* The pieces of a window; returns how many. */
static size_t gather(struct tf_tagging *t, const struct tf_window *w)
{
    const struct tf_tokenizer_info *info = tf_tokenizer_info(t->opts.tokenizer);
    size_t count = 0, base;

    for (size_t i = 0; i < w->n; i++) {
        struct tf_tag_piece *p = &t->scratch.pieces[count];
        struct tf_str surface;

        if (w->special[i])
            continue;
        *p = (struct tf_tag_piece){
            .index = i,
            .word = tf_tokenizer_token(t->opts.tokenizer, w->ids[i]),
            .scores = t->scratch.scores + i * t->scratch.labels,
        };
        count++;
        if (!w->offsets)
            continue;
        base =
            t->word_start && w->words[i] >= 0 ? t->word_start[w->words[i]] : 0;
        p->start = base + w->offsets[i][0];
        p->end = base + w->offsets[i][1];
        if (!t->has_text)
            continue;
        surface = tf_points_slice(&t->text, p->start, p->end);
        p->subword = is_subword(t, p, surface);
        if (w->ids[i] == info->unk) {
            p->word = surface;
            p->subword = false;
        }
    }
    return count;
}

/* The text of n tokens or words in t->memory. */
static int join(struct tf_tagging *t, const struct tf_str *words, size_t n,
                struct tf_str *out, struct tf_err *err)
{
    struct tf_buf *b = &t->scratch.joined;
    char *kept;

    tf_buf_reset(b);
    if (tf_tokenizer_join(t->opts.tokenizer, words, n, b, err))
        return -1;
    kept = tf_arena_alloc(&t->memory, b->len + 1, 1);
    if (b->failed || !kept)
        return tf_no_memory(err, b->len + 1);
    if (b->len)
        memcpy(kept, b->data, b->len);
    *out = (struct tf_str){ kept, b->len };
    return 0;
}

static size_t best_label(const float *scores, size_t n)
{
    size_t best = 0;

    for (size_t i = 1; i < n; i++)
        if (scores[i] > scores[best])
            best = i;
    return best;
}

static void set_label(const struct tf_tagging *t, struct tf_tagged *e,
                      const float *scores)
{
    size_t best = best_label(scores, t->scratch.labels);
    const char *label = t->opts.config->labels[best];

    e->label = (struct tf_str){ label, strlen(label) };
    e->score = scores[best];
}

/* Replace the scores of n pieces, the first's, by their mean. */
static const float *average(const struct tf_tagging *t,
                            const struct tf_tag_piece *p, size_t n)
{
    size_t first = (size_t)(p->scores - t->scratch.scores);
    float *mean = t->scratch.scores + first;

    for (size_t c = 0; c < t->scratch.labels; c++) {
        for (size_t i = 1; i < n; i++)
            mean[c] += p[i].scores[c];
        mean[c] /= (float)n;
    }
    return mean;
}

static const float *surest(const struct tf_tagging *t,
                           const struct tf_tag_piece *p, size_t n)
{
    size_t labels = t->scratch.labels, best = 0;
    float most = 0;

    for (size_t i = 0; i < n; i++) {
        float score = p[i].scores[best_label(p[i].scores, labels)];

        if (score > most) {
            most = score;
            best = i;
        }
    }
    return p[best].scores;
}

/* One word of n pieces. */
static int tag_word(struct tf_tagging *t, const struct tf_tag_piece *p,
                    size_t n, struct tf_tagged *e, struct tf_err *err)
{
    const float *scores = p->scores;

    if (t->opts.aggregation == TF_AGGREGATE_AVERAGE)
        scores = average(t, p, n);
    else if (t->opts.aggregation == TF_AGGREGATE_MAX)
        scores = surest(t, p, n);
    *e = (struct tf_tagged){ .start = p[0].start, .end = p[n - 1].end };
    set_label(t, e, scores);
    for (size_t i = 0; i < n; i++)
        t->scratch.words[i] = p[i].word;
    return join(t, t->scratch.words, n, &e->word, err);
}

/* Label the pieces, each or word by word, into scratch.tagged; *count becomes
 * how many there are. */
static int tag_pieces(struct tf_tagging *t, size_t pieces, size_t *count,
                      struct tf_err *err)
{
    bool by_word = t->opts.aggregation >= TF_AGGREGATE_FIRST;
    size_t end;

    *count = 0;
    for (size_t i = 0; i < pieces; i = end) {
        const struct tf_tag_piece *p = &t->scratch.pieces[i];
        struct tf_tagged *e = &t->scratch.tagged[(*count)++];

        end = i + 1;
        if (!by_word) {
            *e = (struct tf_tagged){ .index = p->index,
                                     .word = p->word,
                                     .start = p->start,
                                     .end = p->end };
            set_label(t, e, p->scores);
            continue;
        }
        while (end < pieces && t->scratch.pieces[end].subword)
            end++;
        if (tag_word(t, p, end - i, e, err))
            return -1;
    }
    return 0;
}

/* Room for one more entity. */
static int make_place(struct tf_tagging *t, struct tf_err *err)
{
    size_t cap = t->cap ? 2 * t->cap : 16;
    struct tf_tagged *grown;

    if (t->count < t->cap)
        return 0;
    if (!(grown = tf_grow(t->found, cap, sizeof(*grown), err)))
        return -1;
    t->found = grown;
    t->cap = cap;
    return 0;
}

static int keep(struct tf_tagging *t, const struct tf_tagged *e,
                struct tf_err *err)
{
    for (size_t i = 0; i < t->opts.ignored_count; i++)
        if (tf_str_eq(e->label, t->opts.ignored[i]))
            return 0;
    if (make_place(t, err))
        return -1;
    t->found[t->count] = *e;
    t->found[t->count].number = t->count;
    t->count++;
    return 0;
}

/* A label without B- or I-, which *begins tells: a label that has neither goes
 * on with what is before it. */
static struct tf_str tag_of(struct tf_str label, bool *begins)
{
    *begins = false;
    if (label.len < 2 || label.s[1] != '-' ||
        (label.s[0] != 'B' && label.s[0] != 'I'))
        return label;
    *begins = label.s[0] == 'B';
    return (struct tf_str){ label.s + 2, label.len - 2 };
}

/* What the group is called: all after the first hyphen. */
static struct tf_str group_name(struct tf_str label)
{
    const char *hyphen = memchr(label.s, '-', label.len);

    if (!hyphen)
        return label;
    hyphen++;
    return (struct tf_str){ hyphen, label.len - (size_t)(hyphen - label.s) };
}

static int keep_group(struct tf_tagging *t, const struct tf_tagged *e, size_t n,
                      struct tf_err *err)
{
    struct tf_tagged group = { .label = group_name(e[0].label),
                               .start = e[0].start,
                               .end = e[n - 1].end };
    double sum = 0;

    for (size_t i = 0; i < n; i++) {
        t->scratch.words[i] = e[i].word;
        sum += (double)e[i].score;
    }
    group.score = (float)(sum / (double)n);
    return join(t, t->scratch.words, n, &group.word, err) ||
                   keep(t, &group, err)
               ? -1
               : 0;
}

/* Neighbours of the same tag become one, unless the later one begins. */
static int keep_groups(struct tf_tagging *t, size_t count, struct tf_err *err)
{
    const struct tf_tagged *e = t->scratch.tagged;
    bool begins;
    size_t end;

    for (size_t i = 0; i < count; i = end) {
        struct tf_str tag = tag_of(e[i].label, &begins);

        for (end = i + 1; end < count; end++)
            if (!tf_str_eq(tag_of(e[end].label, &begins), tag) || begins)
                break;
        if (keep_group(t, e + i, end - i, err))
            return -1;
    }
    return 0;
}

int tf_tag_add(struct tf_tagging *t, const struct tf_window *w,
               const float *logits, struct tf_err *err)
{
    size_t labels = t->opts.config->label_count, pieces, count;

    t->windows++;
    t->has_offsets = w->offsets != NULL;
    if (!w->n)
        return 0;
    if (make_room(&t->scratch, w->n, labels, err))
        return -1;
    for (size_t i = 0; i < w->n; i++)
        tf_scores(TF_FUNCTION_SOFTMAX, logits + i * labels,
                  t->scratch.scores + i * labels, labels);
    pieces = gather(t, w);
    if (tag_pieces(t, pieces, &count, err))
        return -1;
    if (t->opts.aggregation != TF_AGGREGATE_NONE)
        return keep_groups(t, count, err);
    for (size_t i = 0; i < count; i++)
        if (keep(t, &t->scratch.tagged[i], err))
            return -1;
    return 0;
}

static int by_start(const void *a, const void *b)
{
    const struct tf_tagged *x = a, *y = b;

    if (x->start != y->start)
        return x->start < y->start ? -1 : 1;
    return x->number < y->number ? -1 : 1;
}

/* Is b, which begins within a, the better of the two? */
static bool better(const struct tf_tagged *a, const struct tf_tagged *b)
{
    size_t old = a->end - a->start, new = b->end - b->start;

    return new > old || (new == old && b->score > a->score);
}

int tf_tag_finish(struct tf_tagging *t, struct tf_err *err)
{
    struct tf_tagged last;
    size_t kept = 0;

    if (t->windows < 2 || !t->count)
        return 0;
    if (make_place(t, err))
        return -1;
    qsort(t->found, t->count, sizeof(t->found[0]), by_start);
    /* the first is compared with itself, as in the pipeline: when it is empty
     * it does not overlap and stands there twice */
    last = t->found[0];
    for (size_t i = 0; i < t->count; i++) {
        struct tf_tagged next = t->found[i];

        if (next.start >= last.end)
            t->found[kept++] = last;
        else if (!better(&last, &next))
            continue;
        last = next;
    }
    t->found[kept++] = last;
    t->count = kept;
    return 0;
}

static void put_place(struct tf_buf *out, const char *name, bool known,
                      size_t at)
{
    tf_buf_adds(out, name);
    if (known)
        tf_put_int(out, (int64_t)at);
    else
        tf_buf_adds(out, "null");
}

void tf_put_entities(struct tf_buf *out, const struct tf_tagging *t)
{
    bool single = t->opts.aggregation == TF_AGGREGATE_NONE;

    for (size_t i = 0; i < t->count; i++) {
        const struct tf_tagged *e = &t->found[i];

        tf_buf_adds(out, i ? ", " : "[");
        tf_buf_adds(out, single ? "{\"entity\": " : "{\"entity_group\": ");
        tf_put_string(out, e->label.s, e->label.len);
        tf_buf_adds(out, ", \"score\": ");
        tf_put_float(out, e->score);
        if (single)
            put_place(out, ", \"index\": ", true, e->index);
        tf_buf_adds(out, ", \"word\": ");
        tf_put_string(out, e->word.s, e->word.len);
        put_place(out, ", \"start\": ", t->has_offsets, e->start);
        put_place(out, ", \"end\": ", t->has_offsets, e->end);
        tf_buf_addc(out, '}');
    }
    tf_buf_adds(out, t->count ? "]" : "[]");
}
