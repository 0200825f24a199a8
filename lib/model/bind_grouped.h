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
};

/* A weight of a linear layer held so. It stays in floating point and takes no
 * adapters, as the modules are no torch.nn.Linear. */
int tf_bind_grouped(struct tf_bind *bind, struct tf_weight *w,
                    const char *pattern, struct tf_place at,
                    const struct tf_grouped *g, struct tf_err *err);

/* The kernels of a convolution of each channel by itself, held as
 * [channels][1][kernel]: [channels][kernel] float32. */
int tf_bind_depthwise(struct tf_bind *bind, struct tf_tensor *t,
                      const char *pattern, struct tf_place at, size_t channels,
                      size_t kernel, struct tf_err *err);
#endif
