/*
 * Private to lib/model: matrices as other programs' quantisation leaves them,
 * in several tensors: small integers, their scales, their zeros. They become
 * one matrix of a block type (dtype.h), about as small.
 *
 * Read are GPTQ (AutoGPTQ, GPTQModel), AWQ (AutoAWQ's "gemm"), bitsandbytes'
 * nf4 and fp4, FP8 with scales (fine-grained as DeepSeek's, by row, or one),
 * and compressed-tensors' packed and plain integers; and gpt-oss's MXFP4.
 */
#ifndef TF_MODEL_PACKED_H
#define TF_MODEL_PACKED_H

#include "model/bind.h"

/* One matrix that is read. */
struct tf_packing {
    struct tf_bind *bind;
    char stem[TF_BIND_NAME]; /* of the tensors' names: "model.layers.0.q" */
    size_t rows, cols;       /* [out][in] */
    struct tf_err *err;
};

/* Is a model with this quantization_config (or NULL) one that can be read? */
int tf_packed_check(json_t *config, struct tf_err *err);

/*
 * Read the matrix that `pattern` names in one of these forms, if the files have
 * it so: 1, and `t` is it, [rows][cols]; else 0. -1 and `err` when it is broken
 * or of a variant that is not read. `name` gets what was found.
 */
int tf_packed_read(struct tf_bind *bind, struct tf_tensor *t,
                   const char *pattern, struct tf_place at, size_t rows,
                   size_t cols, char name[TF_BIND_NAME], struct tf_err *err);

/*
 * The same of one matrix of many, the one of expert at.part, in the form of
 * gpt-oss: "x_blocks" [experts][rows][cols / 32][16] and "x_scales" of 4-bit
 * floats with a power of two for each 32 (MXFP4).
 */
int tf_packed_mxfp4(struct tf_bind *bind, struct tf_tensor *t,
                    const char *pattern, struct tf_place at, size_t experts,
                    size_t rows, size_t cols, char name[TF_BIND_NAME],
                    struct tf_err *err);

/* The tensor "<stem><end>", which is used with this; or NULL. */
const struct tf_tensor *tf_packed_part(const struct tf_packing *p,
                                       const char *end);
/* It must be there with these dims (dims of 1 don't matter). */
const struct tf_tensor *tf_packed_need(const struct tf_packing *p,
                                       const char *end, size_t a, size_t b);
/* A string of quantization_config, or NULL. */
const char *tf_packed_word(const struct tf_packing *p, const char *key);
/* Numbers of a tensor as float32; free() releases, NULL fills err. */
float *tf_packed_floats(const struct tf_packing *p, const struct tf_tensor *t);
/* Memory of the model for the matrix as this type. Block types need whole
 * blocks in a row. */
int tf_packed_make(const struct tf_packing *p, struct tf_tensor *t,
                   enum tf_dtype dtype);

/* The forms; -1 and err on failure. */
int tf_packed_gptq(const struct tf_packing *p, struct tf_tensor *t);
int tf_packed_awq(const struct tf_packing *p, struct tf_tensor *t);
int tf_packed_compressed(const struct tf_packing *p, struct tf_tensor *t);
int tf_packed_bnb4(const struct tf_packing *p, struct tf_tensor *t,
                   const struct tf_tensor *state);
int tf_packed_fp8(const struct tf_packing *p, struct tf_tensor *t);
int tf_packed_int8(const struct tf_packing *p, struct tf_tensor *t);
#endif
