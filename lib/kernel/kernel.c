#include "kernel/kernel.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
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
#endif

/* In ascending order; each stands on those before it. */
static const struct level {
    const char *name;
    int (*has)(void);
    void (*fill)(struct tf_kernels *k);
    void (*fill_blocks)(struct tf_kernels *k); /* or NULL */
} levels[] = {
    { "ref", always, tf_kernels_ref, tf_blocks_ref },
#if defined(__x86_64__)
    { "avx2", has_avx2, tf_kernels_avx2, tf_blocks_avx2 },
    { "avx512", has_avx512, tf_kernels_avx512, tf_blocks_avx512 },
#elif defined(__aarch64__)
    { "neon", always, tf_kernels_neon, NULL },
#endif
};

#define LEVELS (sizeof(levels) / sizeof(levels[0]))

static struct tf_kernels tables[LEVELS];
static size_t count; /* levels that this CPU has */
static const struct tf_kernels *chosen;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void choose(void)
{
    const char *cap = getenv("TF_KERNEL");
    size_t i;

    for (i = 0; i < LEVELS && levels[i].has(); i++) {
        if (i)
            tables[i] = tables[i - 1];
        levels[i].fill(&tables[i]);
        if (levels[i].fill_blocks)
            levels[i].fill_blocks(&tables[i]);
        tables[i].name = levels[i].name;
    }
    count = i;
    chosen = &tables[count - 1];
    for (i = 0; cap && i < count; i++)
        if (!strcmp(cap, levels[i].name))
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
    for (i = 0; i < count; i++)
        if (!strcmp(level, levels[i].name))
            return &tables[i];
    return NULL;
}
