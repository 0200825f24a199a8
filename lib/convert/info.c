#include "convert/info.h"

#include <stdlib.h>
#include <string.h>
#include "base/io.h"
#include "base/mem.h"
#include "convert/packed_count.h"
#include "convert/source.h"
#include "text/tokenizer.h"

#define README_MAX ((size_t)16 << 20) /* bytes */

static const char *kind_of(json_t *row)
{
    if (!json_object_get(row, "decoder"))
        return "encoder";
    return json_object_get(row, "encoder") ? "encoder-decoder" : "decoder";
}

static json_t *tasks_of(json_t *row)
{
    json_t *heads = json_object_get(row, "heads"), *head, *tasks = json_array();
    const char *name;

    json_object_foreach (heads, name, head)
        if (!json_is_null(head))
            json_array_append_new(tasks, json_string(name));
    return tasks;
}

json_t *tf_info_architecture(const char *name, struct tf_err *err)
{
    json_t *row = tf_arch_row(name, err), *out;

    if (!row)
        return NULL;
    out = json_pack("{s:s, s:s, s:o}", "name", name, "kind", kind_of(row),
                    "tasks", tasks_of(row));
    json_decref(row);
    if (!out)
        tf_no_memory(err, sizeof(*out));
    return out;
}

struct named {
    const char *name;
    const struct tf_tensor *t;
};

static int by_place(const void *a, const void *b)
{
    const struct tf_tensor *x = ((const struct named *)a)->t;
    const struct tf_tensor *y = ((const struct named *)b)->t;

    return (x->data > y->data) - (x->data < y->data);
}

static void add_to(json_t *object, const char *key, size_t n)
{
    json_int_t old = json_integer_value(json_object_get(object, key));

    json_object_set_new(object, key, json_integer(old + (json_int_t)n));
}

/* Tensors that share their data, as tied ones in a .bin do, count once. */
static int count_weights(json_t *out, const struct tf_source *s, size_t *total,
                         struct tf_err *err)
{
    json_t *packing = tf_config_get(s->config.json, "quantization_config");
    size_t n = tf_weights_count(s->weights), parameters = 0, i;
    struct named *all = tf_alloc(n, sizeof(*all), err);
    json_t *bytes = json_object();

    if (!all) {
        json_decref(bytes);
        return -1;
    }
    for (i = 0; i < n; i++)
        all[i].t = tf_weights_at(s->weights, i, &all[i].name);
    qsort(all, n, sizeof(*all), by_place);
    for (i = 0; i < n; i++) {
        const struct tf_tensor *t = all[i].t;

        if (i && t->data == all[i - 1].t->data &&
            tf_tensor_bytes(t) == tf_tensor_bytes(all[i - 1].t))
            continue;
        add_to(bytes, tf_dtype_info(t->dtype)->name, tf_tensor_bytes(t));
        *total += tf_tensor_bytes(t);
        parameters += tf_packed_count(packing, all[i].name, t);
    }
    free(all);
    json_object_set_new(out, "tensors", json_integer((json_int_t)n));
    json_object_set_new(out, "parameters",
                        json_integer((json_int_t)parameters));
    json_object_set_new(out, "bytes", bytes);
    return 0;
}

/* Rows of the positions' table, those before the first token left out; what a
 * model with computed positions was made for. */
static size_t context_of(const struct tf_stack_spec *s)
{
    size_t taken = s->position_after_pad ? s->pad + 1 : 0;

    return s->max_positions > taken ? s->max_positions - taken : 0;
}

/* Keys and values of one token in the layers of a causal stack, in float32. */
static size_t cache_bytes(const struct tf_arch *a)
{
    const struct tf_stack_spec *s = &a->decoder;

    if (!a->has_decoder || s->names.ssm_in)
        return 0;
    if (s->latent_rank)
        return sizeof(float) * s->layers * (s->latent_rank + s->rotary_dims);
    return sizeof(float) * s->layers * s->kv_heads *
           (s->head_size + s->value_size);
}

static void put_labels(json_t *out, const struct tf_config *c)
{
    json_t *labels;

    if (!json_is_object(json_object_get(c->json, "id2label")))
        return;
    labels = json_array();
    for (size_t i = 0; i < c->label_count; i++)
        json_array_append_new(labels, json_string(c->labels[i]));
    json_object_set_new(out, "labels", labels);
}

