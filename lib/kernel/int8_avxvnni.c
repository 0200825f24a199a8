/* int8 by AVX-VNNI: unsigned times signed, four at a time. */
#include "kernel/int8_tile_avx.h"
#include "kernel/levels.h"

INLINE __m256i add_unsigned_a(__m256i sum, __m256i a, __m256i b)
{
    return _mm256_dpbusd_avx_epi32(sum, a, b);
}

INLINE __m256i add_unsigned_b(__m256i sum, __m256i a, __m256i b)
{
    return _mm256_dpbusd_avx_epi32(sum, b, a);
}

static void tile_int8(const struct tf_tile *t)
{
    tile_any(add_unsigned_a, t);
}

static void tile_turned(const struct tf_tile *t)
{
    tile_any(add_unsigned_b, t);
}

void tf_int8_avxvnni(struct tf_kernels *k)
{
    k->int8 = (struct tf_tiling){ .mr = MR,
                                  .nr = NR,
                                  .kc = 256,
                                  .block_rows = 112,
                                  .block_columns = 1024,
                                  .row_step = 1,
                                  .k_step = 1,
                                  .tile = tile_int8,
                                  .turned = tile_turned };
    k->int8_offset = 128;
}
