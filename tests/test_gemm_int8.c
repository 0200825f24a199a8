/* int8 products at every level, against the procedure of the paper in plain
 * double precision. */
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
#include "base/rng.h"
#include "kernel/gemm_int8.h"

static const char *const levels[] = { "ref",  "avx2", "avxvnni", "avx512",
                                      "vnni", "amx",  "neon" };

static struct tf_pool *pool;

static void fill(float *p, size_t n, uint64_t key)
{
    uint32_t word[4];
    size_t i;

    for (i = 0; i < n; i++) {
        tf_philox(key, 0, i, word);
        p[i] = (float)(2 * tf_uniform(word[0], word[1]) - 1);
    }
}

struct problem {
    size_t m, n, k, ldx, ldw;
    float *x, *scale, *c;
    int8_t *q;
    int32_t *sums;
    float threshold;
    const size_t *start; /* of the records; NULL: rows by themselves */
    size_t records;
};

/* A weight at an odd address, its rows `gap` bytes apart. */
static void make(struct problem *p, size_t m, size_t n, size_t k, size_t gap)
{
    float *w = calloc(n * k + 1, sizeof(*w));
    size_t j;

    memset(p, 0, sizeof(*p));
    p->m = m;
    p->n = n;
    p->k = k;
    p->ldx = k + 3;
    p->ldw = k + gap;
    p->x = calloc(m * p->ldx + 1, sizeof(float));
    p->scale = calloc(n + 1, sizeof(float));
    p->c = calloc(m * n + 1, sizeof(float));
    p->q = calloc(n * p->ldw + 1, 1);
    p->sums = calloc(n + 1, sizeof(*p->sums));
    fill(p->x, m * p->ldx, 1);
    fill(w, n * k, 2);
    for (j = 0; j < n; j++)
        tf_int8_quantize(pool, 1, k, w + j * k, k, p->q + gap % 2 + j * p->ldw,
                         p->scale + j);
    free(w);
}

static void release(struct problem *p)
{
    free(p->x);
    free(p->scale);
    free(p->c);
    free(p->q);
    free(p->sums);
}

static const int8_t *row_of(const struct problem *p, size_t j)
{
    return p->q + (p->ldw - p->k) % 2 + j * p->ldw;
}

/* Whether column c is an outlier in the record of row i. */
static bool is_outlier(const struct problem *p, size_t i, size_t c)
{
    size_t r = 0, row, end = i + 1;

    if (p->threshold == 0)
        return false;
    if (p->start) {
        while (i >= p->start[r + 1])
            r++;
        i = p->start[r];
        end = p->start[r + 1];
    }
    for (row = i; row < end; row++)
        if (fabsf(p->x[row * p->ldx + c]) >= p->threshold)
            return true;
    return false;
}

static double expected(const struct problem *p, size_t i, size_t j)
{
    const float *x = p->x + i * p->ldx;
    const int8_t *w = row_of(p, j);
    double rest = 0;
    float most = 0;
    int64_t sum = 0;
    size_t c;

    for (c = 0; c < p->k; c++)
        if (!is_outlier(p, i, c))
            most = fmaxf(most, fabsf(x[c]));
    for (c = 0; c < p->k; c++) {
        if (is_outlier(p, i, c))
            rest += (double)x[c] * w[c] * p->scale[j];
        else if (most > 0)
            sum += lrintf(x[c] * (127 / most)) * w[c];
    }
    return (double)sum * (most / 127) * p->scale[j] + rest;
}

static void run(struct problem *p, bool with_sums,
                const struct tf_epilogue *epilogue)
{
    struct tf_int8 w = { p->n, p->k, row_of(p, 0), p->ldw, p->scale, NULL };
    struct tf_gemm_int8 g = { .m = p->m,
                              .x = p->x,
                              .ldx = p->ldx,
                              .w = &w,
                              .threshold = p->threshold,
                              .start = p->start,
                              .records = p->records,
                              .c = p->c,
                              .ldc = p->n,
                              .epilogue = epilogue };
    struct tf_err err;

    if (with_sums) {
        tf_int8_sums(pool, &w, p->sums);
        w.sums = p->sums;
    }
    assert_int_equal(tf_gemm_int8(pool, &g, &err), 0);
}

static void assert_near(double found, double wanted)
{
    if (!(fabs(found - wanted) <= 2e-6 * (1 + fabs(wanted))))
        fail_msg("found %.9g, expected %.9g", found, wanted);
}

static void check(const struct problem *p)
{
    size_t i, j;

    for (i = 0; i < p->m; i++)
        for (j = 0; j < p->n; j++)
            assert_near(p->c[i * p->n + j], expected(p, i, j));
}

static void multiplies_every_shape(void **state)
{
    static const size_t sizes[] = { 0, 1, 2, 7, 15, 16, 17, 33, 45, 64 };
    static const size_t depths[] = { 0, 1, 3, 4, 31, 64, 65, 128 };
    struct problem p;
    size_t i, j, d;

    (void)state;
    for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        for (j = 0; j < sizeof(sizes) / sizeof(sizes[0]); j++) {
            for (d = 0; d < sizeof(depths) / sizeof(depths[0]); d++) {
                make(&p, sizes[i], sizes[j], depths[d], (i + d) % 6);
                run(&p, j % 2, NULL);
                check(&p);
                release(&p);
            }
        }
    }
}

