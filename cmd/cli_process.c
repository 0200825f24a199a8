#include "cmd/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Become another of these tools: the one beside this program's real path, else
 * the one on PATH. */
static _Noreturn void exec_tool(const char *const *argv)
{
    char self[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    char *slash;

    self[n > 0 ? n : 0] = 0;
    slash = strrchr(self, '/');
    if (slash && (size_t)(slash + 1 - self) + strlen(argv[0]) < sizeof(self)) {
        strcpy(slash + 1, argv[0]);
        execv(self, (char *const *)argv);
    }
    execvp(argv[0], (char *const *)argv);
    _exit(127);
}

pid_t cli_start_tool(const char *const *argv, int in, int *out)
{
    int ends[2];
    pid_t child;

    fflush(stdout);
    if (pipe(ends) || (child = fork()) < 0)
        cli_die(CLI_FILE, "can't run %s: %s", argv[0], strerror(errno));
    if (!child) {
        dup2(in, STDIN_FILENO);
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        close(ends[1]);
        exec_tool(argv);
    }
    close(ends[1]);
    *out = ends[0];
    return child;
}

int cli_wait_tool(pid_t child)
{
    int status;

    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return CLI_FILE;
    return WIFEXITED(status) ? WEXITSTATUS(status) : CLI_FILE;
}

void cli_read_all(int fd, struct tf_buf *out)
{
    ssize_t n;
    char *p;

    while ((p = tf_buf_room(out, 65536))) {
        n = read(fd, p, 65536);
        if (n > 0)
            out->len += (size_t)n;
        else if (!n || errno != EINTR)
            break;
    }
    close(fd);
    if (out->failed)
        cli_die(CLI_FILE, "no memory");
}

int cli_run_tool(const char *const *argv, struct tf_buf *out)
{
    int null = open("/dev/null", O_RDONLY), fd;
    pid_t child = cli_start_tool(argv, null, &fd);

    close(null);
    cli_read_all(fd, out);
    return cli_wait_tool(child);
}
