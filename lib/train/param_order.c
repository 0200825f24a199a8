#include "train/param_order.h"

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"

#define DEPTH 24 /* parts of a name */

/* clang-format off */
/* Parts of names in an order that is that of each module's children, for
 * model_types that have one in common. */
static const struct {
    const char *types, *parts;
} orders[] = {
    { "bart bert gpt2 opt albert bloom deberta-v2 distilbert electra "
      "gpt_neo gptj m2m_100 mamba marian mbart modernbert mpnet mt5 "
      "pegasus t5",
      "albert embeddings word_embeddings weight position_embeddings "
      "token_type_embeddings bias embedding_hidden_mapping_in "
      "albert_layer_groups full_layer_layer_norm attention query key "
      "value bert layer rel_embeddings self intermediate output cls "
      "transform deberta "
      "query_proj key_proj value_proj lm_predictions distilbert "
      "transformer q_lin k_lin v_lin out_lin sa_layer_norm ffn "
      "ffn_output lin1 lin2 output_layer_norm pre_classifier "
      "vocab_transform vocab_layer_norm vocab_projector electra "
      "embeddings_project model tok_embeddings Wqkv Wi Wo head mpnet "
      "lm_head q k v o relative_attention_bias shared encoder pooler "
      "classifier decoder self_attn k_proj v_proj q_proj "
      "self_attn_layer_norm encoder_attn encoder_attn_layer_norm fc1 "
      "fc2 classification_head embed_tokens embed_positions "
      "word_embeddings_layernorm input_layernorm self_attention "
      "query_key_value dense norm post_attention_layernorm "
      "dense_h_to_4h dense_4h_to_h score wte wpe h ln_f ln_1 "
      "attn_norm attn "
      "LayerNorm conv mlp_norm ln_2 mlp c_fc c_attn c_proj fc_in "
      "fc_out mixer A_log D conv1d in_proj x_proj dt_proj out_proj "
      "block final_layer_norm layers final_norm layernorm_embedding "
      "norm_f SelfAttention layer_norm wi_0 wi_1 EncDecAttention "
      "DenseReluDense wi wo albert_layers backbone generator_lm_head "
      "generator_predictions predictions" },
    { "llama roberta cohere falcon gemma gemma2 gemma3_text granite "
      "mistral mixtral olmo2 phi phi3 qwen2 qwen2_moe qwen3 smollm3 "
      "stablelm starcoder2",
      "embeddings word_embeddings weight token_type_embeddings bias "
      "encoder attention query key value self intermediate output "
      "roberta transformer classifier model lm_head self_attn q_proj "
      "k_proj v_proj fc1 fc2 embed_tokens layers norm h self_attention "
      "mlp input_layernorm ln_attn ln_mlp query_key_value dense "
      "LayerNorm "
      "position_embeddings out_proj layer_norm post_attention_layernorm "
      "dense_h_to_4h dense_4h_to_h ln_f score o_proj "
      "pre_feedforward_layernorm post_feedforward_layernorm q_norm "
      "k_norm c_fc c_proj gate experts gate_up_proj final_layernorm "
      "qkv_proj shared_expert shared_expert_gate gate_proj up_proj "
      "down_proj layer" },
    { "camembert gpt_neox xlm-roberta",
      "embeddings word_embeddings weight token_type_embeddings bias "
      "encoder query key value self input_layernorm query_key_value "
      "dense LayerNorm position_embeddings out_proj layer_norm decoder "
      "post_attention_layernorm attention intermediate output mlp "
      "dense_h_to_4h dense_4h_to_h gpt_neox classifier lm_head embed_out "
      "roberta "
      "score embed_in layers final_layer_norm layer" },
    { "qwen3_moe",
      "weight bias model self_attn mlp q_proj k_proj v_proj "
      "embed_tokens layers norm input_layernorm "
      "post_attention_layernorm score o_proj gate_proj up_proj q_norm "
      "k_norm gate_up_proj down_proj experts gate" },
};
/* clang-format on */

/* PEFT's, within a layer. */
static const char peft_parts[] = "base_layer lora_A lora_B lora_embedding_A "
                                 "lora_embedding_B lora_magnitude_vector";

