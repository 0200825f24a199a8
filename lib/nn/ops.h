/*
 * The operations of a transformer. Each computes at once, into memory of the
 * context's arena, and with a tape in the context also records how to go back
 * (tape.h); then all that an op was given must live until it went back.
 * Activations are float32 views [T][C]: the tokens of all sequences of a batch
 * laid end to end, nothing padded.
 *
 * Failure (no memory) is sticky: the op fills ctx->err, sets ctx->failed and
 * returns NULL; given NULL or a failed context an op does nothing and returns
 * NULL. So a model's code reads straight and checks once, at its end.
 *
 * Letters: T tokens of the batch, C width, H heads, D head size, V vocabulary.
 */
#ifndef TF_NN_OPS_H
#define TF_NN_OPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"
#include "base/mem.h"
#include "base/pool.h"
#include "kernel/gemm.h"
#include "nn/tensor.h"

struct tf_tape;
struct tf_seqs;
struct tf_weight;
struct tf_watch;

struct tf_ctx {
    struct tf_pool *pool;   /* NULL: one thread */
    struct tf_arena *arena; /* results and scratch; the caller marks, rewinds */
    struct tf_tape *tape;   /* NULL: inference */
    struct tf_err *err;
    bool failed;

    /* The sequences that rows belong to when there are as many rows as these
     * have; other rows are by themselves. int8 layers look for outliers in each
     * (kernel/gemm_int8.h), so that no answer depends on its batch. NULL:
     * all rows are by themselves. */
    const struct tf_seqs *records;

    const struct tf_watch *watch; /* sees what linear layers read; or NULL */

    /* Mixed precision: what linear layers multiply, there and back, is rounded
     * to bfloat16 before; sums, results, weights and gradients stay float32. */
    bool bf16;

    /* What meets weights in ggml's blocks is rounded as llama.cpp has it, to
     * int8 (tf_gemm's q8; tf_act_before()): fast, and right to two or three
     * digits. */
    bool q8;

    /* With a tape: dropout acts. Its draws are keyed by (seed, step, draws,
     * element), so that a step can be repeated exactly. */
    bool training;
    uint64_t seed, step;
    uint32_t draws; /* dropouts so far; set to 0 before every pass */
    /* Which elements these are does not depend on how a step is cut into
     * passes: the rows of a pass that are its tokens come after those of the
     * step before it, all others after its sequences. */
    struct tf_pass {
        size_t tokens, tokens_before, seqs_before;
    } place;
};

/* Called with x [rows][w->in] whenever tf_linear() reads it. */
struct tf_watch {
    void (*see)(void *arg, const struct tf_weight *w, const float *x, size_t ld,
                size_t rows);
    void *arg;
};

/* n * size bytes of the context's arena, not zeroed; NULL fails the context. */
void *tf_scratch(struct tf_ctx *ctx, size_t n, size_t size);
/* A new [rows][cols] float32 tensor, not initialised. */
struct tf_tensor *tf_new(struct tf_ctx *ctx, size_t rows, size_t cols);
/* Columns [first, first + n) of x, without a copy. */
struct tf_tensor *tf_columns(struct tf_ctx *ctx, struct tf_tensor *x,
                             size_t first, size_t n);

/* Columns first + i step + j of x for every i < count and j < run, side by
 * side: the heads of a kind out of a fused projection that mixes them. */
struct tf_tensor *tf_pick_columns(struct tf_ctx *ctx, struct tf_tensor *x,
                                  size_t first, size_t run, size_t step,
                                  size_t count);
/* The first `run` of every `step` columns of x, and all of `shared` [T][n]
 * behind each: keys of heads that have a part in common, [T][count (run + n)].
 */
struct tf_tensor *tf_share_columns(struct tf_ctx *ctx, struct tf_tensor *x,
                                   size_t run, size_t step, size_t count,
                                   struct tf_tensor *shared);

/*
 * A low-rank change to a weight (Hu et al. 2021, LoRA; Liu et al. 2024, DoRA;
 * PEFT's lora.Linear): W + scale B A, and with a magnitude m each row of that
 * scaled from its norm to m. A, B and m may want gradients.
 */
struct tf_adapter {
    struct tf_tensor a, b;      /* [r][in], [out][r] float32 */
    float scale, dropout;       /* dropout of what A reads */
    struct tf_tensor magnitude; /* [out] float32; data NULL: plain LoRA */
    const float *norms;         /* [out] of the rows, from tf_adapter_norms();
                                   NULL: made at every use, as they change
                                   while A and B are trained */
    struct tf_adapter *next;    /* all are added; one with a magnitude must be
                                   the only one */
};

