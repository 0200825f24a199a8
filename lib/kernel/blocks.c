#include "kernel/blocks.h"

#include "kernel/block_dots.h"
#include "kernel/levels.h"

#define UNPACK(name)                                                           \
    void tf_unpack_##name(float *dst, const void *src, size_t n)               \
    {                                                                          \
        unpack_##name(dst, src, n);                                            \
    }

UNPACK(q4_0)
UNPACK(q4_1)
UNPACK(q5_0)
UNPACK(q5_1)
UNPACK(q8_0)
UNPACK(q2_k)
UNPACK(q3_k)
UNPACK(q4_k)
UNPACK(q5_k)
UNPACK(q6_k)
UNPACK(iq4_nl)
UNPACK(iq4_xs)
UNPACK(mxfp4)
UNPACK(affine4)
UNPACK(affine8)
UNPACK(nf4)
UNPACK(fp4)
UNPACK(e4m3)

void tf_blocks_ref(struct tf_kernels *k)
{
    fill_dots(k);
}
