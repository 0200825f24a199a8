/* Private to lib/train: what the optimizers share. */
#ifndef TF_TRAIN_OPTIMIZER_STATE_H
#define TF_TRAIN_OPTIMIZER_STATE_H

#include "train/optimizer.h"

enum { TF_STATE_ARRAYS = 3 };

/* A range of a param that one task works on. */
struct tf_param_range {
    size_t param, first, n;
    double sum; /* of squares */
};

struct tf_optimizer {
    struct tf_optimizer_config config;
    struct tf_param *params;
    size_t count;
    int64_t steps;
    struct tf_param_state {
        const char *name[TF_STATE_ARRAYS];
        float *data[TF_STATE_ARRAYS];
        size_t count[TF_STATE_ARRAYS];
        /* AdamW, of a param whose tensor has grad_rows: [rows], 1 where all
         * moments are known to be zero; NULL: of others */
        uint8_t *still;
    } * states; /* [count] */
    struct tf_param_range *ranges;
    size_t range_count;
    double *row_sum;   /* Adafactor: scratch for each row of */
    float *row_factor; /* the largest param */

    double lr, factor; /* of the step that runs */
};

static inline float *tf_param_data(const struct tf_param *p)
{
    return p->master ? p->master : p->tensor->data;
}

/* Give the tensor its master's numbers, for a range. */
void tf_param_round(const struct tf_param *p, size_t first, size_t n);

/* Adafactor: rows and columns of a param, 0 columns when it is not factored;
 * and how many rows there are in all. */
size_t tf_adafactor_rows(const struct tf_tensor *t);
void tf_adafactor_shape(const struct tf_tensor *t, size_t *rows, size_t *cols);
void tf_adafactor_step(struct tf_optimizer *opt, struct tf_pool *pool);
#endif
