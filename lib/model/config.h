/*
 * config.json of a model folder: labels and special ids read here, everything
 * else by name through tf_config_get(), as the rows of arch.h ask for it. The
 * file is not trusted.
 */
#ifndef TF_MODEL_CONFIG_H
#define TF_MODEL_CONFIG_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"
#include "format/gguf.h"

enum tf_problem {
    TF_PROBLEM_NONE, /* config.json does not say */
    TF_REGRESSION,
    TF_SINGLE_LABEL,
    TF_MULTI_LABEL,
};

struct tf_config {
    json_t *json;               /* the whole file, an object */
    const struct tf_gguf *gguf; /* the file it was made from, else NULL */
    const char *model_type;     /* NULL: not given */
    size_t label_count;
    char **labels; /* id2label; LABEL_0, ... where it is silent */
    enum tf_problem problem;
};

/* Read DIR/config.json, labels apart. `config` is released by the caller also
 * on failure. */
int tf_config_open(struct tf_config *config, const char *dir,
                   struct tf_err *err);
/* The same of a folder, or of a config.json itself. */
int tf_config_read(struct tf_config *config, const char *path,
                   struct tf_err *err);
/* Make a configuration of a GGUF's metadata, which outlives it. */
int tf_config_of_gguf(struct tf_config *config, const struct tf_gguf *gguf,
                      struct tf_err *err);
/* Read id2label, num_labels and problem_type; `defaults` (an object or NULL)
 * speaks where config.json is silent. */
int tf_config_labels(struct tf_config *config, json_t *defaults,
                     struct tf_err *err);
/* Put other labels into the JSON: id2label, label2id and problem_type. */
int tf_config_set_labels(struct tf_config *config, const char *const *labels,
                         size_t n, enum tf_problem problem, struct tf_err *err);
/* Take the labels of another folder's config.json, when it has one. */
int tf_config_take_labels(struct tf_config *config, const char *dir,
                          struct tf_err *err);
/* Another number of labels, LABEL_0 and so on, in place of those read. */
int tf_config_count_labels(struct tf_config *config, size_t n,
                           struct tf_err *err);
void tf_config_release(struct tf_config *config);

/*
 * The first member of `object` that `keys` ("n_embd|hidden_size", a dot steps
 * into an object) names and that is not null; NULL when there is none.
 */
json_t *tf_config_get(json_t *object, const char *keys);

/* A token id of config.json, or -1 when it is absent or null; of a list the
 * first. */
int32_t tf_config_id(const struct tf_config *config, const char *key);
/* Python writes an Infinity (Mamba 2's time_step_limit), which JSON does not
 * know, to config.json: in a text of n bytes each becomes a null. */
void tf_config_blank(char *text, size_t n);
#endif
