/*
 * The cache of hub repositories on disk, in huggingface_hub's layout, so that
 * what one program pulled another finds:
 *
 *     models--org--name/refs/main              the commit, 40 hex digits
 *     models--org--name/snapshots/COMMIT/path  -> ../../blobs/HASH
 *     models--org--name/blobs/HASH             git's sha1, or sha256 (LFS)
 *
 * This header is the reading side and the rules for names, all of which may
 * come from a stranger. It needs no network and no other file of lib/hub.
 */
#ifndef TF_HUB_CACHE_H
#define TF_HUB_CACHE_H

#include <stdbool.h>
#include "base/buf.h"
#include "base/err.h"

enum tf_hub_type {
    TF_HUB_MODEL,
    TF_HUB_DATASET,
    TF_HUB_SPACE,
};
#define TF_HUB_TYPES 3

/* "model", "dataset", "space". */
const char *tf_hub_type_name(enum tf_hub_type type);

/* A repository as users write it: "name", "org/name", "org/name@revision",
 * "org/name:VARIANT@revision"; the revision follows the last '@'. */
struct tf_hub_ref {
    enum tf_hub_type type;
    char *repo;     /* "org/name" or "name" */
    char *variant;  /* of a GGUF file, as "Q4_K_M"; or NULL */
    char *revision; /* "main" when none was given */
};

/* Take `spec` apart and check each part. */
int tf_hub_ref_parse(struct tf_hub_ref *ref, enum tf_hub_type type,
                     const char *spec, struct tf_err *err);
void tf_hub_ref_release(struct tf_hub_ref *ref);

/* What may stand in a path below the cache. A file's name is relative, without
 * "..", ".git", backslash, drive letter or control character. */
bool tf_hub_repo_valid(const char *repo);
bool tf_hub_revision_valid(const char *revision);
bool tf_hub_file_valid(const char *path);
bool tf_hub_blob_valid(const char *hash); /* also an etag of another server */
bool tf_hub_is_commit(const char *s);     /* 40 lower-case hex digits */
bool tf_hub_is_sha256(const char *s);     /* 64 of them */

/* An environment variable that says yes: 1, on, yes or true in any case. */
bool tf_hub_env_true(const char *name);

/* $HF_HOME, else $XDG_CACHE_HOME/huggingface, else ~/.cache/huggingface, with
 * "/name" after it; a leading ~ and $VARIABLE are replaced by their values.
 * free() releases. */
char *tf_hub_home(const char *name, struct tf_err *err);

/* The same replacements in any path. free() releases. */
char *tf_hub_expand(const char *path, struct tf_err *err);

/* `dir` when it is not NULL, else $HF_HUB_CACHE, $HUGGINGFACE_HUB_CACHE or
 * "hub" in tf_hub_home. free() releases. */
char *tf_hub_cache_dir(const char *dir, struct tf_err *err);

/* Append "models--org--name". */
void tf_hub_folder(struct tf_buf *out, enum tf_hub_type type, const char *repo);

/*
 * The folder of a snapshot that is in the cache, DIR/snapshots/COMMIT, which
 * free() releases; no network is used. `cache_dir` and `revision` may be NULL:
 * the environment's, "main". It may hold only some of the repository's files
 * (a tokenizer alone is often fetched first), so a caller that misses one pulls
 * and looks again. Fails with code "not_cached" when there is none, and the
 * message names the command to run.
 */
char *tf_hub_cache_find(const char *cache_dir, enum tf_hub_type type,
                        const char *repo, const char *revision,
                        struct tf_err *err);
#endif
