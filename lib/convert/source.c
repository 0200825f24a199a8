#include "convert/source.h"

#include <string.h>
#include "base/io.h"

static int open_config(struct tf_source *s, const char *path,
                       struct tf_err *err)
{
    if (s->gguf)
        return tf_config_of_gguf(&s->config, s->gguf, err);
    return tf_dir_exists(path) ? tf_config_open(&s->config, path, err) : 0;
}

int tf_source_open(struct tf_source *s, const char *path, struct tf_err *err)
{
    memset(s, 0, sizeof(*s));
    s->weights = tf_weights_open(path, err);
    if (!s->weights)
        return -1;
    s->gguf = tf_weights_gguf(s->weights);
    if (open_config(s, path, err))
        return -1;
    if (!s->config.json) {
        tf_fail(&s->why, "%.300s: weights alone, no config.json", path);
        return 0;
    }
    s->known =
        !tf_arch_resolve(&s->arch, &s->config, path, NULL, &s->why) &&
        !tf_config_labels(&s->config, json_object_get(s->arch.row, "defaults"),
                          &s->why);
    return 0;
}

void tf_source_release(struct tf_source *s)
{
    tf_arch_release(&s->arch);
    tf_config_release(&s->config);
    tf_weights_close(s->weights);
    memset(s, 0, sizeof(*s));
}

const struct tf_stack_spec *tf_source_reader(const struct tf_source *s)
{
    return s->arch.has_encoder ? &s->arch.encoder : &s->arch.decoder;
}