static void multiplies_shapes_of_many_blocks(void **state)
{
    static const size_t shapes[][3] = {
        { 1, 700, 2048 }, { 5, 300, 1030 }, { 70, 130, 1536 }, { 300, 40, 512 }
    };
    struct problem p;
    size_t s;

    (void)state;
    for (s = 0; s < 4; s++) {
        make(&p, shapes[s][0], shapes[s][1], shapes[s][2], 0);
        run(&p, true, NULL);
        check(&p);
        release(&p);
    }
}

static void keeps_outliers_whole(void **state)
{
    static const size_t start[] = { 0, 7, 7, 8, 20 };
    struct problem p;

    (void)state;
    make(&p, 20, 45, 100, 4);
    p.threshold = 6;
    p.x[3 * p.ldx + 5] = -60;
    p.x[4 * p.ldx + 99] = 6; /* the threshold itself is one */
    p.x[7 * p.ldx] = 7;
    p.x[19 * p.ldx + 5] = 6.5f;
    p.x[19 * p.ldx + 77] = 5.9f;
    run(&p, true, NULL);
    check(&p);
    p.start = start;
    p.records = 4;
    run(&p, true, NULL);
    check(&p);
    p.threshold = 0;
    run(&p, true, NULL);
    check(&p);
    release(&p);
}

/* What else is in the batch changes nothing, bit for bit. */
static void finds_outliers_for_each_record_by_itself(void **state)
{
    static const size_t both[] = { 0, 9, 30 }, one[] = { 0, 21 };
    struct problem p;
    float alone[21 * 50];

    (void)state;
    make(&p, 30, 50, 300, 0);
    p.threshold = 6;
    p.x[2 * p.ldx + 17] = 30;
    p.x[9 * p.ldx + 40] = 8;
    p.start = both;
    p.records = 2;
    run(&p, true, NULL);
    memcpy(alone, p.c + 9 * 50, sizeof(alone));
    memmove(p.x, p.x + 9 * p.ldx, 21 * p.ldx * sizeof(*p.x));
    p.m = 21;
    p.start = one;
    p.records = 1;
    run(&p, true, NULL);
    assert_memory_equal(alone, p.c, sizeof(alone));
    release(&p);
}

static void applies_the_epilogue(void **state)
{
    struct problem p;
    float bias[50], residual[40 * 50];
    struct tf_epilogue e = { .bias = bias,
                             .act = TF_ACT_RELU,
                             .residual = residual,
                             .ld_residual = 50 };
    size_t i, j;

    (void)state;
    fill(bias, 50, 8);
    fill(residual, 40 * 50, 9);
    make(&p, 40, 50, 64, 0);
    run(&p, true, &e);
    for (i = 0; i < 40; i++)
        for (j = 0; j < 50; j++)
            assert_near(p.c[i * 50 + j], fmax(0, expected(&p, i, j) + bias[j]) +
                                             residual[i * 50 + j]);
    release(&p);
}

static void passes_on_what_is_not_finite(void **state)
{
    struct problem p;
    size_t j;

    (void)state;
    make(&p, 3, 20, 40, 0);
    p.x[p.ldx + 7] = INFINITY;
    p.x[2 * p.ldx + 39] = NAN;
    run(&p, true, NULL);
    for (j = 0; j < 20; j++) {
        assert_near(p.c[j], expected(&p, 0, j));
        assert_true(isnan(p.c[20 + j]));
        assert_true(isnan(p.c[40 + j]));
    }
    release(&p);
}

static void quantizes_alike_at_every_length(void **state)
{
    const struct tf_kernels *k = tf_kernels(), *ref = tf_kernels_at("ref");
    float x[100];
    int8_t found[101], wanted[101];
    size_t n;

    (void)state;
    for (n = 0; n < 100; n++) {
        fill(x, n, n);
        if (n > 2) { /* halves, which go to even */
            x[0] = 127;
            x[1] = 0.5f;
            x[2] = -1.5f;
        }
        memset(found, 7, sizeof(found));
        memset(wanted, 7, sizeof(wanted));
        assert_true(k->quantize(found, x, 128, n) ==
                    ref->quantize(wanted, x, 128, n));
        assert_memory_equal(found, wanted, sizeof(found));
    }
    memset(x, 0, sizeof(x));
    assert_true(k->quantize(found, x, 0, 100) == 0);
    assert_true(found[0] == 0 && found[99] == 0);
}

static int run_level(const char *level)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quantizes_alike_at_every_length),
        cmocka_unit_test(multiplies_every_shape),
        cmocka_unit_test(multiplies_shapes_of_many_blocks),
        cmocka_unit_test(keeps_outliers_whole),
        cmocka_unit_test(finds_outliers_for_each_record_by_itself),
        cmocka_unit_test(applies_the_epilogue),
        cmocka_unit_test(passes_on_what_is_not_finite),
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

/* The choice of kernels is made once in a process: each level has its own. */
int main(void)
{
    size_t i;
    int status, failed = 0;

    for (i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
        pid_t child = fork();

        if (!child)
            exit(run_level(levels[i]));
        if (child < 0 || waitpid(child, &status, 0) < 0 || status)
            failed = 1;
    }
    return failed;
}
