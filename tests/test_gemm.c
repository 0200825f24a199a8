#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "kernel/gemm.h"

/* Every level of this CPU runs the whole file, in a process of its own: the
 * choice of kernels is made once. */
static const char *const levels[] = { "ref",  "avx2", "avxvnni", "avx512",
                                      "vnni", "amx",  "neon" };

static struct tf_pool *pool;
static uint32_t seed;

static float draw(void)
{
    seed = seed * 1664525 + 1013904223;
    return (float)(int32_t)seed / 2147483648.0f;
}

/* An operand of rows x cols in a layout of choice, with its values. */
struct operand {
    struct tf_mat mat;
    float *values; /* [rows][cols] */
    void *memory;
};

enum layout { BY_ROWS, BY_COLUMNS, SPREAD };

static void fill(struct operand *o, size_t rows, size_t cols,
                 enum tf_dtype dtype, enum layout layout)
{
    const struct tf_kernels *kern = tf_kernels();
    size_t gap = 3, step = layout == SPREAD ? 2 : 1, i, j, at, count;
    size_t bytes = tf_dtype_info(dtype)->bytes;
    char *data;

    count =
        layout == BY_COLUMNS ? (rows + gap) * cols : (cols * step + gap) * rows;
    o->values = calloc(rows * cols + 1, sizeof(float));
    /* 16-bit elements lie at odd addresses, as they may in a file */
    o->memory = calloc(count + 2, bytes);
    data = (char *)o->memory + (dtype == TF_F32 ? 4 : 1);
    o->mat.data = data;
    o->mat.dtype = dtype;
    o->mat.rs = layout == BY_COLUMNS ? 1 : cols * step + gap;
    o->mat.cs = layout == BY_COLUMNS ? rows + gap : step;
    for (i = 0; i < rows; i++) {
        for (j = 0; j < cols; j++) {
            uint16_t half;
            float x = draw();

            at = i * o->mat.rs + j * o->mat.cs;
            if (dtype == TF_F32) {
                memcpy(data + at * 4, &x, 4);
            } else {
                if (dtype == TF_F16)
                    kern->pack_f16(&half, &x, 1);
                else
                    kern->pack_bf16(&half, &x, 1);
                memcpy(data + at * 2, &half, 2);
                tf_dtype_info(dtype)->unpack(&x, &half, 1);
            }
            o->values[i * cols + j] = x;
        }
    }
}

static void release(struct operand *o)
{
    free(o->values);
    free(o->memory);
}

static double exact(const struct operand *a, const struct operand *b, size_t i,
                    size_t j, size_t n, size_t k)
{
    double sum = 0;
    size_t p;

    for (p = 0; p < k; p++)
        sum += (double)a->values[i * k + p] * b->values[p * n + j];
    return sum;
}

/* Rounding of a sum of k products of magnitude at most 1. */
static void assert_near(double found, double expected, size_t k)
{
    if (!(fabs(found - expected) <= 2e-7 * (4 + sqrt((double)k) * 4)))
        fail_msg("found %.9g, expected %.9g, k %zu", found, expected, k);
}

static void check(const struct tf_gemm *g, const struct operand *a,
                  const struct operand *b)
{
    size_t i, j, step = g->m * g->n > 5000 ? 7 : 1;

    for (i = 0; i < g->m; i += 1)
        for (j = i % step; j < g->n; j += step)
            assert_near(g->c[i * g->ldc + j], exact(a, b, i, j, g->n, g->k),
                        g->k);
    for (i = 0; i < g->m; i++)
        for (j = g->n; j < g->ldc; j++)
            assert_true(g->c[i * g->ldc + j] == 77);
}

static void clear(struct tf_gemm *g)
{
    size_t i;

    for (i = 0; i < g->m * g->ldc; i++)
        g->c[i] = 77;
}

static void product(size_t m, size_t n, size_t k, enum tf_dtype ta,
                    enum layout la, enum tf_dtype tb, enum layout lb)
{
    struct operand a, b;
    struct tf_gemm g = { .m = m, .n = n, .k = k, .ldc = n + 5 };
    struct tf_err err;
    float *scratch;

    fill(&a, m, k, ta, la);
    fill(&b, k, n, tb, lb);
    g.a = a.mat;
    g.b = b.mat;
    g.c = calloc(m * g.ldc + 1, sizeof(float));

