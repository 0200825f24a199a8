/* ggml's block types as float32: the entries of the dtype table. */
#ifndef TF_KERNEL_BLOCKS_H
#define TF_KERNEL_BLOCKS_H

#include <stddef.h>

void tf_unpack_q4_0(float *dst, const void *src, size_t n);
void tf_unpack_q4_1(float *dst, const void *src, size_t n);
void tf_unpack_q5_0(float *dst, const void *src, size_t n);
void tf_unpack_q5_1(float *dst, const void *src, size_t n);
void tf_unpack_q8_0(float *dst, const void *src, size_t n);
void tf_unpack_q2_k(float *dst, const void *src, size_t n);
void tf_unpack_q3_k(float *dst, const void *src, size_t n);
void tf_unpack_q4_k(float *dst, const void *src, size_t n);
void tf_unpack_q5_k(float *dst, const void *src, size_t n);
void tf_unpack_q6_k(float *dst, const void *src, size_t n);
void tf_unpack_iq4_nl(float *dst, const void *src, size_t n);
void tf_unpack_iq4_xs(float *dst, const void *src, size_t n);
void tf_unpack_mxfp4(float *dst, const void *src, size_t n);

/* And those of dtype.h that are in no file. */
void tf_unpack_affine4(float *dst, const void *src, size_t n);
void tf_unpack_affine8(float *dst, const void *src, size_t n);
void tf_unpack_nf4(float *dst, const void *src, size_t n);
void tf_unpack_fp4(float *dst, const void *src, size_t n);
void tf_unpack_e4m3(float *dst, const void *src, size_t n);
#endif
