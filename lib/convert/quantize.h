/*
 * A model with smaller weights: the matrices of its linear layers, where most
 * numbers are, in a type of fewer bits.
 */
#ifndef TF_CONVERT_QUANTIZE_H
#define TF_CONVERT_QUANTIZE_H

#include <stdbool.h>
#include <stddef.h>
#include "base/err.h"
#include "base/mem.h"
#include "base/pool.h"
#include "kernel/dtype.h"

/* The types, as an option spells them, in the order of `type` below. */
#define TF_QUANTIZE_TYPES "int8|q8_0|q4_0|q4_1|q5_0|q5_1|q4_k|q6_k"

struct tf_quantize_opts {
    size_t type;
    double threshold; /* int8: from which magnitude on activations are outliers,
                         written for who runs the model; 0: none are */
    bool embeddings;  /* int8: tables of embeddings too, a row at a time, but
                         not when a head is tied to one. The tools here read
                         that, Transformers does not. */
    /* Shell patterns of tensors that stay as they are: of their names, with or
     * without ".weight". */
    const char *const *keep;
    size_t keep_count;
    const char *calibrate; /* blocks: a file of texts, see importance.h; or
                              NULL */
    size_t max_shard;      /* bytes of tensors in a file; 0: no limit */
    struct tf_pool *pool;
};

/* A tensor that was quantised. */
struct tf_quantized {
    const char *name, *type;
    enum tf_dtype from;
    size_t before, after; /* bytes, scales included */
    double wrong, all;    /* |w - w'|^2 and |w|^2 */
};

struct tf_quantize_report {
    size_t bytes_before, bytes_after; /* of all tensors */
    size_t tensors, files;            /* written */
    double error;                     /* |w - w'| / |w| over all quantised */
    bool tied; /* a head is the table of tokens, so tables were left */
    struct tf_quantized *v; /* in the order of the source */
    size_t count;
    struct tf_arena *memory;
};

/*
 * Quantise the model at `path` into the folder `dir`, which must be new or
 * empty: int8 of a folder, as a folder, config.json written last; ggml's blocks
 * of a folder or a GGUF, as the one file model.gguf. One tensor's data at a
 * time is in private memory. `report` is released by the caller also on
 * failure. -1 and `err` on failure.
 */
int tf_quantize(const char *path, const char *dir,
                const struct tf_quantize_opts *opts,
                struct tf_quantize_report *report, struct tf_err *err);
void tf_quantize_report_release(struct tf_quantize_report *report);
#endif
