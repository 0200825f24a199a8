#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "format/safetensors.h"
#include "kernel/block_q8.h"
#include "kernel/dtype.h"
#include "kernel/gemm_parts.h"
#include "kernel/kernel.h"

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
    for (type = TF_Q4_0; type < TF_AFFINE4; type++) {
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

/* Blocks of a type that is in no file: a scale, then any bytes; no NaN. */
static void make_blocks(const struct tf_dtype_info *info, unsigned char *to,
                        size_t count)
{
    for (size_t b = 0; b < count; b++, to += info->bytes) {
        float scale = 0.25f + (float)b;

        for (size_t i = 0; i < info->bytes; i++)
            to[i] = (unsigned char)((b * 41 + i * 73) % 126);
        memcpy(to, &scale, sizeof(scale));
    }
}

/* Every level's products over blocks against the unpacked numbers. */
static void multiplies_by_blocks_as_by_their_numbers(void **state)
{
    static const char *const levels[] = { "ref", "avx2", "avx512" };
    enum { K = 512, ROWS = 2, COLUMNS = 1 };
    struct tf_err err;
    struct tf_safetensors *st =
        tf_safetensors_open("tests/golden/blocks.safetensors", &err);
    float x[ROWS * K], w[K], c[ROWS];
    unsigned char made[2 * K];
    size_t level, i, p;
    int type;

    (void)state;
    assert_non_null(st);
    for (i = 0; i < ROWS * K; i++)
        x[i] = (float)(i * 37 % 101) / 50 - 1;
    for (type = TF_Q4_0; type < TF_DTYPES; type++) {
        const struct tf_dtype_info *info = tf_dtype_info((enum tf_dtype)type);
        const struct tf_tensor *from = tf_safetensors_find(st, info->name);
        const void *blocks = from ? from->data : made;
        size_t k = from ? from->dim[0] / info->bytes * info->block : K;

        if (!from) {
            assert_true(K / info->block * info->bytes <= sizeof(made));
            make_blocks(info, made, K / info->block);
        }
        k = k > K ? K : k;
        info->unpack(w, blocks, k);
        for (level = 0; level < 3; level++) {
            const struct tf_kernels *kern = tf_kernels_at(levels[level]);

            if (!kern)
                continue;
            kern->dots[type](k, x, K, ROWS, blocks, k, COLUMNS, c, 1);
            for (i = 0; i < ROWS; i++) {
                double want = 0, size = 0;

                for (p = 0; p < k; p++) {
                    want += (double)w[p] * (double)x[i * K + p];
                    size += fabs((double)w[p] * (double)x[i * K + p]);
                }
                if (!(fabs((double)c[i] - want) <= 1e-6 * size))
                    fail_msg("%s, %s: %g, expected %g", levels[level],
                             info->name, (double)c[i], want);
            }
        }
    }
    tf_safetensors_close(st);
}

/* The blocks of a golden tensor over and over. */
static char *repeat_blocks(const struct tf_tensor *from, size_t bytes)
{
    char *all = malloc(bytes);
    size_t i;

    assert_non_null(all);
    for (i = 0; i < bytes; i++)
        all[i] = ((const char *)from->data)[i % from->dim[0]];
    return all;
}

/* Element by element of c: x, rounded to int8, by w, both [..][k]. */
static void check_int8(const char *what, enum tf_dtype type, size_t rows,
                       const float *x, size_t columns, const char *w, size_t k,
                       const float *c)
{
    const struct tf_dtype_info *info = tf_dtype_info(type);
    /* minimums of these meet sums in float16 */
    double near = type == TF_Q4_1 || type == TF_Q5_1 ? 0x1p-11 : 1e-6;
    float *a = malloc(k * sizeof(*a)), *b = malloc(k * sizeof(*b));
    size_t i, j, p;

    for (i = 0; i < rows; i++) {
        tf_q8_round(tf_kernels_at("ref"), a, x + i * k, k, info->block);
        /* half a step, and what float16 does to the scale */
        for (p = 0; p < k; p++)
            assert_true(fabsf(a[p] - x[i * k + p]) <= 1.0f / 254 + 0x1p-11f);
        for (j = 0; j < columns; j++) {
            double want = 0, size = 0;

            info->unpack(b, w + j * k / info->block * info->bytes, k);
            for (p = 0; p < k; p++) {
                want += (double)a[p] * (double)b[p];
                size += fabs((double)a[p] * (double)b[p]);
            }
            if (!(fabs((double)c[i * columns + j] - want) <= near * size))
                fail_msg("%s, %s: %g, expected %g", what, info->name,
                         (double)c[i * columns + j], want);
        }
    }
    free(a);
    free(b);
}

/* Every level's products with rows in int8 against those of the numbers that
 * the rows are rounded to. */
static void multiplies_int8_rows_as_their_numbers(void **state)
{
    static const char *const levels[] = { "avx2", "avxvnni", "vnni" };
    enum { K = 1024, ROWS = TF_THIN_ROWS, COLUMNS = 3, SHORT = 608 };
    struct tf_err err;
    struct tf_safetensors *st =
        tf_safetensors_open("tests/golden/blocks.safetensors", &err);
    float x[ROWS * K], c[ROWS * COLUMNS];
    struct tf_q8 q[ROWS * K / TF_Q8_CHUNK];
    size_t level, i, m;
    int type;

    (void)state;
    assert_non_null(st);
    for (i = 0; i < ROWS * K; i++)
        x[i] = (float)(i * 37 % 101) / 50 - 1;
    for (type = TF_Q4_0; type < TF_AFFINE4; type++) {
        const struct tf_dtype_info *info = tf_dtype_info((enum tf_dtype)type);
        size_t k = info->block > TF_Q8_SCALED ? K : SHORT;
        size_t chunks = tf_q8_chunks(k);
        char *w = repeat_blocks(tf_safetensors_find(st, info->name),
                                COLUMNS * k / info->block * info->bytes);

        for (level = 0; level < 3; level++) {
            const struct tf_kernels *kern = tf_kernels_at(levels[level]);

            if (!kern || !kern->q8_dots[type])
                continue;
            for (i = 0; i < ROWS; i++)
                tf_q8_quantize(kern, q + i * chunks, x + i * k, k, info->block);
            for (m = 1; m <= ROWS; m++) {
                kern->q8_dots[type](k, q, chunks, m, w, k, COLUMNS, c, COLUMNS);
                check_int8(levels[level], (enum tf_dtype)type, m, x, COLUMNS, w,
                           k, c);
            }
        }
        free(w);
    }
    tf_safetensors_close(st);
}

static void check_product(const struct tf_kernels *kern, enum tf_dtype type,
                          struct tf_pool *pool, size_t m, size_t n, size_t k,
                          const float *x, const char *w, float *c)
{
    struct tf_err err;
    struct tf_gemm g = { .m = m, .n = n, .k = k, .q8 = true };

    g.a = (struct tf_mat){ x, TF_F32, k, 1 };
    g.b = (struct tf_mat){ w, type, 1, k };
    g.c = c;
    g.ldc = n;
    assert_int_equal(tf_gemm_blocks(pool, kern, &g, &err), 0);
    check_int8(kern->name, type, m, x, n, w, k, c);
}

/* The same for many rows of x: of k one block, a part of a chunk more, and
 * sizes that are no whole tiles. */
static void multiplies_many_int8_rows_as_their_numbers(void **state)
{
    static const char *const levels[] = { "avx2", "avxvnni", "vnni", "amx" };
    static const size_t sizes[][2] = { { 1, 1 },  { 16, 12 }, { 17, 53 },
                                       { 33, 5 }, { 530, 3 }, { 200, 98 } };
    enum { ROWS = 530, COLUMNS = 98, K = 1024, SHORT = 608, SIZES = 6 };
    struct tf_err err;
    struct tf_safetensors *st =
        tf_safetensors_open("tests/golden/blocks.safetensors", &err);
    struct tf_pool *pool = tf_pool_new(3, &err);
    float *x = malloc(ROWS * K * sizeof(*x));
    float *c = malloc(ROWS * COLUMNS * sizeof(*c));
    size_t level, size, i;
    int type;

    (void)state;
    assert_non_null(st);
    assert_non_null(pool);
    for (i = 0; i < ROWS * K; i++)
        x[i] = (float)(i * 37 % 101) / 50 - 1;
    for (type = TF_Q4_0; type < TF_AFFINE4; type++) {
        const struct tf_dtype_info *info = tf_dtype_info((enum tf_dtype)type);
        size_t k = info->block > TF_Q8_SCALED ? 2 * info->block : SHORT;
        char *w = repeat_blocks(tf_safetensors_find(st, info->name),
                                COLUMNS * k / info->block * info->bytes);

        for (level = 0; level < 4; level++) {
            const struct tf_kernels *kern = tf_kernels_at(levels[level]);

            if (!kern || !kern->block_rows[type])
                continue;
            for (size = 0; size < SIZES; size++)
                check_product(kern, (enum tf_dtype)type, size % 2 ? pool : NULL,
                              sizes[size][0], sizes[size][1],
                              size < 2 ? info->block : k, x, w, c);
        }
        free(w);
    }
    free(x);
    free(c);
    tf_pool_free(pool);
    tf_safetensors_close(st);
}

/* ggml's own sums, bit by bit where it adds up in the same order. */
static void multiplies_int8_rows_as_ggml_does(void **state)
{
    static const char *const levels[] = { "avx2", "avxvnni", "vnni" };
    enum { K = 1024, COLUMNS = 3, SHORT = 608 };
    struct tf_err err;
    struct tf_safetensors *st =
        tf_safetensors_open("tests/golden/blocks.safetensors", &err);
    struct tf_safetensors *dots =
        tf_safetensors_open("tests/golden/block-dots.safetensors", &err);
    float x[K], c[COLUMNS];
    struct tf_q8 q[K / TF_Q8_CHUNK];
    size_t level, i;
    int type;

    (void)state;
    assert_non_null(st);
    assert_non_null(dots);
    for (i = 0; i < K; i++)
        x[i] = (float)(i * 37 % 101) / 50 - 1;
    for (type = TF_Q4_0; type < TF_MXFP4; type++) {
        const struct tf_dtype_info *info = tf_dtype_info((enum tf_dtype)type);
        const struct tf_tensor *t = tf_safetensors_find(dots, info->name);
        size_t k = info->block > TF_Q8_SCALED ? K : SHORT;
        char *w = repeat_blocks(tf_safetensors_find(st, info->name),
                                COLUMNS * k / info->block * info->bytes);
        bool same = type != TF_Q4_1 && type != TF_Q5_1 && type != TF_IQ4_NL;

        assert_non_null(t);
        for (level = 0; level < 3; level++) {
            const struct tf_kernels *kern = tf_kernels_at(levels[level]);

            if (!kern)
                continue;
            tf_q8_quantize(kern, q, x, k, info->block);
            kern->q8_dots[type](k, q, K / TF_Q8_CHUNK, 1, w, k, COLUMNS, c,
                                COLUMNS);
            for (i = 0; i < COLUMNS; i++) {
                float want = ((const float *)t->data)[i];

                if (!(fabsf(c[i] - want) <= (same ? 0 : 1e-4f)))
                    fail_msg("%s, %s: %.9g, expected %.9g", levels[level],
                             info->name, (double)c[i], (double)want);
            }
        }
        free(w);
    }
    tf_safetensors_close(dots);
    tf_safetensors_close(st);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unpacks_blocks_as_the_gguf_package),
        cmocka_unit_test(multiplies_by_blocks_as_by_their_numbers),
        cmocka_unit_test(multiplies_int8_rows_as_their_numbers),
        cmocka_unit_test(multiplies_int8_rows_as_ggml_does),
        cmocka_unit_test(multiplies_many_int8_rows_as_their_numbers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
