#include "cmd/hub.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { AUTO, ALWAYS, NEVER };
#define LINES_MAX 9 /* the total and the largest files on their way */
#define ERASE     "\033[%dA\033[J" /* so many lines up, and all below */

static int drawn; /* lines that stand on the terminal */
static const char *doing;
static double began, spoken;
static uint64_t first_bytes;

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* At the first look at each kind of work: the rate is counted from here. */
static void start(const struct tf_hub_progress *p)
{
    if (doing && !strcmp(doing, p->doing))
        return;
    doing = p->doing;
    began = spoken = now();
    first_bytes = p->bytes_done;
}

/* "1.2 GB" */
static void put_bytes(char out[16], double n)
{
    static const char *const units[] = { "B", "kB", "MB", "GB", "TB" };
    size_t u = 0;

    for (; n >= 999.5 && u < 4; u++)
        n /= 1000;
    snprintf(out, 16, u ? "%.1f %s" : "%.0f %s", n, units[u]);
}

static int columns(void)
{
    struct winsize w;

    return ioctl(STDERR_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col > 20 ? w.ws_col
                                                                      : 80;
}

/* A line of the frame, cut to the terminal's width at a character. */
static void add_line(struct tf_buf *frame, const char *text, int width)
{
    size_t n = strlen(text);

    if (n >= (size_t)width)
        for (n = (size_t)width - 1; n > 0 && (text[n] & 0xc0) == 0x80; n--)
            ;
    tf_buf_add(frame, text, n);
    tf_buf_addc(frame, '\n');
    drawn++;
}

static void total_line(char *out, size_t size, const struct tf_hub_progress *p)
{
    double seconds = now() - began;
    double rate = seconds > 0.5 && p->bytes_done > first_bytes
                      ? (double)(p->bytes_done - first_bytes) / seconds
                      : 0;
    double left = rate > 0 && p->bytes > p->bytes_done
                      ? (double)(p->bytes - p->bytes_done) / rate
                      : 0;
    char done[16], all[16], speed[16];

    put_bytes(done, (double)p->bytes_done);
    put_bytes(all, (double)p->bytes);
    put_bytes(speed, rate);
    snprintf(out, size, "%s %zu/%zu files, %s of %s, %s/s, %.0f:%02.0f left",
             p->doing, p->tasks_done, p->tasks, done, all, speed,
             (double)(long)(left / 60), left - 60 * (double)(long)(left / 60));
}

static void file_line(char *out, size_t size, const struct tf_hub_active *a)
{
    char done[16], all[16];

    put_bytes(done, (double)a->done);
    put_bytes(all, (double)a->size);
    if (a->size > 0)
        snprintf(out, size, "  %3d%% %9s of %9s  %s",
                 (int)(100 * (double)a->done / (double)a->size), done, all,
                 a->name);
    else
        snprintf(out, size, "       %9s               %s", done, a->name);
}

/* Over the last frame, with one write, so that nothing flickers. */
static void draw(void *arg, const struct tf_hub_progress *p)
{
    static struct tf_buf frame;
    char text[400];
    int width = columns();

    (void)arg;
    start(p);
    tf_buf_reset(&frame);
    if (drawn > 0)
        tf_buf_addf(&frame, ERASE, drawn);
    drawn = 0;
    total_line(text, sizeof(text), p);
    add_line(&frame, text, width);
    for (size_t i = 0; i < p->nactive && drawn < LINES_MAX; i++) {
        file_line(text, sizeof(text), &p->active[i]);
        add_line(&frame, text, width);
    }
    if (!frame.failed)
        fwrite(frame.data, 1, frame.len, stderr);
}

/* Where there is no terminal: a line now and then. */
static void speak(void *arg, const struct tf_hub_progress *p)
{
    char text[400];

    (void)arg;
    start(p);
    if (now() - spoken < 5)
        return;
    spoken = now();
    total_line(text, sizeof(text), p);
    cli_warn("%s", text);
}

tf_hub_progress_fn *hub_progress(void)
{
    if (cli.quiet || hub_options.progress == NEVER)
        return NULL;
    if (isatty(STDERR_FILENO))
        return hub_options.progress == AUTO &&
                       tf_hub_env_true("HF_HUB_DISABLE_PROGRESS_BARS")
                   ? NULL
                   : draw;
    return hub_options.progress == ALWAYS ? speak : NULL;
}

void hub_progress_end(void)
{
    if (drawn > 0)
        fprintf(stderr, ERASE, drawn);
    drawn = 0;
}
