#include "cmd/cli_private.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define LONG_RUN 2.0 /* seconds before an automatic bar shows */
#define REFRESH  0.2

static double started, loaded;
static const char *loaded_dtype;
static struct tf_buf extra;
static bool shown;

double cli_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void cli_stats_start(void)
{
    started = loaded = cli_now();
}

void cli_stats_loaded(const char *dtype)
{
    loaded = cli_now();
    loaded_dtype = dtype;
}

void cli_stats_put(const char *name, const char *value)
{
    tf_buf_addf(&extra, ", \"%s\": %s", name, value);
}

void cli_count_tokens(struct cli_item *item, size_t n)
{
    item->p->tokens += n;
}

/* Of this program's own memory: ru_maxrss also remembers its parent's, from
 * before the program was loaded. */
static uint64_t peak_rss(void)
{
    FILE *f = fopen("/proc/self/status", "r");
    unsigned long long kib = 0;
    struct rusage use;
    char line[256];

    while (f && fgets(line, sizeof(line), f))
        if (sscanf(line, "VmHWM: %llu kB", &kib) == 1)
            break;
    if (f)
        fclose(f);
    if (!kib && !getrusage(RUSAGE_SELF, &use))
        kib = (unsigned long long)use.ru_maxrss;
    return (uint64_t)kib * 1024;
}

void cli_stats_print(void)
{
    double seconds = cli_now() - loaded;
    double per = seconds > 0 ? 1 / seconds : 0;
    struct tf_buf b = TF_BUF_INIT;

    if (!cli_settings.stats)
        return;
    tf_buf_addf(&b, "{\"records\": %zu, \"errors\": %zu, \"tokens\": %zu",
                cli_counts.records, cli_counts.errors, cli_counts.tokens);
    tf_buf_addf(&b, ", \"seconds\": %.6f, \"load_seconds\": %.6f", seconds,
                loaded - started);
    tf_buf_addf(&b, ", \"records_per_second\": %.3f",
                (double)cli_counts.records * per);
    tf_buf_addf(&b, ", \"tokens_per_second\": %.3f",
                (double)cli_counts.tokens * per);
    tf_buf_addf(&b, ", \"peak_rss_bytes\": %llu",
                (unsigned long long)peak_rss());
    if (loaded_dtype)
        tf_buf_addf(&b, ", \"dtype\": \"%s\"", loaded_dtype);
    else
        tf_buf_adds(&b, ", \"dtype\": null");
    tf_buf_addf(&b, ", \"threads\": %d", tf_pool_threads(cli.pool));
    tf_buf_add(&b, extra.data, extra.len);
    tf_buf_adds(&b, "}\n");
    fwrite(b.data, 1, b.len, stderr);
    tf_buf_release(&b);
    tf_buf_release(&extra);
}

static void put_time(struct tf_buf *b, double seconds)
{
    unsigned long s = (unsigned long)seconds;

    if (s >= 3600)
        tf_buf_addf(b, "%lu:%02lu:%02lu", s / 3600, s / 60 % 60, s % 60);
    else
        tf_buf_addf(b, "%lu:%02lu", s / 60, s % 60);
}

/* Is it time to show, or to show again, how far the run is? */
static bool is_time(void)
{
    static double last;
    bool terminal = isatty(STDERR_FILENO);
    double now = cli_now();

    if (cli_settings.progress == CLI_PROGRESS_NEVER ||
        (cli_settings.progress == CLI_PROGRESS_AUTO &&
         (cli.quiet || !terminal || now - loaded < LONG_RUN)) ||
        now - last < (terminal ? REFRESH : LONG_RUN))
        return false;
    last = now;
    return true;
}

static void draw(double part, const char *text)
{
    bool terminal = isatty(STDERR_FILENO);
    double seconds = cli_now() - loaded;
    struct tf_buf b = TF_BUF_INIT;
    int i;

    tf_buf_addf(&b, "%s%s: ", terminal ? "\r" : "", cli_tool->name);
    if (part > 0) {
        for (i = 0; i < 20; i++)
            tf_buf_addc(&b, i < (int)(part * 20) ? '#' : '.');
        tf_buf_addf(&b, " %3d%% ", (int)(part * 100));
    }
    tf_buf_adds(&b, text);
    if (part > 0) {
        tf_buf_adds(&b, ", left ");
        put_time(&b, seconds / part - seconds);
    }
    tf_buf_adds(&b, terminal ? "\033[K" : "\n");
    fwrite(b.data, 1, b.len, stderr);
    tf_buf_release(&b);
    shown = terminal;
}

void cli_progress_bar(double part, const char *text)
{
    if (is_time())
        draw(part, text);
}

void cli_progress_show(const struct cli_input *in)
{
    double seconds = cli_now() - loaded;
    uint64_t done, all;
    char text[96];

    if (!is_time())
        return;
    cli_input_progress(in, &done, &all);
    snprintf(text, sizeof(text), "%zu records, %.1f/s", cli_counts.records,
             (double)cli_counts.records / (seconds > 0 ? seconds : 1));
    draw(all && done <= all ? (double)done / (double)all : 0, text);
}

void cli_progress_clear(void)
{
    if (shown)
        fputs("\r\033[K", stderr);
    shown = false;
}
