/* What the commands of tf-model share. */
#ifndef CMD_MODEL_H
#define CMD_MODEL_H

#include <jansson.h>
#include "cmd/cli.h"

/* The folder or file of -m, which must be given; no operands but that. */
const char *model_path(char **operands);
/* Print a JSON value as one line, and release it. */
void model_print(json_t *value);
_Noreturn void model_die(const struct tf_err *err);

int model_architectures(char **operands);
int model_info(char **operands);
int model_convert(char **operands);
int model_verify(char **operands);
int model_diff(char **operands);
int model_merge(char **operands);
int model_init(char **operands);
int model_resize(char **operands);
extern const struct cli_opt model_convert_opts[], model_merge_opts[];
extern const struct cli_opt model_init_opts[], model_resize_opts[];
#endif
