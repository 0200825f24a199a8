/* YAML (by libyaml) as JSON values. */
#ifndef TF_TRAIN_YAML_H
#define TF_TRAIN_YAML_H

#include <jansson.h>
#include <stddef.h>
#include "base/err.h"

/*
 * The one document of `text` as a JSON value: null, true and false, numbers
 * (1e-4 too) when they are plain scalars, all else strings. Keys are strings
 * and stand once; merge keys and tags are not known. NULL and `err` with the
 * line on failure.
 */
json_t *tf_yaml_read(const char *text, size_t len, struct tf_err *err);
#endif
