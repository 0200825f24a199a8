/* Linear layers that fall into groups, each with columns of its own:
 * SqueezeBERT's convolutions over one token, ConvBERT's GroupedLinearLayer. */
#include "nn/linear.h"

/* Group g of the weight as B[in][out] of a product; and its first element. */
static size_t group_start(const struct tf_weight *w, size_t g)
{
    return g * (w->in / w->groups) * (w->out / w->groups);
}

static struct tf_mat group_mat(const struct tf_weight *w, size_t g)
{
    const struct tf_tensor *t = tf_base_of(&w->w);
    size_t bytes = tf_dtype_info(t->dtype)->bytes;
    size_t n = w->out / w->groups, k = w->in / w->groups;
    struct tf_mat b = { .dtype = t->dtype };

    b.data = (const char *)t->data + group_start(w, g) * bytes;
    b.rs = w->transposed ? n : 1;
    b.cs = w->transposed ? 1 : k;
    return b;
}

static void back_to_group(struct tf_ctx *ctx, struct tf_linear_node *node,
                          size_t g)
{
    const struct tf_weight *w = node->w;
    const struct tf_tensor *y = node->node.out;
    struct tf_epilogue e = { .accumulate = true };
    size_t n = w->out / w->groups, k = w->in / w->groups;
    struct tf_mat x = tf_rows_mat(tf_row(node->x, 0) + g * k, node->x->ld);
    struct tf_mat dy = tf_rows_mat(y->grad + g * n, y->ld);
    struct tf_gemm p = { .m = n, .n = k, .k = y->dim[0], .epilogue = &e };
    float *dw = tf_grad(ctx, tf_base_of(&w->w));

    if (!dw)
        return;
    p.a = tf_turn(dy);
    p.b = x;
    if (w->transposed) {
        p.m = k;
        p.n = n;
        p.a = tf_turn(x);
        p.b = dy;
    }
    p.c = dw + group_start(w, g);
    p.ldc = p.n;
    tf_product(ctx, &p);
}

static void grouped_back(struct tf_ctx *ctx, struct tf_node *node)
{
    struct tf_linear_node *n = (struct tf_linear_node *)node;
    const struct tf_tensor *y = node->out;
    size_t out = n->w->out / n->w->groups, in = n->w->in / n->w->groups;
    struct tf_epilogue e = { .accumulate = false };
    bool fresh;
    float *dx;

    tf_grad_add(ctx, y, n->residual);
    tf_act_back(ctx, n->act, node->out, n->pre_act);
    tf_back_to_bias(ctx, &n->w->bias, y->grad, y->ld, y->dim[0]);
    dx = tf_grad_open(ctx, n->x, &fresh);
    e.accumulate = !fresh;
    for (size_t g = 0; g < n->w->groups; g++) {
        struct tf_gemm p = { .m = y->dim[0], .n = in, .k = out };

        back_to_group(ctx, n, g);
        if (!dx)
            continue;
        p.a = tf_rows_mat(y->grad + g * out, y->ld);
        p.b = tf_turn(group_mat(n->w, g));
        p.c = dx + g * in;
        p.ldc = n->x->ld;
        p.epilogue = &e;
        tf_product(ctx, &p);
    }
}

/* Columns of group g: of the result, the residual, the bias, and what is kept
 * for the way back. */
static void run_group(struct tf_ctx *ctx, const struct tf_linear_node *node,
                      struct tf_tensor *y, size_t g)
{
    const struct tf_weight *w = node->w;
    size_t n = w->out / w->groups, k = w->in / w->groups;
    struct tf_epilogue e = { .act = node->act };
    struct tf_gemm p = { .m = y->dim[0], .n = n, .k = k, .epilogue = &e };

    if (w->bias.data)
        e.bias = (const float *)w->bias.data + g * n;
    if (node->pre_act)
        e.pre_act = node->pre_act + g * n;
    if (node->residual) {
        e.residual = tf_row(node->residual, 0) + g * n;
        e.ld_residual = node->residual->ld;
    }
    p.a = tf_rows_mat(tf_row(node->x, 0) + g * k, node->x->ld);
    p.b = group_mat(w, g);
    p.c = tf_row(y, 0) + g * n;
    p.ldc = y->ld;
    tf_product(ctx, &p);
}

struct tf_tensor *tf_grouped_linear(struct tf_ctx *ctx, struct tf_tensor *x,
                                    struct tf_weight *w, enum tf_act act,
                                    struct tf_tensor *residual)
{
    struct tf_linear_node job = {
        .x = x, .w = w, .act = act, .residual = residual
    };
    struct tf_linear_node *n;
    struct tf_tensor *y;

    if (!x || !(y = tf_new(ctx, tf_tensor_rows(x), w->out)))
        return NULL;
    n = tf_record(ctx, sizeof(*n), y,
                  tf_wants_grad(x) || tf_wants_grad(residual) ||
                      tf_wants_grad(tf_base_of(&w->w)) ||
                      tf_wants_grad(&w->bias),
                  grouped_back);
    if (n) {
        if (act != TF_ACT_NONE)
            job.pre_act = tf_scratch(ctx, tf_tensor_count(y), sizeof(float));
        job.node = n->node;
        *n = job;
    }
    for (size_t g = 0; g < w->groups && !ctx->failed; g++)
        run_group(ctx, &job, y, g);
    return ctx->failed ? NULL : y;
}
