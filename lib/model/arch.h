/*
 * Architectures as data. A row says how a transformer is built: where its norms
 * stand, how positions enter, what its attention, feed-forward and heads are,
 * and what its tensors are called. transformer.c reads the row and never asks
 * for a model's name.
 *
 * Rows are written as JSON objects (tf-architecture(5)): those that come with
 * the library in rows_*.c, a user's in a file. Their values may refer to
 * config.json; resolving a row against one gives the plain numbers below. The
 * field tables in arch_fields.c are the one list of what a row can say.
 */
#ifndef TF_MODEL_ARCH_H
#define TF_MODEL_ARCH_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"
#include "base/mem.h"
#include "kernel/kernel.h"
#include "model/config.h"
#include "nn/ops.h"

/* Order of the heads in a fused projection's output. */
enum tf_qkv_order {
    TF_QKV_SIDE_BY_SIDE, /* all q, all k, all v */
    TF_QKV_BY_GROUP,     /* the q's of a key head, the k, the v; the next */
    TF_QKV_BY_QUARTER,   /* all q, v, k of a quarter of the heads; the next */
};

/* What a norm of queries and keys is over. */
enum tf_qk_norm {
    TF_QK_NORM_HEAD,  /* each head, all with the same weights */
    TF_QK_NORM_HEADS, /* each head, with weights of its own */
    TF_QK_NORM_ALL,   /* all heads at once */
};

enum tf_pooling {
    TF_POOL_ALL,
    TF_POOL_FIRST,
    TF_POOL_LAST,
    TF_POOL_EOS,
    TF_POOL_MEAN,
    TF_POOL_LATE /* the mean of what dense, act and norm give */
};

/* Tokens at the beginning of a text that see all others and are seen by all,
 * where others have a window (Longformer). */
enum tf_global_tokens {
    TF_GLOBAL_NONE,
    TF_GLOBAL_FIRST,
    TF_GLOBAL_QUESTION, /* those before the first separator */
};

/* Positions that are computed, not learned: sines in the first half of a row,
 * cosines in the second, of frequencies 10000^-e. */
enum tf_sines {
    TF_SINES_NONE,
    TF_SINES_OPEN,   /* e = j / n (Marian, Pegasus) */
    TF_SINES_CLOSED, /* e = j / (n - 1) (M2M100) */
};

/* Where the projection from the embedding width to the width stands. */
enum tf_projection {
    TF_PROJECT_LAST,   /* after the embeddings' norm */
    TF_PROJECT_SUM,    /* between their sum and its norm */
    TF_PROJECT_TOKENS, /* before positions and types are added */
};

/* Tensor names without ".weight" and ".bias", NULL where a model has none.
 * "{}" stands for the layer's number, "a|b" for spellings of the same. */
struct tf_stack_names {
    /* of the stack */
    const char *tokens, *positions, *types, *embedding_norm;
    const char *tasks; /* a table whose first row is added to every token */
    const char *embedding_projection;
    const char *relative; /* embeddings of relative positions (DeBERTa) */
    const char *relative_norm;
    const char *position_bias;    /* scores of distance buckets (T5, MPNet) */
    const char *conv, *conv_norm; /* beside the first layer (DeBERTa) */
    const char *final_norm;
    const char *output_projection; /* width to embedding width */
    /* of each layer */
    const char *attn_norm;      /* before attention */
    const char *attn_out_norm;  /* of what it gives, before the residual */
    const char *attn_post_norm; /* of the sum with the residual */
    const char *attn_sub_norm, *mlp_sub_norm; /* of what o and down read */
    /* with both q, k, v and qkv named, the files say which; and so for gate,
     * up and gate_up */
    const char *q, *k, *v, *qkv, *o;
    const char *q_bias, *v_bias; /* in full, beside qkv */
    const char *q_norm, *k_norm;
    /* with these, q and kv read what they narrow to, normed (DeepSeek) */
    const char *q_down, *q_down_norm, *kv_down, *kv_down_norm, *kv;
    const char *sinks;                   /* in full */
    const char *relative_q, *relative_k; /* projections of `relative` */
    /* of relative positions that are sines, names in full: added to queries for
     * keys and for positions; the last two are kept for types that texts here
     * do not have (XLNet) */
    const char *content_bias, *place_bias, *segment_bias, *segments;
    /* for the tokens that see all and are seen by all (Longformer) */
    const char *global_q, *global_k, *global_v;
    /* of sums of the tokens, which all see (LongT5): each layer's norm, and the
     * scores of their distance buckets, of the stack */
    const char *global_norm, *global_bias;
    const char *mlp_norm, *mlp_out_norm, *mlp_post_norm;
    const char *up, *gate, *gate_up, *down;
    /* feed-forwards before that one, "{extra}" standing for their number */
    const char *extra_up, *extra_down, *extra_norm;
    /* around a layer that works in a narrower width (MobileBERT): into it, for
     * queries and keys into it by themselves, and back */
    const char *narrow, *narrow_norm, *narrow_qk, *narrow_qk_norm;
    const char *widen, *widen_norm;
    /* of a convolution that takes half the width beside attention (ConvBERT);
     * span_bias in full */
    const char *span_depthwise, *span_pointwise, *span_bias;
    const char *span_kernel, *span_out;
    /* of layers with experts, "{expert}" standing for the expert's number */
    const char *router_bias; /* in full: for the choice alone */
    /* names without "{expert}" are of all experts in one tensor, in full */
    const char *router, *expert_up, *expert_gate, *expert_gate_up, *expert_down;
    const char *expert_up_bias, *expert_gate_bias, *expert_gate_up_bias,
        *expert_down_bias; /* in full, of all experts in one tensor */
    const char *shared_up, *shared_gate, *shared_gate_up,
        *shared_down;          /* for every token */
    const char *shared_router; /* whose sigmoid scales the shared expert */
    /* of a layer that is a selective state space (Mamba) and nothing else; the
     * last two are names in full */
    const char *ssm_in, *ssm_conv, *ssm_x, *ssm_dt, *ssm_out;
    const char *ssm_a, *ssm_d;
    /* Mamba 2 has these in place of ssm_x and ssm_dt; the bias in full */
    const char *ssm_norm, *ssm_dt_bias;
    /* cross attention of a decoder to the encoder's output */
    const char *cross_norm, *cross_post_norm;
    const char *cross_q, *cross_k, *cross_v, *cross_o;
};

