#define _GNU_SOURCE /* sched_getaffinity */
#include "base/pool.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static long affinity(void)
{
#ifdef CPU_COUNT_S
    size_t bits;

    for (bits = 1024; bits <= 1 << 20; bits *= 2) {
        size_t size = CPU_ALLOC_SIZE(bits);
        cpu_set_t *set = CPU_ALLOC(bits);
        long n = 0;

        if (!set)
            break;
        if (!sched_getaffinity(0, size, set))
            n = CPU_COUNT_S(size, set);
        CPU_FREE(set);
        if (n > 0)
            return n;
        if (errno != EINVAL) /* EINVAL: the kernel's set is larger */
            break;
    }
#endif
    return sysconf(_SC_NPROCESSORS_ONLN);
}

/* The two numbers that say how much of how long a group may run. */
static int read_numbers(const char *dir, const char *path, const char *name,
                        double *a, double *b)
{
    char file[4096];
    int n = 0;
    FILE *f;

    if (snprintf(file, sizeof(file), "%s%s/%s", dir, path, name) >=
        (int)sizeof(file))
        return 0;
    f = fopen(file, "r");
    if (f) {
        n = fscanf(f, "%lf %lf", a, b); /* "max 100000" gives 0 */
        fclose(f);
    }
    return n;
}

/* The smallest quota of a group and its parents, in cores; 0: none. Inside a
 * container the named group may be out of sight, but the root is its own. */
static double group_quota(const char *dir, char *path, int version)
{
    double least = 0, quota, period, unused;
    char *slash;

    for (;;) {
        int found;

        if (version == 2)
            found = read_numbers(dir, path, "cpu.max", &quota, &period) == 2;
        else
            found = read_numbers(dir, path, "cpu.cfs_quota_us", &quota,
                                 &unused) == 1 &&
                    read_numbers(dir, path, "cpu.cfs_period_us", &period,
                                 &unused) == 1;
        if (found && quota > 0 && period > 0 &&
            (least == 0 || quota / period < least))
            least = quota / period;
        slash = strrchr(path, '/');
        if (!slash)
            return least;
        *slash = 0;
    }
}

static int has_word(const char *list, const char *word)
{
    size_t n = strlen(word);

    for (; list; list = strchr(list, ',')) {
        list += *list == ',';
        if (!strncmp(list, word, n) && (list[n] == ',' || !list[n]))
            return 1;
    }
    return 0;
}

static double quota(void)
{
    FILE *f = fopen("/proc/self/cgroup", "r");
    char line[4096], *names, *path;
    double least = 0, q;

    if (!f)
        return 0;
    while (fgets(line, sizeof(line), f)) {
        line[strcspn(line, "\n")] = 0;
        names = strchr(line, ':'); /* "4:cpu,cpuacct:/path", "0::/path" */
        path = names ? strchr(names + 1, ':') : NULL;
        if (!path)
            continue;
        *path++ = 0;
        names++;
        if (!strcmp(path, "/"))
            *path = 0;
        if (!*names)
            q = group_quota("/sys/fs/cgroup", path, 2);
        else if (has_word(names, "cpu"))
            q = group_quota("/sys/fs/cgroup/cpu", path, 1);
        else
            continue;
        if (q > 0 && (least == 0 || q < least))
            least = q;
    }
    fclose(f);
    return least;
}

int tf_cpu_count(void)
{
    long n = affinity();
    double q = quota();

    if (q > 0 && q < (double)n) {
        n = (long)q;
        n += (double)n < q;
    }
    return n > 1 ? (int)n : 1;
}
