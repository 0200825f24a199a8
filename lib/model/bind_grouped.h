/*
 * Private to lib/model: weights that files hold as those of convolutions, or of
 * layers that fall into groups.
 */
#ifndef TF_MODEL_BIND_GROUPED_H
#define TF_MODEL_BIND_GROUPED_H

#include "model/bind.h"

struct tf_grouped {
    size_t out, in, groups;
    bool conv; /* held as [out][in / groups][1], else, with groups, as
                  [groups][in / groups][out / groups] */
    bool bias;
    bool transposed; /* without conv and groups: held as [in][out] */
};

/* A weight of a linear layer. One that is held so stays in floating point and
 * takes no adapters, as the modules are no torch.nn.Linear. */
int tf_bind_grouped(struct tf_bind *bind, struct tf_weight *w,
                    const char *pattern, struct tf_place at,
                    const struct tf_grouped *g, struct tf_err *err);

/* A weight that is held as [width][heads][head size] under a name in full, the
 * way in of queries, keys and values, or `out` of what attention gives. Like
 * the above it is no torch.nn.Linear. */
int tf_bind_heads(struct tf_bind *bind, struct tf_weight *w,
                  const char *pattern, struct tf_place at, size_t width,
                  size_t heads, size_t head_size, bool out, struct tf_err *err);

/* A row of numbers [1][heads head_size], held as [heads][head_size]. */
int tf_bind_head_row(struct tf_bind *bind, struct tf_tensor *t,
                     const char *pattern, struct tf_place at, size_t heads,
                     size_t head_size, struct tf_err *err);

/* Two such rows [2][heads head_size], held as [2][heads][head_size]. */
int tf_bind_segments(struct tf_bind *bind, struct tf_tensor *t,
                     const char *pattern, struct tf_place at, size_t heads,
                     size_t head_size, struct tf_err *err);

/* The kernels of a convolution of each channel by itself, held as
 * [channels][1][kernel]: [channels][kernel] float32. */
int tf_bind_depthwise(struct tf_bind *bind, struct tf_tensor *t,
                      const char *pattern, struct tf_place at, size_t channels,
                      size_t kernel, struct tf_err *err);
#endif
