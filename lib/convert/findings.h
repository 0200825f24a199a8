/* Private to lib/convert: what a look at models finds, told one by one. */
#ifndef TF_CONVERT_FINDINGS_H
#define TF_CONVERT_FINDINGS_H

#include "convert/check.h"

struct tf_findings {
    tf_finding_fn *found;
    void *arg;
    long count;
};

/* Tell of one, which is released. NULL: there was no memory for it. */
int tf_findings_add(struct tf_findings *f, json_t *finding, struct tf_err *err);
#endif
