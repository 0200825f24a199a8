#include "text/toksource.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "format/gguf.h"
#include "text/gguf_vocab.h"
#include "text/legacy.h"
#include "text/tokenizer.h"

static int open_file(struct tf_toksource *s, const char *path,
                     struct tf_err *err)
{
    if (tf_map_open(&s->map, path, err))
        return -1;
    s->text = (struct tf_str){ (const char *)s->map.data, s->map.size };
    return 0;
}

static int open_folder(struct tf_toksource *s, const char *dir,
                       struct tf_tokconfig *config, struct tf_err *err)
{
    char *path;

    s->is_folder = true;
    if (tf_tokconfig_read(config, dir, err))
        return -1;
    path = tf_path(dir, "tokenizer.json", err);
    if (!path)
        return -1;
    if (!tf_file_exists(path)) {
        free(path);
        return tf_legacy_tokenizer(dir, config, &s->json, err);
    }
    free(s->name);
    s->name = path;
    return open_file(s, path, err);
}

static int open_gguf(struct tf_toksource *s, const char *path,
                     struct tf_tokconfig *config, struct tf_model *model,
                     struct tf_err *err)
{
    struct tf_gguf *g = tf_gguf_open(path, err);
    struct tf_buf text = TF_BUF_INIT;
    int failed;

    if (!g)
        return -1;
    failed = tf_gguf_vocab(g, model, &s->json, &text, err) ||
             tf_tokconfig_of(config, &text, err);
    if (failed)
        tf_err_at(err, path);
    tf_buf_release(&text);
    tf_gguf_close(g);
    return failed ? -1 : 0;
}

static bool is_gguf(const char *path)
{
    char magic[4] = "";
    FILE *f = fopen(path, "rb");
    bool yes = f && fread(magic, 1, 4, f) == 4 && !memcmp(magic, "GGUF", 4);

    if (f)
        fclose(f);
    return yes;
}

int tf_toksource_open(struct tf_toksource *s, const char *path,
                      struct tf_tokconfig *config, struct tf_model *model,
                      struct tf_err *err)
{
    int failed;

    s->name = tf_strndup(path, strlen(path), err);
    if (!s->name)
        return -1;
    if (tf_dir_exists(path))
        failed = open_folder(s, path, config, err);
    else if (is_gguf(path))
        failed = open_gguf(s, path, config, model, err);
    else
        failed = open_file(s, path, err);
    if (!failed && s->json.len)
        s->text = (struct tf_str){ s->json.data, s->json.len };
    return failed;
}

bool tf_tokenizer_there(const char *dir)
{
    static const char *const files[] = {
        "tokenizer.json", "vocab.txt",       "vocab.json",
        "spiece.model",   "tokenizer.model", "sentencepiece.bpe.model",
    };
    bool there = false;
    struct tf_err err;

    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]) && !there; i++) {
        char *path = tf_path(dir, files[i], &err);

        there = path && tf_file_exists(path);
        free(path);
    }
    return there;
}

int tf_toksource_close(struct tf_toksource *s, struct tf_err *err)
{
    int failed = 0;

    if (s->map.size && tf_map_broken())
        failed = tf_fail(err, "%s: was cut short while it was read", s->name);
    free(s->name);
    tf_map_close(&s->map);
    tf_buf_release(&s->json);
    memset(s, 0, sizeof(*s));
    return failed;
}
