#include "nn/record.h"
#include "nn/rows.h"

struct back_job {
    enum tf_act act;
    const struct tf_tensor *y;
    const float *z;
};

static void back_rows(void *arg, size_t first, size_t end)
{
    const struct back_job *job = arg;
    size_t i;

    for (i = first; i < end; i++) {
        float *dy = job->y->grad + i * job->y->ld;

        tf_kernels()->act_back[job->act](dy, dy, job->z + i * job->y->ld,
                                         tf_cols(job->y));
    }
}

void tf_act_back(struct tf_ctx *ctx, enum tf_act act, struct tf_tensor *y,
                 const float *z)
{
    struct back_job job = { act, y, z };

    if (act != TF_ACT_NONE)
        tf_rows_run(ctx, y->dim[0], y->dim[1], back_rows, &job);
}
