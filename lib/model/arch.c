#include "model/arch.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/io.h"
#include "model/arch_fields.h"
#include "model/arch_rows.h"
#include "model/gguf_model.h"
#include "model/layers.h"
#include "model/rope.h"

#define ROW_MAX     1000000 /* bytes of an architecture.json */
#define LAYERS_MAX  100000
#define EXPERTS_MAX 100000
#define FFN_MOST    1000 /* times the width */
#define LIKE_MAX    8    /* rows that a row may be like in turn */

static const char *const task_names[] = {
    [TF_TASK_NONE] = "none",
    [TF_SEQUENCE_CLASSIFICATION] = "sequence-classification",
    [TF_TOKEN_CLASSIFICATION] = "token-classification",
    [TF_QUESTION_ANSWERING] = "question-answering",
    [TF_MASKED_LM] = "masked-lm",
    [TF_CAUSAL_LM] = "causal-lm",
};

const char *tf_task_name(enum tf_task task)
{
    return task_names[task];
}

/* The tables of rows one after the other. */
static const struct tf_row *row_at(size_t i)
{
    static const struct tf_row *const tables[] = {
        tf_rows_encoder,      tf_rows_encoder_kin,  tf_rows_encoder_small,
        tf_rows_encoder_long, tf_rows_decoder,      tf_rows_llama,
        tf_rows_dense,        tf_rows_experts,      tf_rows_kin,
        tf_rows_seq2seq,      tf_rows_seq2seq_long,
    };

    for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++)
        for (const struct tf_row *r = tables[t]; r->name; r++)
            if (!i--)
                return r;
    return NULL;
}

size_t tf_arch_count(void)
{
    size_t n = 0;

    while (row_at(n))
        n++;
    return n;
}

const char *tf_arch_name(size_t i)
{
    return row_at(i)->name;
}

static const struct tf_row *find_row(const char *name)
{
    const struct tf_row *r;

    for (size_t i = 0; (r = row_at(i)); i++)
        if (!strcmp(r->name, name))
            return r;
    return NULL;
}

/* Put what `row` is like under it, until nothing is left to follow. */
static json_t *merge_likes(json_t *row, struct tf_err *err)
{
    for (int depth = 0; row; depth++) {
        json_t *like = json_object_get(row, "like"), *base;
        const char *name = json_string_value(like);
        const struct tf_row *r = name ? find_row(name) : NULL;

        if (!like)
            return row;
        base = r && depth < LIKE_MAX ? json_loads(r->json, 0, NULL) : NULL;
        if (!base)
            tf_fail(err, "like: there is no architecture \"%.60s\" here",
                    name ? name : "?");
        json_object_del(row, "like");
        if (base && json_object_update_recursive(base, row)) {
            tf_no_memory(err, ROW_MAX);
            json_decref(base);
            base = NULL;
        }
        json_decref(row);
        row = base;
    }
    return NULL;
}

json_t *tf_arch_row(const char *name, struct tf_err *err)
{
    const struct tf_row *r = find_row(name);
    json_error_t why;
    json_t *row;

    if (!r) {
        tf_fail(err,
                "model_type \"%.60s\" is no architecture known here; "
                "tf-architecture(5) lists those that are, and says how an "
                "architecture.json describes another",
                name);
        return NULL;
    }
    row = json_loads(r->json, 0, &why);
    if (!row)
        tf_fail(err, "architecture %s: %s", name, why.text);
    return merge_likes(row, err);
}

static json_t *read_row(const char *path, struct tf_err *err)
{
    struct tf_buf text = TF_BUF_INIT;
    json_error_t why;
    json_t *row = NULL;

    if (!tf_file_read(path, ROW_MAX, &text, err)) {
        row = json_loadb(text.data, text.len, JSON_REJECT_DUPLICATES, &why);
        if (!row)
            tf_fail(err, "%.200s: line %d: %.160s", path, why.line, why.text);
    }
    tf_buf_release(&text);
    if (row && !json_is_object(row)) {
        json_decref(row);
        row = NULL;
        tf_fail(err, "%.300s: not a JSON object", path);
    }
    if (row) {
        row = merge_likes(row, err);
        if (!row)
            tf_err_at(err, path);
    }
    return row;
}