/*
 * A weight of a linear layer: y = act(x W^T + b). One object for every form it
 * takes; the model owns it. Shared and tied layers point to the same one. It is
 * trained when w.needs_grad, and the bias likewise; its gradient is float32
 * whatever its own type.
 */
struct tf_weight {
    const char *name; /* of the tensor in the file, for messages */
    size_t in, out;
    struct tf_tensor w; /* [out][in], or [in][out] when transposed (Conv1D);
                           with a base a view of that (tied, or one of many) */
    bool transposed;
    /* More than 1: the layer falls into so many of [out / groups] from
     * [in / groups], side by side. w is then [out][in / groups], or transposed
     * [in][out / groups]; of floats, without adapters. */
    size_t groups;
    struct tf_tensor bias; /* [out] float32; data NULL: none */
    /* Of an int8 w with scales (LLM.int8; in at most TF_INT8_K_MAX): from which
     * magnitude on what it reads is an outlier, 0: none is; and sums of its
     * rows, or NULL. */
    float threshold;
    const int32_t *sums;
    struct tf_adapter *adapters; /* a list, or NULL */
};

/* The norms of the rows of W + scale B A, for adapter->norms. */
int tf_adapter_norms(struct tf_pool *pool, const struct tf_weight *w,
                     const struct tf_adapter *adapter, float *norms,
                     struct tf_err *err);

/* What `act` becomes in front of w: GELU's tanh form goes through float16, as
 * in ggml, where w rounds what it meets. */
enum tf_act tf_act_before(const struct tf_ctx *ctx, const struct tf_weight *w,
                          enum tf_act act);

/* act(x W^T + b) + residual: [T][in] → [T][out]. residual may be NULL. */
struct tf_tensor *tf_linear(struct tf_ctx *ctx, struct tf_tensor *x,
                            struct tf_weight *w, enum tf_act act,
                            struct tf_tensor *residual);

/* dropout(x W^T + b, p) + residual, as layers end; without ctx->training the
 * same as tf_linear(). */
struct tf_tensor *tf_linear_dropout(struct tf_ctx *ctx, struct tf_tensor *x,
                                    struct tf_weight *w, float p,
                                    struct tf_tensor *residual);
/* Each element 0 with probability p in [0, 1) (to 1/65536), else divided by
 * 1 - p. Without ctx->training, or with p 0, gives x back. */
struct tf_tensor *tf_dropout(struct tf_ctx *ctx, struct tf_tensor *x, float p);

enum tf_norm_kind {
    TF_LAYER_NORM,
    TF_RMS_NORM,
    TF_NO_NORM /* w x + b alone (MobileBERT's NoNorm); w is there */
};

struct tf_norm {
    enum tf_norm_kind kind;
    struct tf_tensor w, b; /* [C] float32; data NULL: none; of heads also
                              [H][D], one row a head */
    float eps;
    float w_offset; /* added to w (Gemma: 1) */
};

/* Norm of every row. A NULL norm gives x back. */
struct tf_tensor *tf_norm(struct tf_ctx *ctx, struct tf_tensor *x,
                          struct tf_norm *norm);
/* Norm of each of a row's heads, whose size is the last dim of norm->w (q/k
 * norm). */
struct tf_tensor *tf_norm_heads(struct tf_ctx *ctx, struct tf_tensor *x,
                                struct tf_norm *norm);

struct tf_tensor *tf_act(struct tf_ctx *ctx, struct tf_tensor *x,
                         enum tf_act act);
/* act(gate) * x in one pass: the gated feed-forward layers. */
struct tf_tensor *tf_act_mul(struct tf_ctx *ctx, struct tf_tensor *gate,
                             struct tf_tensor *x, enum tf_act act);
struct tf_tensor *tf_add(struct tf_ctx *ctx, struct tf_tensor *a,
                         struct tf_tensor *b);
struct tf_tensor *tf_mul(struct tf_ctx *ctx, struct tf_tensor *a,
                         struct tf_tensor *b);
struct tf_tensor *tf_scale(struct tf_ctx *ctx, struct tf_tensor *x, float a);
/* Each element, no less than -most and no more than `most` (> 0). */
struct tf_tensor *tf_clamp(struct tf_ctx *ctx, struct tf_tensor *x, float most);
/* (x + 1) gate sigmoid(alpha gate), gate being no more than `most` (> 0), x
 * within -most and most (gpt-oss). */
