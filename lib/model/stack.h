/*
 * A stack of transformer layers with its weights: what a row of arch.h becomes
 * once its tensors are found. Weights are views into the model's files.
 */
#ifndef TF_MODEL_STACK_H
#define TF_MODEL_STACK_H

#include "base/err.h"
#include "base/mem.h"
#include "model/arch.h"
#include "model/bind.h"
#include "nn/ops.h"

/* A feed-forward of a layer that has many. */
struct tf_expert {
    struct tf_weight up, gate; /* [E][C], E the experts' own feed-forward */
    struct tf_weight gate_up;  /* [2 E][C], in place of both */
    struct tf_weight down;     /* [C][E] */
};

/* A selective state space: I inner columns, N numbers of state, rank R. */
struct tf_ssm {
    struct tf_weight in;        /* [2 I][C] */
    struct tf_tensor conv;      /* [I][kernel] float32 */
    struct tf_tensor conv_bias; /* [I] */
    struct tf_weight x;         /* [R + 2 N][I] */
    struct tf_weight dt;        /* [I][R] */
    struct tf_tensor a_log, d;  /* [I][N], [I] float32 */
    /* Mamba 2, of J heads in U groups: in [2 I + 2 U N + J][C], conv of I + 2 U
     * N columns, a_log and d [J], no x and dt; but */
    struct tf_tensor dt_bias;     /* [J] float32 */
    struct tf_tensor norm_weight; /* [I] float32 */
    struct tf_norm gated_norm;    /* of the gated result, group by group */
    struct tf_norm norm;          /* of x's three parts, without weights */
    struct tf_weight out;         /* [C][I] */
};

/* A convolution with kernels from the tokens beside attention: A all heads, K
 * the kernel. */
struct tf_span {
    struct tf_tensor depthwise; /* [C][K] float32 */
    struct tf_weight pointwise; /* [A][C] */
    struct tf_weight kernel;    /* [H K][A] */
    struct tf_weight out;       /* [A][C] */
};

/* A feed-forward that stands before a layer's last. */
struct tf_extra {
    struct tf_weight up, down; /* [F][I], [I][F] */
    struct tf_norm norm;
};

/* The ways in and out of a layer that works in a narrower width I, and further
 * feed-forwards. */
struct tf_narrow {
    struct tf_weight in, qk; /* [I][C] */
    struct tf_norm in_norm, qk_norm;
    struct tf_weight out; /* [C][I] */
    struct tf_norm out_norm;
    struct tf_extra *extra; /* [feed_forwards - 1] */
};

/* Latent attention (model/latent.h): R the latent's columns, N those of a head
 * without positions, D' those with. */
struct tf_latent {
    struct tf_weight q_down; /* [Rq][C]; data NULL: q reads the layer's input */
    struct tf_norm q_norm;   /* [Rq] */
    struct tf_weight kv_down; /* [R + D'][C] */
    struct tf_norm kv_norm;   /* [R] */
    struct tf_weight kv;      /* [H (N + Dv)][R] */
};

/* What a layer has not is zero: data NULL. Shapes in arch.h's letters: C width,
 * H heads of size D (of values Dv), G key heads, F feed-forward, S the
 * encoder's width. */
struct tf_layer {
    struct tf_norm attn_norm, attn_out_norm, attn_post_norm;
    struct tf_norm attn_sub_norm, mlp_sub_norm; /* [H Dv], [F] */
    struct tf_weight q, k, v;        /* [H D][C], [G D][C], [G Dv][C] */
    struct tf_weight qkv;            /* [(H + G) D + G Dv][C] */
    struct tf_tensor q_bias, v_bias; /* [H D], [G Dv] */
    struct tf_weight o;              /* [C][H Dv] */
    struct tf_norm q_norm, k_norm;   /* [D], [H][D] or [H D] */
    struct tf_latent *latent;        /* in place of k and v; q may read of it */
    struct tf_tensor sinks;          /* [H] float32 */
    struct tf_weight relative_q, relative_k;   /* [H D][C] */
    struct tf_tensor content_bias, place_bias; /* [1][H D] */
    struct tf_tensor segment_bias, segments;   /* [1][H D], [2][H D] */
    struct tf_weight global_q, global_k, global_v;
    struct tf_norm global_norm;     /* [C] */
    struct tf_tensor position_bias; /* [buckets][H] of its own */
    struct tf_norm mlp_norm, mlp_out_norm, mlp_post_norm;
    struct tf_weight up, gate; /* [F][C] */
    struct tf_weight gate_up;  /* [2 F][C] */
    struct tf_weight down;     /* [C][F] */

    struct tf_weight router;        /* [experts][C] */
    struct tf_tensor router_bias;   /* [experts] */
    struct tf_expert *experts;      /* [experts] */
    struct tf_expert shared;        /* for every token */
    struct tf_weight shared_router; /* [1][C] */

    struct tf_span *span;     /* or NULL */
    struct tf_narrow *narrow; /* or NULL */

    struct tf_ssm *ssm; /* then there is nothing else but attn_norm */

    struct tf_norm cross_norm, cross_post_norm;
    struct tf_weight cross_q, cross_k, cross_v; /* [H D][C], [G D][S] */
    struct tf_weight cross_o;                   /* [C][H D] */
};

/* What is added to the rows of the table of tokens: scale B a[id]. */
struct tf_token_adapter {
    struct tf_tensor a; /* [vocab][r] float32 */
    struct tf_weight b; /* [E][r] */
    float scale;
};

struct tf_stack {
    const struct tf_stack_spec *spec;
    struct tf_tensor tokens; /* [vocab][E], E the embedding width */
    struct tf_token_adapter *token_adapter; /* what is added, or NULL */
    struct tf_tensor positions;             /* [max_positions][E], or [..][C] */
    struct tf_tensor types;                 /* [types][E], or [..][C] */
    struct tf_tensor tasks;                 /* [tasks][E] */
    struct tf_norm embedding_norm;
    struct tf_weight embedding_projection; /* [C][E], or [C][3 E] */
    struct tf_tensor relative;             /* [2 span][C] */
    struct tf_norm relative_norm;
    struct tf_tensor position_bias; /* [buckets][H] float32 */
    struct tf_tensor global_bias;   /* likewise */
    struct tf_weight conv;          /* [C][kernel C], tap by tap */
    struct tf_norm conv_norm;
    struct tf_norm final_norm;
    struct tf_weight output_projection; /* [E][C] */
    struct tf_layer *layers;
    size_t count; /* of them; shared ones count once */
};

/* Find and check every tensor of `spec`. `source` is the width of what cross
 * attention reads. */
int tf_stack_bind(struct tf_stack *stack, const struct tf_stack_spec *spec,
                  size_t source, struct tf_bind *bind, struct tf_err *err);

/* The weights of layer `i` of all `layers` * `inner_layers` in turn. */
struct tf_layer *tf_stack_layer(const struct tf_stack *stack, size_t i);
#endif
