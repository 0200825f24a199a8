/* Which of a repository's files are wanted. */
#ifndef TF_HUB_SELECT_H
#define TF_HUB_SELECT_H

#include <stdbool.h>
#include <stddef.h>
#include "base/err.h"
#include "hub/listing.h"

enum tf_hub_weights {
    TF_HUB_WEIGHTS_AUTO, /* the first of these that is there */
    TF_HUB_WEIGHTS_SAFETENSORS,
    TF_HUB_WEIGHTS_BIN, /* pytorch_model.bin and other pickles */
    TF_HUB_WEIGHTS_GGUF,
    TF_HUB_WEIGHTS_ONNX,
    TF_HUB_WEIGHTS_ALL, /* every file */
};

struct tf_hub_filter {
    const char *const *files; /* paths, or folders ending in '/'; 0: all */
    size_t nfiles;
    /* Patterns over whole paths as Python's fnmatch has them ('*' crosses
     * '/'); "dir/" means "dir/" and all below it. */
    const char *const *include, *const *exclude;
    size_t ninclude, nexclude;
    /* Files that hold no weights are not touched by this; what is named in
     * `files` is taken in any case. */
    enum tf_hub_weights weights;
    const char *variant; /* names one of several GGUF files, or NULL */
};

/* True when `path` passes files, include and exclude. */
bool tf_hub_filter_match(const struct tf_hub_filter *f, const char *path);

/*
 * Remove from the listing what is not wanted. The preferred weights are one
 * copy of them: where a folder has them in several formats or precisions, only
 * one stays. Fails with "no_file" when a named file is not there, or weights
 * of the asked kind are not, and with "choice" when several GGUF files leave
 * the choice to the user.
 */
int tf_hub_select(struct tf_hub_listing *l, const struct tf_hub_filter *f,
                  const struct tf_hub_ref *ref, struct tf_err *err);
#endif
