#include "convert/convert.h"

#include <string.h>
#include "convert/companions.h"
#include "convert/folder.h"
#include "convert/select.h"

/* The types that tf_made_fill() gives. */
static bool is_packed(enum tf_dtype dtype)
{
    return dtype == TF_F32 || dtype == TF_BF16 || dtype == TF_F16;
}

static void set_types(struct tf_plan *plan, const struct tf_convert_opts *opts)
{
    for (size_t i = 0; i < plan->count; i++) {
        struct tf_made *m = &plan->made[i];
        enum tf_dtype dtype = m->from->dtype;

        if (opts->change && tf_dtype_is_float(dtype))
            m->to.dtype = opts->dtype;
        else if (tf_dtype_info(dtype)->block > 1 ||
                 (!tf_made_is_copy(m) && !is_packed(dtype)))
            m->to.dtype = TF_F32;
    }
}

/* The name that config.json has for a type. */
static const char *type_name(enum tf_dtype dtype)
{
    return dtype == TF_BF16  ? "bfloat16"
           : dtype == TF_F16 ? "float16"
                             : "float32";
}

/* The type of most numbers that are written. */
static enum tf_dtype main_type(const struct tf_plan *plan)
{
    size_t numbers[TF_DTYPES] = { 0 };
    enum tf_dtype most = TF_F32;

    for (size_t i = 0; i < plan->count; i++) {
        const struct tf_tensor *t = &plan->made[i].to;

        numbers[t->dtype] += tf_tensor_count(t);
        if (tf_dtype_is_float(t->dtype) && numbers[t->dtype] > numbers[most])
            most = t->dtype;
    }
    return most;
}

static int write_config(const struct tf_plan *plan, const char *dir,
                        const struct tf_source *s, struct tf_err *err)
{
    json_t *c = s->config.json;
    json_t *type = json_string(type_name(main_type(plan)));
    bool has = json_object_get(c, "dtype") != NULL;

    if (!has || json_object_get(c, "torch_dtype"))
        json_object_set(c, "torch_dtype", type);
    if (has)
        json_object_set(c, "dtype", type);
    json_decref(type);
    return tf_write_json(dir, "config.json", c, err);
}

static int check_source(const struct tf_source *s,
                        const struct tf_convert_opts *opts, struct tf_err *err)
{
    if (s->gguf && !s->known) {
        *err = s->why;
        return -1;
    }
    if (opts->change && s->config.json &&
        tf_config_get(s->config.json, "quantization_config"))
        return tf_fail(err, "the model is quantised (quantization_config in "
                            "config.json): its types can't be changed");
    return 0;
}

static int convert(struct tf_plan *plan, struct tf_source *s, const char *path,
                   const char *dir, const struct tf_convert_opts *opts,
                   struct tf_convert_report *report, struct tf_err *err)
{
    struct tf_folder_sizes sizes;

    if (check_source(s, opts, err) ||
        (s->gguf ? tf_select_gguf(plan, s, err)
                 : tf_select_weights(plan, s, err))) {
        tf_err_at(err, path);
        return -1;
    }
    set_types(plan, opts);
    if (tf_folder_new(dir, err) ||
        tf_folder_write(dir, plan, opts->max_shard, &sizes, err))
        return -1;
    report->tensors = plan->count;
    report->bytes = sizes.bytes;
    report->files = sizes.files;
    report->dropped = tf_weights_count(s->weights) - plan->count;
    if (s->gguf)
        return tf_write_tokenizer(dir, s->gguf, err) ||
               write_config(plan, dir, s, err);
    if (!s->config.json)
        return 0;
    return tf_copy_companions(path, dir, err) ||
           (opts->change ? write_config(plan, dir, s, err)
                         : tf_copy_file(path, dir, "config.json", err));
}

int tf_convert(const char *path, const char *dir,
               const struct tf_convert_opts *opts,
               struct tf_convert_report *report, struct tf_err *err)
{
    struct tf_plan plan = { 0 };
    struct tf_source s;
    int failed;

    memset(report, 0, sizeof(*report));
    failed = tf_source_open(&s, path, err) ||
             convert(&plan, &s, path, dir, opts, report, err);
    tf_plan_release(&plan);
    tf_source_release(&s);
    return failed ? -1 : 0;
}
