#include "hub/fetch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "hub/beneath.h"
#include "hub/hash.h"

/* Smaller files are hashed at the end: a thread costs more. */
#define FOLLOW_MIN (4u << 20)
/* The disk is set to work whenever so many bytes have come. */
#define FLUSH_AHEAD ((uint64_t)16 << 20)
/* A try that brings fewer bytes counts as one that brought none. */
#define PROGRESS_MIN 1024

struct transfer {
    const struct tf_hub_fetch *f;
    uint64_t at; /* bytes in the file, all of them good as far as we know */
    uint64_t flushed; /* bytes the disk was told to write */
    bool begun;       /* this try: the first bytes have come */
    struct tf_hash_follower *follower;
};

static void move_to(struct transfer *t, uint64_t at)
{
    t->at = at;
    atomic_store(t->f->done, at);
    if (t->follower)
        tf_hash_follow_to(t->follower, at);
}

/* Hash while the file arrives. Without a thread it is done at the end. */
static void start_follower(struct transfer *t)
{
    const struct tf_hub_file *file = t->f->file;
    enum tf_hash_kind kind = tf_hash_kind_of(file->blob);
    struct tf_err ignored;

    if (kind != TF_HASH_NONE && file->has_size && file->size >= FOLLOW_MIN)
        t->follower = tf_hash_follow(t->f->fd, kind, file->size, &ignored);
}

static int restart(struct transfer *t, struct tf_err *err)
{
    tf_hash_follow_abort(t->follower);
    t->follower = NULL;
    if (ftruncate(t->f->fd, 0))
        return tf_beneath_fail(err, t->f->file->path);
    start_follower(t);
    t->flushed = 0;
    move_to(t, 0);
    return 0;
}

/* See which part of the file begins to arrive. */
static int begin(struct transfer *t, struct tf_err *err)
{
    struct tf_http *http = tf_hub_http(t->f->hub);
    const char *range = tf_http_header(http, "Content-Range");
    uint64_t from;

    t->begun = true;
    if (tf_http_status(http) != 206)
        return t->at > 0 ? restart(t, err) : 0;
    from = range && !strncmp(range, "bytes ", 6) ? strtoull(range + 6, NULL, 10)
                                                 : UINT64_MAX;
    if (from == t->at)
        return 0;
    return tf_fail_code(err, "network",
                        "%s: asked for the bytes from %llu on, got \"%.80s\"",
                        t->f->file->path, (unsigned long long)t->at,
                        range ? range : "an unknown part");
}

static int take(void *arg, const char *data, size_t n, struct tf_err *err)
{
    struct transfer *t = arg;
    const struct tf_hub_file *file = t->f->file;

    if (!t->begun && begin(t, err))
        return -1;
    if (file->has_size && n > file->size - t->at) {
        if (ftruncate(t->f->fd, 0))
            return tf_beneath_fail(err, file->path);
        return tf_fail_code(err, "wrong_hash",
                            "%s: %s sends more than the %llu bytes it lists; "
                            "nothing of it is kept",
                            file->path, tf_hub_endpoint(t->f->hub),
                            (unsigned long long)file->size);
    }
    while (n > 0) {
        ssize_t k = pwrite(t->f->fd, data, n, (off_t)t->at);

        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0)
            return tf_beneath_fail(err, file->path);
        data += k;
        n -= (size_t)k;
        move_to(t, t->at + (uint64_t)k);
        if (t->at - t->flushed >= FLUSH_AHEAD) {
            tf_beneath_flush_ahead(t->f->fd, t->flushed, t->at - t->flushed);
            t->flushed = t->at;
        }
    }
    return 0;
}

static int try_once(struct transfer *t, const char *url,
                    struct tf_http_reply *reply, struct tf_err *err)
{
    const struct tf_hub_file *file = t->f->file;
    struct tf_hub_subject subject = { t->f->ref, file->path };
    struct tf_http_request r = {
        .method = "GET", .url = url, .from = t->at, .sink = take, .arg = t
    };

