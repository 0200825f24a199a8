#include "convert/merge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "convert/companions.h"
#include "convert/folder.h"
#include "convert/merge_tensor.h"
#include "convert/select.h"
#include "model/adapter.h"
#include "model/model.h"

#define BEFORE "base_model.model."

struct merge {
    struct tf_plan plan;
    struct tf_source source;
    struct tf_adapters *set;
    struct tf_arena memory; /* of the tensors' changes */
    bool untied;            /* the head is written beside the table */
};

static const struct tf_stack_spec *stack_of(const struct merge *g)
{
    return g->source.arch.has_decoder ? &g->source.arch.decoder
                                      : &g->source.arch.encoder;
}

/* "bert.encoder.layer.0" as it may stand in the adapter: so, without the
 * prefix of the base model, and with it. */
struct spellings {
    const char *core, *prefix;
    char name[TF_NAME_MAX];
    int turn;
};

static struct spellings spell(const struct merge *g, const char *module)
{
    struct spellings s = { .core = module, .prefix = g->source.arch.prefix };
    const char *p = s.prefix;

    while (p && *p) {
        size_t n = strcspn(p, "|");

        if (!strncmp(module, p, n) && module[n] == '.')
            s.core = module + n + 1;
        p += n + (p[n] == '|');
    }
    return s;
}

static bool next(struct spellings *s)
{
    size_t n = s->prefix ? strcspn(s->prefix, "|") : 0;

    if (s->turn++ == 0) {
        snprintf(s->name, sizeof(s->name), "%.500s", s->core);
        return true;
    }
    if (!n)
        return false;
    snprintf(s->name, sizeof(s->name), "%.*s.%.400s", (int)(n < 100 ? n : 100),
             s->prefix, s->core);
    s->prefix += n + (s->prefix[n] == '|');
    return true;
}

/* A tensor of the adapter for a module, whose spelling goes to `found`. */
static const struct tf_tensor *look(struct merge *g, const char *module,
                                    const char *suffix, char found[TF_NAME_MAX])
{
    struct spellings s = spell(g, module);
    const struct tf_tensor *t = NULL;

    while (!t && next(&s))
        t = tf_adapters_find(g->set, s.name, suffix);
    if (t)
        memcpy(found, s.name, TF_NAME_MAX);
    return t;
}

/* A tensor's name cut into module and suffix, as Transformers writes it. */
static const char *split(const char *name, char module[TF_NAME_MAX])
{
    static const char *const ends[][2] = { { ".weight", ".weight" },
                                           { ".bias", ".bias" },
                                           { ".gamma", ".weight" },
                                           { ".beta", ".bias" } };

    snprintf(module, TF_NAME_MAX, "%.500s", name);
    for (size_t i = 0; i < 4; i++) {
        size_t n = strlen(ends[i][0]), len = strlen(module);

        if (len > n && !strcmp(module + len - n, ends[i][0])) {
            module[len - n] = 0;
            return ends[i][1];
        }
    }
    return "";
}

/* The change of a matrix or a table that the adapter has for `module`. */
static int find_change(struct merge *g, const char *module, bool table,
                       struct tf_change **out, struct tf_err *err)
{
    const char *first = table ? ".lora_embedding_A" : ".lora_A.weight";
    const char *second = table ? ".lora_embedding_B" : ".lora_B.weight";
    char found[TF_NAME_MAX];
    const struct tf_tensor *a = look(g, module, first, found);
    struct tf_change *c;

    *out = NULL;
    if (!a)
        return 0;
    c = tf_arena_alloc(&g->memory, 1, sizeof(*c));
    if (!c)
        return tf_no_memory(err, sizeof(*c));
    memset(c, 0, sizeof(*c));
    c->a = a;
    c->table = table;
    c->b = tf_adapters_find(g->set, found, second);
    c->magnitude = tf_adapters_find(g->set, found, ".lora_magnitude_vector");
    if (!c->magnitude)
        c->magnitude =
            tf_adapters_find(g->set, found, ".lora_magnitude_vector.weight");
    *out = c;
    if (!c->b)
        return tf_fail(err, "%.300s: %s is missing", found, second + 1);
    return a->ndim == 2
               ? tf_lora_scale(&g->set->lora, found, a->dim[0], &c->scale, err)
               : tf_fail(err, "%.300s: A is not a matrix", found);
}

