#include "nn/rows.h"

#include <string.h>

struct rope_job {
    const struct tf_rope *rope;
    const int32_t *positions;
    size_t head_size;
    const struct tf_tensor *x;
    struct tf_tensor *y;
};

/* Turn the pairs (i, i + half). */
static void turn_halves(float *y, const float *x, const float *cs,
                        const float *sn, size_t half)
{
    size_t i;

    for (i = 0; i < half; i++) {
        float a = x[i], b = x[i + half];

        y[i] = a * cs[i] - b * sn[i];
        y[i + half] = b * cs[i] + a * sn[i];
    }
}

/* Turn the pairs (2i, 2i + 1). */
static void turn_neighbours(float *y, const float *x, const float *cs,
                            const float *sn, size_t half)
{
    size_t i;

    for (i = 0; i < half; i++) {
        float a = x[2 * i], b = x[2 * i + 1];

        y[2 * i] = a * cs[i] - b * sn[i];
        y[2 * i + 1] = b * cs[i] + a * sn[i];
    }
}

static void rope_rows(void *arg, size_t first, size_t end)
{
    const struct rope_job *job = arg;
    const struct tf_rope *rope = job->rope;
    size_t half = rope->dims / 2, size = job->head_size;
    size_t i, c;

    for (i = first; i < end; i++) {
        const float *cs = rope->cos + (size_t)job->positions[i] * half;
        const float *sn = rope->sin + (size_t)job->positions[i] * half;
        const float *x = tf_row(job->x, i);
        float *y = tf_row(job->y, i);

        for (c = 0; c < tf_cols(job->x); c += size) {
            if (rope->interleaved)
                turn_neighbours(y + c, x + c, cs, sn, half);
            else
                turn_halves(y + c, x + c, cs, sn, half);
            memcpy(y + c + 2 * half, x + c + 2 * half,
                   (size - 2 * half) * sizeof(float));
        }
    }
}

struct tf_tensor *tf_rotary(struct tf_ctx *ctx, struct tf_tensor *x,
                            size_t head_size, const struct tf_rope *rope,
                            const int32_t *positions)
{
    struct rope_job job = { rope, positions, head_size, x, NULL };

    if (!x || !(job.y = tf_new(ctx, tf_tensor_rows(x), tf_cols(x))))
        return NULL;
    tf_rows_run(ctx, job.y->dim[0], tf_cols(x), rope_rows, &job);
    return job.y;
}
