#include "kernel/block_dots.h"
#include "kernel/levels.h"

void tf_blocks_avx2(struct tf_kernels *k)
{
    fill_dots(k);
}