/* How a model from nothing begins (init.h). */
enum tf_init { TF_INIT_PLAIN, TF_INIT_BY_DEPTH, TF_INIT_BY_WIDTH };

/* A stack of layers over embeddings, its sizes from config.json. */
struct tf_stack_spec {
    struct tf_stack_names names;
    const char *unsupported; /* what the config asks for that is not supported,
                                in words; or NULL */

    size_t layers, width, heads, kv_heads, head_size, ffn, vocab;
    size_t value_size;   /* of a head of v; 0: head_size */
    double ffn_factor;   /* of the width, where the config gives no ffn */
    size_t groups;       /* sets of weights that the layers share; 0: own */
    size_t inner_layers; /* layers in a set */

    enum tf_norm_kind norm;
    double norm_eps;
    double embedding_norm_eps, mlp_post_norm_eps; /* 0: norm_eps */
    bool norm_bias;
    bool norm_weight;      /* else norms have no tensors (OLMo) */
    double norm_offset;    /* added to a norm's weight (Gemma: 1) */
    size_t norm_from;      /* the first layer that has the attn_norm */
    bool parallel;         /* attention and feed-forward see the same input */
    bool residual_normed;  /* the residual is the normed input (BLOOM) */
    double residual_scale; /* of what a sub-layer adds */
    bool residual_scale_by_depth; /* also by 1 / sqrt(layers) (MiniCPM) */

    size_t embedding_width;
    enum tf_projection projection;
    bool projection_bias;
    bool projected;      /* also where both are the same (FNet) */
    json_t *padding_idx; /* the token whose embedding is not trained, maybe
                            NULL, borrowed */
    double embedding_scale;
    bool embedding_scale_sqrt; /* also by the root of the width */
    bool trigrams; /* the projection reads each token's neighbours, too: next,
                      own, last (MobileBERT) */
    size_t types;  /* token types */
    size_t tasks;  /* rows of their table */
    bool token_dropout; /* embeddings of `mask` are zeros, and the others
                           scaled by what is left (ESM) */
    size_t mask;
    enum tf_sines sines;
    size_t max_positions;      /* the most tokens, with position_after_pad the
                                  rows of the table */
    size_t position_offset;    /* row of the first token */
    bool positions_after_norm; /* of the embeddings */
    bool position_after_pad;   /* it is pad + 1, and pads are not counted */
    bool pad_is_zero;          /* pads have the position of zeros (M2M100) */
    bool positions_behind_pad; /* the table has max_positions rows behind that
                                  of pads (FSMT) */
    size_t pad;                /* their id */

    bool rotary, rotary_interleaved;
    size_t rotary_dims; /* of a head; 0: rotary_fraction of it */
    double rotary_fraction;
    double rotary_theta, local_rotary_theta;
    json_t *rotary_scaling, *local_rotary_scaling; /* borrowed, maybe NULL */
    size_t rotary_original; /* positions before scaling, 0: the scaling says */
    bool rotary_value;      /* values turn, too */
    bool rotary_backwards;  /* they turn the other way (nanochat) */
    bool rotary_rereads;    /* a text that grows beyond the positions before
                               scaling is read anew (Phi-3) */
    bool rotary_scales;     /* scores are scaled by the square of YaRN's
                               mscale of mscale_all_dim (DeepSeek) */
    size_t unrotated_every; /* the last of every so many layers has none; 0: all
                               have them */
    json_t *rotary_layers;  /* else: 1 for each layer that has, borrowed */
    bool unrotated_global;  /* layers without the window have none */

