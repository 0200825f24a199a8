/*
 * The answers to a question as data sets have them: a string; a list of
 * strings; SQuAD's {"text": [...], "answer_start": [...]}, or a list of
 * {"text":
 * "...", "answer_start": n}. None (null, empty lists): it has no answer.
 */
#ifndef TF_TRAIN_ANSWERS_H
#define TF_TRAIN_ANSWERS_H

#include <jansson.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/err.h"

struct tf_answers {
    json_t *json;     /* holds the texts; owned */
    struct tf_str *v; /* [count] */
    size_t count;
    int64_t start; /* code point of the context where the first begins; -1: not
                      given */
};

/* Read a member's value (s NULL: there is none). `a` is released by the caller
 * also on failure. */
int tf_answers_read(struct tf_answers *a, struct tf_str value,
                    struct tf_err *err);
void tf_answers_release(struct tf_answers *a);
#endif