#define BEFORE "base_model.model."

/* Where a parameter stands: ranks of its name's parts. */
struct place {
    uint32_t rank[DEPTH];
    size_t depth, param;
};

/* The number of the word s[0, n) in a list, from 1; 0: it is not there. */
static uint32_t word_in(const char *list, const char *s, size_t n)
{
    uint32_t number = 1;

    for (const char *p = list; *p; number++) {
        size_t len = strcspn(p, " ");

        if (len == n && !memcmp(p, s, n))
            return number;
        p += len + (p[len] == ' ');
    }
    return 0;
}

static const char *parts_of(const char *model_type)
{
    const char *type = model_type ? model_type : "";

    for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++)
        if (word_in(orders[i].types, type, strlen(type)))
            return orders[i].parts;
    return NULL;
}

static int rank_part(const char *parts, const char *s, size_t n, uint32_t *rank)
{
    char *end;

    *rank = (uint32_t)strtoul(s, &end, 10);
    if (end == s + n)
        return 0;
    *rank = word_in(parts, s, n);
    if (!*rank && (*rank = word_in(peft_parts, s, n)))
        *rank += 1000; /* after all others */
    return *rank ? 0 : -1;
}

static int find_place(struct place *at, const char *parts, const char *name,
                      struct tf_err *err)
{
    const char *p = name;

    if (!strncmp(p, BEFORE, strlen(BEFORE)))
        p += strlen(BEFORE);
    while (*p) {
        size_t n = strcspn(p, ".");

        if (at->depth == DEPTH ||
            rank_part(parts, p, n, &at->rank[at->depth++]))
            return tf_fail(err,
                           "the place of \"%.200s\" among Transformers' "
                           "parameters is not known",
                           name);
        p += n + (p[n] == '.');
    }
    return 0;
}

static int compare(const void *a, const void *b)
{
    const struct place *x = a, *y = b;

    for (size_t i = 0; i < x->depth && i < y->depth; i++)
        if (x->rank[i] != y->rank[i])
            return x->rank[i] < y->rank[i] ? -1 : 1;
    return (x->depth > y->depth) - (x->depth < y->depth);
}

size_t *tf_param_order(const struct tf_model *model, size_t *count,
                       struct tf_err *err)
{
    const struct tf_parameters *p = &model->params;
    const char *type = model->config.model_type, *parts = parts_of(type);
    struct place *places = tf_alloc(p->count, sizeof(*places), err);
    size_t *order = places ? tf_alloc(p->count, sizeof(*order), err) : NULL;
    int failed = !order;

    *count = 0;
    if (!failed && !parts)
        failed = tf_fail(err,
                         "the order of Transformers' parameters is not known "
                         "for %.60s",
                         type ? type : "this architecture");
    for (size_t i = 0; !failed && i < p->count; i++) {
        if (p->v[i].buffer)
            continue;
        places[*count].param = i;
        failed = find_place(&places[(*count)++], parts, p->v[i].name, err);
    }
    if (!failed) {
        qsort(places, *count, sizeof(*places), compare);
        for (size_t i = 0; i < *count; i++)
            order[i] = places[i].param;
    }
    free(places);
    if (!failed)
        return order;
    free(order);
    return NULL;
}

/* Is there a word `norm` in a name, between dots or after '_' up to a dot? */
static bool has_norm_word(const char *name)
{
    for (const char *p = name; (p = strstr(p, "norm")); p += 4) {
        bool begins = p == name || p[-1] == '.' || p[-1] == '_';

        if (begins && (p[4] == 0 || p[4] == '.'))
            return true;
    }
    return false;
}

bool tf_param_decays(const struct tf_parameter *p)
{
    char name[256];
    size_t n;

    for (n = 0; n + 1 < sizeof(name) && p->name[n]; n++)
        name[n] = (char)tolower((unsigned char)p->name[n]);
    name[n] = 0;
    return !p->norm && !strstr(name, "bias") && !strstr(name, "layernorm") &&
           !strstr(name, "rmsnorm") && !has_norm_word(name);
}
