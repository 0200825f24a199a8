#include "cmd/cli_private.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define KEEP_BACK ((size_t)64 << 10)

static struct tf_buf kept;

/* A closed pipe ends the tool as the signal would, had it not been blocked. */
_Noreturn static void can_not_write(void)
{
    if (errno == EPIPE) {
        signal(SIGPIPE, SIG_DFL);
        raise(SIGPIPE);
    }
    cli_die(CLI_FILE, "can't write to standard output: %s", strerror(errno));
}

static void write_all(const char *s, size_t len)
{
    struct pollfd p = { .fd = STDOUT_FILENO, .events = POLLOUT };
    ssize_t n;

    while (len) {
        n = write(STDOUT_FILENO, s, len);
        if (n >= 0) {
            s += n;
            len -= (size_t)n;
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            poll(&p, 1, -1);
        } else if (errno != EINTR) {
            can_not_write();
        }
    }
}

void cli_flush(void)
{
    size_t len = kept.len;

    if (!len)
        return;
    tf_buf_reset(&kept); /* not again when writing fails */
    write_all(kept.data, len);
}

void cli_out(const char *s, size_t len)
{
    if (len < KEEP_BACK) {
        tf_buf_add(&kept, s, len);
        if (kept.failed)
            cli_die(CLI_FILE, "no memory for the output");
        if (kept.len >= KEEP_BACK)
            cli_flush();
    } else {
        cli_flush();
        write_all(s, len);
    }
}

void cli_write(const char *s, size_t len)
{
    cli_flush();
    write_all(s, len);
}

int cli_finish(int status)
{
    cli_progress_clear();
    cli_flush();
    tf_buf_release(&kept);
    if (ferror(stdout) | fclose(stdout))
        can_not_write();
    if (cli_counts.errors && cli.format == CLI_JSONL)
        cli_note("%zu of %zu records failed: \"error\" says why in their place",
                 cli_counts.errors, cli_counts.records);
    cli_stats_print();
    tf_pool_free(cli.pool);
    cli.pool = NULL;
    return status;
}
