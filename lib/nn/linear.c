#include "nn/rows.h"

/* The weight as B[in][out] of a product. */
static struct tf_mat weight_mat(const struct tf_weight *w)
{
    struct tf_mat b = { w->w.data, w->w.dtype, 1, w->w.ld };

    if (w->transposed) {
        b.rs = w->w.ld;
        b.cs = 1;
    }
    return b;
}

int tf_weight_pack(struct tf_pool *pool, struct tf_weight *w,
                   struct tf_err *err)
{
    if (!w->packed)
        w->packed = tf_pack(pool, w->in, w->out, weight_mat(w), err);
    return w->packed ? 0 : -1;
}

struct tf_tensor *tf_linear(struct tf_ctx *ctx, struct tf_tensor *x,
                            struct tf_weight *w, enum tf_act act,
                            struct tf_tensor *residual)
{
    struct tf_tensor *y;
    struct tf_epilogue e = { .bias = w->bias.data, .act = act };
    struct tf_gemm g = { .n = w->out, .k = w->in, .epilogue = &e };

    if (!x || !(y = tf_new(ctx, tf_tensor_rows(x), w->out)))
        return NULL;
    g.m = y->dim[0];
    g.a = (struct tf_mat){ x->data, TF_F32, x->ld, 1 };
    g.b = weight_mat(w);
    g.packed = w->packed;
    g.c = y->data;
    g.ldc = y->ld;
    if (residual) {
        e.residual = residual->data;
        e.ld_residual = residual->ld;
    }
    if (tf_gemm(ctx->pool, &g, ctx->err)) {
        ctx->failed = true;
        return NULL;
    }
    return y;
}
