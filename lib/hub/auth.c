#include "hub/auth.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/io.h"
#include "base/mem.h"
#include "hub/beneath.h"
#include "hub/cache.h"

#define TOKEN_MAX  4096
#define STORED_MAX (1 << 20)

int tf_hub_token_clean(char *token, struct tf_err *err)
{
    size_t start = strspn(token, " \t\r\n"), len;

    memmove(token, token + start, strlen(token + start) + 1);
    len = strlen(token);
    while (len > 0 && strchr(" \t\r\n", token[len - 1]))
        token[--len] = '\0';
    for (size_t i = 0; i < len; i++)
        if (token[i] <= ' ' || token[i] > '~')
            return tf_fail_code(err, "no_login",
                                "the token has a character that no token has");
    return 0;
}

/* The path of the token's file, or of one beside it. */
static char *token_path(const char *beside, struct tf_err *err)
{
    const char *v = getenv("HF_TOKEN_PATH");
    char *path = v && v[0] ? tf_hub_expand(v, err) : tf_hub_home("token", err);
    struct tf_buf other = TF_BUF_INIT;
    const char *slash;
    char *copy = NULL;

    if (!path || !beside)
        return path;
    slash = strrchr(path, '/');
    tf_buf_add(&other, path, slash ? (size_t)(slash - path) + 1 : 0);
    tf_buf_adds(&other, beside);
    if (other.failed)
        tf_no_memory(err, other.len);
    else
        copy = tf_strndup(tf_buf_cstr(&other), other.len, err);
    tf_buf_release(&other);
    free(path);
    return copy;
}

/* Read a file that need not be there. */
static int read_file(const char *path, size_t limit, struct tf_buf *out,
                     struct tf_err *err)
{
    return access(path, F_OK) ? 0 : tf_file_read(path, limit, out, err);
}

int tf_hub_token(char **token, struct tf_err *err)
{
    const char *v = getenv("HF_TOKEN");
    struct tf_buf text = TF_BUF_INIT;
    char *path;
    int status = 0;

    *token = NULL;
    if (!v || !v[0])
        v = getenv("HUGGING_FACE_HUB_TOKEN");
    if (v && v[0]) {
        tf_buf_adds(&text, v);
    } else {
        path = token_path(NULL, err);
        status = path ? read_file(path, TOKEN_MAX, &text, err) : -1;
        free(path);
    }
    if (!status && text.len > 0) {
        *token = tf_strndup(tf_buf_cstr(&text), text.len, err);
        status = *token ? tf_hub_token_clean(*token, err) : -1;
    }
    tf_buf_release(&text);
    if (status || (*token && !**token)) {
        free(*token);
        *token = NULL;
    }
    return status;
}

/* Replace a file that nobody but its owner may read. */
static int write_secret(const char *path, const char *text, struct tf_err *err)
{
    char aside[256];
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    char *folder = slash ? tf_strndup(path, (size_t)(slash - path) + 1, err)
                         : tf_strndup(".", 1, err);
    mode_t mask = umask(077); /* a folder that is made is the owner's too */
    int dir = folder ? tf_beneath_open(folder, err) : -1;
    size_t len = strlen(text);
    int fd, bad;

    umask(mask);
    free(folder);
    if (dir < 0)
        return -1;
    tf_beneath_aside(aside, sizeof(aside), name, "tmp");
    fd = openat(dir, aside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bad = fd < 0 || write(fd, text, len) != (ssize_t)len || fsync(fd);
    if (fd >= 0)
        bad = close(fd) || bad;
    bad = bad || renameat(dir, aside, dir, name);
    if (bad)
        tf_beneath_fail(err, path);
    if (bad && fd >= 0)
        unlinkat(dir, aside, 0);
    close(dir);
    return bad ? -1 : 0;
}

/* Append the sections of an INI text but the one called `name`. */
static void copy_other_sections(struct tf_buf *out, const char *text,
                                const char *name)
{
    size_t n = strlen(name);
    bool skip = false;

    while (*text) {
        size_t len = strcspn(text, "\n");

        if (text[0] == '[')
            skip = len > n + 1 && !strncmp(text + 1, name, n) &&
                   text[n + 1] == ']';
        if (!skip && len > 0) {
            if (text[0] == '[' && out->len > 0)
                tf_buf_addc(out, '\n');
            tf_buf_add(out, text, len);
            tf_buf_addc(out, '\n');
        }
        text += len;
        text += *text == '\n';
    }
}

int tf_hub_token_save(const char *token, const char *name, struct tf_err *err)
{
    char *path = token_path(NULL, err);
    char *stored = path ? token_path("stored_tokens", err) : NULL;
    struct tf_buf old = TF_BUF_INIT, text = TF_BUF_INIT;
    int status = -1;

    if (name[strcspn(name, "]\r\n")]) {
        tf_fail(err, "\"%s\" cannot be the name of a token", name);
    } else if (stored && !read_file(stored, STORED_MAX, &old, err)) {
        copy_other_sections(&text, tf_buf_cstr(&old), name);
        tf_buf_addf(&text, "%s[%s]\nhf_token = %s\n\n", text.len ? "\n" : "",
                    name, token);
        if (text.failed)
            tf_no_memory(err, text.len);
        else
            status = write_secret(stored, tf_buf_cstr(&text), err) ||
                             write_secret(path, token, err)
                         ? -1
                         : 0;
    }
    tf_buf_release(&old);
    tf_buf_release(&text);
    free(path);
    free(stored);
    return status;
}

int tf_hub_token_forget(struct tf_err *err)
{
    int found = 0, status = 0;

    for (int i = 0; i < 2 && !status; i++) {
        char *path = token_path(i ? "stored_tokens" : NULL, err);

        if (!path)
            return -1;
        if (unlink(path) == 0)
            found = 1;
        else if (errno != ENOENT)
            status = tf_fail(err, "%s: %s", path, strerror(errno));
        free(path);
    }
    return status ? status : !found;
}