static json_t *find_or_read(const struct tf_config *config, const char *dir,
                            const char *file, struct tf_err *err)
{
    json_t *row;
    char *path;

    if (file)
        return read_row(file, err);
    if (config->gguf) {
        row = tf_arch_row(config->model_type, err);
        if (row && tf_gguf_row(row, config->gguf, err)) {
            json_decref(row);
            return NULL;
        }
        return row;
    }
    path = tf_path(dir, "architecture.json", err);
    if (!path)
        return NULL;
    if (tf_file_exists(path)) {
        row = read_row(path, err);
        free(path);
        return row;
    }
    free(path);
    if (!config->model_type) {
        tf_fail(err, "%.300s: config.json has no model_type", dir);
        return NULL;
    }
    if (!find_row(config->model_type) &&
        tf_config_get(config->json, "auto_map")) {
        tf_fail(err,
                "model_type \"%.60s\" needs its own Python code (auto_map in "
                "config.json), which is never run here; if it is a plain "
                "transformer, an architecture.json can describe it, see "
                "tf-architecture(5)",
                config->model_type);
        return NULL;
    }
    return tf_arch_row(config->model_type, err);
}

static const char *member_name(struct tf_arch *arch, const char *key)
{
    return json_string_value(json_object_get(arch->row, key));
}

/* Sizes of attention. */
static int derive_inner(struct tf_stack_spec *s, struct tf_err *err)
{
    size_t width = s->bottleneck ? s->bottleneck : s->width;

    if (!s->bottleneck != !s->names.narrow)
        return tf_fail(err, "a bottleneck of %zu columns, names.narrow is %s",
                       s->bottleneck, s->names.narrow ? "given" : "not given");
    if (s->head_ratio)
        s->heads = s->heads > s->head_ratio ? s->heads / s->head_ratio : 1;
    if (!s->head_size && width % s->heads)
        return tf_fail(err, "a width of %zu does not divide into %zu heads",
                       width, s->heads);
    if (!s->head_size)
        s->head_size = width / s->heads;
    if (s->head_ratio && s->head_size % 2)
        return tf_fail(err, "heads of %zu have no halves", s->head_size);
    if (s->head_ratio)
        s->head_size /= 2;
    if (!s->feed_forwards || s->feed_forwards > LAYERS_MAX)
        return tf_fail(err, "%zu feed-forwards in a layer", s->feed_forwards);
    if (s->bottleneck && s->bottleneck != s->width && !s->names.narrow_qk &&
        !s->bottleneck_values)
        return tf_fail(err,
                       "queries and keys read %zu columns, not the "
                       "width of %zu",
                       s->bottleneck, s->width);
    return 0;
}

