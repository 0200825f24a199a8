#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include "format/safetensors.h"
#include "kernel/dtype.h"

/* Random blocks of every type against the gguf package's numbers: the same
 * products of the same small numbers, so they differ by rounding at most. */
static void unpacks_blocks_as_the_gguf_package(void **state)
{
    struct tf_err err;
    struct tf_safetensors *st =
        tf_safetensors_open("tests/golden/blocks.safetensors", &err);
    int type;
    size_t i;

    (void)state;
    assert_non_null(st);
    for (type = TF_Q4_0; type < TF_DTYPES; type++) {
        const struct tf_dtype_info *info = tf_dtype_info((enum tf_dtype)type);
        const struct tf_tensor *from = tf_safetensors_find(st, info->name);
        const struct tf_tensor *want;
        char name[32];
        float *got;

        snprintf(name, sizeof(name), "%s.f32", info->name);
        want = tf_safetensors_find(st, name);
        if (!from || !want)
            fail_msg("no golden %s", info->name);
        assert_int_equal(from->dim[0] / info->bytes * info->block,
                         want->dim[0]);
        got = malloc(want->dim[0] * sizeof(*got));
        info->unpack(got, from->data, want->dim[0]);
        for (i = 0; i < want->dim[0]; i++) {
            float e = ((const float *)want->data)[i];

            if (!(fabsf(got[i] - e) <= 1e-6f * fmaxf(1, fabsf(e))))
                fail_msg("%s: element %zu is %g, expected %g", info->name, i,
                         (double)got[i], (double)e);
        }
        free(got);
    }
    tf_safetensors_close(st);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unpacks_blocks_as_the_gguf_package),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
