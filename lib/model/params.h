/*
 * The tensors of a model that are trained: private float32 copies of what the
 * files hold, and new ones for a head that they have not.
 */
#ifndef TF_MODEL_PARAMS_H
#define TF_MODEL_PARAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"
#include "base/mem.h"
#include "nn/tensor.h"

struct tf_parameter {
    const char *name;         /* as Transformers' class of the task saves it */
    struct tf_tensor *tensor; /* needs_grad; the trainer gives it a grad, in
                                 one piece with those before and after */
    size_t taps;              /* of a convolution, whose [out][taps][in] is
                                 saved as [out][in][taps]; 0: none */
    size_t source;            /* its place in the files; SIZE_MAX: it stands
                                 not so in them */
    bool fresh;               /* the files have it not */
    bool norm;                /* of a LayerNorm: no weight decay */
    bool buffer;              /* saved with the others, but not trained */
    bool turned;              /* saved the other way round, [cols][rows] */
    size_t heads;             /* [n][heads m] is saved as [n][heads][m], and
                                 [heads m] as [heads][m]; 0: as it is */
    const uint32_t *rows;     /* where row i is saved; NULL: at i */
};

struct tf_parameters {
    struct tf_parameter *v;
    size_t count, cap;
    struct tf_arena *memory; /* of the model */
    uint64_t seed;           /* of the numbers of new ones */
    double std;
};

/* Frees the list; the tensors are the model's. */
void tf_parameters_release(struct tf_parameters *p);

/* Make `t`, which is used under this name (kept as a copy), a parameter. The
 * same source again becomes a view of the first. */
int tf_parameters_add(struct tf_parameters *p, struct tf_tensor *t,
                      const char *name, size_t source, struct tf_err *err);

/* What was added last for `t` is a buffer. */
void tf_parameters_keep(struct tf_parameters *p, struct tf_tensor *t);

/*
 * A tensor that the files have not, as Transformers' _init_weights makes it:
 * matrices normal with mean 0 and std, vectors 1 (of a norm, `ones`) or 0.
 */
struct tf_tensor *tf_parameters_new(struct tf_parameters *p, const size_t *dim,
                                    size_t ndim, bool ones, struct tf_err *err);

/* n numbers of a normal distribution, the same for the same seed and stream. */
void tf_parameters_draw(uint64_t seed, uint64_t stream, double std, float *out,
                        size_t n);

/* Write all to a .safetensors file, in their saved form. */
int tf_parameters_write(const struct tf_parameters *p, const char *path,
                        struct tf_err *err);

/* Dims of the saved form, and its numbers, to `out`. */
void tf_parameter_shape(const struct tf_parameter *p, struct tf_tensor *shape);
void tf_parameter_export(const struct tf_parameter *p, float *out);
/* The way back; `saved` has the same shape. */
void tf_parameter_import(struct tf_parameter *p, const float *saved);
#endif