/* Sizes that follow from others, and whether they can be. */
static int derive_sizes(struct tf_stack_spec *s, struct tf_err *err)
{
    if (!s->layers || s->layers > LAYERS_MAX)
        return tf_fail(err, "%zu layers", s->layers);
    if (!s->width || !s->heads || !s->vocab)
        return tf_fail(err, "a width of %zu, %zu heads, a vocabulary of %zu",
                       s->width, s->heads, s->vocab);
    if (s->latent_rank && (!s->rotary || !s->rotary_dims))
        return tf_fail(err, "latent attention without rotary positions");
    if (s->latent_rank)
        s->head_size = s->unrotated_size + s->rotary_dims;
    if (derive_inner(s, err))
        return -1;
    if (!s->value_size)
        s->value_size = s->head_size;
    if (!s->kv_heads || s->latent_rank)
        s->kv_heads = s->heads;
    if (s->heads % s->kv_heads)
        return tf_fail(err, "%zu heads do not divide into %zu groups", s->heads,
                       s->kv_heads);
    if (!(s->ffn_factor > 0 && s->ffn_factor <= FFN_MOST))
        return tf_fail(err, "a feed-forward of %g times the width",
                       s->ffn_factor);
    if (!s->ffn)
        s->ffn = (size_t)(s->ffn_factor * (double)s->width);
    if (!s->embedding_width)
        s->embedding_width = s->width;
    if (!s->inner_layers || s->inner_layers > LAYERS_MAX)
        return tf_fail(err, "%zu inner layers", s->inner_layers);
    if (s->groups > s->layers)
        return tf_fail(err, "%zu groups of %zu layers", s->groups, s->layers);
    if (!s->attention_scale_of)
        s->attention_scale_of = s->head_size;
    if (s->qkv_order == TF_QKV_BY_QUARTER &&
        (s->heads % 4 || s->kv_heads != s->heads))
        return tf_fail(err, "%zu heads do not divide into quarters", s->heads);
    if (s->value_size != s->head_size && s->names.qkv &&
        s->qkv_order != TF_QKV_SIDE_BY_SIDE)
        return tf_fail(err, "values of %zu in heads of %zu", s->value_size,
                       s->head_size);
    if (s->residual_scale_by_depth)
        s->residual_scale /= sqrt((double)s->layers);
    if (s->norm_eps <= 0 || s->latent_eps <= 0)
        return tf_fail(err, "a norm's epsilon of %g", s->norm_eps);
    return 0;
}

static int derive_experts(struct tf_stack_spec *s, struct tf_err *err)
{
    if (!s->names.router)
        return 0;
    if (!s->expert_ffn)
        s->expert_ffn = s->ffn;
    if (s->shared_experts)
        s->shared_ffn = s->shared_experts * s->expert_ffn;
    if (!s->shared_ffn)
        s->shared_ffn = s->ffn;
    if (s->expert_groups > 1 &&
        (s->experts % s->expert_groups ||
         s->experts < (s->expert_groups_by_best ? 1 : 2) * s->expert_groups ||
         !s->expert_groups_kept || s->expert_groups_kept > s->expert_groups ||
         s->experts / s->expert_groups * s->expert_groups_kept <
             s->experts_per_token))
        return tf_fail(err, "%zu of %zu groups of %zu experts",
                       s->expert_groups_kept, s->expert_groups, s->experts);
    if (!s->experts_per_token || s->experts_per_token > s->experts ||
        s->experts > EXPERTS_MAX || !s->experts_every)
        return tf_fail(err, "%zu of %zu experts in one of %zu layers",
                       s->experts_per_token, s->experts, s->experts_every);
    return 0;
}

static int derive_ssm(struct tf_stack_spec *s, struct tf_err *err)
{
    if (!s->names.ssm_in)
        return 0;
    if (!s->ssm_rank)
        s->ssm_rank = (s->width + 15) / 16;
    if (!s->ssm_state || s->ssm_state > TF_SCAN_MAX || !s->ssm_kernel)
        return tf_fail(err, "a state of %zu and a convolution over %zu tokens",
                       s->ssm_state, s->ssm_kernel);
    if (!s->names.ssm_norm)
        return 0;
    if (!s->ssm_heads || !s->ssm_groups || s->ffn % s->ssm_heads ||
        s->ssm_heads % s->ssm_groups)
        return tf_fail(err, "%zu columns of %zu heads in %zu groups", s->ffn,
                       s->ssm_heads, s->ssm_groups);
    if (json_number_value(json_array_get(s->ssm_limit, 0)) > 0 ||
        (json_is_number(json_array_get(s->ssm_limit, 1)) &&
         json_number_value(json_array_get(s->ssm_limit, 1)) < FLT_MAX))
        return tf_fail(err, "bounds of the time steps are not supported");
    return 0;
}

