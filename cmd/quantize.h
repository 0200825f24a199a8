/* The files of tf-quantize. */
#ifndef CMD_QUANTIZE_H
#define CMD_QUANTIZE_H

#include <jansson.h>
#include "cmd/cli.h"
#include "convert/quantize.h"

extern const char *quantize_task; /* --task, or NULL */

/* What tf-eval says of a model; NULL: it was not asked. */
struct quantize_eval {
    json_t *before, *after;
};

/* The last line that tf-eval prints for `model` on the records of a file, a new
 * reference. The task is --task, else that of the model in the folder
 * `original`. Ends the tool when tf-eval fails. */
json_t *quantize_judge(const char *original, const char *model,
                       const char *file);

void quantize_print_json(const char *output,
                         const struct tf_quantize_report *report,
                         const struct quantize_eval *eval);
void quantize_print_table(const char *output,
                          const struct tf_quantize_report *report,
                          const struct quantize_eval *eval);
#endif
