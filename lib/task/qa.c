#include "task/qa.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/jsonl.h"
#include "text/lower.h"

#define NEVER                                                                  \
    (-10000.0f) /* the logit of a token that can't be in an answer             \
                 */

struct tf_span_score {
    float score;
    uint32_t start, end; /* tokens, both included */
};

void tf_qa_release(struct tf_qa *qa)
{
    tf_points_release(&qa->context);
    free(qa->answers);
    tf_strmap_release(&qa->by_text);
    tf_arena_release(&qa->memory);
    tf_buf_release(&qa->lower);
    free(qa->best);
    free(qa->scores);
    memset(qa, 0, sizeof(*qa));
}

int tf_qa_begin(struct tf_qa *qa, const struct tf_qa_opts *opts,
                struct tf_str context, struct tf_err *err)
{
    qa->opts = *opts;
    qa->count = 0;
    qa->null_score = INFINITY;
    tf_strmap_release(&qa->by_text);
    tf_arena_release(&qa->memory);
    return tf_points_read(&qa->context, context, err);
}

/* Room for n scores of starts and ends, and for k spans. */
static int make_room(struct tf_qa *qa, size_t n, size_t k, struct tf_err *err)
{
    if (2 * n > qa->scores_cap) {
        float *grown = tf_grow(qa->scores, 2 * n, sizeof(*grown), err);

        if (!grown)
            return -1;
        qa->scores = grown;
        qa->scores_cap = 2 * n;
    }
    if (k > qa->best_cap) {
        struct tf_span_score *grown = tf_grow(qa->best, k, sizeof(*grown), err);

        if (!grown)
            return -1;
        qa->best = grown;
        qa->best_cap = k;
    }
    return 0;
}

/* Only the context and the CLS token do; but where the context comes first, the
 * pipeline lets all. */
static bool takes_part(const struct tf_qa *qa, const struct tf_window *w,
                       size_t i)
{
    return !qa->opts.context || w->sequence[i] == qa->opts.context ||
           (qa->opts.cls >= 0 && w->ids[i] == qa->opts.cls);
}

/* Softmax of column `which` of the logits over the tokens that take part. */
static void softmax(const struct tf_qa *qa, const struct tf_window *w,
                    const float *logits, size_t which, float *out)
{
    float max = -INFINITY, sum = 0;

    for (size_t i = 0; i < w->n; i++) {
        out[i] = takes_part(qa, w, i) ? logits[2 * i + which] : NEVER;
        max = fmaxf(max, out[i]);
    }
    for (size_t i = 0; i < w->n; i++)
        sum += out[i] = expf(out[i] - max);
    for (size_t i = 0; i < w->n; i++)
        out[i] /= sum;
}

/* The k best spans that can be answers, best first, into qa->best; spans that
 * begin earlier first among equals. Returns how many there are. */
static size_t find_spans(struct tf_qa *qa, const struct tf_window *w,
                         const float *start, const float *end, size_t k)
{
    size_t found = 0;

    for (size_t s = 0; s < w->n; s++) {
        size_t stop = w->n - s < qa->opts.max_answer_length
                          ? w->n
                          : s + qa->opts.max_answer_length;

        if (!takes_part(qa, w, s))
            continue;
        for (size_t e = s; e < stop; e++) {
            float score = start[s] * end[e];
            size_t at = found;

            if (score <= 0 || !takes_part(qa, w, e) ||
                (found == k && score <= qa->best[k - 1].score))
                continue;
            if (found < k)
                found++;
            else
                at--;
            for (; at && qa->best[at - 1].score < score; at--)
                qa->best[at] = qa->best[at - 1];
            qa->best[at] =
                (struct tf_span_score){ score, (uint32_t)s, (uint32_t)e };
        }
    }
    return found;
}

/* The first and last token of the window that are of a word of the context, as
 * Encoding.word_to_tokens of the `tokenizers` library; false: it has none. */
static bool find_word(const struct tf_qa *qa, const struct tf_window *w,
                      int32_t word, size_t *first, size_t *last)
{
    bool found = false;

    for (size_t i = 0; i < w->n && word >= 0; i++) {
        if (w->sequence[i] != qa->opts.context)
            continue;
        if (w->words[i] > word)
            break;
        if (w->words[i] != word)
            continue;
        if (!found)
            *first = i;
        *last = i;
        found = true;
    }
    return found;
}

/* The place of a span in the context. */
static void locate(const struct tf_qa *qa, const struct tf_window *w,
                   const struct tf_span_score *span, struct tf_answer *answer)
{
    size_t start = span->start, end = span->end, first, last, ignored;

    if (qa->opts.align && find_word(qa, w, w->words[start], &first, &ignored) &&
        find_word(qa, w, w->words[end], &ignored, &last)) {
        start = first;
        end = last;
    }
    answer->start = w->offsets[start][0];
    answer->end = w->offsets[end][1];
    answer->text = tf_points_slice(&qa->context, answer->start, answer->end);
}

