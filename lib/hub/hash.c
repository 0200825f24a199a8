#include "hub/hash.h"

#include <errno.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/mem.h"
#include "hub/cache.h"

#define BLOCK (256 * 1024) /* stays in a core's cache between read and hash */

enum tf_hash_kind tf_hash_kind_of(const char *name)
{
    if (tf_hub_is_sha256(name))
        return TF_HASH_SHA256;
    return tf_hub_is_commit(name) ? TF_HASH_GIT : TF_HASH_NONE;
}

int tf_hash_init(struct tf_hash *h, enum tf_hash_kind kind, uint64_t size,
                 struct tf_err *err)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    char header[40];
    int n;

    h->ctx = ctx;
    if (!ctx)
        return tf_no_memory(err, 64);
    if (!EVP_DigestInit_ex(ctx, kind == TF_HASH_GIT ? EVP_sha1() : EVP_sha256(),
                           NULL))
        return tf_fail(err, "libcrypto does not offer %s here",
                       kind == TF_HASH_GIT ? "SHA-1" : "SHA-256");
    if (kind != TF_HASH_GIT)
        return 0;
    n = snprintf(header, sizeof(header), "blob %llu", (unsigned long long)size);
    return tf_hash_add(h, header, (size_t)n + 1, err);
}

int tf_hash_add(struct tf_hash *h, const void *p, size_t n, struct tf_err *err)
{
    if (!EVP_DigestUpdate(h->ctx, p, n))
        return tf_fail(err, "libcrypto failed to hash %zu bytes", n);
    return 0;
}

int tf_hash_end(struct tf_hash *h, char hex[TF_HASH_HEX], struct tf_err *err)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int n = 0;

    if (!EVP_DigestFinal_ex(h->ctx, digest, &n) || 2 * n >= TF_HASH_HEX)
        return tf_fail(err, "libcrypto failed to end a hash");
    for (unsigned int i = 0; i < n; i++)
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    tf_hash_release(h);
    return 0;
}

void tf_hash_release(struct tf_hash *h)
{
    EVP_MD_CTX_free(h->ctx);
    h->ctx = NULL;
}

/* Hash [from, to) of the file through `block`. */
static int hash_range(struct tf_hash *h, int fd, uint64_t from, uint64_t to,
                      void *block, struct tf_err *err)
{
    while (from < to) {
        size_t want = to - from < BLOCK ? (size_t)(to - from) : BLOCK;
        ssize_t got = pread(fd, block, want, (off_t)from);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return tf_fail(err, "reading back: %s", strerror(errno));
        if (got == 0)
            return tf_fail(err, "the file shrank to %llu bytes",
                           (unsigned long long)from);
        if (tf_hash_add(h, block, (size_t)got, err))
            return -1;
        from += (uint64_t)got;
    }
    return 0;
}

int tf_hash_fd(int fd, enum tf_hash_kind kind, uint64_t size,
               char hex[TF_HASH_HEX], struct tf_err *err)
{
    struct tf_hash h;
    void *block = tf_alloc(BLOCK, 1, err);
    int status = -1;

    if (!block)
        return -1;
    if (!tf_hash_init(&h, kind, size, err) &&
        !hash_range(&h, fd, 0, size, block, err))
        status = tf_hash_end(&h, hex, err);
    tf_hash_release(&h);
    free(block);
    return status;
}

struct tf_hash_follower {
    int fd;
    uint64_t size;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t moved;
    uint64_t written; /* the writer is here */
    bool quit;
    /* the thread's own until it is joined */
    uint64_t hashed;
    struct tf_hash h;
    void *block;
    int status;
    struct tf_err err;
};

/* Wait for bytes to hash: the end of those that are there, or where the thread
 * stands when no more will come. */
static uint64_t wait_for_bytes(struct tf_hash_follower *f)
{
    uint64_t end;

    pthread_mutex_lock(&f->lock);
    while (!f->quit && f->written <= f->hashed)
        pthread_cond_wait(&f->moved, &f->lock);
    end = f->quit ? f->hashed : f->written;
    pthread_mutex_unlock(&f->lock);
    return end;
}

static void *follow(void *arg)
{
    struct tf_hash_follower *f = arg;

    while (!f->status && f->hashed < f->size) {
        uint64_t end = wait_for_bytes(f);

        if (end > f->hashed + BLOCK)
            end = f->hashed + BLOCK;
        if (end == f->hashed)
            break;
        f->status = hash_range(&f->h, f->fd, f->hashed, end, f->block, &f->err);
        f->hashed = end;
    }
    return NULL;
}

struct tf_hash_follower *tf_hash_follow(int fd, enum tf_hash_kind kind,
                                        uint64_t size, struct tf_err *err)
{
    struct tf_hash_follower *f = tf_alloc(1, sizeof(*f), err);

    if (!f)
        return NULL;
    f->fd = fd;
    f->size = size;
    f->block = tf_alloc(BLOCK, 1, err);
    if (!f->block || tf_hash_init(&f->h, kind, size, err))
        goto fail;
    pthread_mutex_init(&f->lock, NULL);
    pthread_cond_init(&f->moved, NULL);
    if (!pthread_create(&f->thread, NULL, follow, f))
        return f;
    tf_fail(err, "no thread can be started");
fail:
    tf_hash_release(&f->h);
    free(f->block);
    free(f);
    return NULL;
}

void tf_hash_follow_to(struct tf_hash_follower *f, uint64_t end)
{
    pthread_mutex_lock(&f->lock);
    f->written = end;
    pthread_cond_signal(&f->moved);
    pthread_mutex_unlock(&f->lock);
}

int tf_hash_follow_end(struct tf_hash_follower *f, char hex[TF_HASH_HEX],
                       struct tf_err *err)
{
    int status;

    pthread_join(f->thread, NULL);
    status = f->status;
    if (status)
        *err = f->err;
    else
        status = tf_hash_end(&f->h, hex, err);
    tf_hash_release(&f->h);
    pthread_mutex_destroy(&f->lock);
    pthread_cond_destroy(&f->moved);
    free(f->block);
    free(f);
    return status;
}

void tf_hash_follow_abort(struct tf_hash_follower *f)
{
    char hex[TF_HASH_HEX];
    struct tf_err ignored;

    if (!f)
        return;
    pthread_mutex_lock(&f->lock);
    f->quit = true;
    pthread_cond_signal(&f->moved);
    pthread_mutex_unlock(&f->lock);
    (void)tf_hash_follow_end(f, hex, &ignored);
}
