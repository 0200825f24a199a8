/*
 * Heads: what reads a task's answer off the hidden states, as the row of the
 * architecture says (struct tf_head_spec).
 */
#ifndef TF_MODEL_HEADS_H
#define TF_MODEL_HEADS_H

#include "model/arch.h"
#include "model/bind.h"
#include "model/transformer.h"

struct tf_head {
    const struct tf_head_spec *spec;
    int32_t pad, eos;                  /* ids of config.json, -1: none */
    struct tf_weight ffn_up, ffn_down; /* [F][C], [C][F]; data NULL: none */
    struct tf_norm ffn_norm;
    struct tf_weight dense; /* [C][C] or [E][C]; data NULL: none */
    struct tf_norm norm;
    struct tf_weight out;  /* [labels][C], [vocab][E] */
    struct tf_weight rest; /* [vocab] from the C - E columns behind them */
};

/* Find the head's tensors; `outputs` are those of its last product. */
int tf_head_bind(struct tf_head *head, const struct tf_head_spec *spec,
                 struct tf_stack *stack, size_t outputs, struct tf_bind *bind,
                 struct tf_err *err);

/* The rows of hidden states that the head needs of tf_stack_run() for a batch:
 * with TF_ROWS_PICKED, *picked gets them, in ctx's arena. `ids` are those that
 * the last token and the end token are looked for in, laid out as the batch's.
 */
enum tf_rows tf_head_rows(struct tf_ctx *ctx, const struct tf_head *head,
                          const struct tf_seqs *seqs, const int32_t *ids,
                          const int32_t **picked);

/* Let the batch say which tokens see all others and, where it has no type but
 * 0, of which types they are, as the head wants it. */
int tf_head_mark(struct tf_ctx *ctx, const struct tf_head *head,
                 struct tf_batch *batch);

/* The cross-entropy of the logits of all tokens, for a head that reads each:
 * see tf_linear_cross_entropy(). spec's scale and cap are the head's. */
struct tf_tensor *tf_head_token_loss(struct tf_ctx *ctx, struct tf_head *head,
                                     struct tf_tensor *x, const int32_t *labels,
                                     const struct tf_loss *spec);

/* Logits from those rows. */
struct tf_tensor *tf_head_run(struct tf_ctx *ctx, struct tf_head *head,
                              struct tf_tensor *x,
                              const struct tf_batch *batch);
#endif
