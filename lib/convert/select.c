#include "convert/select.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "model/bind.h"

#define NAME_MAX_BYTES 512

/* Which tensors stay away. */
struct drops {
    struct tf_bind bind;
    uint8_t *drop; /* [tensors] */
};

static bool same(const struct tf_tensor *a, const struct tf_tensor *b)
{
    size_t bytes = tf_tensor_bytes(a);

    return a->dtype == b->dtype && a->ndim == b->ndim &&
           !memcmp(a->dim, b->dim, a->ndim * sizeof(a->dim[0])) &&
           (a->data == b->data || !bytes || !memcmp(a->data, b->data, bytes));
}

/* Drop what the spellings of `pattern` find beside `kept` that is a copy of
 * it; when `kept` is NULL, the first that is found is the one to keep. */
static const struct tf_tensor *drop_copies(struct drops *d, const char *pattern,
                                           const char *suffix,
                                           const struct tf_tensor *kept)
{
    char one[NAME_MAX_BYTES], name[NAME_MAX_BYTES];
    struct tf_place none = { 0 };
    const struct tf_tensor *t;
    size_t n;

    for (; pattern && *pattern; pattern += n + (pattern[n] == '|')) {
        n = strcspn(pattern, "|");
        snprintf(one, sizeof(one), "%.*s", (int)n, pattern);
        t = tf_bind_find(&d->bind, one, none, suffix, name, sizeof(name));
        if (!t)
            continue;
        if (!kept)
            kept = t;
        else if (t != kept && same(t, kept))
            d->drop[tf_weights_index(d->bind.weights, name)] = 1;
    }
    return kept;
}

static void drop_tied(struct drops *d, const struct tf_source *s)
{
    const struct tf_tensor *tokens = NULL;
    json_t *tie = tf_config_get(s->config.json, "tie_word_embeddings");

    if (s->arch.has_encoder)
        tokens = drop_copies(d, s->arch.encoder.names.tokens, ".weight", NULL);
    if (s->arch.has_decoder)
        tokens =
            drop_copies(d, s->arch.decoder.names.tokens, ".weight", tokens);
    for (int i = 0; i < TF_TASKS; i++) {
        const struct tf_head_spec *h = &s->arch.heads[i];

        if (!h->present)
            continue;
        if (h->tied && tokens && !json_is_false(tie))
            drop_copies(d, h->out, ".weight", tokens);
        drop_copies(d, h->out_bias, "", NULL);
    }
}

/* Drop what Transformers computes: integers in a model that is not quantised
 * (position_ids), and positions that are sines. */
static void drop_buffers(struct drops *d, const struct tf_source *s)
{
    bool sines = tf_source_reader(s)->sines != TF_SINES_NONE;
    const char *name;

    if (tf_config_get(s->config.json, "quantization_config"))
        return;
    for (size_t i = 0; i < tf_weights_count(s->weights); i++)
        if (!tf_dtype_is_float(tf_weights_at(s->weights, i, &name)->dtype) ||
            (sines && strstr(name, ".embed_positions.weight")))
            d->drop[i] = 1;
}

/* The old names of a norm's weight and bias, as Transformers renames them. */
static void modern_name(char *out, size_t size, const char *name)
{
    static const char *const names[][2] = { { ".gamma", ".weight" },
                                            { ".beta", ".bias" } };
    size_t n = strlen(name);

    snprintf(out, size, "%s", name);
    for (int i = 0; i < 2; i++) {
        size_t old = strlen(names[i][0]);

        if (n > old && !strcmp(name + n - old, names[i][0]))
            snprintf(out, size, "%.*s%s", (int)(n - old), name, names[i][1]);
    }
}

static int add_kept(struct tf_plan *plan, const struct drops *d, bool known,
                    struct tf_err *err)
{
    const struct tf_tensor *t;
    const char *name;

    for (size_t i = 0; i < tf_weights_count(d->bind.weights); i++) {
        char modern[NAME_MAX_BYTES];

        t = tf_weights_at(d->bind.weights, i, &name);
        if (d->drop[i])
            continue;
        if (known && strlen(name) < NAME_MAX_BYTES - 8) {
            modern_name(modern, sizeof(modern), name);
            name = modern;
        }
        if (!tf_plan_add(plan, name, t, err))
            return -1;
    }
    return 0;
}

int tf_select_weights(struct tf_plan *plan, const struct tf_source *s,
                      struct tf_err *err)
{
    size_t n = tf_weights_count(s->weights);
    struct drops d = { .bind = { .weights = s->weights,
                                 .prefix = s->arch.prefix } };
    int failed;

    d.drop = tf_alloc(n, 1, err);
    d.bind.used = tf_alloc(n, 1, err);
    failed = !d.drop || !d.bind.used;
    if (!failed && s->known) {
        drop_tied(&d, s);
        drop_buffers(&d, s);
    }
    if (!failed)
        failed = add_kept(plan, &d, s->known, err);
    free(d.drop);
    free(d.bind.used);
    return failed ? -1 : 0;
}
