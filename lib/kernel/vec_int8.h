/*
 * Between float32 and int8, once for every instruction set, in the words of
 * vec.h. Ends with fill_int8().
 */
#ifndef TF_KERNEL_VEC_INT8_H
#define TF_KERNEL_VEC_INT8_H

#include "kernel/vec_kernels.h"

/* The largest |a[i]|; what is not finite wins. */
static float largest(const float *a, size_t n)
{
    vf top = v_set(0), x;
    vmask nan = v_none();
    size_t i;

    for (i = 0; i < n; i += V_LANES) {
        x = n - i < V_LANES ? v_load_n(a + i, n - i) : v_load(a + i);
        top = v_max(v_abs(x), top);
        nan = v_or(nan, v_is_nan(x));
    }
    return v_any(nan) ? NAN : v_highest(top);
}

static float quantize(int8_t *dst, const float *src, uint8_t offset, size_t n)
{
    float most = largest(src, n), rest[V_LANES] = { 0 };
    int8_t bytes[V_LANES];
    vf scale;
    size_t i;

    if (!isfinite(most) || most == 0) {
        memset(dst, offset, n);
        return most == 0 ? 0 : NAN;
    }
    scale = v_set(127 / most);
    for (i = 0; i + V_LANES <= n; i += V_LANES)
        v_store_int8(dst + i, v_mul(v_load(src + i), scale), offset);
    if (i < n) {
        memcpy(rest, src + i, (n - i) * sizeof(*rest));
        v_store_int8(bytes, v_mul(v_load(rest), scale), offset);
        memcpy(dst + i, bytes, n - i);
    }
    return most / 127;
}

static inline void fill_int8(struct tf_kernels *k)
{
    k->largest = largest;
    k->quantize = quantize;
}
#endif