static int append(struct tf_qa *qa, const struct tf_answer *answer,
                  struct tf_err *err)
{
    if (qa->count == qa->cap) {
        size_t cap = qa->cap ? 2 * qa->cap : 16;
        struct tf_answer *grown =
            tf_grow(qa->answers, cap, sizeof(*grown), err);

        if (!grown)
            return -1;
        qa->answers = grown;
        qa->cap = cap;
    }
    qa->answers[qa->count] = *answer;
    qa->answers[qa->count].number = qa->count;
    qa->count++;
    return 0;
}

/* The text that equal answers share: lower case, and of the two small sigmas,
 * which Python chooses from by their place in the word, one. */
static int make_key(struct tf_qa *qa, struct tf_str text, struct tf_err *err)
{
    tf_buf_reset(&qa->lower);
    tf_put_lower(&qa->lower, text);
    if (qa->lower.failed)
        return tf_no_memory(err, text.len);
    for (size_t i = 1; i < qa->lower.len; i++)
        if (!memcmp(qa->lower.data + i - 1, "\xCF\x82", 2))
            qa->lower.data[i] = '\x83';
    return 0;
}

/* Add an answer, or its score to that of an equal one. */
static int merge(struct tf_qa *qa, const struct tf_answer *answer,
                 struct tf_err *err)
{
    uint32_t known;
    char *key;

    if (make_key(qa, answer->text, err))
        return -1;
    known = tf_strmap_get(&qa->by_text, qa->lower.data, qa->lower.len);
    if (known != TF_STRMAP_NONE) {
        qa->answers[known].score += answer->score;
        return 0;
    }
    key = tf_arena_alloc(&qa->memory, qa->lower.len + 1, 1);
    if (!key)
        return tf_no_memory(err, qa->lower.len + 1);
    if (qa->lower.len)
        memcpy(key, qa->lower.data, qa->lower.len);
    if (tf_strmap_set(&qa->by_text, key, qa->lower.len, (uint32_t)qa->count,
                      err))
        return -1;
    return append(qa, answer, err);
}

/* How many spans of a window are looked at: more than are wanted, as widening
 * to words makes some of them equal. */
static size_t span_count(const struct tf_qa *qa, size_t n)
{
    size_t k = qa->opts.top_k, length = qa->opts.max_answer_length;
    size_t most = n * (length < n ? length : n);

    if (qa->opts.align)
        k = k < most ? 2 * k + 10 : most;
    return k < most ? k : most;
}

int tf_qa_add(struct tf_qa *qa, const struct tf_window *w, const float *logits,
              struct tf_err *err)
{
    size_t k = span_count(qa, w->n);
    float *start, *end;

    if (!w->n)
        return 0;
    if (make_room(qa, w->n, k, err))
        return -1;
    start = qa->scores;
    end = start + w->n;
    softmax(qa, w, logits, 0, start);
    softmax(qa, w, logits, 1, end);
    qa->null_score = fminf(qa->null_score, start[0] * end[0]);
    start[0] = end[0] = 0;
    k = find_spans(qa, w, start, end, k);
    for (size_t i = 0; i < k; i++) {
        struct tf_answer answer = { .score = (double)qa->best[i].score };

        locate(qa, w, &qa->best[i], &answer);
        if (merge(qa, &answer, err))
            return -1;
    }
    return 0;
}

static int by_score(const void *a, const void *b)
{
    const struct tf_answer *x = a, *y = b;

    if (x->score != y->score)
        return x->score < y->score ? 1 : -1;
    return x->number < y->number ? -1 : 1;
}

int tf_qa_finish(struct tf_qa *qa, struct tf_err *err)
{
    struct tf_answer none = { .text = { "", 0 } };

    if (qa->opts.impossible && isfinite(qa->null_score))
        none.score = (double)qa->null_score;
    if ((qa->opts.impossible || !qa->count) && append(qa, &none, err))
        return -1;
    qsort(qa->answers, qa->count, sizeof(qa->answers[0]), by_score);
    if (qa->count > qa->opts.top_k)
        qa->count = qa->opts.top_k;
    return 0;
}

void tf_put_answers(struct tf_buf *out, const struct tf_answer *answers,
                    size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct tf_answer *a = &answers[i];

        tf_buf_adds(out, i ? ", {\"answer\": " : "[{\"answer\": ");
        tf_put_string(out, a->text.s, a->text.len);
        tf_buf_adds(out, ", \"score\": ");
        tf_put_float(out, (float)a->score);
        tf_buf_adds(out, ", \"start\": ");
        tf_put_int(out, (int64_t)a->start);
        tf_buf_adds(out, ", \"end\": ");
        tf_put_int(out, (int64_t)a->end);
        tf_buf_addc(out, '}');
    }
    tf_buf_adds(out, n ? "]" : "[]");
}
