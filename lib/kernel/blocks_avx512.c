#include "kernel/block_dots.h"
#include "kernel/levels.h"

void tf_blocks_avx512(struct tf_kernels *k)
{
    fill_dots(k);
}
