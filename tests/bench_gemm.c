/*
 * How fast matrix products are, beside OpenBLAS where it is installed, and
 * what the machine allows: the inner loop alone, and the memory.
 *
 *     bench_gemm [threads [M N K]]
 *
 * Medians of runs that take turns. B is a weight [N][K] of a linear layer.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "base/pool.h"
#include "kernel/gemm.h"
#include "kernel/gemm_int8.h"

enum { RUNS = 15, WAYS = 7 };

typedef void cblas_sgemm_fn(int, int, int, int, int, int, float, const float *,
                            int, const float *, int, float, float *, int);

static struct tf_pool *pool;
static cblas_sgemm_fn *cblas_sgemm;
static struct tf_err err;

/* One thread is timed by its own clock: others may have the core meanwhile. */
static double now(void)
{
    struct timespec t;

    clock_gettime(tf_pool_threads(pool) == 1 ? CLOCK_THREAD_CPUTIME_ID
                                             : CLOCK_MONOTONIC,
                  &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(double *x, size_t n)
{
    qsort(x, n, sizeof(*x), by_value);
    return x[n / 2];
}

static float *numbers(size_t n)
{
    float *x = aligned_alloc(64, (n * sizeof(float) + 64) / 64 * 64);
    size_t i;

    for (i = 0; x && i < n; i++)
        x[i] = (float)(i * 2654435761u % 1000) / 1000 - 0.5f;
    if (!x)
        exit(1);
    return x;
}

enum { LOOP_K = 256, LOOPS = 300 };

static void loop(void *arg, size_t i, int worker)
{
    const struct tf_tiling *k = &tf_kernels()->f32;
    struct tf_tile t = { .k = LOOP_K, .m = k->mr, .n = k->nr, .first = true };

    t.a = t.ahead = arg;
    t.lda = LOOP_K;
    t.b = (float *)arg + k->mr * LOOP_K;
    t.ldb = t.ldc = k->nr;
    t.c = (float *)arg + (k->mr + k->nr) * LOOP_K +
          (size_t)worker * k->mr * k->nr;
    for (i = 0; i < LOOPS; i++)
        k->tile(&t);
}

/* GFLOP/s of the inner loop on every thread, its data in the first cache. */
static double inner_loop(void)
{
    const struct tf_tiling *k = &tf_kernels()->f32;
    size_t threads = (size_t)tf_pool_threads(pool);
    float *x = numbers((k->mr + k->nr) * LOOP_K + threads * k->mr * k->nr);
    double t[RUNS];
    size_t r;

    for (r = 0; r < RUNS; r++) {
        t[r] = now();
        tf_pool_run(pool, threads, loop, x);
        t[r] = now() - t[r];
    }
    free(x);
    return 2e-9 * (double)(k->mr * k->nr * LOOP_K * LOOPS * threads) /
           median(t, RUNS);
}

struct scan {
    const float *x;
    size_t n, parts;
    float *sums;
};

static void scan(void *arg, size_t i, int worker)
{
    const struct scan *s = arg;
    size_t n = s->n / s->parts;

    (void)worker;
    s->sums[i] = tf_kernels()->max(s->x + i * n, n);
}

/* GB/s of reading memory that no cache holds. */
static double memory(void)
{
    size_t n = (size_t)1 << 28, r;
    float *x = numbers(n), sums[64];
    struct scan s = { x, n, 64, sums };
    double t[3];

    for (r = 0; r < 3; r++) {
        t[r] = now();
        tf_pool_run(pool, s.parts, scan, &s);
        t[r] = now() - t[r];
    }
    free(x);
    return 4e-9 * (double)n / median(t, 3);
}

struct problem {
    size_t m, n, k;
    float *a, *b, *c;
    void *half; /* B's values in 16 bits */
    struct tf_int8 int8;
};

static void ours(const struct problem *p, enum tf_dtype dtype)
{
    struct tf_gemm g = {
        .m = p->m,
        .n = p->n,
        .k = p->k,
        .a = { p->a, TF_F32, p->k, 1 },
        .b = { dtype == TF_F32 ? p->b : p->half, dtype, 1, p->k },
        .c = p->c,
        .ldc = p->n,
    };

    if (tf_gemm(pool, &g, &err))
        exit(1);
}

/* dX = dY W and dW = dY^T X, with the letters of the forward product. */
static void backward(const struct problem *p, int of_weight)
{
    struct tf_gemm g = { .m = p->m, .n = p->k, .k = p->n };

    g.a = (struct tf_mat){ p->c, TF_F32, p->n, 1 };
    g.b = (struct tf_mat){ p->b, TF_F32, p->k, 1 };
    g.c = p->a;
    g.ldc = p->k;
    if (of_weight) {
        g.m = p->n;
        g.k = p->m;
        g.a = (struct tf_mat){ p->c, TF_F32, 1, p->n };
        g.b = (struct tf_mat){ p->a, TF_F32, p->k, 1 };
        g.c = p->b;
    }
    if (tf_gemm(pool, &g, &err))
        exit(1);
}

static void by_int8(const struct problem *p)
{
    struct tf_gemm_int8 g = {
        .m = p->m, .x = p->a, .ldx = p->k, .w = &p->int8, .c = p->c, .ldc = p->n
    };

    if (tf_gemm_int8(pool, &g, &err))
        exit(1);
}

static void run(const struct problem *p, int way)
{
    switch (way) {
    case 0:
        if (cblas_sgemm) /* row major, A as it is, B transposed */
            cblas_sgemm(101, 111, 112, (int)p->m, (int)p->n, (int)p->k, 1, p->a,
                        (int)p->k, p->b, (int)p->k, 0, p->c, (int)p->n);
        break;
    case 1:
        ours(p, TF_F32);
        break;
    case 2:
        ours(p, TF_BF16);
        break;
    case 3:
        ours(p, TF_F16);
        break;
    case 4:
        by_int8(p);
        break;
    default:
        backward(p, way == 6);
        break;
    }
}

static void shape(size_t m, size_t n, size_t k)
{
    struct problem p = {
        m, n, k, numbers(m * k), numbers(n * k), numbers(m * n)
    };
    double t[WAYS][RUNS], flops = 2 * (double)m * (double)n * (double)k;
    int r, way;
    int8_t *q = calloc(n * k, 1);
    float *scale = calloc(n, sizeof(*scale));
    int32_t *sums = calloc(n, sizeof(*sums));

    if (!q || !scale || !sums)
        exit(1);
    tf_int8_quantize(pool, n, k, p.b, k, q, scale);
    p.int8 = (struct tf_int8){ n, k, q, k, scale, NULL };
    tf_int8_sums(pool, &p.int8, sums);
    p.int8.sums = sums;
    p.half = calloc(n * k, 2);
    if (!p.half)
        exit(1);
    for (r = -1; r < RUNS; r++) {
        for (way = 0; way < WAYS; way++) {
            double start = now();

            run(&p, way);
            if (r >= 0)
                t[way][r] = now() - start;
        }
    }
    printf("%5zu %5zu %5zu", m, n, k);
    for (way = 0; way < WAYS; way++)
        printf(" %8.1f",
               cblas_sgemm || way ? flops * 1e-9 / median(t[way], RUNS) : 0);
    printf("\n");
    fflush(stdout);
    free(q);
    free(scale);
    free(sums);
    free(p.half);
    free(p.a);
    free(p.b);
    free(p.c);
}

int main(int argc, char **argv)
{
    static const size_t ms[] = { 1, 4, 8, 16, 32, 128, 1024, 4096 };
    static const size_t nk[][2] = { { 384, 384 },  { 1536, 384 }, { 384, 1536 },
                                    { 768, 768 },  { 3072, 768 }, { 768, 3072 },
                                    { 2048, 2048 } };
    int threads = argc > 1 ? atoi(argv[1]) : tf_cpu_count();
    void *blas = dlopen("libopenblas.so.0", RTLD_NOW);
    size_t i, j;

    pool = tf_pool_new(threads, &err);
    if (!pool)
        return 1;
    if (blas) {
        void (*set_threads)(int);

        *(void **)&cblas_sgemm = dlsym(blas, "cblas_sgemm");
        *(void **)&set_threads = dlsym(blas, "openblas_set_num_threads");
        set_threads(threads);
    }
    printf("kernels %s, %d threads, inner loop %.1f GFLOP/s, memory %.1f GB/s; "
           "GFLOP/s:\n    M     N     K OpenBLAS      f32     bf16"
           "      f16     int8       dX       dW\n",
           tf_kernels()->name, threads, inner_loop(), memory());
    if (argc > 4) {
        shape((size_t)atol(argv[2]), (size_t)atol(argv[3]),
              (size_t)atol(argv[4]));
    } else {
        for (j = 0; j < sizeof(nk) / sizeof(nk[0]); j++)
            for (i = 0; i < sizeof(ms) / sizeof(ms[0]); i++)
                shape(ms[i], nk[j][0], nk[j][1]);
    }
    printf("inner loop %.1f GFLOP/s\n", inner_loop());
    tf_pool_free(pool);
    return 0;
}
