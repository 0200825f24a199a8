#include "cmd/generate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/buf.h"
#include "base/jsonl.h"

void generate_feed(const char *text)
{
    struct tf_buf record = TF_BUF_INIT;
    size_t len = strlen(text);
    FILE *f = tmpfile();

    if (tf_utf8_valid(text, len) != len)
        cli_usage("--prompt: not valid UTF-8");
    tf_buf_addc(&record, '{');
    tf_put_string(&record, cli.field, strlen(cli.field));
    tf_buf_adds(&record, ": ");
    tf_put_string(&record, text, len);
    tf_buf_adds(&record, "}\n");
    if (!f || fwrite(record.data, 1, record.len, f) != record.len ||
        fflush(f) || fseek(f, 0, SEEK_SET) || dup2(fileno(f), STDIN_FILENO) < 0)
        cli_die(CLI_FILE, "can't keep the prompt: %s", strerror(errno));
    fclose(f);
    tf_buf_release(&record);
}

void generate_resume(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    char chunk[65536];
    size_t lines = 0;
    off_t at = 0, end = 0;
    ssize_t n, i;

    if (fd < 0)
        cli_die(CLI_FILE, "%s: %s", path, strerror(errno));
    while ((n = read(fd, chunk, sizeof(chunk))) > 0) {
        for (i = 0; i < n; i++)
            if (chunk[i] == '\n') {
                lines++;
                end = at + i + 1;
            }
        at += n;
    }
    if (n < 0 || ftruncate(fd, end) || lseek(fd, end, SEEK_SET) < 0 ||
        dup2(fd, STDOUT_FILENO) < 0)
        cli_die(CLI_FILE, "%s: %s", path, strerror(errno));
    close(fd);
    cli_skip(lines);
}
