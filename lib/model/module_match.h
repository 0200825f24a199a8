/*
 * Private to lib/model: names of modules, as PEFT looks for them.
 */
#ifndef TF_MODEL_MODULE_MATCH_H
#define TF_MODEL_MODULE_MATCH_H

#include <jansson.h>
#include <stdbool.h>
#include "base/err.h"

/* Is the module's name this, or does it end with it after a dot? */
bool tf_module_is(const char *name, const char *module);

/* The next three give 1, 0, or -1 and `err` when the regular expression (of
 * Python's kind) is wrong or takes too long. */

/* Does the expression match all of the module's name? */
int tf_module_matches(const char *pattern, const char *module,
                      struct tf_err *err);
/* Does it match all of the name, or all after one of its dots? */
int tf_module_ends(const char *pattern, const char *module, struct tf_err *err);
/* Is the module in one of these layers (a number or a list)? The layer's number
 * is the first in the name, or the first behind `pattern` (a string or a list
 * of them; NULL: any). */
int tf_module_in_layers(json_t *layers, json_t *pattern, const char *module,
                        struct tf_err *err);
#endif