    bool fourier; /* tokens are mixed by a Fourier transform, not by attention
                     (FNet) */

    bool causal;
    double attention_scale;        /* 0: 1 / sqrt(attention_scale_of) */
    size_t attention_scale_of;     /* 0: head_size */
    bool attention_scale_by_layer; /* also divided by the layer's number */
    double
        query_growth; /* queries are scaled by 1 + this log(1 + n) behind n */
    size_t query_growth_every; /* times so many tokens (Ministral 3) */
    double attention_soft_cap;
    bool alibi;
    bool alibi_scaled; /* by the scale of attention, too */
    size_t window; /* keys a local layer sees: the last `window` when causal,
                      else `window` / 2 to each side; 0: no local layers */
    bool window_halved;  /* a causal layer sees half of it */
    size_t global_every; /* one of so many layers is global; 0: none */
    bool global_last;    /* it is the last of them, else the first */
    size_t local_from;   /* layers below are global */
    size_t local_below;  /* so are layers from here on; 0: none */
    json_t *layer_types; /* else: the kind of each layer, borrowed */
    json_t *windows;     /* else: all layers are local with this window, or each
                            with one of a list (Longformer), borrowed */
    /* Sequences of more than (5 + 2 sparse_random) blocks of so many tokens are
     * attended to by blocks (BigBird): the first and the last see all and are
     * seen by all, the others see their neighbours, and the first block so many
     * times more. 0: none are. */
    size_t sparse_block, sparse_random;
    size_t global_block;  /* tokens of a sum that all see */
    size_t window_radius; /* or: tokens that are seen to each side (LongT5) */
    size_t bias_buckets, bias_rows, bias_max_distance;
    bool c2p, p2c; /* DeBERTa's terms of relative positions */
    size_t relative_buckets, relative_max;
    bool relative_sines;   /* `relative` is computed (XLNet) */
    size_t relative_clamp; /* of distances; 0: none */
    bool head_weights;     /* q, k, v, o and relative_k are held as
                              [width][heads][head size], names in full */
    enum tf_qkv_order qkv_order;
    enum tf_qk_norm qk_norm;
    bool qk_norm_after_rotary;
    /* Latent attention (DeepSeek-AI 2024, DeepSeek-V2): keys without positions
     * and values are made of `latent_rank` columns, queries of `query_rank`
     * (0: of the width); `rotary_dims` of a key are shared by the heads. */
    size_t latent_rank, query_rank;
    size_t unrotated_size; /* of a head; head_size is that and rotary_dims */
    double latent_eps;
    bool latent_bias;   /* of q_down and kv_down */
    bool latent_cached; /* caches hold latents: no field of a row, but known
                           when the weights are */
    double clip_qkv;    /* bound of the magnitudes of q, k, v; 0: none */
    bool attention_bias, attention_out_bias, mlp_bias;
    bool mlp_out_bias; /* `down` has one without mlp_bias, too */
    bool transposed;   /* weights are [in][out] (GPT-2's Conv1D) */
    bool conv_weights; /* they are those of convolutions over one token,
                          [out][in / groups][1] (SqueezeBERT) */
    /* so many layers side by side are each; without conv_weights they are
     * stored as [groups][in / groups][out / groups] (ConvBERT) */
    size_t q_groups, k_groups, v_groups, o_groups, up_groups, down_groups;
    bool exact_down; /* int8 leaves it alone, as Transformers does (T5) */

    enum tf_act act;
    bool gate_first;        /* in the fused gate_up */
    size_t feed_forwards;   /* one after the other, `up` and `down` the last */
    size_t bottleneck;      /* width within layers; 0: the width */
    bool bottleneck_values; /* attention reads the narrow input alone */
    size_t head_ratio;      /* so many times fewer heads, of half the width: the
                               other half is a convolution's (ConvBERT) */