    clear(&g);
    assert_int_equal(tf_gemm(pool, &g, &err), 0);
    check(&g, &a, &b);

    clear(&g);
    scratch = aligned_alloc(64, (tf_gemm_scratch(m, n, k) + 16) / 16 * 64);
    tf_gemm_serial(&g, scratch);
    check(&g, &a, &b);
    free(scratch);

    free(g.c);
    release(&a);
    release(&b);
}

static void multiplies_every_small_shape(void **state)
{
    static const size_t sizes[] = { 0, 1, 2, 3, 5, 8, 13, 17, 31, 33, 47 };
    size_t n = sizeof(sizes) / sizeof(sizes[0]), i, j, k;

    (void)state;
    for (i = 0; i < n; i++)
        for (j = 0; j < n; j++)
            for (k = 0; k < n; k++)
                product(sizes[i], sizes[j], sizes[k], TF_F32, BY_ROWS, TF_F32,
                        (i + j + k) % 2 ? BY_ROWS : BY_COLUMNS);
}

static void multiplies_every_layout_and_type(void **state)
{
    static const enum tf_dtype types[] = { TF_F32, TF_F16, TF_BF16 };
    static const size_t shapes[][3] = { { 1, 37, 300 },  { 7, 65, 257 },
                                        { 16, 64, 512 }, { 61, 35, 530 },
                                        { 33, 130, 70 }, { 150, 40, 259 } };
    size_t s, t, la, lb;

    (void)state;
    for (s = 0; s < 6; s++)
        for (t = 0; t < 3; t++)
            for (la = 0; la < 3; la++)
                for (lb = 0; lb < 3; lb++)
                    product(shapes[s][0], shapes[s][1], shapes[s][2],
                            types[la == 1 ? t : 0], (enum layout)la, types[t],
                            (enum layout)lb);
}

static void multiplies_shapes_of_many_blocks(void **state)
{
    (void)state;
    product(1, 2000, 700, TF_F32, BY_ROWS, TF_F32, BY_COLUMNS);
    product(5, 30000, 2, TF_F32, BY_ROWS, TF_F32, BY_COLUMNS);
    product(3, 1500, 700, TF_F32, BY_ROWS, TF_BF16, BY_COLUMNS);
    product(2, 1200, 600, TF_F32, BY_ROWS, TF_F32, BY_ROWS);
    product(270, 1100, 530, TF_F32, BY_ROWS, TF_F32, BY_COLUMNS);
    product(100, 97, 65, TF_F32, BY_ROWS, TF_F16, BY_COLUMNS);
    product(130, 300, 520, TF_F32, BY_ROWS, TF_BF16, BY_COLUMNS);
    product(300, 130, 519, TF_F32, SPREAD, TF_BF16, BY_ROWS);
    product(1300, 70, 300, TF_F32, BY_ROWS, TF_F32, BY_ROWS);
    product(70, 1300, 300, TF_F32, BY_COLUMNS, TF_F32, BY_ROWS);
    product(6, 1700, 300, TF_F32, BY_ROWS, TF_F16, BY_ROWS);
    product(100, 133, 200, TF_F32, BY_ROWS, TF_F16, BY_COLUMNS);
    product(100, 133, 200, TF_F32, BY_ROWS, TF_F32, BY_ROWS);
    product(100, 133, 203, TF_F16, BY_ROWS, TF_F16, BY_ROWS);
    product(133, 100, 200, TF_F16, BY_ROWS, TF_F32, BY_COLUMNS);
}

static void multiplies_more_than_is_packed_at_a_time(void **state)
{
    (void)state;
    product(97, 2700, 520, TF_F32, BY_ROWS, TF_F32, BY_ROWS);
}

static float gelu(float x)
{
    return 0.5f * x * erfcf(x * -0.70710678f);
}