/* Parts that do not go together. */
static int check_parts(const struct tf_stack_spec *s, struct tf_err *err)
{
    const struct tf_stack_names *n = &s->names;

    if (s->fourier &&
        (s->bottleneck || s->head_ratio || s->parallel || s->feed_forwards > 1))
        return tf_fail(err, "layers with a Fourier transform have neither a "
                            "bottleneck nor heads, one feed-forward, and are "
                            "not parallel");
    if (s->head_ratio && s->causal)
        return tf_fail(err, "a convolution beside attention is not causal");
    if (!n->global_q != !n->global_k || !n->global_q != !n->global_v)
        return tf_fail(err, "names: global_q, global_k and global_v go "
                            "together");
    if (!n->global_norm != !n->global_bias ||
        !n->global_norm != !s->global_block)
        return tf_fail(err, "names.global_norm, names.global_bias and "
                            "global_block go together");
    if (n->global_norm && (s->causal || n->qkv || n->global_q || s->rotary ||
                           !n->position_bias || s->sparse_block))
        return tf_fail(err, "sums of tokens stand with q, k, v and a "
                            "position_bias, without rotary positions");
    return 0;
}

static int check_conv(const struct tf_stack_spec *s, struct tf_err *err)
{
    if (!s->names.conv && !s->head_ratio)
        return 0;
    if (s->conv_groups != 1)
        return tf_fail(err, "a convolution in %zu groups is not supported",
                       s->conv_groups);
    if (s->conv_kernel % 2 == 0)
        return tf_fail(err, "a convolution over %zu tokens", s->conv_kernel);
    return 0;
}

static int derive_positions(struct tf_stack_spec *s, struct tf_err *err)
{
    if (s->rotary) {
        if (!s->rotary_dims)
            s->rotary_dims =
                (size_t)((double)s->head_size * s->rotary_fraction);
        if (!s->rotary_dims || s->rotary_dims % 2 ||
            s->rotary_dims > s->head_size)
            return tf_fail(err, "%zu rotary dims in a head of %zu",
                           s->rotary_dims, s->head_size);
        if (s->rotary_theta <= 0)
            return tf_fail(err, "a rotary theta of %g", s->rotary_theta);
        if (!s->local_rotary_theta)
            s->local_rotary_theta = s->rotary_theta;
        if (s->rotary_scales)
            s->attention_scale =
                tf_rope_score_scale(s) / sqrt((double)s->attention_scale_of);
    }
    if (s->positions_behind_pad)
        s->max_positions += s->pad + 1;
    if (s->window_halved)
        s->window /= 2;
    if (s->window_radius)
        s->window = 2 * s->window_radius;
    if (s->names.position_bias && (s->bias_buckets < 4 || s->bias_buckets % 2 ||
                                   s->bias_max_distance <= s->bias_buckets / 4))
        return tf_fail(err, "%zu distance buckets up to %zu", s->bias_buckets,
                       s->bias_max_distance);
    if (s->relative_sines &&
        (s->width % 2 || s->kv_heads != s->heads || !s->names.relative_k ||
         !s->names.content_bias || !s->names.place_bias || s->names.relative))
        return tf_fail(err,
                       "relative positions of a width of %zu, or names "
                       "that don't go with them",
                       s->width);
    if (s->names.relative && !s->relative_max)
        s->relative_max = s->max_positions;
    if (s->names.relative && (!s->relative_max || s->kv_heads != s->heads))
        return tf_fail(err, "relative positions up to %zu", s->relative_max);
    return 0;
}

static int resolve_stack(struct tf_arch *arch, struct tf_stack_spec *s,
                         const char *name, struct tf_field_source *src,
                         struct tf_err *err)
{
    json_t *object = json_object_get(arch->row, name);

