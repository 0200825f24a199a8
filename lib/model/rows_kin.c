/* Decoders of kinds that come with other classes of Transformers: LLaMA's with
 * norms or scales of their own, and those with latent attention. */
#include "model/arch_rows.h"

#include <stddef.h>

/* clang-format off */
const struct tf_row tf_rows_kin[] = {

TF_ROW("internlm3", {
    "model_type": "internlm3",
    "like": "llama",
    "defaults": {
        "vocab_size": 128512, "intermediate_size": 10240,
        "num_hidden_layers": 48, "num_key_value_heads": 2, "head_dim": 128,
        "max_position_embeddings": 32768, "rms_norm_eps": 1e-5
    },
    "decoder": {
        "attention_bias": "$qkv_bias|attention_bias",
        "attention_out_bias": "$qkv_bias|attention_bias",
        "mlp_bias": "$bias|mlp_bias"
    }
}),

TF_ROW("iquestcoder", {
    "model_type": "iquestcoder",
    "like": "llama",
    "defaults": {
        "vocab_size": 76800, "hidden_size": 5120, "intermediate_size": 27648,
        "num_hidden_layers": 80, "num_attention_heads": 40,
        "num_key_value_heads": 8, "head_dim": 128,
        "max_position_embeddings": 131072, "rms_norm_eps": 1e-5
    }
}),

TF_ROW("jais2", {
    "model_type": "jais2",
    "like": "llama",
    "defaults": {
        "vocab_size": 150272, "hidden_size": 3328, "intermediate_size": 26624,
        "num_attention_heads": 26, "hidden_act": "relu2",
        "max_position_embeddings": 8192, "layer_norm_eps": 1e-5,
        "rms_norm_eps": null, "attention_bias": true, "mlp_bias": true
    },
    "decoder": {
        "norm": "layer_norm", "norm_eps": "$layer_norm_eps", "norm_bias": true,
        "names": {"gate": null}
    },
    "heads": {
        "sequence-classification": null, "token-classification": null,
        "question-answering": null
    }
}),

TF_ROW("cwm", {
    "model_type": "cwm",
    "like": "llama",
    "defaults": {
        "vocab_size": 128256, "hidden_size": 6144, "intermediate_size": 21504,
        "num_hidden_layers": 64, "num_attention_heads": 48,
        "num_key_value_heads": 8, "head_dim": 128,
        "max_position_embeddings": 131072, "rms_norm_eps": 1e-5,
        "rope_theta": 1000000, "sliding_window": 8192,
        "usual_scaling": {
            "rope_type": "llama3", "factor": 16, "high_freq_factor": 4,
            "low_freq_factor": 1, "original_max_position_embeddings": 8192
        }
    },
    "decoder": {
        "attention_bias": false, "attention_out_bias": false,
        "mlp_bias": false,
        "window": "$sliding_window", "layer_types": "$layer_types",
        "global_every": 4,
        "rotary_theta": "$rope_parameters|rope_scaling?$rope_parameters.rope_theta|rope_theta:1000000",
        "rotary_scaling": "$rope_parameters|rope_scaling?$rope_parameters|rope_scaling:$usual_scaling",
        "local_rotary_scaling": "$rope_parameters|rope_scaling?$rope_parameters|rope_scaling:$usual_scaling"
    },
    "heads": {
        "sequence-classification": null, "token-classification": null,
        "question-answering": null
    }
}),

TF_ROW("hyperclovax", {
    "model_type": "hyperclovax",
    "like": "granite",
    "defaults": {"attention_multiplier": null, "use_post_norm": true},
    "decoder": {
        "names": {
            "attn_out_norm": "$use_post_norm?layers.{}.post_norm1",
            "mlp_out_norm": "$use_post_norm?layers.{}.post_norm2"
        }
    },
    "heads": {
        "causal-lm": {"divisor": null, "scale": "$logits_scaling"},
        "sequence-classification": null, "token-classification": null,
        "question-answering": null
    }
}),

TF_ROW("nanochat", {
    "model_type": "nanochat",
    "like": "llama",
    "defaults": {
        "vocab_size": 50304, "hidden_size": 768, "intermediate_size": 8192,
        "num_hidden_layers": 12, "num_attention_heads": 6,
        "hidden_act": "relu2", "final_logit_softcapping": 15
    },
    "decoder": {
        "mlp_bias": false, "norm_weight": false, "rotary_backwards": true,
        "qk_norm_after_rotary": true,
        "names": {
            "embedding_norm": "norm",
            "q_norm": "layers.{}.self_attn.q_norm",
            "k_norm": "layers.{}.self_attn.k_norm",
            "gate": null, "up": "layers.{}.mlp.fc1",
            "down": "layers.{}.mlp.fc2"
        }
    },
    "heads": {
        "causal-lm": {"soft_cap": "$final_logit_softcapping"},
        "sequence-classification": null, "token-classification": null,
        "question-answering": null
    }
}),

TF_ROW("bitnet", {
    "model_type": "bitnet",
    "like": "llama",
    "defaults": {
        "vocab_size": 128256, "hidden_size": 2560, "intermediate_size": 6912,
        "num_hidden_layers": 30, "num_attention_heads": 20,
        "num_key_value_heads": 5, "hidden_act": "relu2", "rms_norm_eps": 1e-5,
        "rope_theta": 500000
    },
    "decoder": {
        "mlp_bias": false,
        "names": {
            "attn_sub_norm": "layers.{}.self_attn.attn_sub_norm",
            "mlp_sub_norm": "layers.{}.mlp.ffn_sub_norm"
        }
    },
    "heads": {
        "sequence-classification": null, "token-classification": null,
        "question-answering": null
    }
}),

TF_ROW("minicpm3", {
    "model_type": "minicpm3",
    "like": "llama",
    "defaults": {
        "vocab_size": 73448, "hidden_size": 2560, "intermediate_size": 6400,
        "num_hidden_layers": 62, "num_attention_heads": 40,
        "max_position_embeddings": 32768, "rms_norm_eps": 1e-5,
        "tie_word_embeddings": true, "kv_lora_rank": 256, "q_lora_rank": 768,
        "qk_nope_head_dim": 64, "qk_rope_head_dim": 32, "scale_emb": 12,
        "scale_depth": 1.4, "dim_model_base": 256
    },
    "decoder": {
        "head_size": null, "kv_heads": null, "rotary_fraction": null,
        "value_size": "$v_head_dim", "latent_rank": "$kv_lora_rank",
        "query_rank": "$q_lora_rank", "unrotated_size": "$qk_nope_head_dim",
        "rotary_dims": "$qk_rope_head_dim", "rotary_scales": true,
        "attention_bias": false, "latent_bias": "$attention_bias",
        "attention_out_bias": "$attention_bias",
        "embedding_scale": "$scale_emb",
        "residual_scale": "$scale_depth?$scale_depth:1",
        "residual_scale_by_depth": "$scale_depth?true:false",
        "names": {
            "q": "$q_lora_rank?layers.{}.self_attn.q_b_proj:layers.{}.self_attn.q_proj",
            "q_down": "layers.{}.self_attn.q_a_proj",
            "q_down_norm": "layers.{}.self_attn.q_a_layernorm",
            "kv_down": "layers.{}.self_attn.kv_a_proj_with_mqa",
            "kv_down_norm": "layers.{}.self_attn.kv_a_layernorm",
            "kv": "layers.{}.self_attn.kv_b_proj",
            "k": null, "v": null
        }
    },
    "heads": {
        "causal-lm": {
            "scale": "$dim_model_base?$dim_model_base:$hidden_size",
            "divisor": "$hidden_size"
        },
        "token-classification": null, "question-answering": null
    }
}),

TF_ROW("youtu", {
    "model_type": "youtu",
    "like": "deepseek_v3",
    "defaults": {
        "vocab_size": 128256, "hidden_size": 2048, "intermediate_size": 6144,
        "num_hidden_layers": 32, "num_attention_heads": 16,
        "max_position_embeddings": 131072, "tie_word_embeddings": true
    },
    "decoder": {
        "experts": 0,
        "names": {
            "router": null, "router_bias": null, "expert_gate": null,
            "expert_up": null, "expert_down": null, "shared_gate": null,
            "shared_up": null, "shared_down": null
        }
    },
    "heads": {
        "sequence-classification": null, "token-classification": null,
        "question-answering": null
    }
}),

TF_ROW("glm4_moe_lite", {
    "model_type": "glm4_moe_lite",
    "like": "deepseek_v3",
    "defaults": {
        "vocab_size": 154880, "hidden_size": 2048, "intermediate_size": 10240,
        "moe_intermediate_size": 1536, "num_hidden_layers": 47,
        "num_attention_heads": 20, "n_routed_experts": 64,
        "routed_scaling_factor": 1.8, "q_lora_rank": 768, "v_head_dim": 256,
        "qk_nope_head_dim": 192, "n_group": 1, "topk_group": 1,
        "num_experts_per_tok": 4, "max_position_embeddings": 202752,
        "rms_norm_eps": 1e-5
    },
    "decoder": {
        "dense_below": "$mlp_layer_types?0:1", "dense_layers": "$mlp_layer_types"
    },
    "heads": {
        "sequence-classification": null, "token-classification": null,
        "question-answering": null
    }
}),

TF_ROW("minimax_m2", {
    "model_type": "minimax_m2",
    "like": "mixtral",
    "defaults": {
        "vocab_size": 200064, "hidden_size": 3072, "intermediate_size": 1536,
        "num_hidden_layers": 62, "num_attention_heads": 48, "head_dim": 128,
        "max_position_embeddings": 196608, "rms_norm_eps": 1e-6,
        "rope_theta": 5000000, "num_experts_per_tok": 8,
        "num_local_experts": 256
    },
    "decoder": {
        "attention_bias": false, "attention_out_bias": false,
        "mlp_bias": false, "window": null, "qk_norm": "all",
        "rotary_dims": "$rotary_dim", "expert_ffn": "$intermediate_size",
        "router_sigmoid": true,
        "names": {
            "q_norm": "layers.{}.self_attn.q_norm",
            "k_norm": "layers.{}.self_attn.k_norm",
            "router_bias": "layers.{}.block_sparse_moe.e_score_correction_bias|layers.{}.mlp.e_score_correction_bias"
        }
    },
    "heads": {
        "sequence-classification": null, "token-classification": null,
        "question-answering": null
    }
}),

TF_ROW("solar_open", {
    "model_type": "solar_open",
    "like": "glm4_moe",
    "defaults": {
        "vocab_size": 196608, "moe_intermediate_size": 1280,
        "num_hidden_layers": 48, "num_attention_heads": 64,
        "partial_rotary_factor": null, "rope_theta": 1000000
    },
    "decoder": {
        "dense_below": 0, "attention_bias": "$attention_bias",
        "names": {"q_norm": null, "k_norm": null}
    }
}),

TF_ROW("exaone_moe", {
    "model_type": "exaone_moe",
    "like": "glm4_moe",
    "defaults": {
        "vocab_size": 102400, "intermediate_size": 16384,
        "num_hidden_layers": 32, "num_attention_heads": 32,
        "num_key_value_heads": 32, "head_dim": null,
        "max_position_embeddings": 2048, "partial_rotary_factor": null,
        "sliding_window": 4096, "sliding_window_pattern": 4,
        "moe_intermediate_size": 1024, "num_experts": 64,
        "num_shared_experts": 1, "routed_scaling_factor": 2.5
    },
    "decoder": {
        "attention_bias": false,
        "window": "$sliding_window", "layer_types": "$layer_types",
        "global_every": "$layer_types?0:$sliding_window_pattern",
        "global_last": true,
        "unrotated_global": "$sliding_window?true:false",
        "experts": "$num_experts|num_local_experts",
        "shared_experts": "$num_shared_experts",
        "dense_below": "$mlp_layer_types?0:$first_k_dense_replace",
        "dense_layers": "$mlp_layer_types",
        "names": {
            "q_norm": "layers.{}.self_attn.q_norm",
            "k_norm": "layers.{}.self_attn.k_norm",
            "router_bias": "layers.{}.mlp.e_score_correction_bias|layers.{}.mlp.gate.e_score_correction_bias"
        }
    }
}),

TF_ROW("mellum", {
    "model_type": "mellum",
    "like": "qwen3_moe",
    "defaults": {
        "vocab_size": 98304, "hidden_size": 2304, "intermediate_size": 7168,
        "num_hidden_layers": 28, "max_position_embeddings": 131072,
        "sliding_window": 1024, "num_experts": 64,
        "moe_intermediate_size": 896, "norm_topk_prob": true
    },
    "decoder": {
        "window": "$layer_types?$sliding_window",
        "layer_types": "$layer_types",
        "dense_layers": "$mlp_layer_types",
        "rotary_theta": "$rope_parameters.full_attention.rope_theta?$rope_parameters.full_attention.rope_theta:500000",
        "rotary_scaling": "$rope_parameters.full_attention",
        "rotary_fraction": "$rope_parameters.full_attention.partial_rotary_factor",
        "local_rotary_theta": "$rope_parameters.sliding_attention.rope_theta?$rope_parameters.sliding_attention.rope_theta:10000",
        "local_rotary_scaling": "$rope_parameters.sliding_attention?$rope_parameters.sliding_attention:none"
    },
    "heads": {
        "sequence-classification": null, "token-classification": null,
        "question-answering": null
    }
}),

{ NULL, NULL },
};
/* clang-format on */
