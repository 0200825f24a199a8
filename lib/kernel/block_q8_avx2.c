#include "kernel/block_tile_avx.h"
#include "kernel/levels.h"

void tf_block_q8_avx2(struct tf_kernels *k)
{
    fill_q8_dots(k);
    fill_block_tile(k);
}
