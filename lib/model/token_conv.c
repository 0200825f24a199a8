#include "model/token_conv.h"

#include <stdint.h>
#include "base/mem.h"

/*
 * A convolution over tokens as one product: its [C][C][kernel] becomes
 * [C][kernel][C], so that a row multiplies the token's neighbours laid side by
 * side.
 */
int tf_token_conv_bind(struct tf_stack *stack, const struct tf_stack_spec *spec,
                       struct tf_bind *bind, struct tf_err *err)
{
    size_t c = spec->width, k = spec->conv_kernel;
    size_t dim[3] = { c, c, k };
    struct tf_weight *conv = &stack->conv;
    const struct tf_tensor *t;
    struct tf_place none = { 0 };
    struct tf_arena_mark mark;
    char name[TF_BIND_NAME];
    float *taps, *plain;

    if (!spec->names.conv)
        return 0;
    t = tf_bind_shaped(bind, spec->names.conv, none, ".weight", dim, 3, name,
                       err);
    if (!t)
        return -1;
    taps = tf_arena_alloc(bind->memory, c * c * k, sizeof(*taps));
    mark = tf_arena_mark(bind->memory);
    plain = tf_arena_alloc(bind->memory, c * c * k, sizeof(*plain));
    if (!taps || !plain)
        return tf_no_memory(err, c * c * k * sizeof(*taps));
    tf_dtype_info(t->dtype)->unpack(plain, t->data, c * c * k);
    for (size_t out = 0; out < c; out++)
        for (size_t in = 0; in < c; in++)
            for (size_t tap = 0; tap < k; tap++)
                taps[(out * k + tap) * c + in] =
                    plain[(out * c + in) * k + tap];
    tf_arena_rewind(bind->memory, mark);
    conv->name = spec->names.conv;
    conv->in = k * c;
    conv->out = c;
    conv->w = (struct tf_tensor){ .ndim = 2, .dim = { c, k * c }, .ld = k * c };
    conv->w.data = taps;
    if (bind->params && tf_bind_adopt_taps(bind, &conv->w, spec->names.conv,
                                           none, name, k, err))
        return -1;
    return tf_bind_vector(bind, &conv->bias, spec->names.conv, none, ".bias", c,
                          err);
}