/* Is the output [in][out]? A head or table never is. */
static bool is_turned(const struct merge *g, const struct tf_made *m)
{
    return g->source.gguf ? m->turned : stack_of(g)->transposed;
}

static int change_weight(struct merge *g, struct tf_made *m, const char *module,
                         struct tf_err *err)
{
    struct tf_change *c;

    if (find_change(g, module, false, &c, err) ||
        (!c && find_change(g, module, true, &c, err)))
        return -1;
    return c ? tf_change_tensor(&g->memory, m, c, is_turned(g, m), err) : 0;
}

/* A bias's own change (lora_bias). */
static int change_bias(struct merge *g, struct tf_made *m, const char *module,
                       struct tf_err *err)
{
    char found[TF_NAME_MAX];
    const struct tf_tensor *more = look(g, module, ".lora_B.bias", found);
    const struct tf_tensor *a =
        more ? tf_adapters_find(g->set, found, ".lora_A.weight") : NULL;
    float scale;

    if (!more || !a || a->ndim != 2)
        return 0;
    if (tf_lora_scale(&g->set->lora, found, a->dim[0], &scale, err))
        return -1;
    return tf_change_bias(&g->memory, m, more, scale, err);
}

static bool same_shape(const struct tf_tensor *a, const struct tf_tensor *b)
{
    return a->ndim == b->ndim &&
           !memcmp(a->dim, b->dim, a->ndim * sizeof(a->dim[0]));
}

/* What the adapter has whole stands for the base's; a head may have other
 * labels. */
static int replace(struct merge *g, struct tf_made *m, const char *module,
                   const char *suffix, struct tf_err *err)
{
    char inner[64], found[TF_NAME_MAX];
    const struct tf_tensor *t = look(g, module, suffix, found);

    snprintf(inner, sizeof(inner), ".base_layer%.40s", suffix);
    if (!t)
        t = look(g, module, inner, found);
    if (!t)
        return 0;
    if (!same_shape(t, &m->to) && (t->ndim != m->to.ndim || t->ndim == 0 ||
                                   (t->ndim == 2 && t->dim[1] != m->to.dim[1])))
        return tf_fail(err, "%.300s: the adapter's has another shape", m->name);
    memcpy(m->to.dim, t->dim, sizeof(t->dim));
    m->to.ld = t->ld;
    m->from = t;
    m->add = 0;
    m->turned = false;
    m->order = TF_ROWS_ALIKE;
    return 0;
}

static struct tf_made *named(struct merge *g, const char *module)
{
    char own[TF_NAME_MAX];
    struct tf_made *found = NULL;

    for (size_t i = 0; i < g->plan.count; i++) {
        struct spellings s;

        split(g->plan.made[i].name, own);
        s = spell(g, own);
        if (!strcmp(own, module) || !strcmp(s.core, module))
            found = &g->plan.made[i];
    }
    return found;
}

/*
 * A head that is the table of tokens once more: where one of them is adapted,
 * the other is not, so both are written.
 */
static int untie(struct merge *g, struct tf_err *err)
{
    const struct tf_head_spec *h = &g->source.arch.heads[TF_CAUSAL_LM];
    const char *names = stack_of(g)->names.tokens;
    char tokens[TF_NAME_MAX], head[TF_NAME_MAX], found[TF_NAME_MAX];
    struct tf_place none = { 0 };
    struct tf_made *m;

    if (!h->present || !h->tied || !names)
        return 0;
    if (g->source.gguf && strchr(names, '|'))
        names = strchr(names, '|') + 1;
    tf_spell(tokens, names, strcspn(names, "|"), none);
    names = h->out;
    if (g->source.gguf && strchr(names, '|'))
        names = strchr(names, '|') + 1;
    tf_spell(head, names, strcspn(names, "|"), none);
    m = named(g, spell(g, tokens).core);
    if (!m || named(g, head) ||
        (!look(g, tokens, ".lora_embedding_A", found) &&
         !look(g, head, ".lora_A.weight", found)))
        return 0;
    g->untied = true;
    snprintf(found, sizeof(found), "%.500s.weight", head);
    return tf_plan_add(&g->plan, found, m->from, err) ? 0 : -1;
}

