/* Private to gemm_int8.c: the outlier columns of the records of a product. */
#ifndef TF_KERNEL_INT8_OUTLIERS_H
#define TF_KERNEL_INT8_OUTLIERS_H

#include "kernel/gemm_int8.h"

/* Zeroed memory has none. */
struct tf_outliers {
    size_t count;     /* columns that are an outlier in any record */
    uint32_t *column; /* [count], ascending */
    float *kept;      /* [m][count]: x there, 0 in records where it is none */
    float *w;         /* [count][n]: the weight there, q * scale */
    uint32_t *record; /* [m]: of each row */
    uint64_t *bits;   /* [records][words]: which columns */
    size_t words;
};

/* Find those of g. `scale` [m] are what the kernel's quantize() gave for the
 * whole rows. Released by the caller also on failure. */
int tf_outliers_find(struct tf_pool *pool, const struct tf_gemm_int8 *g,
                     const float *scale, struct tf_outliers *o,
                     struct tf_err *err);
void tf_outliers_release(struct tf_outliers *o);

/* Whether row i's record has any. */
bool tf_outliers_in_row(const struct tf_outliers *o, size_t i);
/* Those of row i, x, go to `kept` and become 0 in x. */
void tf_outliers_take(struct tf_outliers *o, size_t i, float *x);
#endif