    src->where = name;
    if (tf_fields_read(s, tf_stack_fields, object, "names", src, err) ||
        tf_fields_read(&s->names, tf_stack_name_fields,
                       json_object_get(object, "names"), NULL, src, err))
        return -1;
    if (s->unsupported)
        return tf_fail(err, "%s: %s not supported", name, s->unsupported);
    if (!s->names.tokens)
        return tf_fail(err, "%s.names: no name for the tokens' embeddings",
                       name);
    if (derive_sizes(s, err) || derive_positions(s, err) ||
        check_parts(s, err) || check_conv(s, err) || derive_experts(s, err) ||
        derive_ssm(s, err) || tf_layers_mark(s, &arch->memory, err)) {
        tf_err_at(err, name);
        return -1;
    }
    return 0;
}

static enum tf_task task_named(const char *name)
{
    enum tf_task task = TF_SEQUENCE_CLASSIFICATION;

    while (task < TF_TASKS && strcmp(task_names[task], name))
        task++;
    return task;
}

static int resolve_heads(struct tf_arch *arch, struct tf_field_source *src,
                         struct tf_err *err)
{
    json_t *heads = json_object_get(arch->row, "heads"), *head;
    const char *name;

    json_object_foreach (heads, name, head) {
        enum tf_task task = task_named(name);

        if (task == TF_TASKS)
            return tf_fail(err, "heads: no task is called \"%.60s\"", name);
        if (json_is_null(head))
            continue;
        src->where = name;
        if (tf_fields_read(&arch->heads[task], tf_head_fields, head, NULL, src,
                           err))
            return -1;
        if (!arch->heads[task].out)
            return tf_fail(err, "%s: no name for \"out\"", name);
        arch->heads[task].present = true;
    }
    return 0;
}

static int check_row(json_t *row, struct tf_err *err)
{
    static const char known[] =
        " model_type prefix config defaults encoder decoder heads ";
    const char *key;
    json_t *value;

    json_object_foreach (row, key, value) {
        const char *at = strstr(known, key);

        if (!at || at[-1] != ' ' || at[strlen(key)] != ' ')
            return tf_fail(err, "an architecture has no member \"%.60s\"", key);
    }
    return 0;
}

static int resolve(struct tf_arch *arch, const struct tf_config *config,
                   struct tf_err *err)
{
    struct tf_field_source src = { .config = config->json,
                                   .memory = &arch->memory };

    if (check_row(arch->row, err))
        return -1;
    src.defaults = json_object_get(arch->row, "defaults");
    if (member_name(arch, "config") &&
        json_object_get(config->json, member_name(arch, "config")))
        src.config = json_object_get(config->json, member_name(arch, "config"));
    arch->name = member_name(arch, "model_type");
    arch->prefix = member_name(arch, "prefix");
    arch->has_encoder = json_is_object(json_object_get(arch->row, "encoder"));
    arch->has_decoder = json_is_object(json_object_get(arch->row, "decoder"));
    if (!arch->has_encoder && !arch->has_decoder)
        return tf_fail(err, "neither an encoder nor a decoder");
    if (arch->has_encoder &&
        resolve_stack(arch, &arch->encoder, "encoder", &src, err))
        return -1;
    if (arch->has_decoder &&
        resolve_stack(arch, &arch->decoder, "decoder", &src, err))
        return -1;
    return resolve_heads(arch, &src, err);
}

int tf_arch_resolve(struct tf_arch *arch, const struct tf_config *config,
                    const char *dir, const char *file, struct tf_err *err)
{
    memset(arch, 0, sizeof(*arch));
    tf_arena_init(&arch->memory);
    arch->row = find_or_read(config, dir, file, err);
    if (!arch->row)
        return -1;
    if (!resolve(arch, config, err))
        return 0;
    tf_err_at(err, arch->name ? arch->name : "architecture");
    return -1;
}

void tf_arch_release(struct tf_arch *arch)
{
    json_decref(arch->row);
    tf_arena_release(&arch->memory);
    memset(arch, 0, sizeof(*arch));
}
