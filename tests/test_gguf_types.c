#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "convert/gguf_types.h"

/* By the rules of llama.cpp's quantize, Q4_K being its Q4_K_M. */
static const struct {
    enum tf_dtype wanted;
    const char *name;
    size_t cols;
    enum tf_dtype chosen;
} expected[] = {
    /* sixteen layers: 0, 1, 4, 7, 10, 13, 14, 15 are the sensitive ones */
    { TF_Q4_K, "blk.0.attn_v.weight", 512, TF_Q6_K },
    { TF_Q4_K, "blk.2.attn_v.weight", 512, TF_Q4_K },
    { TF_Q4_K, "blk.4.ffn_down.weight", 1024, TF_Q6_K },
    { TF_Q4_K, "blk.5.ffn_down.weight", 1024, TF_Q4_K },
    { TF_Q4_K, "blk.14.ffn_down.weight", 1024, TF_Q6_K },
    { TF_Q4_K, "blk.0.attn_q.weight", 512, TF_Q4_K },
    { TF_Q4_K, "blk.1.attn_qkv.weight", 512, TF_Q6_K },
    { TF_Q4_K, "token_embd.weight", 512, TF_Q6_K }, /* tied */
    { TF_Q4_0, "token_embd.weight", 512, TF_Q6_K },
    { TF_Q8_0, "token_embd.weight", 512, TF_Q8_0 },
    /* rows that are no multiple of 256, or of 32 */
    { TF_Q4_K, "blk.2.attn_v.weight", 640, TF_Q5_0 },
    { TF_Q4_K, "blk.0.attn_v.weight", 640, TF_Q8_0 },
    { TF_Q4_K, "token_embd.weight", 640, TF_Q8_0 },
    { TF_Q4_0, "token_embd.weight", 640, TF_Q8_0 },
    { TF_Q6_K, "blk.2.attn_q.weight", 640, TF_Q8_0 },
    { TF_Q4_0, "blk.2.attn_q.weight", 48, TF_F16 },
    { TF_F16, "blk.2.attn_q.weight", 48, TF_F16 },
};

static void chooses_as_llama_cpp(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        struct tf_gguf_mix mix = { .dtype = expected[i].wanted,
                                   .tied = true,
                                   .layers = 16,
                                   .heads = 8,
                                   .kv_heads = 2 };
        struct tf_tensor t = { .ndim = 2, .dim = { 8, expected[i].cols } };
        enum tf_dtype found = tf_gguf_choose(&mix, expected[i].name, &t);

        if (found != expected[i].chosen)
            fail_msg("%s of %zu columns as %s: %s, expected %s",
                     expected[i].name, expected[i].cols,
                     tf_dtype_info(expected[i].wanted)->name,
                     tf_dtype_info(found)->name,
                     tf_dtype_info(expected[i].chosen)->name);
    }
}

static void leaves_all_but_matrices(void **state)
{
    struct tf_tensor vector = { .ndim = 1, .dim = { 512 } };
    struct tf_tensor matrix = { .ndim = 2, .dim = { 4, 512 } };

    (void)state;
    assert_true(tf_gguf_is_matrix("blk.0.attn_q.weight", &matrix));
    assert_true(tf_gguf_is_matrix("token_embd.weight", &matrix));
    assert_false(tf_gguf_is_matrix("blk.0.attn_q.bias", &vector));
    assert_false(tf_gguf_is_matrix("blk.0.attn_norm.weight", &vector));
    assert_false(tf_gguf_is_matrix("blk.0.ffn_gate_inp.weight", &matrix));
    assert_false(tf_gguf_is_matrix("position_embd.weight", &matrix));
    assert_false(tf_gguf_is_matrix("token_types.weight", &matrix));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chooses_as_llama_cpp),
        cmocka_unit_test(leaves_all_but_matrices),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
