#include "hub/cache.h"

#include <ctype.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/types.h>
#include <unistd.h>
#include "base/io.h"
#include "base/mem.h"

#define REPO_PART_MAX  96 /* characters; the hub's own limit */
#define NAME_MAX_BYTES 255

static const char *const type_names[TF_HUB_TYPES] = {
    "model",
    "dataset",
    "space",
};

const char *tf_hub_type_name(enum tf_hub_type type)
{
    return type_names[type];
}

bool tf_hub_env_true(const char *name)
{
    static const char *const yes[] = { "1", "on", "yes", "true" };
    const char *v = getenv(name);

    for (size_t i = 0; v && i < sizeof(yes) / sizeof(yes[0]); i++)
        if (!strcasecmp(v, yes[i]))
            return true;
    return false;
}

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || c == '_';
}

/* One side of "org/name". */
static bool valid_part(const char *s, size_t len)
{
    if (len == 0 || len > REPO_PART_MAX || !is_word(s[0]) ||
        !is_word(s[len - 1]))
        return false;
    for (size_t i = 0; i < len; i++) {
        if (!is_word(s[i]) && s[i] != '-' && s[i] != '.')
            return false;
        if (i > 0 && s[i] == s[i - 1] && (s[i] == '-' || s[i] == '.'))
            return false;
    }
    return true;
}

bool tf_hub_repo_valid(const char *repo)
{
    const char *slash = strchr(repo, '/');
    size_t len = strlen(repo);

    if (len >= 4 && !strcmp(repo + len - 4, ".git"))
        return false;
    if (!slash)
        return valid_part(repo, len);
    return valid_part(repo, (size_t)(slash - repo)) &&
           valid_part(slash + 1, strlen(slash + 1));
}

/* Every part between slashes is a name that stays below its folder. */
static bool valid_parts(const char *path, bool (*valid)(const char *, size_t))
{
    for (;;) {
        size_t len = strcspn(path, "/");

        if (len == 0 || len > NAME_MAX_BYTES || !valid(path, len))
            return false;
        if (path[0] == '.' && (len == 1 || (len == 2 && path[1] == '.')))
            return false;
        if (!path[len])
            return true;
        path += len + 1;
    }
}

/* git check-ref-format's rules, as far as they matter for a path. */
static bool valid_ref_part(const char *s, size_t len)
{
    if (s[0] == '.' || s[0] == '-')
        return false;
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)s[i] <= ' ' || s[i] == 0x7f ||
            strchr("\\:?*[~^@", s[i]) ||
            (s[i] == '.' && i > 0 && s[i - 1] == '.'))
            return false;
    return true;
}

bool tf_hub_revision_valid(const char *revision)
{
    return valid_parts(revision, valid_ref_part);
}

static bool valid_file_part(const char *s, size_t len)
{
    if (len == 4 && !strncasecmp(s, ".git", 4))
        return false;
    if (len >= 2 && s[1] == ':' && isalpha((unsigned char)s[0]))
        return false;
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)s[i] < ' ' || s[i] == 0x7f || s[i] == '\\')
            return false;
    return true;
}

bool tf_hub_file_valid(const char *path)
{
    return valid_parts(path, valid_file_part);
}

bool tf_hub_blob_valid(const char *hash)
{
    size_t len = strlen(hash);

    if (len == 0 || len > 128 || hash[0] == '.')
        return false;
    for (size_t i = 0; i < len; i++)
        if (!is_word(hash[i]) && hash[i] != '-' && hash[i] != '.')
            return false;
    return true;
}

static bool is_hex(const char *s, size_t len)
{
    return strlen(s) == len && strspn(s, "0123456789abcdef") == len;
}

bool tf_hub_is_commit(const char *s)
{
    return is_hex(s, 40);
}

bool tf_hub_is_sha256(const char *s)
{
    return is_hex(s, 64);
}

void tf_hub_ref_release(struct tf_hub_ref *ref)
{
    free(ref->repo);
    free(ref->variant);
    free(ref->revision);
    memset(ref, 0, sizeof(*ref));
}

int tf_hub_ref_parse(struct tf_hub_ref *ref, enum tf_hub_type type,
                     const char *spec, struct tf_err *err)
{
    const char *at = strrchr(spec, '@');
    const char *end = at ? at : spec + strlen(spec);
    const char *colon = memchr(spec, ':', (size_t)(end - spec));
    const char *name_end = colon ? colon : end;

    memset(ref, 0, sizeof(*ref));
    ref->type = type;
    ref->repo = tf_strndup(spec, (size_t)(name_end - spec), err);
    ref->revision = at ? tf_strndup(at + 1, strlen(at + 1), err)
                       : tf_strndup("main", 4, err);
    if (colon)
        ref->variant = tf_strndup(colon + 1, (size_t)(end - colon) - 1, err);
    if (!ref->repo || !ref->revision || (colon && !ref->variant))
        goto fail;
    if (!tf_hub_repo_valid(ref->repo)) {
        tf_fail(err,
                "\"%s\" is not a repository's name; it is written org/name, "
                "or org/name@revision",
                spec);
        goto fail;
    }
    if (!tf_hub_revision_valid(ref->revision)) {
        tf_fail(err, "\"%s\": \"%s\" is not a branch, tag or commit", spec,
                ref->revision);
        goto fail;
    }
    if (colon && !valid_part(ref->variant, strlen(ref->variant))) {
        tf_fail(err, "\"%s\": \"%s\" is not a variant, as Q4_K_M is", spec,
                ref->variant);
        goto fail;
    }
    return 0;

fail:
    tf_hub_ref_release(ref);
    return -1;
}

static const char *home_folder(void)
{
    const char *home = getenv("HOME");
    struct passwd *pw;

    if (home && home[0])
        return home;
    pw = getpwuid(getuid());
    return pw ? pw->pw_dir : "/";
}

