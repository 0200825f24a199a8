#include "convert/convert.h"

#include <string.h>
#include "base/io.h"
#include "convert/gguf_plan.h"

static int check_source(const struct tf_source *s, struct tf_err *err)
{
    if (s->config.json && tf_config_get(s->config.json, "quantization_config"))
        return tf_fail(err, "the model is quantised (quantization_config in "
                            "config.json), in a form that a GGUF has not");
    return 0;
}

static int convert(struct tf_gguf_plan *g, const struct tf_source *s,
                   const char *path, const char *file,
                   const struct tf_convert_opts *opts,
                   struct tf_convert_report *report, struct tf_err *err)
{
    if (tf_file_exists(file))
        return tf_fail(err, "%.300s: is there already; name a new file", file);
    if (check_source(s, err)) {
        tf_err_at(err, path);
        return -1;
    }
    if (tf_gguf_plan_make(g, s, path, err))
        return -1;
    g->mix.dtype = opts->dtype;
    g->mix.plain = true;
    if (tf_gguf_plan_types(g, !opts->change, NULL, NULL, opts->pool, err) ||
        tf_gguf_plan_write(g, file, err))
        return -1;
    report->tensors = g->plan.count;
    report->files = 1;
    for (size_t i = 0; i < g->plan.count; i++) {
        report->bytes += tf_tensor_bytes(&g->plan.made[i].to);
        report->dropped -= g->plan.made[i].source != NULL;
    }
    return 0;
}

int tf_convert_to_gguf(const char *path, const char *file,
                       const struct tf_convert_opts *opts,
                       struct tf_convert_report *report, struct tf_err *err)
{
    struct tf_gguf_plan g = { 0 };
    struct tf_source s;
    int failed;

    memset(report, 0, sizeof(*report));
    failed = tf_source_open(&s, path, err);
    if (!failed) {
        report->dropped =
            s.gguf ? tf_gguf_count(s.gguf) : tf_weights_count(s.weights);
        failed = convert(&g, &s, path, file, opts, report, err);
    }
    tf_gguf_plan_release(&g);
    tf_source_release(&s);
    return failed ? -1 : 0;
}
