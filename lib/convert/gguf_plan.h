/* Private to lib/convert: a model on its way into a GGUF. */
#ifndef TF_CONVERT_GGUF_PLAN_H
#define TF_CONVERT_GGUF_PLAN_H

#include "base/err.h"
#include "convert/gguf_types.h"
#include "convert/pack.h"
#include "convert/plan.h"
#include "convert/source.h"
#include "format/gguf_write.h"

/* Zeroed memory is empty. */
struct tf_gguf_plan {
    struct tf_gguf_meta meta;
    struct tf_plan plan;
    struct tf_gguf_mix mix;      /* what types depend on, of the model */
    struct tf_tensor factors;    /* of the rotary frequencies; data owned */
    struct tf_packing *packings; /* [plan.count], of those with blocks */
};

/*
 * All that a GGUF of the model holds but the types: metadata with the
 * tokenizer, and the tensors as the model has them. `path` is where the source
 * was opened. Of a GGUF, what it has. On failure, too, release.
 */
int tf_gguf_plan_make(struct tf_gguf_plan *g, const struct tf_source *source,
                      const char *path, struct tf_err *err);
void tf_gguf_plan_release(struct tf_gguf_plan *g);

/*
 * Choose the types by g->mix, or, with `as_is`, leave matrices as they are.
 * `keep`, when not NULL, names those that stay in any case. Those that become
 * blocks get their place in packings, with the pool.
 */
int tf_gguf_plan_types(struct tf_gguf_plan *g, bool as_is,
                       bool (*keep)(void *arg, const struct tf_made *m),
                       void *arg, struct tf_pool *pool, struct tf_err *err);

/* Write the file, one tensor's data at a time in memory. */
int tf_gguf_plan_write(struct tf_gguf_plan *g, const char *file,
                       struct tf_err *err);
#endif