/* Append the value of the variable at `s` ("$NAME" or "${NAME}"), or the text
 * itself when there is none; returns the bytes read. */
static size_t expand_variable(struct tf_buf *out, const char *s)
{
    bool brace = s[1] == '{';
    const char *name = s + (brace ? 2 : 1);
    size_t len = 0, used;
    const char *value = NULL;
    struct tf_buf key = TF_BUF_INIT;

    while (is_word(name[len]))
        len++;
    used = (size_t)(name - s) + len;
    if (brace && name[len] == '}')
        used++;
    else if (brace)
        len = 0;
    if (len > 0) {
        tf_buf_add(&key, name, len);
        value = getenv(tf_buf_cstr(&key));
        tf_buf_release(&key);
    }
    if (value)
        tf_buf_adds(out, value);
    else
        tf_buf_add(out, s, used);
    return used;
}

static void expand(struct tf_buf *out, const char *path)
{
    if (path[0] == '~' && (!path[1] || path[1] == '/')) {
        tf_buf_adds(out, home_folder());
        path++;
    }
    while (*path) {
        if (*path == '$')
            path += expand_variable(out, path);
        else
            tf_buf_addc(out, *path++);
    }
}

/* The string built in `b`, which is released. */
static char *take(struct tf_buf *b, struct tf_err *err)
{
    char *s = NULL;

    if (b->failed)
        tf_no_memory(err, b->len);
    else
        s = tf_strndup(tf_buf_cstr(b), b->len, err);
    tf_buf_release(b);
    return s;
}

char *tf_hub_expand(const char *path, struct tf_err *err)
{
    struct tf_buf b = TF_BUF_INIT;

    expand(&b, path);
    return take(&b, err);
}

/* The variable's value, an empty one counting as unset. */
static const char *env(const char *name)
{
    const char *v = getenv(name);

    return v && v[0] ? v : NULL;
}

char *tf_hub_home(const char *name, struct tf_err *err)
{
    struct tf_buf b = TF_BUF_INIT;

    if (env("HF_HOME")) {
        expand(&b, env("HF_HOME"));
    } else {
        expand(&b, env("XDG_CACHE_HOME") ? env("XDG_CACHE_HOME") : "~/.cache");
        tf_buf_adds(&b, "/huggingface");
    }
    tf_buf_addf(&b, "/%s", name);
    return take(&b, err);
}

char *tf_hub_cache_dir(const char *dir, struct tf_err *err)
{
    if (!dir)
        dir = env("HF_HUB_CACHE");
    if (!dir)
        dir = env("HUGGINGFACE_HUB_CACHE");
    return dir ? tf_hub_expand(dir, err) : tf_hub_home("hub", err);
}

void tf_hub_folder(struct tf_buf *out, enum tf_hub_type type, const char *repo)
{
    tf_buf_addf(out, "%ss--", type_names[type]);
    for (; *repo; repo++) {
        if (*repo == '/')
            tf_buf_adds(out, "--");
        else
            tf_buf_addc(out, *repo);
    }
}

/* The commit that refs/REVISION of the repository's folder names. */
static int read_ref(const char *folder, const char *revision, char commit[41])
{
    struct tf_buf path = TF_BUF_INIT, text = TF_BUF_INIT;
    struct tf_err ignored;
    const char *s;
    int status = -1;

    tf_buf_addf(&path, "%s/refs/%s", folder, revision);
    if (!tf_file_read(tf_buf_cstr(&path), 64, &text, &ignored)) {
        /* a program may have ended the line */
        text.len = strcspn(tf_buf_cstr(&text), " \r\n");
        s = tf_buf_cstr(&text);
        if (tf_hub_is_commit(s)) {
            memcpy(commit, s, 41);
            status = 0;
        }
    }
    tf_buf_release(&path);
    tf_buf_release(&text);
    return status;
}

static void not_cached(enum tf_hub_type type, const char *repo,
                       const char *revision, const char *dir,
                       struct tf_err *err)
{
    bool main_branch = !strcmp(revision, "main");
    const char *at = main_branch ? "" : "@";
    const char *rev = main_branch ? "" : revision;
    const char *option = type == TF_HUB_DATASET ? "--type dataset "
                         : type == TF_HUB_SPACE ? "--type space "
                                                : "";

    tf_fail_code(err, "not_cached",
                 "%s%s%s is not in the cache %s; run: tf-hub pull %s%s%s%s",
                 repo, at, rev, dir, option, repo, at, rev);
}

char *tf_hub_cache_find(const char *cache_dir, enum tf_hub_type type,
                        const char *repo, const char *revision,
                        struct tf_err *err)
{
    struct tf_buf path = TF_BUF_INIT;
    char *dir = NULL, *found = NULL;
    char commit[41];

    if (!revision)
        revision = "main";
    if (!tf_hub_repo_valid(repo) || !tf_hub_revision_valid(revision)) {
        tf_fail(err, "\"%s@%s\" is not a repository and revision", repo,
                revision);
        return NULL;
    }
    dir = tf_hub_cache_dir(cache_dir, err);
    if (!dir)
        return NULL;
    tf_buf_addf(&path, "%s/", dir);
    tf_hub_folder(&path, type, repo);
    if (tf_hub_is_commit(revision))
        memcpy(commit, revision, 41);
    else if (read_ref(tf_buf_cstr(&path), revision, commit))
        goto none;
    tf_buf_addf(&path, "/snapshots/%s", commit);
    if (tf_dir_exists(tf_buf_cstr(&path))) {
        found = take(&path, err);
        free(dir);
        return found;
    }
none:
    not_cached(type, repo, revision, dir, err);
    tf_buf_release(&path);
    free(dir);
    return NULL;
}
