/*
 * Random numbers from a counter: Philox4x32-10 (Salmon et al. 2011, "Parallel
 * random numbers: as easy as 1, 2, 3"). The same key and counter give the same
 * numbers in any order and on any thread.
 */
#ifndef TF_BASE_RNG_H
#define TF_BASE_RNG_H

#include <stdint.h>

/* Four uniform 32-bit words for a 64-bit key and a 128-bit counter. */
void tf_philox(uint64_t key, uint64_t hi, uint64_t lo, uint32_t out[4]);

/* A uniform double in [0, 1) with 53 bits from two words. */
double tf_uniform(uint32_t a, uint32_t b);
#endif
