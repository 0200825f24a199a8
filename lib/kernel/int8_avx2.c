/* int8 by AVX2, which multiplies unsigned by signed bytes alone: |a| times b
 * with the sign of a. Two such products fit into its 16 bits. */
#include "kernel/int8_tile_avx.h"
#include "kernel/levels.h"

INLINE __m256i add_signed(__m256i sum, __m256i a, __m256i b)
{
    __m256i two =
        _mm256_maddubs_epi16(_mm256_abs_epi8(a), _mm256_sign_epi8(b, a));

    return _mm256_add_epi32(sum, _mm256_madd_epi16(two, _mm256_set1_epi16(1)));
}

static void tile_int8(const struct tf_tile *t)
{
    tile_any(add_signed, t);
}

void tf_int8_avx2(struct tf_kernels *k)
{
    k->int8 = (struct tf_tiling){ .mr = MR,
                                  .nr = NR,
                                  .kc = 256,
                                  .block_rows = 112,
                                  .block_columns = 1024,
                                  .row_step = 1,
                                  .k_step = 1,
                                  .tile = tile_int8 };
    k->int8_offset = 0;
}
