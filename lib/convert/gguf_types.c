#include "convert/gguf_types.h"

#include <stdlib.h>
#include <string.h>

static bool has(const char *name, const char *part)
{
    return strstr(name, part) != NULL;
}

bool tf_gguf_is_matrix(const char *name, const struct tf_tensor *t)
{
    static const char suffix[] = "weight";
    size_t n = strlen(name), m = sizeof(suffix) - 1;

    return t->ndim > 1 && n > m && !strcmp(name + n - m, suffix) &&
           !has(name, "_norm.weight") && !has(name, "ffn_gate_inp.weight") &&
           strcmp(name, "position_embd.weight") != 0 &&
           strcmp(name, "token_types.weight") != 0;
}

static size_t layer_of(const char *name)
{
    return strncmp(name, "blk.", 4) ? 0 : strtoul(name + 4, NULL, 10);
}

/* The first and last eighth of the layers, and each third between. */
static bool is_sensitive(const struct tf_gguf_mix *mix, const char *name)
{
    size_t i = layer_of(name), n = mix->layers;

    return i < n / 8 || i >= 7 * n / 8 || (i - n / 8) % 3 == 2;
}

static enum tf_dtype type_of_value(const struct tf_gguf_mix *mix,
                                   const char *name)
{
    enum tf_dtype dtype = mix->dtype;

    if (dtype == TF_Q4_K && is_sensitive(mix, name))
        dtype = TF_Q6_K;
    /* heads that share one matrix of v make it small and often used */
    if (dtype == TF_Q4_K && mix->layers == 80 && mix->heads != mix->kv_heads)
        dtype = TF_Q5_K;
    return mix->experts == 8 ? TF_Q8_0 : dtype;
}

static enum tf_dtype type_of_down(const struct tf_gguf_mix *mix,
                                  const char *name)
{
    bool early = mix->importance && layer_of(name) < mix->layers / 8;

    if (mix->dtype == TF_Q4_K)
        return is_sensitive(mix, name) ? TF_Q6_K : TF_Q4_K;
    if (early && mix->dtype == TF_Q4_0)
        return TF_Q4_1;
    if (early && mix->dtype == TF_Q5_0)
        return TF_Q5_1;
    return mix->dtype;
}

static enum tf_dtype type_of_output(const struct tf_gguf_mix *mix, size_t cols)
{
    if (cols % tf_dtype_info(mix->dtype)->block)
        return TF_Q8_0;
    return mix->dtype == TF_Q8_0 ? TF_Q8_0 : TF_Q6_K;
}

static enum tf_dtype mixed(const struct tf_gguf_mix *mix, const char *name,
                           size_t cols)
{
    if (!strcmp(name, "output.weight") ||
        (mix->tied && !strcmp(name, "token_embd.weight")))
        return type_of_output(mix, cols);
    if (has(name, "attn_v.weight") || has(name, "attn_qkv.weight"))
        return type_of_value(mix, name);
    if (has(name, "attn_k.weight"))
        return mix->experts == 8 ? TF_Q8_0 : mix->dtype;
    if (has(name, "attn_output.weight"))
        return mix->experts == 8 && mix->dtype == TF_Q4_K ? TF_Q5_K
                                                          : mix->dtype;
    if (has(name, "ffn_down"))
        return type_of_down(mix, name);
    return mix->dtype;
}

enum tf_dtype tf_gguf_choose(const struct tf_gguf_mix *mix, const char *name,
                             const struct tf_tensor *t)
{
    static const enum tf_dtype smaller[][2] = { { TF_Q4_K, TF_Q5_0 },
                                                { TF_Q5_K, TF_Q5_1 },
                                                { TF_Q6_K, TF_Q8_0 } };
    size_t cols = t->dim[t->ndim - 1];
    enum tf_dtype dtype = mix->dtype;

    if (tf_dtype_info(dtype)->block == 1)
        return dtype;
    if (!mix->plain)
        dtype = mixed(mix, name, cols);
    for (size_t i = 0; i < sizeof(smaller) / sizeof(smaller[0]); i++)
        if (dtype == smaller[i][0] && cols % tf_dtype_info(dtype)->block)
            dtype = smaller[i][1];
    return cols % tf_dtype_info(dtype)->block ? TF_F16 : dtype;
}

unsigned tf_gguf_file_type(enum tf_dtype dtype)
{
    static const struct {
        enum tf_dtype dtype;
        unsigned number;
    } types[] = {
        { TF_F32, 0 },   { TF_F16, 1 },   { TF_BF16, 32 }, { TF_Q4_0, 2 },
        { TF_Q4_1, 3 },  { TF_Q5_0, 8 },  { TF_Q5_1, 9 },  { TF_Q8_0, 7 },
        { TF_Q4_K, 15 }, { TF_Q5_K, 17 }, { TF_Q6_K, 18 },
    };

    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (types[i].dtype == dtype)
            return types[i].number;
    return 0;
}