    size_t experts, experts_per_token, expert_ffn, shared_ffn;
    bool experts_renormed; /* weights of the chosen ones add up to 1 */
    bool router_sigmoid;   /* scores are sigmoids, else a softmax */
    bool router_biased;    /* the router has a bias of the scores */
    bool router_mixes;     /* a sparse mixer with this jitter (Phi-3.5-MoE) */
    double router_jitter;
    double experts_scale;                     /* of the weights */
    size_t expert_groups, expert_groups_kept; /* the choice is among the best
                                                 groups */
    bool expert_groups_by_best; /* expert of each, not its best two */
    bool experts_transposed;  /* [in][out] in the one tensor of all (gpt-oss) */
    bool experts_interleaved; /* rows of gate and up take turns there */
    double glu_limit, glu_alpha; /* the experts' gate is gpt-oss's; 0: not */
    size_t shared_experts;       /* shared_ffn is so many times expert_ffn */
    size_t experts_every;        /* the last of every so many layers has them */
    json_t *sparse_layers;  /* or: so many layers have them, each the second of
                               its share (Switch Transformers), borrowed */
    size_t expert_capacity; /* tokens of a text that an expert takes, the first
                               ones; 0: all */
    json_t *dense_layers;   /* numbers of layers that don't, or "dense" for each
                               that doesn't; borrowed */
    size_t dense_below;     /* nor do layers below */
    size_t last_sparse;     /* nor those above; 0: no bound */

    size_t ssm_state, ssm_rank, ssm_kernel; /* rank 0: width / 16 */
    bool ssm_bias, ssm_conv_bias;
    size_t ssm_heads, ssm_groups; /* of columns with one step; with one input
                                     and output (Mamba 2) */
    json_t *ssm_limit;            /* bounds of the steps, borrowed */
    double ssm_norm_eps; /* of RMS norms without weights of what x gives; 0:
                            none (FalconMamba) */

    double dropout, embedding_dropout, attention_dropout;
    double ffn_dropout;   /* behind the activation (T5, BART) */
    double final_dropout; /* behind the final norm (T5) */
    enum tf_init init;

    size_t conv_kernel, conv_groups;
    enum tf_act conv_act;

    uint8_t *local;     /* [layers]: 1 for those with the window */
    size_t *windows_of; /* [layers]: theirs */
    uint8_t *unrotated; /* [layers]: 1 for those without rotary positions */
    uint8_t *sparse;    /* [layers]: 1 for those with experts */
};

enum tf_task {
    TF_TASK_NONE, /* hidden states alone */
    TF_SEQUENCE_CLASSIFICATION,
    TF_TOKEN_CLASSIFICATION,
    TF_QUESTION_ANSWERING,
    TF_MASKED_LM,
    TF_CAUSAL_LM,
    TF_TASKS
};

/* What reads a task's answer off the hidden states:
 * out(norm(act(dense(pooled)))). */
struct tf_head_spec {
    bool present;
    enum tf_pooling pool;
    enum tf_global_tokens global;
    size_t separator;    /* its id */
    bool question_apart; /* token types are 0 up to the first separator and 1
                            behind it, and no answer is before it (BigBird) */
    const char *dense, *norm, *out; /* names as above; dense and norm or NULL */
    /* or before these a feed-forward with its residual and norm (BigBird) */
    const char *ffn_up, *ffn_down, *ffn_norm;
    const char *out_bias; /* a name in full, when it is not out's ".bias" */
    const char *out_rest; /* [C - E][outputs] for the columns that `out` does
                             not reach (MobileBERT) */
    enum tf_act act;
    bool dense_bias, bias;
    bool dense_in_base; /* dense is a part of the base model */
    bool tied;          /* out may be the table of tokens */
    bool to_embedding;  /* dense narrows to the embedding width */
    size_t width;       /* or gives this one; 0: keeps it */
    bool layer_norm;    /* norm is one, whatever the stack's are */
    double norm_eps;    /* 0: the stack's */
    bool bias_optional; /* a missing bias is none */
    bool no_prefix;     /* the base model's tensors stand without the prefix */
    const char *prefix; /* they stand with this one, in place of the row's */
    double scale, divisor, soft_cap; /* of the logits */
    bool scale_by_width;             /* also by 1 / sqrt(width) */
    double dense_dropout, dropout;   /* before dense, before out */
};

struct tf_arch {
    const char *name; /* model_type */
    const char
        *prefix; /* what may stand before tensor names ("a|b"), or NULL */
    bool has_encoder, has_decoder;
    struct tf_stack_spec encoder, decoder;
    struct tf_head_spec heads[TF_TASKS];

    json_t *row; /* as merged, owned */
    struct tf_arena memory;
};

/*
 * The row for a config, resolved. `file`: an architecture.json to use, or NULL
 * for that of the model's folder `dir` when it has one, else the library's row
 * for the config's model_type. Fails when there is none, or the row and the
 * config do not fit. `arch` is released by the caller also on failure.
 */
int tf_arch_resolve(struct tf_arch *arch, const struct tf_config *config,
                    const char *dir, const char *file, struct tf_err *err);
void tf_arch_release(struct tf_arch *arch);

/* The library's rows in the order of their names, and each with what it takes
 * from others merged in (a new reference; NULL and `err` on failure). */
size_t tf_arch_count(void);
const char *tf_arch_name(size_t i);
json_t *tf_arch_row(const char *name, struct tf_err *err);

/* "sequence-classification" etc., as rows spell it. */
const char *tf_task_name(enum tf_task task);
#endif
