#define _GNU_SOURCE /* syscall() */
#include "kernel/kernel.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#if defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif
#include "kernel/levels.h"

static int always(void)
{
    return 1;
}

#if defined(__x86_64__)
/* Every flag that the file is built with; the compiler's run-time support asks
 * the operating system too whether it saves the wide registers. */
static int has_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
           __builtin_cpu_supports("f16c");
}

static int has_avx512(void)
{
    return has_avx2() && __builtin_cpu_supports("avx512f") &&
           __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512dq");
}

static int has_avxvnni(void)
{
    unsigned a, b, c, d;

    return has_avx2() && __get_cpuid_count(7, 1, &a, &b, &c, &d) && a & 1u << 4;
}

static int has_vnni(void)
{
    return has_avx512() && __builtin_cpu_supports("avx512vnni");
}

/* The large registers are the process's only after it asked for them. */
static int has_amx(void)
{
    enum { ASK = 0x1023, TILE_DATA = 18 };

    return has_avx512() && __builtin_cpu_supports("amx-tile") &&
           __builtin_cpu_supports("amx-int8") &&
           __builtin_cpu_supports("amx-bf16") &&
           !syscall(SYS_arch_prctl, ASK, TILE_DATA);
}
#endif

enum { FILLS = 4 };

/* In ascending order; each stands on the one before it that the CPU has. */
static const struct level {
    const char *name;
    int (*has)(void);
    void (*fill[FILLS])(struct tf_kernels *k); /* NULL: no more */
} levels[] = {
    { "ref", always, { tf_kernels_ref, tf_int8_ref, tf_blocks_ref } },
#if defined(__x86_64__)
    { "avx2",
      has_avx2,
      { tf_kernels_avx2, tf_int8_avx2, tf_blocks_avx2, tf_block_q8_avx2 } },
    { "avxvnni", has_avxvnni, { tf_int8_avxvnni, tf_block_q8_avxvnni } },
    { "avx512", has_avx512, { tf_kernels_avx512, tf_blocks_avx512 } },
    { "vnni", has_vnni, { tf_int8_vnni, tf_block_q8_vnni } },
    { "amx", has_amx, { tf_tiles_amx } },
#elif defined(__aarch64__)
    { "neon", always, { tf_kernels_neon } },
#endif
};

#define LEVELS (sizeof(levels) / sizeof(levels[0]))

static struct tf_kernels tables[LEVELS];
static bool have[LEVELS];
static const struct tf_kernels *chosen;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void choose(void)
{
    const char *cap = getenv("TF_KERNEL");
    struct tf_kernels k = { 0 };
    size_t i, f;

    for (i = 0; i < LEVELS; i++) {
        have[i] = levels[i].has();
        if (!have[i])
            continue;
        for (f = 0; f < FILLS && levels[i].fill[f]; f++)
            levels[i].fill[f](&k);
        k.name = levels[i].name;
        tables[i] = k;
        chosen = &tables[i];
    }
    for (i = 0; cap && i < LEVELS; i++)
        if (have[i] && !strcmp(cap, levels[i].name))
            chosen = &tables[i];
}

const struct tf_kernels *tf_kernels(void)
{
    pthread_once(&once, choose);
    return chosen;
}

const struct tf_kernels *tf_kernels_at(const char *level)
{
    size_t i;

    pthread_once(&once, choose);
    for (i = 0; i < LEVELS; i++)
        if (have[i] && !strcmp(level, levels[i].name))
            return &tables[i];
    return NULL;
}

void tf_pack_floats(enum tf_dtype dtype, void *dst, const float *src, size_t n)
{
    if (dtype == TF_BF16)
        tf_kernels()->pack_bf16(dst, src, n);
    else if (dtype == TF_F16)
        tf_kernels()->pack_f16(dst, src, n);
    else
        memcpy(dst, src, n * sizeof(*src));
}
