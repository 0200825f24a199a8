/*
 * The way of sums into C (struct tf_finish), once for every instruction set, in
 * the words of vec.h. Ends with fill_finish().
 */
#ifndef TF_KERNEL_VEC_FINISH_H
#define TF_KERNEL_VEC_FINISH_H

#include "kernel/vec_kernels.h"

/* n <= V_LANES */
INLINE vf load_some(const float *p, size_t n)
{
    return n < V_LANES ? v_load_n(p, n) : v_load(p);
}

INLINE void store_some(float *p, vf x, size_t n)
{
    if (n < V_LANES)
        v_store_n(p, x, n);
    else
        v_store(p, x);
}

INLINE vi load_int_some(const int32_t *p, size_t n)
{
    return n < V_LANES ? v_load_int_n(p, n) : v_load_int(p);
}

INLINE vf activate(enum tf_act act, vf x)
{
    switch (act) {
    case TF_ACT_GELU:
        return v_gelu(x);
    case TF_ACT_GELU_TANH:
        return v_gelu_tanh(x);
    case TF_ACT_QUICK_GELU:
        return v_quick_gelu(x);
    case TF_ACT_RELU:
        return v_relu(x);
    case TF_ACT_RELU2:
        return v_relu2(x);
    case TF_ACT_SILU:
        return v_silu(x);
    case TF_ACT_TANH:
        return v_tanh(x);
    case TF_ACT_SIGMOID:
        return v_sigmoid(x);
    case TF_ACT_GELU_HALF:
        return v_gelu_half(x);
    default:
        return x;
    }
}

/* Sums of int8 products at (i, j) as float32. */
INLINE vf from_int8(const struct tf_finish *f, const int32_t *sums, size_t i,
                    size_t j, size_t n)
{
    const float *kept = f->kept + i * f->kept_count;
    vi q = load_int_some(sums, n), less = v_int(0);
    vf x;
    size_t o;

    if (f->shift)
        less = load_int_some(f->sums + j, n);
    x = v_less_product(q, less, v_int((uint32_t)f->shift));
    x = v_mul(x, v_mul(v_set(f->row_scale[i]), load_some(f->scale + j, n)));
    for (o = 0; o < f->kept_count; o++)
        x = v_fma(v_set(kept[o]),
                  load_some(f->kept_w + o * f->ld_kept_w + j, n), x);
    return x;
}

/* n sums at (i, j); int8 and act are constants of each call. */
INLINE void finish_some(const struct tf_finish *f, bool int8, enum tf_act act,
                        const float *sums, size_t i, size_t j, size_t n)
{
    float *c = f->c + i * f->ldc + j;
    vf x = int8 ? from_int8(f, (const int32_t *)(const void *)sums, i, j, n)
                : load_some(sums, n);

    if (f->alpha != 1)
        x = v_mul(x, v_set(f->alpha));
    if (f->bias)
        x = v_add(x, load_some(f->bias + j, n));
    if (f->pre_act)
        store_some(f->pre_act + i * f->ldc + j, x, n);
    x = activate(act, x);
    if (f->residual)
        x = v_add(x, load_some(f->residual + i * f->ld_residual + j, n));
    if (f->accumulate)
        x = v_add(load_some(c, n), x);
    store_some(c, x, n);
}

INLINE void finish_tile(const struct tf_finish *f, bool int8, enum tf_act act,
                        const float *sums, size_t lds, size_t row,
                        size_t column, size_t m, size_t n)
{
    size_t i, j;

    for (i = 0; i < m; i++, sums += lds) {
        for (j = 0; j + V_LANES <= n; j += V_LANES)
            finish_some(f, int8, act, sums + j, row + i, column + j, V_LANES);
        if (j < n)
            finish_some(f, int8, act, sums + j, row + i, column + j, n - j);
    }
}

static void finish(const struct tf_finish *f, const void *sums, size_t lds,
                   size_t row, size_t column, size_t m, size_t n)
{
    switch (f->act) {
#define CASE(act)                                                              \
    case act:                                                                  \
        if (f->row_scale)                                                      \
            finish_tile(f, true, act, sums, lds, row, column, m, n);           \
        else                                                                   \
            finish_tile(f, false, act, sums, lds, row, column, m, n);          \
        break;
        CASE(TF_ACT_NONE)
        CASE(TF_ACT_GELU)
        CASE(TF_ACT_GELU_TANH)
        CASE(TF_ACT_QUICK_GELU)
        CASE(TF_ACT_RELU)
        CASE(TF_ACT_RELU2)
        CASE(TF_ACT_SILU)
        CASE(TF_ACT_TANH)
        CASE(TF_ACT_SIGMOID)
        CASE(TF_ACT_GELU_HALF)
#undef CASE
    default:
        break;
    }
}

static inline void fill_finish(struct tf_kernels *k)
{
    k->finish = finish;
}
#endif
