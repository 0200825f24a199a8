#include "model/bind_norm.h"

#include "base/mem.h"

/* The weight of a norm that has none in the files. */
static int fill_ones(struct tf_bind *bind, struct tf_tensor *t, size_t n,
                     struct tf_err *err)
{
    float *ones = tf_arena_alloc(bind->memory, n, sizeof(*ones));

    if (!ones)
        return tf_no_memory(err, n * sizeof(*ones));
    for (size_t i = 0; i < n; i++)
        ones[i] = 1;
    *t = (struct tf_tensor){ .ndim = 1, .dim = { n }, .ld = n };
    t->data = ones;
    return 0;
}

static double norm_eps(const struct tf_stack_spec *s, const char *name)
{
    double own = name == s->names.embedding_norm  ? s->embedding_norm_eps
                 : name == s->names.mlp_post_norm ? s->mlp_post_norm_eps
                                                  : 0;

    return own > 0 ? own : s->norm_eps;
}

int tf_bind_norm(struct tf_bind *bind, const struct tf_stack_spec *spec,
                 struct tf_norm *norm, const char *pattern, struct tf_place at,
                 size_t n, struct tf_err *err)
{
    norm->kind = spec->norm;
    norm->eps = (float)norm_eps(spec, pattern);
    norm->w_offset = (float)spec->norm_offset;
    if (!spec->norm_weight)
        return fill_ones(bind, &norm->w, n, err);
    if (tf_bind_vector(bind, &norm->w, pattern, at, ".weight", n, err))
        return -1;
    return spec->norm_bias
               ? tf_bind_vector(bind, &norm->b, pattern, at, ".bias", n, err)
               : 0;
}
