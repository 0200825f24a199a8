#include "train/trainer_parts.h"

#include "train/parallel.h"
#include <string.h>

/* Where a process's share of the validation records begins: whole batches, with
 * about as many tokens in each share. */
static size_t share_begin(const struct tf_trainer *t, int rank)
{
    size_t batch = (size_t)t->config->eval_batch, n = t->valid.count, i = 0;
    uint64_t all = 0, before = 0, size = (uint64_t)tf_parallel_size();

    for (size_t k = 0; k < n; k++)
        all += t->valid.inputs[k].n;
    while (i < n && before * size < all * (uint64_t)rank)
        for (size_t end = i + batch; i < n && i < end; i++)
            before += t->valid.inputs[i].n;
    return i;
}

static size_t part_end(const struct tf_trainer *t, size_t first, size_t end)
{
    size_t batch = (size_t)t->config->eval_batch;

    return end - first < batch ? end : first + batch;
}

/* Run this process's share: what it gives is judged at once by the first, and
 * kept by the others, the size of each part before it. */
static int run_share(struct tf_trainer *t, const struct tf_evaluation *e,
                     struct tf_buf *kept, struct tf_err *err)
{
    size_t first = share_begin(t, tf_parallel_rank());
    size_t last = share_begin(t, tf_parallel_rank() + 1), end;
    struct tf_buf part = TF_BUF_INIT;
    int failed = 0;

    for (; !failed && first < last; first = end) {
        uint64_t size;

        end = part_end(t, first, last);
        tf_buf_reset(&part);
        failed = e->run(e->arg, first, end, &part, err);
        size = part.len;
        if (!failed && part.failed)
            failed = tf_no_memory(err, part.len);
        else if (!failed && !tf_parallel_rank())
            failed = e->take(e->arg, first, end, part.data, part.len, err);
        else if (!failed)
            tf_buf_add(kept, (const char *)&size, sizeof(size));
        if (tf_parallel_rank())
            tf_buf_add(kept, part.data, part.len);
    }
    tf_buf_release(&part);
    return failed ? -1 : 0;
}

/* Judge what another process has kept. */
static int take_share(struct tf_trainer *t, const struct tf_evaluation *e,
                      int rank, const struct tf_buf *kept, struct tf_err *err)
{
    size_t first = share_begin(t, rank), last = share_begin(t, rank + 1), end;
    size_t at = 0;

    for (; first < last; first = end) {
        uint64_t size = 0;

        end = part_end(t, first, last);
        if (kept->len - at >= sizeof(size))
            memcpy(&size, kept->data + at, sizeof(size));
        at += sizeof(size);
        if (at > kept->len || size > kept->len - at)
            return tf_fail(err, "process %d has not evaluated its share", rank);
        if (e->take(e->arg, first, end, kept->data + at, size, err))
            return -1;
        at += size;
    }
    return 0;
}

int tf_train_evaluate_parts(struct tf_trainer *t, const struct tf_evaluation *e,
                            struct tf_err *err)
{
    struct tf_buf kept = TF_BUF_INIT;
    int failed = run_share(t, e, &kept, err);

    for (int rank = 1; !failed && rank < tf_parallel_size(); rank++) {
        failed = tf_parallel_hand_over(rank, &kept, err);
        if (!failed && !tf_parallel_rank())
            failed = take_share(t, e, rank, &kept, err);
    }
    tf_buf_release(&kept);
    return failed ? -1 : 0;
}
