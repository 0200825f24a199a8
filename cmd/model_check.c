#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/io.h"
#include "cmd/model.h"
#include "convert/check.h"
#include "hub/hash.h"

static void print_finding(void *arg, json_t *finding)
{
    (void)arg;
    model_print(json_incref(finding));
}

/* The blob's name of a file in a snapshot of the hub's cache, a hash of what
 * it holds; NULL for any other file. */
static const char *blob_name(const char *path, char *target, size_t size)
{
    ssize_t n = readlink(path, target, size - 1);
    const char *slash;

    if (n <= 0)
        return NULL;
    target[n] = 0;
    slash = strrchr(target, '/');
    if (!slash || slash - target < 5 || strncmp(slash - 5, "blobs", 5) ||
        tf_hash_kind_of(slash + 1) == TF_HASH_NONE)
        return NULL;
    return slash + 1;
}

/* Compare a file with the hash that it is named by; true when it is wrong. */
static bool is_broken(const char *path, const char *name, const char *expected)
{
    char found[TF_HASH_HEX];
    struct tf_err err;
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0 || fstat(fd, &st))
        cli_die(CLI_FILE, "%s: %s", path, strerror(errno));
    if (tf_hash_fd(fd, tf_hash_kind_of(expected), (uint64_t)st.st_size, found,
                   &err))
        model_die(&err);
    close(fd);
    if (!strcmp(found, expected))
        return false;
    model_print(json_pack("{s:s, s:s, s:s, s:s}", "file", name, "problem",
                          "wrong hash", "expected", expected, "found", found));
    return true;
}

static long check_hashes(const char *dir, size_t *files)
{
    DIR *d = opendir(dir);
    struct dirent *e;
    long broken = 0;

    *files = 0;
    while (d && (e = readdir(d))) {
        char target[4096];
        struct tf_err err;
        char *path = tf_path(dir, e->d_name, &err);
        const char *blob;

        if (!path)
            model_die(&err);
        blob = blob_name(path, target, sizeof(target));
        if (blob) {
            ++*files;
            broken += is_broken(path, e->d_name, blob);
        }
        free(path);
    }
    if (d)
        closedir(d);
    return broken;
}

int model_verify(char **operands)
{
    const char *model = model_path(operands);
    size_t files, tensors;
    long broken = check_hashes(model, &files), wrong;
    struct tf_err err;

    wrong = tf_check(model, print_finding, NULL, &tensors, &err);
    if (wrong < 0)
        model_die(&err);
    model_print(json_pack("{s:I, s:I, s:I}", "tensors", (json_int_t)tensors,
                          "files_hashed", (json_int_t)files, "problems",
                          (json_int_t)(wrong + broken)));
    return wrong + broken ? CLI_SOME_FAILED : CLI_OK;
}

int model_diff(char **operands)
{
    const char *a, *b;
    struct tf_err err;
    long differ;

    if (!operands[0] || !operands[1] || operands[2])
        cli_usage("two models are compared");
    a = cli_model_path(operands[0], CLI_NEED_MODEL);
    b = cli_model_path(operands[1], CLI_NEED_MODEL);
    differ = tf_diff(a, b, print_finding, NULL, &err);
    if (differ < 0)
        model_die(&err);
    return differ ? CLI_SOME_FAILED : CLI_OK;
}
