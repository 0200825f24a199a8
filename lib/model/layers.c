#include "model/layers.h"

#include <string.h>

/* 1 for "sliding_attention" or "local", 0 for "full_attention" or "global", -1
 * for anything else. */
static int kind_of(json_t *v)
{
    const char *word = json_string_value(v);

    if (!word)
        return -1;
    if (!strcmp(word, "sliding_attention") || !strcmp(word, "local"))
        return 1;
    return !strcmp(word, "full_attention") || !strcmp(word, "global") ? 0 : -1;
}

static int unknown_kind(json_t *v, struct tf_err *err)
{
    const char *word = json_string_value(v);

    return tf_fail(err,
                   "layer_types: \"%.60s\" is neither sliding_attention nor "
                   "full_attention",
                   word ? word : "?");
}

/* GPT-Neo's attention_types: [[[word, ...], times], ...]. */
static int mark_repeated(struct tf_stack_spec *s, struct tf_err *err)
{
    size_t at = 0;
    json_t *item;

    for (size_t i = 0; (item = json_array_get(s->layer_types, i)); i++) {
        json_t *words = json_array_get(item, 0);
        json_int_t times = json_integer_value(json_array_get(item, 1));

        while (times-- > 0 && at < s->layers && json_array_size(words))
            for (size_t w = 0; w < json_array_size(words) && at < s->layers;
                 w++) {
                int kind = kind_of(json_array_get(words, w));

                if (kind < 0)
                    return unknown_kind(json_array_get(words, w), err);
                s->local[at++] = (uint8_t)kind;
            }
    }
    return at == s->layers ? 0
                           : tf_fail(err, "attention_types: %zu of %zu layers",
                                     at, s->layers);
}

/* Words, repeated until there is one for each layer. */
static int mark_listed(struct tf_stack_spec *s, struct tf_err *err)
{
    size_t n = json_array_size(s->layer_types);

    if (!n)
        return tf_fail(err, "layer_types is not a list of words");
    if (json_is_array(json_array_get(s->layer_types, 0)))
        return mark_repeated(s, err);
    for (size_t i = 0; i < s->layers; i++) {
        json_t *v = json_array_get(s->layer_types, i % n);
        int kind = kind_of(v);

        if (kind < 0)
            return unknown_kind(v, err);
        s->local[i] = (uint8_t)kind;
    }
    return 0;
}

/* A window of all layers, or of each. */
static int mark_windows(struct tf_stack_spec *s, struct tf_err *err)
{
    size_t n = json_array_size(s->windows);

    if (json_is_array(s->windows) && n != s->layers)
        return tf_fail(err, "%zu windows for %zu layers", n, s->layers);
    for (size_t i = 0; i < s->layers; i++) {
        json_t *v = n ? json_array_get(s->windows, i) : s->windows;
        json_int_t window = json_is_integer(v) ? json_integer_value(v) : 0;

        if (window <= 0 || window > INT32_MAX || window % 2)
            return tf_fail(err, "a window of %lld tokens", (long long)window);
        s->local[i] = 1;
        s->windows_of[i] = (size_t)window;
    }
    return 0;
}

static int mark_local(struct tf_stack_spec *s, struct tf_err *err)
{
    size_t every = s->global_every;
    size_t end = s->local_below && s->local_below < s->layers ? s->local_below
                                                              : s->layers;

    if (s->windows)
        return mark_windows(s, err);
    if (!s->window)
        return 0;
    if (s->layer_types)
        return mark_listed(s, err);
    for (size_t i = s->local_from; i < end; i++)
        s->local[i] = !every || i % every != (s->global_last ? every - 1 : 0);
    return 0;
}

static void mark_unrotated(struct tf_stack_spec *s)
{
    size_t every = s->unrotated_every;

    for (size_t i = 0; i < s->layers; i++) {
        json_t *v = json_array_get(s->rotary_layers, i);

        if (v)
            s->unrotated[i] = json_is_false(v) ||
                              (json_is_integer(v) && !json_integer_value(v));
        else
            s->unrotated[i] = (every && (i + 1) % every == 0) ||
                              (s->unrotated_global && !s->local[i]);
    }
}

/* SwitchTransformersConfig and -Stack: none would make the share all layers, of
 * which the second is one. */
static void mark_shares(struct tf_stack_spec *s)
{
    json_int_t n = json_integer_value(s->sparse_layers);
    size_t share = n > 0 ? s->layers / (size_t)n : s->layers;

    for (size_t i = 0; i < s->layers && share > 0; i++)
        s->sparse[i] = share == 1 || i % share == 1;
}

static void mark_sparse(struct tf_stack_spec *s)
{
    json_t *dense;

    if (!s->names.router)
        return;
    if (json_is_integer(s->sparse_layers)) {
        mark_shares(s);
        return;
    }
    for (size_t i = 0; i < s->layers; i++)
        s->sparse[i] = (i + 1) % s->experts_every == 0 && i >= s->dense_below &&
                       (!s->last_sparse || i <= s->last_sparse);
    for (size_t i = 0; (dense = json_array_get(s->dense_layers, i)); i++) {
        const char *word = json_string_value(dense);
        json_int_t layer =
            json_is_integer(dense) ? json_integer_value(dense) : -1;

        if (word) /* of layer i */
            layer = strcmp(word, "dense") ? -1 : (json_int_t)i;
        if (layer >= 0 && (size_t)layer < s->layers)
            s->sparse[layer] = 0;
    }
}

int tf_layers_mark(struct tf_stack_spec *spec, struct tf_arena *memory,
                   struct tf_err *err)
{
    uint8_t **marks[] = { &spec->local, &spec->unrotated, &spec->sparse };

    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
        *marks[i] = tf_arena_alloc(memory, spec->layers, 1);
        if (!*marks[i])
            return tf_no_memory(err, spec->layers);
        memset(*marks[i], 0, spec->layers);
    }
    spec->windows_of =
        tf_arena_alloc(memory, spec->layers, sizeof(spec->windows_of[0]));
    if (!spec->windows_of)
        return tf_no_memory(err, spec->layers);
    for (size_t i = 0; i < spec->layers; i++)
        spec->windows_of[i] = spec->window;
    mark_sparse(spec);
    if (mark_local(spec, err))
        return -1;
    mark_unrotated(spec);
    return 0;
}