struct tf_tensor *tf_clamped_glu(struct tf_ctx *ctx, struct tf_tensor *gate,
                                 struct tf_tensor *x, float alpha, float most);

/* Row ids[t] of the table (any dtype), times scale, for each of n tokens:
 * [n][C]. Added to `into` when that is not NULL. Ids are checked by the caller.
 */
struct tf_tensor *tf_embedding(struct tf_ctx *ctx, struct tf_tensor *table,
                               const int32_t *ids, size_t n, float scale,
                               struct tf_tensor *into);
/* The columns of a, then those of b. */
struct tf_tensor *tf_join_columns(struct tf_ctx *ctx, struct tf_tensor *a,
                                  struct tf_tensor *b);
/* `into` with row i of x in place of row rows[i], none of them twice. */
struct tf_tensor *tf_put_rows(struct tf_ctx *ctx, struct tf_tensor *into,
                              struct tf_tensor *x, const int32_t *rows);
/* Rows `rows[i]` of x: [n][C]. */
struct tf_tensor *tf_gather_rows(struct tf_ctx *ctx, struct tf_tensor *x,
                                 const int32_t *rows, size_t n);

/*
 * Mixture of experts (Shazeer et al. 2017): the k experts with the largest
 * scores for each token, and their weights. Scores are the softmax of the
 * logits, or sigmoids (DeepSeek-AI 2024, DeepSeek-V3).
 */
struct tf_router {
    size_t k;
    bool sigmoid;
    /* One after the other the best is chosen, and its weight is that in the
     * softmax of those that are left and no more than 2 * jitter (relative to
     * the larger of the two magnitudes) below it (SparseMixer-2; Liu et al.
     * 2023, as Phi-3.5-MoE has it). Weights have no gradient. */
    bool sparse_mixer;
    float jitter;
    bool renormed;     /* the weights are divided by their sum */
    float scale;       /* of the weights */
    const float *bias; /* [experts] added for the choice alone, or NULL */
    size_t groups, groups_kept; /* the choice is among the experts of those
                                   groups whose best two (or with groups_by_best
                                   the best) add up to most; 0 or 1: among all
                                 */
    bool groups_by_best;
};

struct tf_routes {
    size_t k;
    int32_t *expert;          /* [T][k], falling by what chose them */
    struct tf_tensor *weight; /* [T][k] */
};
int tf_route(struct tf_ctx *ctx, struct tf_tensor *logits,
             const struct tf_router *router, struct tf_routes *out);
/* into[rows[i]] += weight[rows[i]][slots[i]] x[i] for each row i of x; rows
 * NULL: i itself, slots NULL: 0. No row twice. Gives `into` back. */
struct tf_tensor *tf_add_weighted(struct tf_ctx *ctx, struct tf_tensor *into,
                                  struct tf_tensor *x, const int32_t *rows,
                                  struct tf_tensor *weight,
                                  const int32_t *slots);

/* Sequences laid end to end: sequence s is rows [start[s], start[s + 1]). */
struct tf_seqs {
    size_t count;
    const size_t *start;             /* count + 1 of them, the first 0 */
    size_t rows_before, seqs_before; /* of a step in many passes */
};

/* Mean over each sequence's rows: [count][C]. */
struct tf_tensor *tf_mean_rows(struct tf_ctx *ctx, struct tf_tensor *x,
                               const struct tf_seqs *seqs);

/* Each row with its neighbours laid side by side, `kernel` (odd) rows around
 * it, the first of them first or `backwards`: [T][kernel C], zeros where the
 * sequence ends. A convolution over tokens is tf_linear() of that. */
struct tf_tensor *tf_unfold(struct tf_ctx *ctx, struct tf_tensor *x,
                            const struct tf_seqs *seqs, size_t kernel,
                            bool backwards);

/* A convolution of each column by itself over the K (odd) tokens around each:
 * w [C][K], zeros where the sequence ends. */
struct tf_tensor *tf_depthwise_conv(struct tf_ctx *ctx, struct tf_tensor *x,
                                    const struct tf_seqs *seqs,
                                    struct tf_tensor *w);

/*
 * A convolution whose kernels come from the tokens (Jiang et al. 2020,
 * ConvBERT's span-based dynamic convolution): each head's columns of x
 * [T][H D] over the K (odd) tokens around each, weighted by the softmax of the
 * token's K numbers for the head, of taps [T][H K].
 */
