#include "cmd/generate.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include "base/io.h"
#include "base/mem.h"
#include "text/language.h"

/* Take the entry of task_specific_params in config.json: its prefix, and its
 * fields of a generation config. False when there is none. */
static bool take_task(struct generate_source *source,
                      struct tf_generation *config, const char *dir,
                      const char *name)
{
    struct tf_err err;
    char *path = tf_path(dir, "config.json", &err), *text;
    json_t *root = path ? json_load_file(path, JSON_ALLOW_NUL, NULL) : NULL;
    json_t *entry =
        json_object_get(json_object_get(root, "task_specific_params"), name);
    const char *prefix = json_string_value(json_object_get(entry, "prefix"));

    if (entry) {
        text = json_dumps(entry, 0);
        if (!text || tf_generation_read(config, text, strlen(text), &err))
            cli_die(CLI_FILE, "%s: task_specific_params: %s", path,
                    text ? err.msg : "no memory");
        free(text);
        if (prefix)
            source->prefix = tf_strndup(prefix, strlen(prefix), &err);
    }
    free(path);
    json_decref(root);
    return entry != NULL;
}

static void set_target(struct generate_source *source,
                       struct tf_generation *config, const char *dir,
                       const struct tf_tokenizer *tokenizer)
{
    const char *target = generate_options.target_language;
    const char *from = generate_options.source_language;
    char name[160];
    struct tf_err err;
    int32_t id = tf_language_id(tokenizer, target);

    if (id >= 0) {
        config->forced_bos = id;
        return;
    }
    snprintf(name, sizeof(name), ">>%.100s<<", target);
    if (tf_tokenizer_id(tokenizer, name, strlen(name)) >= 0) {
        strcat(name, " ");
        source->prefix = tf_strndup(name, strlen(name), &err);
        return;
    }
    snprintf(name, sizeof(name), "translation_%.60s_to_%.60s",
             from ? from : "en", target);
    if (!take_task(source, config, dir, name))
        cli_usage("--tgt-lang: the model knows no language \"%s\": neither a "
                  "token for it nor %s in task_specific_params",
                  target, name);
}

void generate_languages(struct generate_source *source,
                        struct tf_generation *config, const char *dir,
                        const struct tf_tokenizer *tokenizer)
{
    const char *from = generate_options.source_language;

    *source = (struct generate_source){ NULL, -1 };
    if (generate_options.task &&
        !take_task(source, config, dir, generate_options.task))
        cli_usage("--task: config.json has no \"%s\" in task_specific_params",
                  generate_options.task);
    if (generate_options.target_language)
        set_target(source, config, dir, tokenizer);
    if (!from)
        return;
    source->language = tf_language_id(tokenizer, from);
    if (source->language < 0 && !source->prefix)
        cli_usage("--src-lang: the tokenizer has no token for \"%s\"", from);
}
