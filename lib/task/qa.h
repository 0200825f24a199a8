/*
 * Extractive question answering: from the logits of the windows of a context
 * to answers, as the question-answering pipeline of transformers 4.57.
 */
#ifndef TF_TASK_QA_H
#define TF_TASK_QA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/strmap.h"
#include "text/points.h"
#include "text/tokenizer.h"

struct tf_qa_opts {
    size_t top_k;             /* answers, at least 1 */
    size_t max_answer_length; /* tokens, at least 1 */
    bool impossible;          /* that there is no answer is one, the empty text
                                 (handle_impossible_answer) */
    bool align;               /* widen answers to whole words */
    int32_t cls;     /* this token takes part in the softmax; -1: none */
    uint8_t context; /* which text of the pair is the context: 1, or with
                          tokenizers that pad at the left 0 */
};

struct tf_answer {
    double score;
    size_t start, end;  /* code points of the context */
    struct tf_str text; /* in the context */
    size_t number;      /* in the order they were found */
};

/* The answers of one record. Zeroed memory is ready; begin again to reuse. */
struct tf_qa {
    struct tf_qa_opts opts;
    struct tf_points context;
    struct tf_answer *answers;
    size_t count, cap;
    float null_score;         /* the least of the windows */
    struct tf_strmap by_text; /* lower case, in `memory` */
    struct tf_arena memory;
    struct tf_buf lower;
    struct tf_span_score *best; /* of one window */
    float *scores;
    size_t best_cap, scores_cap;
};

void tf_qa_release(struct tf_qa *qa);

/* Begin a record; the context must outlive it. */
int tf_qa_begin(struct tf_qa *qa, const struct tf_qa_opts *opts,
                struct tf_str context, struct tf_err *err);

/* Take the spans of a window, which has offsets and words; logits [n][2] of
 * start and end, finite. Equal answers have their scores added. */
int tf_qa_add(struct tf_qa *qa, const struct tf_window *w, const float *logits,
              struct tf_err *err);

/* Sort the answers, best first, and keep top_k. There is at least one: the
 * empty text with score 0 when nothing can be an answer. */
int tf_qa_finish(struct tf_qa *qa, struct tf_err *err);

/* Append [{"answer", "score", "start", "end"}, ...]. */
void tf_put_answers(struct tf_buf *out, const struct tf_answer *answers,
                    size_t n);
#endif
