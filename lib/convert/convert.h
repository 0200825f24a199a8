/*
 * A model in any form that is read here (safetensors, torch's .bin, GGUF; in
 * shards or not) written as the folder that Transformers' save_pretrained
 * would: model.safetensors, config.json, the tokenizer's files.
 */
#ifndef TF_CONVERT_CONVERT_H
#define TF_CONVERT_CONVERT_H

#include <stdbool.h>
#include <stddef.h>
#include "base/err.h"
#include "base/pool.h"
#include "kernel/dtype.h"

struct tf_convert_opts {
    bool change; /* floating-point tensors to `dtype`; else as they are, but
                    ggml's blocks become float32 */
    enum tf_dtype dtype;  /* TF_F32, TF_BF16, TF_F16; of a GGUF also TF_Q8_0 */
    size_t max_shard;     /* bytes of tensors in a file; 0: no limit */
    struct tf_pool *pool; /* or NULL */
};

struct tf_convert_report {
    size_t tensors, bytes, files; /* written */
    size_t dropped; /* copies of tied tensors, and computed buffers */
};

/*
 * Convert the model at `path` (a folder, a GGUF, a file of weights alone) into
 * the folder `dir`, which must be new or empty; config.json is written last.
 * Of tensors that the architecture ties one is kept. One tensor's data at a
 * time is in memory. -1 and `err` on failure.
 */
int tf_convert(const char *path, const char *dir,
               const struct tf_convert_opts *opts,
               struct tf_convert_report *report, struct tf_err *err);

/*
 * Convert the model into one GGUF, `file`, which must be new, with its
 * tokenizer, as llama.cpp's converter does: matrices as they are or of the
 * type, vectors float32. Not cut into shards. Fails, naming it, on what a GGUF
 * has no word for.
 */
int tf_convert_to_gguf(const char *path, const char *file,
                       const struct tf_convert_opts *opts,
                       struct tf_convert_report *report, struct tf_err *err);
#endif
