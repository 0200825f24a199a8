/*
 * Private to lib/kernel: whole numbers and a scale for a few floats, so that
 * the sum of w[i] times the squared error is small. Where the best scale lies
 * is tried out around the one that reaches the largest number, then moved to
 * the least squares of what the numbers were rounded to. n is a multiple of 8.
 */
#ifndef TF_KERNEL_BLOCK_FIT_H
#define TF_KERNEL_BLOCK_FIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* x[i] is about scale * q[i] + shift, q[i] whole in [lo, hi]. */
struct tf_fit {
    float scale, shift;
    int lo, hi;
};

/* Find the scale of `fit`, whose shift stays 0; -lo > hi. */
void tf_fit_scale(struct tf_fit *fit, const float *x, const float *w, size_t n);
/* Find scale and shift; lo is 0. With `below` the shift is not positive. */
void tf_fit_line(struct tf_fit *fit, bool below, const float *x, const float *w,
                 size_t n);
/* The whole numbers nearest to x, and the error that is left. */
void tf_fit_round(const struct tf_fit *fit, const float *x, size_t n,
                  int8_t *q);
float tf_fit_error(const struct tf_fit *fit, const float *x, const float *w,
                   size_t n);
#endif
