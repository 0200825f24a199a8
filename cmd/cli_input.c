#include "cmd/cli_private.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/mem.h"

#define READ_SIZE ((size_t)256 << 10)
/* A file that begins with this many blanks and nothing else is taken as text,
 * so that not all of it need be kept before the kind is known. */
#define BLANKS_MAX ((size_t)1 << 20)
#define BOM        "\xef\xbb\xbf"

struct cli_input {
    char **files; /* those not opened yet */
    uint64_t done, all;

    int fd;           /* the open file, or -1 */
    const char *name; /* NULL: standard input */
    bool ended;       /* no more bytes will come */
    bool begun;       /* the byte order mark was looked for */
    bool known;       /* text or JSON is decided */
    bool json;
    bool skipping; /* inside a record that is too large */
    size_t number; /* of the last record */

    struct tf_buf buf;
    size_t pos;     /* where the next record begins in buf */
    size_t scanned; /* bytes from there without a separator */
};

static char dash[] = "-";
static char *standard_input[] = { dash, NULL };

struct cli_input *cli_input_new(char **files, struct tf_err *err)
{
    struct cli_input *in = tf_alloc(1, sizeof(*in), err);
    bool known = true;
    struct stat st;
    char **f;

    if (!in)
        return NULL;
    in->fd = -1;
    in->files = *files ? files : standard_input;
    for (f = in->files; *f; f++) {
        if (strcmp(*f, "-") ? stat(*f, &st) : fstat(0, &st))
            continue;
        known = known && S_ISREG(st.st_mode);
        in->all += (uint64_t)st.st_size;
    }
    if (!known)
        in->all = 0;
    return in;
}

void cli_input_free(struct cli_input *in)
{
    if (in->fd > 0)
        close(in->fd);
    tf_buf_release(&in->buf);
    free(in);
}

void cli_input_progress(const struct cli_input *in, uint64_t *done,
                        uint64_t *all)
{
    *done = in->done - (in->buf.len - in->pos);
    *all = in->all;
}

static void failed(const char *name, int *status)
{
    cli_warn("%s: %s", name ? name : "standard input", strerror(errno));
    if (*status < CLI_FILE)
        *status = CLI_FILE;
}

static bool open_next(struct cli_input *in, int *status)
{
    const char *name;

    while ((name = *in->files)) {
        in->files++;
        in->name = strcmp(name, "-") ? name : NULL;
        in->fd = in->name ? open(name, O_RDONLY | O_CLOEXEC) : 0;
        if (in->fd < 0) {
            failed(name, status);
            continue;
        }
        in->ended = in->begun = in->known = in->json = in->skipping = false;
        in->number = in->pos = in->scanned = 0;
        tf_buf_reset(&in->buf);
        return true;
    }
    return false;
}

static bool is_ready(int fd)
{
    struct pollfd p = { .fd = fd, .events = POLLIN };

    return poll(&p, 1, 0) != 0; /* an error shows when it is read */
}

static void fill(struct cli_input *in, int *status)
{
    struct tf_buf *b = &in->buf;
    struct pollfd p = { .fd = in->fd, .events = POLLIN };
    char *room;
    ssize_t n;

    if (in->pos) {
        b->len -= in->pos;
        memmove(b->data, b->data + in->pos, b->len);
        in->pos = 0;
    }
    if (!b->len && b->cap > 16 * READ_SIZE)
        tf_buf_release(b);
    room = tf_buf_room(b, READ_SIZE);
    if (!room)
        cli_die(CLI_FILE, "no memory for a record of %zu bytes", b->len);
    while ((n = read(in->fd, room, READ_SIZE)) < 0) {
        if (errno == EAGAIN || errno == EWOULDBLOCK)
            poll(&p, 1, -1);
        else if (errno != EINTR)
            break;
    }
    if (n > 0) {
        b->len += (size_t)n;
        in->done += (size_t)n;
        return;
    }
    if (n < 0) {
        failed(in->name, status);
        b->len = 0; /* half a record is none */
        in->skipping = false;
    }
    in->ended = true;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Pass a byte order mark and tell text from JSON; false: more bytes needed. */
static bool look(struct cli_input *in)
{
    struct tf_buf *b = &in->buf;
    size_t i;

    if (!in->begun) {
        if (b->len < 3 && !in->ended && !memcmp(b->data, BOM, b->len))
            return false;
        if (b->len >= 3 && !memcmp(b->data, BOM, 3))
            in->pos = 3;
        in->begun = true;
    }
    if (in->known)
        return true;
    if (cli_settings.input != CLI_INPUT_AUTO || cli_settings.nul) {
        in->json = cli_settings.input == CLI_INPUT_JSONL;
    } else {
        for (i = in->pos + in->scanned; i < b->len && is_blank(b->data[i]);)
            i++;
        in->scanned = i - in->pos;
        if (i == b->len && !in->ended && in->scanned < BLANKS_MAX)
            return false;
        in->json = i < b->len && b->data[i] == '{';
        in->scanned = 0;
    }
    in->known = true;
    return true;
}

static bool all_blank(struct tf_str s)
{
    size_t i;

    for (i = 0; i < s.len && is_blank(s.s[i]); i++)
        ;
    return i == s.len;
}

/* The next record of the buffer; false: there is no whole one. */
static bool cut(struct cli_input *in, struct cli_line *line)
{
    struct tf_buf *b = &in->buf;
    char *begin, *end;
    size_t len;

    for (;;) {
        if (in->pos == b->len && !(in->ended && in->skipping))
            return false;
        begin = b->data + in->pos;
        len = b->len - in->pos;
        end = len > in->scanned
                  ? memchr(begin + in->scanned, cli_settings.nul ? 0 : '\n',
                           len - in->scanned)
                  : NULL;
        if (!end && !in->ended) {
            in->scanned = len;
            if (len > CLI_RECORD_MAX || in->skipping) {
                in->skipping = true;
                in->pos = b->len;
                in->scanned = 0;
            }
            return false;
        }
        if (end)
            len = (size_t)(end - begin);
        in->pos += len + (end != NULL);
        in->scanned = 0;

        *line = (struct cli_line){ .text = { begin, len }, .json = in->json };
        line->too_large = in->skipping || len > CLI_RECORD_MAX;
        in->skipping = false;
        if (line->too_large)
            line->text = (struct tf_str){ "", 0 };
        else if (in->json && all_blank(line->text))
            continue;
        else if (!in->json && !cli_settings.nul && len &&
                 begin[len - 1] == '\r')
            line->text.len--;
        line->file = in->name;
        line->number = ++in->number;
        return true;
    }
}

enum cli_next cli_input_next(struct cli_input *in, bool wait,
                             struct cli_line *line, int *status)
{
    for (;;) {
        if (in->fd < 0 && !open_next(in, status))
            return CLI_NEXT_END;
        if (in->buf.len && look(in) && cut(in, line))
            return CLI_NEXT_LINE;
        if (in->ended) {
            if (in->fd > 0)
                close(in->fd);
            in->fd = -1;
        } else if (!wait && !is_ready(in->fd)) {
            return CLI_NEXT_DRY;
        } else {
            fill(in, status);
        }
    }
}
