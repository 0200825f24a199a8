/* What a record gives a model to read, and many of them as one batch. */
#ifndef TF_TASK_INPUT_H
#define TF_TASK_INPUT_H

#include <stddef.h>
#include <stdint.h>
#include "base/err.h"
#include "base/jsonl.h"
#include "model/transformer.h"
#include "text/tokenizer.h"

/* Token ids of one sequence. Zeroed memory is empty; fill again to reuse. */
struct tf_input {
    int32_t *ids;      /* [n] */
    uint8_t *type_ids; /* [n] */
    size_t n, cap;
};

void tf_input_release(struct tf_input *in);

/* Take the ids of an encoding's window. */
int tf_input_take(struct tf_input *in, const struct tf_window *w,
                  struct tf_err *err);

/*
 * Take the record's own members: input_ids, and where it has them
 * token_type_ids (else 0) and attention_mask, whose zeros drop a token.
 * Returns 1, 0 when the record has no input_ids, or -1 with code "bad_field"
 * or "bad_ids".
 */
int tf_input_read(struct tf_input *in, const struct tf_record *rec,
                  struct tf_err *err);

/*
 * The record's "offsets", [[start, end], ...] of the tokens that
 * tf_input_read() took: *offsets, which free() releases, is grown to [n].
 * Returns 1, 0 when the record has none, or -1 with code "bad_field".
 */
int tf_input_offsets(const struct tf_input *in, const struct tf_record *rec,
                     uint32_t (**offsets)[2], struct tf_err *err);

/* Inputs laid end to end. Zeroed memory is empty; join again to reuse. */
struct tf_joined {
    struct tf_batch batch;
    int32_t *ids;
    uint8_t *type_ids;
    size_t *start;
    size_t count, tokens; /* room */
};

/* Begin an empty batch; add inputs to it; the batch is complete after each. */
void tf_join_reset(struct tf_joined *j);
int tf_join_add(struct tf_joined *j, const struct tf_input *in,
                struct tf_err *err);
void tf_join_release(struct tf_joined *j);
#endif
