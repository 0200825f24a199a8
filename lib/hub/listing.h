/* The files of a repository at one commit. */
#ifndef TF_HUB_LISTING_H
#define TF_HUB_LISTING_H

#include <stdbool.h>
#include <stdint.h>
#include "hub/client.h"

#define TF_HUB_BLOB 129 /* room for a blob's name and a NUL */

struct tf_hub_file {
    char *path; /* as the server wrote it: check with tf_hub_file_valid */
    uint64_t size;
    bool has_size;
    char oid[TF_HUB_BLOB];  /* git's id of the file; "": not known */
    char blob[TF_HUB_BLOB]; /* its name in the cache: the sha256 of an LFS
                               file, else oid; "": ask with tf_hub_head */
    char xet[TF_HUB_BLOB];  /* kept for Python's sake; or "" */
};

struct tf_hub_listing {
    struct tf_hub_file *files;
    size_t count, cap;
};

/* Zeroed memory is an empty listing. */
void tf_hub_listing_release(struct tf_hub_listing *l);
/* A zeroed file of this path at the end; NULL: no memory. */
struct tf_hub_file *tf_hub_listing_add(struct tf_hub_listing *l,
                                       const char *path, struct tf_err *err);

/* The commit that ref->revision means now. */
int tf_hub_resolve(struct tf_hub *hub, const struct tf_hub_ref *ref,
                   char commit[41], struct tf_err *err);

/* All files of `commit`. */
int tf_hub_list(struct tf_hub *hub, const struct tf_hub_ref *ref,
                const char *commit, struct tf_hub_listing *l,
                struct tf_err *err);

/* Ask for one file's size and blob, at ref's revision or, when `commit` is not
 * empty, there; an empty `commit` gets the one the revision means now. When
 * the file is known not to exist, the code is "no_file" and `commit` is set if
 * the server told it. */
int tf_hub_head(struct tf_hub *hub, const struct tf_hub_ref *ref,
                struct tf_hub_file *file, char commit[41], struct tf_err *err);

/* Append the address a file is read at. */
void tf_hub_file_url(const struct tf_hub *hub, struct tf_buf *out,
                     const struct tf_hub_ref *ref, const char *commit,
                     const char *path);

/* The listing as huggingface_hub keeps it, trees/COMMIT.json, a commit's files
 * being the same for ever. Reading fails when there is none or it is not
 * understood. */
int tf_hub_listing_read(struct tf_hub_listing *l, const char *path,
                        struct tf_err *err);
int tf_hub_listing_write(const struct tf_hub_listing *l, const char *path,
                         struct tf_err *err);
#endif