struct tf_tensor *tf_dynamic_conv(struct tf_ctx *ctx, struct tf_tensor *x,
                                  const struct tf_seqs *seqs,
                                  struct tf_tensor *taps, size_t heads);

/*
 * The real part of the Fourier transform of each sequence over its columns and
 * its tokens (Lee-Thorp et al. 2021, FNet). The basis of the columns is made
 * once: [C][2 C], cosines and sines of i k / C turns.
 */
void tf_fourier_basis(float *basis, size_t c);
struct tf_tensor *tf_fourier(struct tf_ctx *ctx, struct tf_tensor *x,
                             const struct tf_seqs *seqs, const float *basis);

/* A short convolution of each column by itself over the tokens up to each:
 * w [C][K], the last column being the token's own; bias [C] or NULL. past[s]
 * are the K - 1 rows [C] before sequence s, which become those before its next
 * tokens; NULL: zeros. */
struct tf_tensor *tf_causal_conv(struct tf_ctx *ctx, struct tf_tensor *x,
                                 const struct tf_seqs *seqs,
                                 struct tf_tensor *w, struct tf_tensor *bias,
                                 float **past);

/*
 * A selective state space (Gu and Dao 2023, Mamba): each column i of x has a
 * state h [N], over each sequence
 *     h = exp(dt A_i) h + dt b_t x_t,  y_t = c_t h + d_i x_t
 * with dt = softplus(z_t) and A = -exp(a_log). In Mamba 2 (Dao and Gu 2024)
 * `share` columns of x side by side have one z, d and number of A, and b and c
 * are those of one of `groups` of columns.
 */
#define TF_SCAN_MAX 256 /* N at most */

struct tf_scan {
    size_t share, groups;        /* 0 counts as 1 */
    struct tf_tensor *x, *z;     /* [T][C], [T][C / share] */
    struct tf_tensor *b, *c;     /* [T][groups N] */
    struct tf_tensor *a_log, *d; /* [C / share][N], or [C / share] for all N;
                                    [C / share] float32 */
    float **state; /* of each sequence [C][N], gone on with; NULL: zeros */
};

struct tf_tensor *tf_selective_scan(struct tf_ctx *ctx,
                                    const struct tf_scan *scan,
                                    const struct tf_seqs *seqs);

/* Rotary embedding: cos and sin tables [positions][dims / 2]. */
struct tf_rope {
    size_t first;     /* columns of each head that stay before those */
    size_t dims;      /* that turn; the rest stay */
    bool interleaved; /* pairs (2i, 2i + 1) (GPT-J), else (i, i + dims / 2) */
    const float *cos, *sin;
};

/* Turn each head of size head_size of every row t by positions[t]. */
struct tf_tensor *tf_rotary(struct tf_ctx *ctx, struct tf_tensor *x,
                            size_t head_size, const struct tf_rope *rope,
                            const int32_t *positions);

/*
 * Attention, per sequence in blocks with an online softmax: T x T is never
 * held (Dao 2023, FlashAttention-2). q is [Tq][H D], k and v are [Tk][Hkv D];
 * H is a multiple of Hkv (grouped heads). All may be column views of one
 * fused tensor. The score of query i and key j of one sequence is
 *     s = scale q·k, then soft cap, then + biases, then the mask,
 * with j - i counted so that the last query stands at the last key, or as
 * `places` says. A query that may see no key gives zeros.
 */
struct tf_attention {
    size_t heads, kv_heads, head_size;
    size_t v_head_size; /* 0: head_size */
    float scale;
    float dropout;  /* of the probabilities; acts with ctx->training */
    float soft_cap; /* cap tanh(s / cap); 0: none */
    bool causal;
    size_t window_left, window_right; /* keys further away are masked;
                                         SIZE_MAX: no limit */
    size_t window_block; /* windows count blocks of so many keys around that
                            of the query; 0: keys */
    /* [sequences]: keys before the first, and from the second on, are masked
     * for no query, whatever the window; NULL: none. + prefix_bias to the
     * scores of those before. */
    const size_t *prefix, *suffix;
    float prefix_bias;
    /* Biases of those before by another table [buckets][H], for the distance of
     * key j from the query's place i behind the prefix: j - i / prefix_group,
     * at most the prefix's last (LongT5); NULL: `bias` is theirs, too. */
    struct tf_tensor *prefix_table;
    size_t prefix_group;
    /* [Tq]: where each query stands among its keys, for single rows out of
     * sequences; NULL: at the end of them. */
    const int32_t *places;
    const float *alibi; /* [H] slopes: + slope (j - i), or NULL */
    /* [H] float32: a score of each head that takes its part in the softmax, and
     * gives nothing (a sink; gpt-oss); NULL: none. */
    struct tf_tensor *sinks;
    /* A table of biases by distance bucket: + bias[bucket(j - i)][h] (T5,
     * MPNet). bucket_of has 2 * bucket_span + 1 entries, for clamped distances
     * -bucket_span .. bucket_span; NULL: none. */
    struct tf_tensor *bias; /* [buckets][H] float32 */
    const int32_t *bucket_of;
    size_t bucket_span;
    /* DeBERTa's disentangled terms (He et al. 2020; Transformers'
     * DisentangledSelfAttention), each NULL or wanted: + scale q_i · c2p[b] and
     * + scale k_j · p2c[b], both with b = bucket(j - i) from bucket_of as
     * above; tables are [buckets][H D] float32. Not for grouped heads. */
    struct tf_tensor *c2p, *p2c;
};

