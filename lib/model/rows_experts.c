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

TF_ROW("deepseek_v3", {
    "model_type": "deepseek_v3",
    "like": "glm4_moe",
    "defaults": {
        "vocab_size": 129280, "hidden_size": 7168, "intermediate_size": 18432,
        "num_hidden_layers": 61, "num_attention_heads": 128,
        "max_position_embeddings": 4096, "rms_norm_eps": 1e-6,
        "partial_rotary_factor": null, "head_dim": null,
        "moe_intermediate_size": 2048, "n_routed_experts": 256,
        "routed_scaling_factor": 2.5, "n_group": 8, "topk_group": 4,
        "first_k_dense_replace": 3, "kv_lora_rank": 512, "q_lora_rank": 1536,
        "qk_nope_head_dim": 128, "qk_rope_head_dim": 64, "v_head_dim": 128,
        "rope_interleave": true
    },
    "decoder": {
        "head_size": null, "kv_heads": null, "rotary_fraction": null,
        "value_size": "$v_head_dim", "latent_rank": "$kv_lora_rank",
        "query_rank": "$q_lora_rank", "unrotated_size": "$qk_nope_head_dim",
        "rotary_dims": "$qk_rope_head_dim",
        "rotary_interleaved": "$rope_interleave", "rotary_scales": true,
        "attention_bias": false, "latent_bias": "$attention_bias",
        "attention_out_bias": "$attention_bias",
        "names": {
            "q": "$q_lora_rank?layers.{}.self_attn.q_b_proj:layers.{}.self_attn.q_proj",
            "q_down": "layers.{}.self_attn.q_a_proj",
            "q_down_norm": "layers.{}.self_attn.q_a_layernorm",
            "kv_down": "layers.{}.self_attn.kv_a_proj_with_mqa",
            "kv_down_norm": "layers.{}.self_attn.kv_a_layernorm",
            "kv": "layers.{}.self_attn.kv_b_proj",
            "k": null, "v": null, "q_norm": null, "k_norm": null
        }
    },
    "heads": {
        "sequence-classification": {
            "pool": "last", "out": "score", "bias": false
        },
        "token-classification": {
            "out": "score", "dropout": "$classifier_dropout|hidden_dropout"
        }
    }
}),

TF_ROW("deepseek_v2", {
    "model_type": "deepseek_v2",
    "like": "deepseek_v3",
    "defaults": {
        "vocab_size": 102400, "hidden_size": 4096, "intermediate_size": 11008,
        "num_hidden_layers": 32, "num_attention_heads": 32,
        "max_position_embeddings": 2048, "moe_intermediate_size": 1407,
        "n_shared_experts": 2,
        "n_routed_experts": 64, "routed_scaling_factor": 1, "n_group": null,
        "topk_group": null, "first_k_dense_replace": 0,
        "topk_method": "greedy"
    },
    "decoder": {
        "rotary_interleaved": true, "mlp_bias": "$mlp_bias",
        "experts": "$n_routed_experts|num_experts",
        "experts_renormed": false, "router_sigmoid": false,
        "expert_groups": "$topk_method=group_limited_greedy?$n_group",
        "expert_groups_by_best": true,
        "names": {"router_bias": null}
    },
    "heads": {"token-classification": null}
}),