static void put_architecture(json_t *out, const struct tf_source *s)
{
    const struct tf_stack_spec *spec = tf_source_reader(s);
    size_t context = context_of(spec);

    json_object_set_new(out, "kind", json_string(kind_of(s->arch.row)));
    json_object_set_new(out, "tasks", tasks_of(s->arch.row));
    json_object_set_new(out, "layers", json_integer((json_int_t)spec->layers));
    json_object_set_new(out, "width", json_integer((json_int_t)spec->width));
    if (context)
        json_object_set_new(out, "context", json_integer((json_int_t)context));
    json_object_set_new(out, "vocab_size",
                        json_integer((json_int_t)spec->vocab));
    put_labels(out, &s->config);
}

static void put_tokenizer(json_t *out, const char *path)
{
    struct tf_err err;
    struct tf_tokenizer *tok = tf_tokenizer_open(path, &err);
    const struct tf_tokenizer_info *info;
    json_t *t;

    if (!tok)
        return;
    info = tf_tokenizer_info(tok);
    t = json_pack("{s:s?, s:s?, s:I}", "model", info->model, "class",
                  info->class_name, "vocab_size", (json_int_t)info->vocab_size);
    if (info->model_max_length)
        json_object_set_new(t, "model_max_length",
                            json_integer((json_int_t)info->model_max_length));
    json_object_set_new(out, "tokenizer", t);
    tf_tokenizer_close(tok);
}

/* The value of "license:" in the YAML between the first two lines of "---" of
 * a model card; len 0: none. */
static struct tf_str card_licence(const char *p, size_t len)
{
    static const char key[] = "license:";
    const char *end = p + len, *eol;
    struct tf_str none = { 0 }, value;
    size_t line = 0;

    for (; p < end; p = eol + 1, line++) {
        eol = memchr(p, '\n', (size_t)(end - p));
        if (!eol)
            return none;
        value.s = p;
        value.len = (size_t)(eol - p);
        if (value.len >= 3 && !memcmp(p, "---", 3) ? line > 0 : line == 0)
            return none;
        if (value.len < sizeof(key) || memcmp(p, key, sizeof(key) - 1))
            continue;
        value.s += sizeof(key) - 1;
        value.len -= sizeof(key) - 1;
        while (value.len && strchr(" \t\"'", value.s[0]))
            value.s++, value.len--;
        while (value.len && strchr(" \t\r\"'", value.s[value.len - 1]))
            value.len--;
        return value;
    }
    return none;
}

static void put_licence(json_t *out, const struct tf_source *s,
                        const char *path)
{
    struct tf_buf text = TF_BUF_INIT;
    struct tf_str value = { 0 };
    struct tf_err err;
    char *card = NULL;

    if (s->gguf) {
        tf_gguf_string(s->gguf, "general.license", &value);
    } else {
        card = tf_path(path, "README.md", &err);
        if (card && tf_file_exists(card) &&
            !tf_file_read(card, README_MAX, &text, &err))
            value = card_licence(text.data, text.len);
    }
    /* what is not UTF-8 gives no string, and no member */
    if (value.len)
        json_object_set_new(out, "license", json_stringn(value.s, value.len));
    free(card);
    tf_buf_release(&text);
}

static json_t *describe(const struct tf_source *s, const char *path,
                        struct tf_err *err)
{
    json_t *out = json_object();
    size_t weights = 0;

    json_object_set_new(out, "architecture",
                        s->config.model_type ? json_string(s->config.model_type)
                                             : json_null());
    json_object_set_new(out, "supported", json_boolean(s->known));
    if (s->known)
        put_architecture(out, s);
    else
        json_object_set_new(out, "reason", json_string(s->why.msg));
    if (count_weights(out, s, &weights, err)) {
        json_decref(out);
        return NULL;
    }
    json_object_set_new(
        out, "memory",
        json_pack("{s:I, s:I}", "weights", (json_int_t)weights,
                  "cache_per_token",
                  (json_int_t)(s->known ? cache_bytes(&s->arch) : 0)));
    put_tokenizer(out, path);
    put_licence(out, s, path);
    return out;
}

json_t *tf_info_model(const char *path, struct tf_err *err)
{
    struct tf_source s;
    json_t *out = NULL;

    if (!tf_source_open(&s, path, err))
        out = describe(&s, path, err);
    tf_source_release(&s);
    return out;
}