/* Tensors for modules that the base has not: a new head. */
static int add_new(struct merge *g, struct tf_err *err)
{
    const struct tf_weights *w = g->set->weights;
    size_t n = strlen(BEFORE);
    const char *name;

    for (size_t i = 0; i < tf_weights_count(w); i++) {
        const struct tf_tensor *t = tf_weights_at(w, i, &name);

        if (g->set->used[i] || strstr(name, ".lora_") ||
            strstr(name, ".modules_to_save.") ||
            strstr(name, ".original_module.") || strncmp(name, BEFORE, n) ||
            strstr(name, ".base_layer."))
            continue;
        g->set->used[i] = 1;
        if (!tf_plan_add(&g->plan, name + n, t, err))
            return -1;
    }
    return 0;
}

static int plan(struct merge *g, struct tf_err *err)
{
    char module[TF_NAME_MAX];

    if (untie(g, err))
        return -1;
    for (size_t i = 0; i < g->plan.count; i++) {
        struct tf_made *m = &g->plan.made[i];
        const char *suffix = split(m->name, module);

        if (tf_dtype_info(m->from->dtype)->block > 1)
            m->to.dtype = TF_F32;
        if (replace(g, m, module, suffix, err) ||
            (!strcmp(suffix, ".weight") && change_weight(g, m, module, err)) ||
            (!strcmp(suffix, ".bias") && change_bias(g, m, module, err)))
            return -1;
    }
    return add_new(g, err) || tf_adapters_check(g->set, false, err) ? -1 : 0;
}

/* The first dim of a head that the adapter brings. */
static size_t label_rows(struct merge *g)
{
    const char *out = g->source.arch.heads[g->set->lora.task].out;
    char found[TF_NAME_MAX], head[TF_NAME_MAX];
    struct tf_place none = { 0 };
    const struct tf_tensor *t;

    if (!out || (g->set->lora.task != TF_SEQUENCE_CLASSIFICATION &&
                 g->set->lora.task != TF_TOKEN_CLASSIFICATION))
        return 0;
    tf_spell(head, out, strcspn(out, "|"), none);
    t = look(g, head, ".weight", found);
    return t && t->ndim == 2 ? t->dim[0] : 0;
}

static int write_config(struct merge *g, const char *adapter, const char *dir,
                        struct tf_err *err)
{
    struct tf_config *c = &g->source.config;
    size_t rows = label_rows(g);

    if (rows && (tf_config_take_labels(c, adapter, err) ||
                 tf_config_labels(c, NULL, err)))
        return -1;
    if (rows && rows != c->label_count && tf_config_count_labels(c, rows, err))
        return -1;
    if (rows && tf_model_set_class(c->json, g->set->lora.task, err))
        return -1;
    if (g->untied)
        json_object_set_new(c->json, "tie_word_embeddings", json_false());
    return tf_write_json(dir, "config.json", c->json, err);
}

static int merge(struct merge *g, const char *path, const char *adapter,
                 const char *dir, size_t max_shard,
                 struct tf_convert_report *report, struct tf_err *err)
{
    struct tf_source *s = &g->source;
    struct tf_folder_sizes sizes;

    if (!s->known) {
        *err = s->why;
        return -1;
    }
    if (tf_config_get(s->config.json, "quantization_config"))
        return tf_fail(err,
                       "%.300s: the model is quantised: nothing can be merged "
                       "into its weights",
                       path);
    if ((s->gguf ? tf_select_gguf(&g->plan, s, err)
                 : tf_select_weights(&g->plan, s, err)) ||
        plan(g, err) || tf_folder_new(dir, err) ||
        tf_folder_write(dir, &g->plan, max_shard, &sizes, err))
        return -1;
    report->tensors = g->plan.count;
    report->bytes = sizes.bytes;
    report->files = sizes.files;
    if (s->gguf ? tf_write_tokenizer(dir, s->gguf, err)
                : tf_copy_companions(path, dir, err))
        return -1;
    return write_config(g, adapter, dir, err);
}

int tf_merge(const char *path, const char *adapter, const char *dir,
             size_t max_shard, struct tf_convert_report *report,
             struct tf_err *err)
{
    struct merge g = { .set = tf_adapters_open(adapter, err) };
    int failed = !g.set;

    memset(report, 0, sizeof(*report));
    tf_arena_init(&g.memory);
    if (!failed) {
        failed = tf_source_open(&g.source, path, err) ||
                 merge(&g, path, adapter, dir, max_shard, report, err);
        tf_source_release(&g.source);
    }
    tf_plan_release(&g.plan);
    tf_arena_release(&g.memory);
    tf_adapters_free(g.set);
    return failed ? -1 : 0;
}