TF_ROW("gpt_oss", {
    "model_type": "gpt_oss",
    "like": "llama",
    "defaults": {
        "vocab_size": 201088, "hidden_size": 2880, "intermediate_size": 2880,
        "num_hidden_layers": 36, "num_attention_heads": 64,
        "num_key_value_heads": 8, "head_dim": 64, "rms_norm_eps": 1e-5,
        "max_position_embeddings": 131072, "rope_theta": 150000,
        "sliding_window": 128, "attention_bias": true,
        "num_local_experts": 128, "num_experts_per_tok": 4,
        "swiglu_alpha": 1.702, "swiglu_limit": 7,
        "usual_scaling": {
            "rope_type": "yarn", "factor": 32, "beta_fast": 32, "beta_slow": 1,
            "truncate": false, "original_max_position_embeddings": 4096
        }
    },
    "decoder": {
        "mlp_bias": false,
        "window": "$sliding_window", "layer_types": "$layer_types",
        "global_every": 2, "global_last": true,
        "experts": "$num_local_experts|num_experts", "experts_renormed": true,
        "expert_ffn": "$intermediate_size", "router_biased": true,
        "experts_transposed": true, "experts_interleaved": true,
        "rotary_scaling": "$rope_parameters|rope_scaling?$rope_parameters|rope_scaling:$usual_scaling",
        "local_rotary_scaling": "$rope_parameters|rope_scaling?$rope_parameters|rope_scaling:$usual_scaling",
        "glu_limit": "$swiglu_limit", "glu_alpha": "$swiglu_alpha",
        "names": {
            "sinks": "layers.{}.self_attn.sinks",
            "gate": null, "up": null, "down": null,
            "router": "layers.{}.mlp.router",
            "expert_gate_up": "layers.{}.mlp.experts.gate_up_proj",
            "expert_gate_up_bias": "layers.{}.mlp.experts.gate_up_proj_bias",
            "expert_down": "layers.{}.mlp.experts.down_proj",
            "expert_down_bias": "layers.{}.mlp.experts.down_proj_bias"
        }
    },
    "heads": {"question-answering": null}
}),

TF_ROW("granitemoe", {
    "model_type": "granitemoe",
    "like": "granite",
    "defaults": {"num_local_experts": 8, "num_experts_per_tok": 2},
    "decoder": {
        "mlp_bias": false,
        "experts": "$num_local_experts|num_experts", "experts_renormed": true,
        "expert_ffn": "$intermediate_size",
        "names": {
            "gate": null, "up": null, "down": null,
            "router": "layers.{}.block_sparse_moe.router.layer|layers.{}.block_sparse_moe.router",
            "expert_gate_up": "layers.{}.block_sparse_moe.input_linear.weight|layers.{}.block_sparse_moe.experts.gate_up_proj",
            "expert_down": "layers.{}.block_sparse_moe.output_linear.weight|layers.{}.block_sparse_moe.experts.down_proj"
        }
    },
    "heads": {
        "sequence-classification": null, "token-classification": null,
        "question-answering": null
    }
}),

TF_ROW("granitemoeshared", {
    "model_type": "granitemoeshared",
    "like": "granitemoe",
    "defaults": {"shared_intermediate_size": 0},
    "decoder": {
        "shared_ffn": "$shared_intermediate_size",
        "names": {
            "shared_gate_up": "$shared_intermediate_size?layers.{}.shared_mlp.input_linear",
            "shared_down": "$shared_intermediate_size?layers.{}.shared_mlp.output_linear"
        }
    }
}),

TF_ROW("phimoe", {
    "model_type": "phimoe",
    "like": "llama",
    "defaults": {
        "vocab_size": 32064, "intermediate_size": 6400,
        "num_key_value_heads": 8, "max_position_embeddings": 131072,
        "rms_norm_eps": 1e-5, "rope_theta": 1000000,
        "num_local_experts": 16, "num_experts_per_tok": 2,
        "router_jitter_noise": 0.01, "lm_head_bias": false
    },
    "decoder": {
        "norm": "layer_norm", "norm_bias": true, "mlp_bias": false,
        "window": "$sliding_window", "rotary_rereads": true,
        "experts": "$num_local_experts|num_experts", "experts_per_token": 2,
        "expert_ffn": "$intermediate_size",
        "router_mixes": true, "router_jitter": "$router_jitter_noise",
        "names": {
            "gate": null, "up": null, "down": null,
            "router": "layers.{}.block_sparse_moe.gate|layers.{}.mlp.router",
            "expert_gate": "layers.{}.block_sparse_moe.experts.{expert}.w1",
            "expert_up": "layers.{}.block_sparse_moe.experts.{expert}.w3",
            "expert_down": "layers.{}.block_sparse_moe.experts.{expert}.w2"
        }
    },
    "heads": {
        "causal-lm": {"bias": "$lm_head_bias"},
        "token-classification": null, "question-answering": null
    }
}),

{ NULL, NULL },
};
/* clang-format on */
