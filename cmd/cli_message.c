#include "cmd/cli_private.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *name(void)
{
    return cli_tool ? cli_tool->name : "tf";
}

/* One write, so that lines of programs that run side by side stay whole; and
 * one line, whatever bytes a file name or a message brings. */
static void say(const char *fmt, va_list ap)
{
    char text[2048];
    int n = snprintf(text, sizeof(text), "%s: ", name()), i, m;

    m = vsnprintf(text + n, sizeof(text) - (size_t)n - 1, fmt, ap);
    m = n + (m < 0 ? 0 : m);
    if (m > (int)sizeof(text) - 2)
        m = (int)sizeof(text) - 2;
    for (i = n; i < m; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            text[i] = '?';
    text[m++] = '\n';
    cli_progress_clear();
    fwrite(text, 1, (size_t)m, stderr);
}

void cli_warn(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    say(fmt, ap);
    va_end(ap);
}

void cli_note(const char *fmt, ...)
{
    va_list ap;

    if (cli.quiet)
        return;
    va_start(ap, fmt);
    say(fmt, ap);
    va_end(ap);
}

void cli_verbose(const char *fmt, ...)
{
    va_list ap;

    if (!cli.verbose)
        return;
    va_start(ap, fmt);
    say(fmt, ap);
    va_end(ap);
}

void cli_die(int status, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    say(fmt, ap);
    va_end(ap);
    exit(status);
}

void cli_usage(const char *fmt, ...)
{
    char text[1024];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    cli_die(CLI_USAGE, "%s (see %s%s%s --help)", text, name(),
            cli_tool && cli_tool->command ? " " : "",
            cli_tool && cli_tool->command ? cli_tool->command : "");
}

int cli_status_of(const struct tf_err *err)
{
    return err->code && !strcmp(err->code, "network") ? CLI_NETWORK : CLI_FILE;
}

/* How many letters to insert, delete, replace or swap (optimal string
 * alignment); words above the size of the table are far from everything. */
#define WORD_MAX 63

static size_t distance(const char *a, size_t n, const char *b, size_t m)
{
    unsigned char d[WORD_MAX + 1][WORD_MAX + 1];
    size_t i, j, best;

    if (n > WORD_MAX || m > WORD_MAX)
        return SIZE_MAX;
    for (i = 0; i <= n; i++)
        d[i][0] = (unsigned char)i;
    for (j = 0; j <= m; j++)
        d[0][j] = (unsigned char)j;
    for (i = 1; i <= n; i++)
        for (j = 1; j <= m; j++) {
            best = (size_t)d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
            if ((size_t)d[i - 1][j] + 1 < best)
                best = (size_t)d[i - 1][j] + 1;
            if ((size_t)d[i][j - 1] + 1 < best)
                best = (size_t)d[i][j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
                a[i - 2] == b[j - 1] && (size_t)d[i - 2][j - 2] + 1 < best)
                best = (size_t)d[i - 2][j - 2] + 1;
            d[i][j] = (unsigned char)best;
        }
    return d[n][m];
}

const char *cli_closest(const char *word, const char *words)
{
    static char found[WORD_MAX + 1];
    size_t n = strlen(word), best = SIZE_MAX, len, d;
    const char *p, *end;

    for (p = words;; p = end + 1) {
        end = p + strcspn(p, "|");
        len = (size_t)(end - p);
        d = distance(word, n, p, len);
        /* a beginning counts as near: --max-len, --aggreg */
        if (d > 1 && n > 2 && len > n && len <= WORD_MAX && !memcmp(p, word, n))
            d = 1;
        if (d < best && d <= (n < 4 ? 1 : n < 9 ? 2 : 3)) {
            best = d;
            memcpy(found, p, len);
            found[len] = 0;
        }
        if (!*end)
            return best < SIZE_MAX ? found : NULL;
    }
}
