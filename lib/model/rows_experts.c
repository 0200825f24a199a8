/* Decoders whose feed-forwards are mixtures of experts, other than those beside
 * their dense kin in rows_llama.c: Transformers' classes of the same
 * model_type. */
#include "model/arch_rows.h"

#include <stddef.h>

/* clang-format off */
const struct tf_row tf_rows_experts[] = {

TF_ROW("olmoe", {
    "model_type": "olmoe",
    "like": "llama",
    "defaults": {
        "vocab_size": 50304, "hidden_size": 2048, "intermediate_size": 2048,
        "num_hidden_layers": 16, "num_attention_heads": 16,
        "max_position_embeddings": 4096, "rms_norm_eps": 1e-5,
        "num_experts_per_tok": 8, "num_experts": 64, "norm_topk_prob": false
    },
    "decoder": {
        "mlp_bias": false, "qk_norm": "all", "clip_qkv": "$clip_qkv",
        "experts": "$num_experts|num_local_experts",
        "experts_renormed": "$norm_topk_prob",
        "names": {
            "q_norm": "layers.{}.self_attn.q_norm",
            "k_norm": "layers.{}.self_attn.k_norm",
            "gate": null, "up": null, "down": null,
            "router": "layers.{}.mlp.gate",
            "expert_gate": "layers.{}.mlp.experts.{expert}.gate_proj",
            "expert_up": "layers.{}.mlp.experts.{expert}.up_proj",
            "expert_down": "layers.{}.mlp.experts.{expert}.down_proj"
        }
    },
    "heads": {
        "sequence-classification": null, "token-classification": null,
        "question-answering": null
    }
}),

TF_ROW("flex_olmo", {
    "model_type": "flex_olmo",
    "like": "olmoe",
    "defaults": {
        "vocab_size": 100352, "hidden_size": 4096, "intermediate_size": 11008,
        "num_hidden_layers": 32, "num_attention_heads": 32,
        "rms_norm_eps": 1e-6, "rope_theta": 500000,
        "num_experts_per_tok": 5, "num_experts": 7
    },
    "decoder": {
        "clip_qkv": null,
        "names": {
            "attn_norm": null, "mlp_norm": null,
            "attn_out_norm": "layers.{}.post_attention_layernorm",
            "mlp_out_norm": "layers.{}.post_feedforward_layernorm"
        }
    }
}),

TF_ROW("hunyuan_v1_moe", {
    "model_type": "hunyuan_v1_moe",
    "like": "hunyuan_v1_dense",
    "defaults": {"num_experts": 1, "moe_topk": 1},
    "decoder": {
        "experts": "$num_experts", "experts_per_token": "$moe_topk",
        "experts_renormed": true,
        "expert_ffn": "$intermediate_size", "shared_ffn": "$intermediate_size",
        "names": {
            "gate": null, "up": null, "down": null,
            "router": "layers.{}.mlp.gate.wg",
            "expert_gate": "layers.{}.mlp.experts.{expert}.gate_proj",
            "expert_up": "layers.{}.mlp.experts.{expert}.up_proj",
            "expert_down": "layers.{}.mlp.experts.{expert}.down_proj",
            "shared_gate": "layers.{}.mlp.shared_mlp.gate_proj",
            "shared_up": "layers.{}.mlp.shared_mlp.up_proj",
            "shared_down": "layers.{}.mlp.shared_mlp.down_proj"
        }
    }
}),

TF_ROW("glm4_moe", {
    "model_type": "glm4_moe",
    "like": "llama",
    "defaults": {
        "vocab_size": 151552, "intermediate_size": 10944,
        "num_hidden_layers": 46, "num_attention_heads": 96,
        "num_key_value_heads": 8, "head_dim": 128,
        "max_position_embeddings": 131072,
        "rms_norm_eps": 1e-5, "partial_rotary_factor": 0.5,
        "moe_intermediate_size": 1408, "num_experts_per_tok": 8,
        "n_shared_experts": 1, "n_routed_experts": 128,
        "routed_scaling_factor": 1, "n_group": 1, "topk_group": 1,
        "first_k_dense_replace": 1, "norm_topk_prob": true,
        "use_qk_norm": false
    },
    "decoder": {
        "attention_out_bias": false, "mlp_bias": false,
        "experts": "$n_routed_experts|num_local_experts",
        "experts_renormed": "$norm_topk_prob",
        "router_sigmoid": true, "experts_scale": "$routed_scaling_factor",
        "expert_groups": "$n_group", "expert_groups_kept": "$topk_group",
        "shared_experts": "$n_shared_experts",
        "dense_below": "$first_k_dense_replace",
        "names": {
            "q_norm": "$use_qk_norm?layers.{}.self_attn.q_norm",
            "k_norm": "$use_qk_norm?layers.{}.self_attn.k_norm",
            "router": "layers.{}.mlp.gate",
            "router_bias": "layers.{}.mlp.gate.e_score_correction_bias",
            "expert_gate": "layers.{}.mlp.experts.{expert}.gate_proj",
            "expert_up": "layers.{}.mlp.experts.{expert}.up_proj",
            "expert_down": "layers.{}.mlp.experts.{expert}.down_proj",
            "shared_gate": "layers.{}.mlp.shared_experts.gate_proj",
            "shared_up": "layers.{}.mlp.shared_experts.up_proj",
            "shared_down": "layers.{}.mlp.shared_experts.down_proj"
        }
    },
    "heads": {
        "sequence-classification": null, "token-classification": null,
        "question-answering": null
    }
}),

TF_ROW("dots1", {
    "model_type": "dots1",
    "like": "glm4_moe",
    "defaults": {
        "vocab_size": 152064, "hidden_size": 4608, "num_hidden_layers": 62,
        "num_attention_heads": 32, "num_key_value_heads": 32,
        "max_position_embeddings": 2048, "rms_norm_eps": 1e-6,
        "partial_rotary_factor": null, "head_dim": null,
        "num_experts_per_tok": 6, "n_shared_experts": 2,
        "first_k_dense_replace": 0, "norm_topk_prob": false,
        "sliding_window": 4096, "max_window_layers": 62
    },
    "decoder": {
        "attention_out_bias": "$attention_bias",
        "window": "$sliding_window", "layer_types": "$layer_types",
        "local_from": "$max_window_layers",
        "names": {
            "q_norm": "layers.{}.self_attn.q_norm",
            "k_norm": "layers.{}.self_attn.k_norm"
        }
    }
}),

TF_ROW("ernie4_5_moe", {
    "model_type": "ernie4_5_moe",
    "like": "ernie4_5",
    "defaults": {
        "hidden_size": 2560, "intermediate_size": 12288,
        "num_hidden_layers": 28, "num_attention_heads": 20,
        "num_key_value_heads": 4, "head_dim": null,
        "moe_intermediate_size": 1536, "moe_k": 6, "moe_num_experts": 64,
        "moe_num_shared_experts": 2, "moe_layer_start_index": 1,
        "moe_layer_end_index": -1, "moe_layer_interval": 1
    },
    "decoder": {
        "experts": "$moe_num_experts", "experts_per_token": "$moe_k",
        "experts_renormed": true,
        "experts_every": "$moe_layer_interval",
        "dense_below": "$moe_layer_start_index",
        "last_sparse": "$moe_layer_end_index=-*?0:$moe_layer_end_index",
        "shared_experts": "$moe_num_shared_experts",
        "names": {
            "router": "layers.{}.mlp.gate",
            "router_bias": "layers.{}.mlp.moe_statics.e_score_correction_bias|layers.{}.mlp.gate.moe_statics.e_score_correction_bias",
            "expert_gate": "layers.{}.mlp.experts.{expert}.gate_proj",
            "expert_up": "layers.{}.mlp.experts.{expert}.up_proj",
            "expert_down": "layers.{}.mlp.experts.{expert}.down_proj",
            "shared_gate": "$moe_num_shared_experts?layers.{}.mlp.shared_experts.gate_proj",
            "shared_up": "$moe_num_shared_experts?layers.{}.mlp.shared_experts.up_proj",
            "shared_down": "$moe_num_shared_experts?layers.{}.mlp.shared_experts.down_proj"
        }
    }
}),

{ NULL, NULL },
};
/* clang-format on */
