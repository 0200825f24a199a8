#include "train/blocks.h"

#include <stdlib.h>
#include <string.h>
#include "base/mem.h"

#define TOGETHER 1000 /* rows that the library datasets maps at a time */

/* The end of the rows that are joined with row `first`. */
static size_t rows_end(const struct tf_dataset *d, size_t first)
{
    return d->count - first < TOGETHER ? d->count : first + TOGETHER;
}

static size_t count_tokens(const struct tf_dataset *d, size_t first, size_t end)
{
    size_t n = 0;

    for (size_t i = first; i < end; i++)
        n += d->inputs[i].n;
    return n;
}

/* A block that is filled from inputs. */
struct block {
    int32_t *ids;
    uint8_t *type_ids;
    size_t size, n;
};

/* Cut rows [first, end) into the inputs from `out` on. Returns how many blocks
 * they make, or -1. */
static int64_t cut(struct tf_dataset *d, size_t first, size_t end,
                   struct block *b, struct tf_input *out, struct tf_err *err)
{
    int64_t made = 0;

    b->n = 0;
    for (size_t i = first; i < end; i++) {
        const struct tf_input *in = &d->inputs[i];

        for (size_t at = 0, n; at < in->n; at += n) {
            struct tf_window w = { .ids = b->ids,
                                   .type_ids = b->type_ids,
                                   .n = b->size };

            n = in->n - at < b->size - b->n ? in->n - at : b->size - b->n;
            memcpy(b->ids + b->n, in->ids + at, n * sizeof(b->ids[0]));
            memcpy(b->type_ids + b->n, in->type_ids + at, n);
            b->n += n;
            if (b->n < b->size)
                continue;
            if (tf_input_take(&out[made++], &w, err))
                return -1;
            b->n = 0;
        }
    }
    return made;
}

static int cut_all(struct tf_dataset *d, struct block *b,
                   struct tf_dataset *made, struct tf_err *err)
{
    size_t end, at = 0;

    for (size_t first = 0; first < d->count; first = end) {
        int64_t n;

        end = rows_end(d, first);
        n = cut(d, first, end, b, made->inputs + at, err);
        if (n < 0)
            return -1;
        at += (size_t)n;
    }
    return 0;
}

int tf_dataset_blocks(struct tf_dataset *d, size_t size, struct tf_err *err)
{
    struct tf_dataset made = { 0 };
    struct block b = { .size = size };
    size_t blocks = 0, end;
    int failed;

    for (size_t first = 0; first < d->count; first = end) {
        end = rows_end(d, first);
        blocks += count_tokens(d, first, end) / size;
    }
    if (!blocks)
        return tf_fail(err,
                       "block_size: the texts have only %zu tokens, less "
                       "than a block of %zu",
                       count_tokens(d, 0, d->count), size);
    b.ids = tf_alloc(size, sizeof(b.ids[0]), err);
    b.type_ids = b.ids ? tf_alloc(size, 1, err) : NULL;
    failed = !b.type_ids || tf_dataset_make(&made, blocks, false, err) ||
             cut_all(d, &b, &made, err);
    free(b.ids);
    free(b.type_ids);
    if (failed) {
        tf_dataset_release(&made);
        return -1;
    }
    tf_dataset_release(d);
    *d = made;
    return 0;
}