    t->begun = false;
    if (!tf_hub_try(t->f->hub, &r, TF_HUB_FOLLOW, &subject, reply, err)) {
        if (!file->has_size || t->at == file->size)
            return 0;
        reply->again = true;
        return tf_fail_code(
            err, "network", "%s: %s sent %llu of the %llu bytes it lists",
            file->path, tf_hub_endpoint(t->f->hub), (unsigned long long)t->at,
            (unsigned long long)file->size);
    }
    if (reply->status != 416)
        return -1;
    reply->again = true; /* what we hold is no part of what they have */
    return restart(t, err) ? -1
                           : tf_fail_code(err, "network",
                                          "%s: the part that was here does "
                                          "not fit",
                                          file->path);
}

/* Read until the file is as long as it should be. */
static int receive(struct transfer *t, struct tf_err *err)
{
    const struct tf_hub_file *file = t->f->file;
    struct tf_http_reply reply = { 0 };
    struct tf_buf url = TF_BUF_INIT;
    bool complete = file->has_size && t->at == file->size;
    int status = 0;

    tf_hub_file_url(t->f->hub, &url, t->f->ref, t->f->commit, file->path);
    for (int tries = 1; !complete && !status; tries++) {
        uint64_t before = t->at;

        complete = !try_once(t, tf_buf_cstr(&url), &reply, err);
        if (complete)
            break;
        if (t->at >= before + PROGRESS_MIN && reply.again) {
            tf_hub_note(t->f->hub, true, "%s; going on from byte %llu",
                        err->msg, (unsigned long long)t->at);
            tries = 0;
        } else if (!tf_hub_wait(t->f->hub, tries, &reply, err)) {
            status = -1;
        }
    }
    tf_buf_release(&url);
    tf_http_reply_release(&reply);
    return status;
}

static int check(struct transfer *t, struct tf_err *err)
{
    const struct tf_hub_file *file = t->f->file;
    enum tf_hash_kind kind = tf_hash_kind_of(file->blob);
    struct tf_hash_follower *follower = t->follower;
    char hex[TF_HASH_HEX];

    t->follower = NULL;
    if (kind == TF_HASH_NONE)
        return 0;
    if (follower ? tf_hash_follow_end(follower, hex, err)
                 : tf_hash_fd(t->f->fd, kind, t->at, hex, err))
        return -1;
    if (!strcmp(hex, file->blob))
        return 0;
    if (ftruncate(t->f->fd, 0))
        return tf_beneath_fail(err, file->path);
    return tf_fail_code(err, "wrong_hash",
                        "%s: what %s sent has the %s %s, the repository says "
                        "%s; nothing of it is kept",
                        file->path, tf_hub_endpoint(t->f->hub),
                        kind == TF_HASH_GIT ? "git hash" : "sha256", hex,
                        file->blob);
}

/* The part that an earlier run left. */
static int look_at_part(struct transfer *t, struct tf_err *err)
{
    const struct tf_hub_file *file = t->f->file;
    struct stat st;

    if (fstat(t->f->fd, &st))
        return tf_beneath_fail(err, file->path);
    if (file->has_size && (uint64_t)st.st_size > file->size)
        return restart(t, err);
    start_follower(t);
    t->flushed = (uint64_t)st.st_size;
    move_to(t, (uint64_t)st.st_size);
    return 0;
}

int tf_hub_fetch(const struct tf_hub_fetch *f, struct tf_err *err)
{
    struct transfer t = { .f = f };
    int status = -1;

    /* a wrong hash may be the fault of a part from earlier: once more */
    for (int round = 0; round < 2 && status; round++) {
        status = look_at_part(&t, err);
        if (!status)
            status = receive(&t, err);
        if (!status)
            status = check(&t, err);
        tf_hash_follow_abort(t.follower);
        t.follower = NULL;
        if (status && (!err->code || strcmp(err->code, "wrong_hash")))
            break;
        if (status && round == 0)
            tf_hub_note(f->hub, true, "%s; reading it once more", err->msg);
    }
    return status;
}
