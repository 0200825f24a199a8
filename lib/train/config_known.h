/*
 * Keys of TrainingArguments that the trainer has no use for: those that change
 * no result are passed over, of the others all values but those that ask for
 * nothing are refused, with the reason.
 */
#ifndef TF_TRAIN_CONFIG_KNOWN_H
#define TF_TRAIN_CONFIG_KNOWN_H

#include <jansson.h>
#include <stdbool.h>
#include "base/err.h"

bool tf_train_known(const char *name);
/* Can a known key have this value? Fails with the reason when not. */
int tf_train_check_known(const char *name, const json_t *v, struct tf_err *err);
#endif
