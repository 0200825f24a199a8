/* What each instruction-set file of this folder exports: one function, which
 * overwrites the entries of the table that it does better. */
#ifndef TF_KERNEL_LEVELS_H
#define TF_KERNEL_LEVELS_H

#include "kernel/kernel.h"

void tf_kernels_ref(struct tf_kernels *k); /* fills the whole table, with */
void tf_kernels_ref_train(struct tf_kernels *k); /* the entries for training */
void tf_kernels_avx2(struct tf_kernels *k);
void tf_kernels_avx512(struct tf_kernels *k);
void tf_kernels_neon(struct tf_kernels *k);

/* The entries for int8; AMX has those for bfloat16 too. */
void tf_int8_ref(struct tf_kernels *k);
void tf_int8_avx2(struct tf_kernels *k);
void tf_int8_avxvnni(struct tf_kernels *k);
void tf_int8_vnni(struct tf_kernels *k);
void tf_tiles_amx(struct tf_kernels *k);

/* The same for weights in ggml's blocks. */
void tf_blocks_ref(struct tf_kernels *k);
void tf_blocks_avx2(struct tf_kernels *k);
void tf_blocks_avx512(struct tf_kernels *k);
void tf_block_q8_avx2(struct tf_kernels *k);
void tf_block_q8_avxvnni(struct tf_kernels *k);
void tf_block_q8_vnni(struct tf_kernels *k);
#endif