/* m, n, k and how B lies: each path through the product. */
static void with_epilogues(size_t m, size_t n, size_t k, enum layout lb)
{
    struct operand a, b;
    struct tf_epilogue e;
    struct tf_gemm g = { .m = m, .n = n, .k = k, .ldc = n, .epilogue = &e };
    struct tf_err err;
    float *bias = calloc(n, 4), *before = calloc(m * n, 4);
    float *residual = calloc(m * (n + 1), 4);
    size_t i, j, use;

    fill(&a, m, k, TF_F32, BY_ROWS);
    fill(&b, k, n, TF_F32, lb);
    g.a = a.mat;
    g.b = b.mat;
    g.c = calloc(m * n, 4);
    for (j = 0; j < n; j++)
        bias[j] = draw();
    for (i = 0; i < m * (n + 1); i++)
        residual[i] = draw();
    for (use = 0; use < 5; use++) {
        memset(&e, 0, sizeof(e));
        e.alpha = use && use < 4 ? 0.25f : 0;
        e.bias = use && use < 4 ? bias : NULL;
        e.act = use == 1 || use == 2 ? TF_ACT_GELU : TF_ACT_NONE;
        e.pre_act = use == 2 ? before : NULL;
        e.residual = use == 1 ? residual : use == 2 ? g.c : NULL;
        e.ld_residual = use == 1 ? n + 1 : n;
        e.accumulate = use >= 3;
        for (i = 0; i < m * n; i++)
            g.c[i] = 0.5f;
        assert_int_equal(tf_gemm(pool, &g, &err), 0);
        for (i = 0; i < m; i++) {
            for (j = 0; j < n; j++) {
                float x = (float)exact(&a, &b, i, j, n, k), y;

                x = use && use < 4 ? x * 0.25f + bias[j] : x;
                y = use == 1 || use == 2 ? gelu(x) : x;
                y += use == 1 ? residual[i * (n + 1) + j] : use ? 0.5f : 0;
                assert_near(g.c[i * n + j], y, k);
                if (use == 2)
                    assert_near(before[i * n + j], x, k);
            }
        }
    }
    free(bias);
    free(before);
    free(residual);
    free(g.c);
    release(&a);
    release(&b);
}

static void applies_the_epilogue_in_its_order(void **state)
{
    (void)state;
    with_epilogues(1, 70, 80, BY_COLUMNS);
    with_epilogues(3, 70, 80, BY_ROWS);
    with_epilogues(20, 70, 80, BY_COLUMNS);
    with_epilogues(90, 35, 300, BY_COLUMNS);
    with_epilogues(40, 75, 300, BY_ROWS);
}

/* A row of C must not change with the rows beside it, as long as the same
 * instructions make it: few rows go without AMX. */
static void sums_in_one_order_whatever_the_rows(void **state)
{
    enum { M = 200, N = 110, K = 600 };
    struct operand a, b;
    struct tf_gemm g = { .n = N, .k = K, .ldc = N };
    struct tf_err err;
    float *whole = calloc(M * N, 4), *part = calloc(M * N, 4);
    size_t m;

    (void)state;
    fill(&a, M, K, TF_F32, BY_ROWS);
    fill(&b, K, N, TF_F32, BY_COLUMNS);
    g.a = a.mat;
    g.b = b.mat;
    g.m = M;
    g.c = whole;
    assert_int_equal(tf_gemm(pool, &g, &err), 0);
    for (m = tf_kernels()->bf16.tile ? 96 : 9; m < M; m += 19) {
        g.m = m;
        g.c = part;
        assert_int_equal(tf_gemm(NULL, &g, &err), 0);
        assert_memory_equal(whole, part, m * N * sizeof(float));
    }
    free(whole);
    free(part);
    release(&a);
    release(&b);
}

static int run(const char *level)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(multiplies_every_small_shape),
        cmocka_unit_test(multiplies_every_layout_and_type),
        cmocka_unit_test(multiplies_shapes_of_many_blocks),
        cmocka_unit_test(applies_the_epilogue_in_its_order),
        cmocka_unit_test(sums_in_one_order_whatever_the_rows),
        cmocka_unit_test(multiplies_more_than_is_packed_at_a_time),
    };
    struct tf_err err;
    int failed;

    setenv("TF_KERNEL", level, 1);
    if (!tf_kernels_at(level))
        return 0;
    pool = tf_pool_new(2, &err);
    failed = cmocka_run_group_tests_name(level, tests, NULL, NULL);
    tf_pool_free(pool);
    return failed != 0;
}

int main(void)
{
    size_t i;
    int status, failed = 0;

    for (i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
        pid_t child = fork();

        if (!child)
            exit(run(levels[i]));
        if (child < 0 || waitpid(child, &status, 0) < 0 || status)
            failed = 1;
    }
    return failed;
}
