#include "convert/packed_count.h"

#include <stdbool.h>
#include <string.h>
#include "model/config.h"

static bool ends_in(const char *name, const char *const *ends, size_t count)
{
    size_t n = strlen(name);

    for (size_t i = 0; i < count; i++) {
        size_t m = strlen(ends[i]);

        if (n > m && !strcmp(name + n - m, ends[i]))
            return true;
    }
    return false;
}

#define ENDS(name, list) ends_in(name, list, sizeof(list) / sizeof(list[0]))

size_t tf_packed_count(json_t *quantization, const char *name,
                       const struct tf_tensor *t)
{
    static const char *const beside[] = {
        ".SCB",         ".scales",           ".weight_scale",
        ".input_scale", ".weight_scale_inv", ".absmax",
        ".quant_map",   ".nested_absmax",    ".nested_quant_map",
    };
    static const char *const packed[] = { ".qweight", ".weight_packed" };
    static const char *const weight[] = { ".weight" };
    static const char *const fours[] = { ".weight", "_blocks" };
    json_int_t bits = json_integer_value(tf_config_get(
        quantization, "bits|config_groups.group_0.weights.num_bits"));

    if (!quantization)
        return tf_dtype_is_float(t->dtype) ? tf_tensor_count(t) : 0;
    if (ENDS(name, beside))
        return 0;
    if (ENDS(name, packed))
        return tf_tensor_count(t) * 32 / (bits > 0 ? (size_t)bits : 4);
    if (t->dtype == TF_U8 && ENDS(name, fours)) /* two of 4 bits */
        return 2 * tf_tensor_count(t);
    return tf_dtype_is_float(t->dtype) ||
                   (t->dtype == TF_I8 && ENDS(name, weight))
               ? tf_tensor_count(t)
               : 0;
}
