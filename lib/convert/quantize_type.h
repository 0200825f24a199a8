/*
 * Private to lib/convert: what a type of tf_quantize() is. To add one: its name
 * in TF_QUANTIZE_TYPES, a row in quantize.c, a file with its write().
 */
#ifndef TF_CONVERT_QUANTIZE_TYPE_H
#define TF_CONVERT_QUANTIZE_TYPE_H

#include "convert/plan.h"
#include "convert/quantize.h"
#include "convert/source.h"
#include "model/bind.h"

/* One quantisation under way. */
struct tf_quantizing {
    const struct tf_quantize_opts *opts;
    const char *path, *dir; /* the folder is there, and empty */
    enum tf_dtype dtype;    /* of the type, when it has blocks */
    struct tf_source source;
    /* Not of a type with blocks: */
    uint8_t *roles;      /* enum tf_role of each tensor of source.weights */
    struct tf_plan plan; /* the tensors to write: at first as they are */
    struct tf_quantize_report *report; /* sizes before are in it */
};

/* Whether the option --keep names it. */
bool tf_quantize_keeps(const struct tf_quantizing *q, const char *name);
/* Room in the report for so many tensors. */
int tf_quantize_report_start(struct tf_quantize_report *report, size_t tensors,
                             struct tf_err *err);
/* A new entry of the report for a tensor, or NULL and `err`. No more than there
 * is room for; they stay where they are. */
struct tf_quantized *tf_quantize_note(struct tf_quantizing *q,
                                      const struct tf_made *m, const char *type,
                                      struct tf_err *err);

struct tf_quantize_type {
    const char *name;
    bool blocks; /* ggml's, in a GGUF; and the source may be one */
    enum tf_dtype dtype;
    /* Write all of the model: weights, config.json last; and fill the report's
     * sizes after, errors included. */
    int (*write)(struct tf_quantizing *q, struct tf_err *err);
};

int tf_quantize_int8(struct tf_quantizing *q, struct tf_err *err);
int tf_quantize_blocks(struct tf_quantizing *q, struct tf_err *err);
#endif
