/* Private to lib/nn: the products of a linear layer, there and back. */
#ifndef TF_NN_LINEAR_H
#define TF_NN_LINEAR_H

#include "nn/record.h"
#include "nn/rows.h"

struct tf_linear_node {
    struct tf_node node;
    struct tf_tensor *x, *residual;
    struct tf_weight *w;
    enum tf_act act;
    float *pre_act;           /* [T][out], when act is not none */
    struct tf_low_rank *lora; /* what the adapters keep; NULL: none */
};

/* product.c: a product on the pool, of bfloat16 where ctx->bf16 says so;
 * failure goes to the context. */
void tf_product(struct tf_ctx *ctx, const struct tf_gemm *g);

/* The weight as B[in][out] of a product. */
struct tf_mat tf_weight_mat(const struct tf_weight *w);

/* c [rows][out] = epilogue(x W^T) for x [rows][in], by whatever form the weight
 * has, without its bias and adapters. */
void tf_weight_product(struct tf_ctx *ctx, const struct tf_weight *w,
                       size_t rows, const float *x, size_t ldx, float *c,
                       size_t ldc, const struct tf_epilogue *epilogue);

/*
 * The ways back from dy [T][out] with x [T][in], both as the A of a product:
 * to the weight and bias when they want gradients, and dx [T][in] = dy W.
 */
void tf_back_to_weight(struct tf_ctx *ctx, struct tf_weight *w,
                       struct tf_mat dy, struct tf_mat x, size_t rows);
void tf_back_to_bias(struct tf_ctx *ctx, struct tf_tensor *bias,
                     const float *dy, size_t ld, size_t rows);
void tf_back_to_input(struct tf_ctx *ctx, const struct tf_weight *w,
                      struct tf_mat dy, float *dx, size_t ld, size_t rows,
                      bool add);

/* linear_grouped.c: tf_linear() of a weight in groups. */
struct tf_tensor *tf_grouped_linear(struct tf_ctx *ctx, struct tf_tensor *x,
                                    struct tf_weight *w, enum tf_act act,
                                    struct tf_tensor *residual);

/* adapter.c: the linear layer with its adapters, for y already made. */
void tf_adapted_linear(struct tf_ctx *ctx, struct tf_tensor *y,
                       struct tf_tensor *x, struct tf_weight *w,
                       enum tf_act act, struct tf_tensor *residual,
                       struct tf_linear_node *n);
void tf_adapted_back(struct tf_ctx *ctx, struct tf_linear_node *n);
#endif
