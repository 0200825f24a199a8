/*
 * The element and block types of model files: one table. A block type packs
 * `block` elements of a row into `bytes` bytes (formats: ggml's ggml-common.h);
 * an element type is a block of one.
 */
#ifndef TF_KERNEL_DTYPE_H
#define TF_KERNEL_DTYPE_H

#include <stddef.h>

enum tf_dtype {
    TF_F32, /* 0, so that zeroed memory is float32 */
    TF_F64,
    TF_F16,
    TF_BF16,
    TF_F8_E4M3,
    TF_F8_E5M2,
    TF_I64,
    TF_I32,
    TF_I16,
    TF_I8,
    TF_U64,
    TF_U32,
    TF_U16,
    TF_U8,
    TF_BOOL,
    /* ggml's blocks */
    TF_Q4_0,
    TF_Q4_1,
    TF_Q5_0,
    TF_Q5_1,
    TF_Q8_0,
    TF_Q2_K,
    TF_Q3_K,
    TF_Q4_K,
    TF_Q5_K,
    TF_Q6_K,
    TF_IQ4_NL,
    TF_IQ4_XS,
    TF_MXFP4,
    /* What other programs' quantised matrices become, whose scales stand apart
     * in their files. In no file: 32 elements, a float32 scale d before them
     * but for the last.
     */
    TF_AFFINE4, /* u8 z, 4 bits each: d (q - z) (GPTQ, AWQ) */
    TF_AFFINE8, /* u16 z, 8 bits each */
    TF_NF4,     /* 4 bits, d times a value of NormalFloat (QLoRA) */
    TF_FP4,     /* 4 bits, d times a value of bitsandbytes' FP4 */
    TF_E4M3,    /* 8 bits, d times an F8_E4M3 */
    TF_E2M1,    /* MXFP4's block (gpt-oss): exact, as what it meets is not
                   rounded to int8 as llama.cpp has it */
    TF_DTYPES   /* how many */
};

struct tf_dtype_info {
    const char *name; /* as safetensors or ggml spells it ("BF16", "Q4_K") */
    size_t block;     /* elements in a block */
    size_t bytes;     /* bytes of a block */
    /* n elements (a multiple of block) at src, maybe unaligned, as float32 */
    void (*unpack)(float *dst, const void *src, size_t n);
};

const struct tf_dtype_info *tf_dtype_info(enum tf_dtype dtype);

/* Floating-point numbers, or blocks of them. */
int tf_dtype_is_float(enum tf_dtype dtype);

/* One of ggml's blocks. */
int tf_dtype_is_ggml(enum tf_dtype dtype);

/* Parse a name so spelled. Returns 0, or -1. */
int tf_dtype_parse(enum tf_dtype *dtype, const char *name);
#endif
