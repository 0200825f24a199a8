#include "convert/findings.h"

int tf_findings_add(struct tf_findings *f, json_t *finding, struct tf_err *err)
{
    if (!finding)
        return tf_no_memory(err, sizeof(*finding));
    f->found(f->arg, finding);
    json_decref(finding);
    f->count++;
    return 0;
}
