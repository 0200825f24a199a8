/*
 * One transformer for every architecture: runs a stack of layers over a batch
 * as its row (arch.h) says. Letters as in nn/ops.h; E the embedding width.
 */
#ifndef TF_MODEL_TRANSFORMER_H
#define TF_MODEL_TRANSFORMER_H

#include <stdint.h>
#include "model/cache.h"
#include "model/positions.h"
#include "model/stack.h"
#include "nn/ops.h"

/* Sequences laid end to end, none of them empty. */
struct tf_batch {
    const int32_t *ids;      /* [T], checked against the vocabulary */
    const uint8_t *type_ids; /* [T], checked; NULL: all 0 */
    struct tf_seqs seqs;     /* T is seqs.start[seqs.count] */
    /* [seqs.count]: what each sequence's tokens come after, and are added to;
     * NULL: they are whole sequences. For causal stacks without a tape. */
    struct tf_cache **caches;
    /* What a decoder's cross attention reads: sequence q reads that of
     * cross->seqs which cross_of[q] names, NULL: q. */
    const struct tf_cross *cross;
    const int32_t *cross_of;
    /* Of an encoder-decoder, for tf_model_logits(): what the decoder reads;
     * NULL: the same ids after the decoder's start token, the last left out. */
    const struct tf_batch *target;
    /* [seqs.count]: so many tokens at the beginning of each sequence see all
     * others and are seen by all, where others have a window; NULL: none. */
    const size_t *global;
    /* With TF_ROWS_PICKED: one row of each sequence, [seqs.count]. */
    const int32_t *picked;
};

/* Keys and values of an encoder's output for each layer of a decoder. */
struct tf_cross {
    struct tf_seqs seqs;       /* the encoder's */
    struct tf_tensor **k, **v; /* [layers] of [S][Hkv D] */
};

/* What a batch runs with beside its weights; zeroed memory is ready. One per
 * thread of use. */
struct tf_runner {
    struct tf_positions positions;
    /* layer outputs take turns in these; all else is in ctx->arena, freed layer
     * by layer (not with a tape, which needs it all) */
    struct tf_arena out[2];
    /* DeBERTa's projected relative embeddings, [rows][H D] for each layer, kept
     * from batch to batch while positions.generation stays */
    float **c2p, **p2c;
    size_t layers;
    unsigned generation;
    float *fourier; /* [C][2 C], tf_fourier_basis(), made on need */
    /* With a tape: layers do not keep what they compute but run again on the
     * way back (gradient checkpointing). */
    bool recompute;
    struct tf_runner
        *encoder; /* an encoder-decoder's other one, made on need */
};

void tf_runner_release(struct tf_runner *r);

/* Which rows the caller will read. */
enum tf_rows {
    TF_ROWS_ALL,   /* [T][C] */
    TF_ROWS_FIRST, /* of each sequence: [count][C] */
    TF_ROWS_LAST,
    TF_ROWS_PICKED, /* batch->picked */
};

/*
 * The hidden states after `layers` layers (SIZE_MAX: all, and the final norm);
 * 0 gives the embeddings. In ctx->arena or r->out: valid until the next call.
 * NULL when ctx has failed; then
 * the batch's caches are of no more use.
 */
struct tf_tensor *tf_stack_run(struct tf_ctx *ctx, struct tf_runner *r,
                               struct tf_stack *stack,
                               const struct tf_batch *batch, enum tf_rows rows,
                               size_t layers);

/* What the decoder `stack` reads of an encoder's output x [S][C], in ctx's
 * arena. NULL when ctx has failed. */
struct tf_cross *tf_stack_cross(struct tf_ctx *ctx, struct tf_stack *stack,
                                struct tf_tensor *x,
                                const struct tf_seqs *seqs);
#endif
