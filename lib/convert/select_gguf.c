#include "convert/select.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/buf.h"
#include "base/mem.h"
#include "model/arch_fields.h"
#include "model/bind.h"

#define NAME_MAX_BYTES 512

/* The same model in both spellings: what differs is what the GGUF's writer
 * changed. */
struct both {
    struct tf_plan *plan;
    const struct tf_weights *weights;
    const struct tf_stack_spec *gguf, *hf;
    const char *prefix; /* of names in a stack */
    uint8_t *used;      /* [tensors] */
};

/* The first spelling of a pattern, the layer's number in the place of {} and
 * the expert's in that of {expert}. -1 when it is too long. */
static int expand(char *out, size_t size, const char *prefix,
                  const char *pattern, struct tf_place at, const char *suffix)
{
    size_t p = strcspn(prefix, "|"), n = strcspn(pattern, "|"), used = 0;
    struct tf_buf b = TF_BUF_INIT;

    tf_buf_addf(&b, "%.*s%s", (int)p, prefix, p ? "." : "");
    while (used < n) {
        const char *rest = pattern + used;
        size_t plain = strcspn(rest, "{|");

        tf_buf_add(&b, rest, plain);
        used += plain;
        if (used >= n)
            break;
        tf_buf_addf(&b, "%zu",
                    strncmp(pattern + used, "{}", 2) ? at.part : at.layer);
        used += strcspn(pattern + used, "}") + 1;
    }
    tf_buf_adds(&b, suffix);
    snprintf(out, size, "%s", tf_buf_cstr(&b));
    n = b.failed ? size : b.len;
    tf_buf_release(&b);
    return n >= size ? -1 : 0;
}

static bool is_one_of(const char *role, const char *const *roles)
{
    while (*roles && strcmp(role, *roles))
        roles++;
    return *roles != NULL;
}

/* The order of the rows of q, k and qkv, whose number must fit the heads. */
static int set_order(const struct both *b, struct tf_made *m, const char *role,
                     struct tf_err *err)
{
    const struct tf_stack_spec *s = b->hf;
    size_t unit = 0;

    if (b->gguf->rotary_interleaved && !s->rotary_interleaved &&
        (!strcmp(role, "q") || !strcmp(role, "k"))) {
        m->order = TF_ROWS_PAIRED;
        m->heads = role[0] == 'q' ? s->heads : s->kv_heads;
        unit = 2 * m->heads;
    } else if (!strcmp(role, "qkv") && s->qkv_order == TF_QKV_BY_GROUP) {
        m->order = TF_ROWS_BY_SIDE;
        m->heads = s->heads;
        m->kv_heads = s->kv_heads;
        unit = s->heads + 2 * s->kv_heads;
    }
    if (unit &&
        (!m->from->ndim || m->from->dim[0] % unit ||
         (m->from->ndim == 1 && tf_dtype_info(m->from->dtype)->block > 1)))
        return tf_fail(err, "%s: its rows do not fit %zu heads", m->name,
                       s->heads);
    return 0;
}

static int set_changes(const struct both *b, struct tf_made *m,
                       const char *role, struct tf_err *err)
{
    static const char *const linear[] = {
        "q", "k", "v", "qkv", "o", "up", "gate", "gate_up", "down", NULL
    };
    size_t n = strlen(role);

    if (n >= 4 && !strcmp(role + n - 4, "norm") && m->from->ndim == 1 &&
        strstr(m->name, ".weight"))
        m->add = (float)(b->gguf->norm_offset - b->hf->norm_offset);
    if (b->hf->transposed && !b->gguf->transposed && m->from->ndim == 2 &&
        is_one_of(role, linear)) {
        m->turned = true;
        m->to.dim[0] = m->from->dim[1];
        m->to.dim[1] = m->from->dim[0];
        return 0;
    }
    if (!strcmp(role, "shared_router") && m->from->ndim == 1) {
        m->to.ndim = 2; /* of one row */
        m->to.dim[0] = 1;
        m->to.dim[1] = m->from->dim[0];
    }
    return set_order(b, m, role, err);
}

