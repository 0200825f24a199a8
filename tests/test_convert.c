#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>
#include "convert/plan.h"

#define ROWS_MAX 16

/* Make the output of rows [rows][2] that hold 10 r and 10 r + 1. */
static void make(struct tf_made *m, size_t rows, float *out)
{
    float data[2 * ROWS_MAX];
    struct tf_tensor from = { .ndim = 2, .dim = { rows, 2 }, .data = data };
    struct tf_err err;

    for (size_t r = 0; r < rows; r++) {
        data[2 * r] = 10 * (float)r;
        data[2 * r + 1] = 10 * (float)r + 1;
    }
    m->from = &from;
    m->to.ndim = 2;
    assert_int_equal(tf_made_fill(m, out, &err), 0);
}

static void check_rows(const float *out, const int *rows, size_t n)
{
    for (size_t r = 0; r < n; r++) {
        assert_int_equal((int)out[2 * r], 10 * rows[r]);
        assert_int_equal((int)out[2 * r + 1], 10 * rows[r] + 1);
    }
}

static void takes_rotary_pairs_apart_in_each_head(void **state)
{
    static const int rows[] = { 0, 2, 1, 3, 4, 6, 5, 7 };
    struct tf_made m = { .order = TF_ROWS_PAIRED, .heads = 2 };
    float out[2 * ROWS_MAX];

    (void)state;
    make(&m, 8, out);
    check_rows(out, rows, 8);
}

static void gathers_q_k_and_v_by_group(void **state)
{
    /* four heads of q in two groups, two of k, two of v; two rows each */
    static const int rows[] = { 0, 1, 2, 3, 8,  9,  12, 13,
                                4, 5, 6, 7, 10, 11, 14, 15 };
    struct tf_made m = { .order = TF_ROWS_BY_SIDE, .heads = 4, .kv_heads = 2 };
    float out[2 * ROWS_MAX];

    (void)state;
    make(&m, 16, out);
    check_rows(out, rows, 16);
}

static void turns_a_matrix_and_adds(void **state)
{
    static const float expected[] = { -1, 9, 19, 0, 10, 20 };
    struct tf_made m = { .turned = true, .add = -1 };
    float out[2 * ROWS_MAX];

    (void)state;
    make(&m, 3, out);
    assert_memory_equal(out, expected, sizeof(expected));
}

static void rounds_to_sixteen_bits(void **state)
{
    struct tf_made m = { .to = { .dtype = TF_BF16 } };
    float out[2 * ROWS_MAX];
    uint16_t bits[4];

    (void)state;
    make(&m, 2, out);
    memcpy(bits, out, sizeof(bits));
    assert_int_equal(bits[0], 0);
    assert_int_equal(bits[1], 0x3f80);
    assert_int_equal(bits[2], 0x4120);
    assert_int_equal(bits[3], 0x4130);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_rotary_pairs_apart_in_each_head),
        cmocka_unit_test(gathers_q_k_and_v_by_group),
        cmocka_unit_test(turns_a_matrix_and_adds),
        cmocka_unit_test(rounds_to_sixteen_bits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