struct tf_tensor *tf_attention(struct tf_ctx *ctx, struct tf_tensor *q,
                               const struct tf_seqs *q_seqs,
                               struct tf_tensor *k, struct tf_tensor *v,
                               const struct tf_seqs *kv_seqs,
                               const struct tf_attention *spec);

/*
 * Keys and values of one sequence as a cache holds them: pieces of rows that
 * lie together, in order. Sequences may share pieces (beams, prefixes).
 */
struct tf_kv_piece {
    enum tf_dtype dtype; /* of both; an element type */
    const void *k, *v;   /* [rows][Hkv D], [rows][Hkv Dv] */
    size_t rows;
    size_t k_ld, v_ld; /* elements from row to row */
};

struct tf_kv {
    size_t tokens; /* rows of all pieces */
    size_t count;
    const struct tf_kv_piece *pieces;
};

/* Attention to kv[s] for every sequence s of q_seqs; for inference. */
struct tf_tensor *tf_attention_cached(struct tf_ctx *ctx, struct tf_tensor *q,
                                      const struct tf_seqs *q_seqs,
                                      const struct tf_kv *kv,
                                      const struct tf_attention *spec);

/*
 * Losses: [1][1] tensors, sums over what counts divided by a denominator. A
 * batch that is cut into parts gives each of them the denominator of the whole
 * and adds the gradients up.
 */
#define TF_IGNORE (-100) /* the label of a row that does not count */

struct tf_loss {
    float denominator; /* 0: how many rows (elements, without labels) count */
    float smoothing;   /* e of LabelSmoother: (1 - e) -log p[label] +
                          e mean(-log p) */
    /* of the logits that tf_linear_cross_entropy() makes: */
    float scale;    /* 0 counts as 1 */
    float soft_cap; /* cap tanh(z / cap), after scale; 0: none */
};

/* Cross-entropy of logits [T][K] and labels [T] below K, or TF_IGNORE. */
struct tf_tensor *tf_cross_entropy(struct tf_ctx *ctx, struct tf_tensor *logits,
                                   const int32_t *labels,
                                   const struct tf_loss *spec);
/*
 * The same of the logits x W^T + b, for large vocabularies: no more than some
 * rows of logits are held, and only those that count are made. The gradients
 * of x and w are made on the way there, so with a tape the result must be the
 * loss that goes to tf_backward(), or a term of its sum.
 */
struct tf_tensor *tf_linear_cross_entropy(struct tf_ctx *ctx,
                                          struct tf_tensor *x,
                                          struct tf_weight *w,
                                          const int32_t *labels,
                                          const struct tf_loss *spec);
/* Cross-entropy over the rows of each sequence (question answering): the
 * logits are column `column` of x [T][K], labels [count] rows counted from
 * the sequence's first, or TF_IGNORE. */
struct tf_tensor *tf_span_cross_entropy(struct tf_ctx *ctx, struct tf_tensor *x,
                                        size_t column,
                                        const struct tf_seqs *seqs,
                                        const int32_t *labels,
                                        const struct tf_loss *spec);
/* Binary cross-entropy of logits [T][K] and targets [T][K]. */
struct tf_tensor *tf_binary_cross_entropy(struct tf_ctx *ctx,
                                          struct tf_tensor *logits,
                                          const float *targets,
                                          const struct tf_loss *spec);
/* (x - target)^2, [T][K]. */
struct tf_tensor *tf_squared_error(struct tf_ctx *ctx, struct tf_tensor *x,
                                   const float *targets,
                                   const struct tf_loss *spec);
#endif