/* The tensors that `from` and `to` call the same, with either suffix. */
static int add_pair(const struct both *b, const char *role, const char *from,
                    const char *prefix, const char *to, struct tf_place place,
                    struct tf_err *err)
{
    static const char *const suffixes[] = { ".weight", ".bias" };
    char name[NAME_MAX_BYTES], out[NAME_MAX_BYTES];

    for (int i = 0; i < 2; i++) {
        struct tf_made *m;
        size_t at;

        if (expand(name, sizeof(name), "", from, place, suffixes[i]))
            return 0;
        at = tf_weights_index(b->weights, name);
        if (at == SIZE_MAX || b->used[at])
            continue;
        if (expand(out, sizeof(out), prefix, to, place, suffixes[i]))
            continue; /* left over, and reported so */
        m = tf_plan_add(b->plan, out, tf_weights_find(b->weights, name), err);
        if (!m || set_changes(b, m, role, err))
            return -1;
        b->used[at] = 1;
    }
    return 0;
}

static int add_stack(const struct both *b, struct tf_err *err)
{
    for (const struct tf_field *f = tf_stack_name_fields; f->name; f++) {
        const char *from, *to;
        size_t layers, experts;

        memcpy(&from, (const char *)&b->gguf->names + f->offset, sizeof(from));
        memcpy(&to, (const char *)&b->hf->names + f->offset, sizeof(to));
        if (!from || !to)
            continue;
        layers = strchr(from, '{') ? b->hf->layers : 1;
        experts = strstr(from, "{expert}") ? b->hf->experts : 1;
        for (size_t i = 0; i < layers * experts; i++) {
            struct tf_place at = { .layer = i / experts, .part = i % experts };

            if (add_pair(b, f->name, from, b->prefix, to, at, err))
                return -1;
        }
    }
    return 0;
}

static int check_rest(const struct both *b, struct tf_err *err)
{
    const char *name;

    for (size_t i = 0; i < tf_weights_count(b->weights); i++) {
        tf_weights_at(b->weights, i, &name);
        /* factors of the frequencies stand in the configuration */
        if (!b->used[i] && strncmp(name, "rope_", 5))
            return tf_fail(err,
                           "%.200s: Hugging Face's models of this architecture "
                           "have no place for this tensor",
                           name);
    }
    return 0;
}

static int select_with(struct tf_plan *plan, const struct tf_source *s,
                       const struct tf_arch *hf, struct tf_err *err)
{
    bool decoder = s->arch.has_decoder;
    const struct tf_head_spec *from = &s->arch.heads[TF_CAUSAL_LM];
    const struct tf_head_spec *to = &hf->heads[TF_CAUSAL_LM];
    struct both b = { .plan = plan, .weights = s->weights, .prefix = "" };
    int failed;

    b.gguf = decoder ? &s->arch.decoder : &s->arch.encoder;
    b.hf = decoder ? &hf->decoder : &hf->encoder;
    if (to->present && hf->prefix)
        b.prefix = hf->prefix;
    b.used = tf_alloc(tf_weights_count(s->weights), 1, err);
    if (!b.used)
        return -1;
    failed = add_stack(&b, err) ||
             (from->present && to->present &&
              add_pair(&b, "out", from->out, "", to->out,
                       (struct tf_place){ 0 }, err)) ||
             check_rest(&b, err);
    free(b.used);
    return failed ? -1 : 0;
}

int tf_select_gguf(struct tf_plan *plan, const struct tf_source *s,
                   struct tf_err *err)
{
    struct tf_config config = s->config;
    struct tf_arch hf = { 0 };
    int failed;

    config.gguf = NULL; /* the architecture as config.json has it */
    failed = tf_arch_resolve(&hf, &config, "", NULL, err) ||
             select_with(plan, s, &hf, err);
    tf_arch_release(&hf);
    return failed ? -1 : 0;
}
