/* The vector words of the instruction set that this file is built for. */
#ifndef TF_KERNEL_VEC_H
#define TF_KERNEL_VEC_H

#if defined(__AVX512F__)
#include "kernel/vec_avx512.h"
#elif defined(__aarch64__)
#include "kernel/vec_neon.h"
#else
#include "kernel/vec_avx2.h"
#endif
#endif
