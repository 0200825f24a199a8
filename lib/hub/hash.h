/*
 * The two hashes the hub names files by, through libcrypto: sha256 of LFS
 * files, and git's blob id, sha1("blob SIZE\0" + bytes), of all others.
 */
#ifndef TF_HUB_HASH_H
#define TF_HUB_HASH_H

#include <stddef.h>
#include <stdint.h>
#include "base/err.h"

enum tf_hash_kind {
    TF_HASH_NONE, /* the name is no hash: nothing to compare */
    TF_HASH_GIT,
    TF_HASH_SHA256,
};

#define TF_HASH_HEX 65 /* room for the hex digits of either and a NUL */

/* The kind a blob of this name has: 40 hex digits, 64, or neither. */
enum tf_hash_kind tf_hash_kind_of(const char *name);

struct tf_hash {
    void *ctx;
};

/* `size` is the length of all that will be added; only git's hash needs it. */
int tf_hash_init(struct tf_hash *h, enum tf_hash_kind kind, uint64_t size,
                 struct tf_err *err);
int tf_hash_add(struct tf_hash *h, const void *p, size_t n, struct tf_err *err);
/* Write the hex digits; ends `h`. */
int tf_hash_end(struct tf_hash *h, char hex[TF_HASH_HEX], struct tf_err *err);
void tf_hash_release(struct tf_hash *h); /* also after end */

/* Hash the first `size` bytes of an open file; its position does not move. */
int tf_hash_fd(int fd, enum tf_hash_kind kind, uint64_t size,
               char hex[TF_HASH_HEX], struct tf_err *err);

/*
 * Hash a file while another thread writes it front to back: a thread of its
 * own reads behind the writer, so that a download is checked when its last
 * byte is there.
 */
struct tf_hash_follower;
struct tf_hash_follower *tf_hash_follow(int fd, enum tf_hash_kind kind,
                                        uint64_t size, struct tf_err *err);
/* The first `end` bytes are written; never less than before. */
void tf_hash_follow_to(struct tf_hash_follower *f, uint64_t end);
/* All `size` bytes are written: wait for the hash. Ends `f`. */
int tf_hash_follow_end(struct tf_hash_follower *f, char hex[TF_HASH_HEX],
                       struct tf_err *err);
void tf_hash_follow_abort(struct tf_hash_follower *f); /* NULL is allowed */
#endif
