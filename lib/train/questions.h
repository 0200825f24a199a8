/*
 * Question answering: questions with their contexts cut into windows that
 * overlap, each with the first and last token of the answer, as Transformers'
 * run_qa makes them. A window that has not all of the answer, and one of a
 * question that has none, points to its CLS token.
 */
#ifndef TF_TRAIN_QUESTIONS_H
#define TF_TRAIN_QUESTIONS_H

#include "train/answers.h"
#include "train/dataset.h"

/* A question as it is judged. */
struct tf_question {
    size_t first, count; /* its windows among the inputs */
    char *context;
    size_t context_len;
    struct tf_answers answers;
    struct tf_encoding windows; /* with offsets and words */
};

struct tf_question_data {
    const char *question, *context, *answers; /* columns */
    size_t stride;                            /* tokens that windows share */
};

/* How a question and its context are read together. */
struct tf_encode_opts tf_question_encoding(const struct tf_tokenizer *tok,
                                           size_t limit, size_t stride);

/*
 * Fill inputs and targets, [windows][2]; opts' columns are not used. A row that
 * has input_ids has start_positions and end_positions too, and is one window.
 * `kept`, when not NULL, gets a question for each row, to be released by
 * tf_questions_free() also on failure. `err` names the file and line.
 */
int tf_dataset_questions(struct tf_dataset *d, const struct tf_table *t,
                         const struct tf_dataset_opts *opts,
                         const struct tf_question_data *data,
                         struct tf_question **kept, struct tf_err *err);
void tf_questions_free(struct tf_question *questions, size_t n);
#endif
