/* The "peft" section of a training config: PEFT's LoraConfig. */
#ifndef TF_TRAIN_PEFT_H
#define TF_TRAIN_PEFT_H

#include "base/err.h"
#include "model/lora.h"
#include "train/config.h"

/* The adapter that a config asks for, with what the task adds to it; false in
 * *wanted when it asks for none. `lora` is released by the caller. */
int tf_train_peft(const struct tf_train_config *c, struct tf_lora *lora,
                  bool *wanted, struct tf_err *err);
#endif
