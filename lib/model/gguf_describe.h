/* A model's sizes and switches as the metadata of a GGUF: the reverse of
 * gguf_model.h. */
#ifndef TF_MODEL_GGUF_DESCRIBE_H
#define TF_MODEL_GGUF_DESCRIBE_H

#include "base/err.h"
#include "format/gguf_write.h"
#include "model/arch.h"
#include "model/gguf_names.h"

/*
 * Put the metadata that llama.cpp asks of an architecture: general.architecture
 * and the keys under its name. Fails, naming it, on what a GGUF of that
 * architecture has no word for.
 */
int tf_gguf_describe(struct tf_gguf_meta *m, const struct tf_gguf_arch *k,
                     const struct tf_arch *arch, struct tf_err *err);

/*
 * The factors of the frequencies that stand as a tensor (rope_freqs.weight)
 * where the scaling has no key of its own: rotary_dims / 2 floats that free()
 * releases. NULL with *failed 0: there are none.
 */
float *tf_gguf_rope_factors(const struct tf_stack_spec *spec, int *failed,
                            struct tf_err *err);
#endif
