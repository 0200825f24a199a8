/* Decoders of LLaMA's kind: Transformers' classes of the same model_type. */
#include "model/arch_rows.h"

#include <stddef.h>

/* clang-format off */
const struct tf_row tf_rows_llama[] = {

TF_ROW("llama", {
    "model_type": "llama",
    "prefix": "model",
    "defaults": {
        "vocab_size": 32000, "hidden_size": 4096, "intermediate_size": 11008,
        "num_hidden_layers": 32, "num_attention_heads": 32,
        "hidden_act": "silu", "max_position_embeddings": 2048,
        "rms_norm_eps": 1e-6, "rope_theta": 10000, "attention_bias": false,
        "mlp_bias": false, "tie_word_embeddings": false
    },
    "decoder": {
        "padding_idx": "$pad_token_id",
        "causal": true, "norm": "rms_norm", "rotary": true,
        "kv_heads": "$num_key_value_heads", "head_size": "$head_dim",
        "rotary_fraction": "$rope_parameters.partial_rotary_factor|partial_rotary_factor",
        "attention_bias": "$attention_bias",
        "attention_out_bias": "$attention_bias", "mlp_bias": "$mlp_bias",
        "names": {
            "tokens": "embed_tokens",
            "attn_norm": "layers.{}.input_layernorm",
            "q": "layers.{}.self_attn.q_proj",
            "k": "layers.{}.self_attn.k_proj",
            "v": "layers.{}.self_attn.v_proj",
            "o": "layers.{}.self_attn.o_proj",
            "mlp_norm": "layers.{}.post_attention_layernorm",
            "gate": "layers.{}.mlp.gate_proj", "up": "layers.{}.mlp.up_proj",
            "down": "layers.{}.mlp.down_proj",
            "final_norm": "norm"
        }
    },
    "heads": {
        "causal-lm": {
            "out": "lm_head", "bias": false, "tied": "$tie_word_embeddings"
        },
        "sequence-classification": {
            "pool": "last", "out": "score", "bias": false
        },
        "token-classification": {
            "out": "score", "dropout": "$classifier_dropout|hidden_dropout"
        },
        "question-answering": {
            "out": "qa_outputs", "prefix": "transformer|model"
        }
    }
}),

TF_ROW("mistral", {
    "model_type": "mistral",
    "like": "llama",
    "defaults": {
        "intermediate_size": 14336, "num_key_value_heads": 8,
        "max_position_embeddings": 131072, "sliding_window": 4096
    },
    "decoder": {"window": "$sliding_window"},
    "heads": {"question-answering": {"prefix": null}}
}),

TF_ROW("mixtral", {
    "model_type": "mixtral",
    "like": "mistral",
    "defaults": {
        "rms_norm_eps": 1e-5, "rope_theta": 1000000, "sliding_window": null,
        "num_local_experts": 8, "num_experts_per_tok": 2
    },
    "decoder": {
        "experts": "$num_local_experts|num_experts", "experts_renormed": true,
        "names": {
            "gate": null, "up": null, "down": null,
            "router": "layers.{}.block_sparse_moe.gate",
            "expert_gate": "layers.{}.block_sparse_moe.experts.{expert}.w1",
            "expert_up": "layers.{}.block_sparse_moe.experts.{expert}.w3",
            "expert_down": "layers.{}.block_sparse_moe.experts.{expert}.w2"
        }
    }
}),

TF_ROW("qwen2", {
    "model_type": "qwen2",
    "like": "llama",
    "defaults": {
        "vocab_size": 151936, "intermediate_size": 22016,
        "num_key_value_heads": 32, "max_position_embeddings": 32768,
        "use_sliding_window": false, "sliding_window": 4096,
        "max_window_layers": 28
    },
    "decoder": {
        "attention_bias": true, "attention_out_bias": false,
        "window": "$use_sliding_window?$sliding_window",
        "layer_types": "$layer_types", "local_from": "$max_window_layers"
    }
}),

TF_ROW("qwen3", {
    "model_type": "qwen3",
    "like": "qwen2",
    "defaults": {"head_dim": 128},
    "decoder": {
        "attention_bias": "$attention_bias",
        "attention_out_bias": "$attention_bias",
        "names": {
            "q_norm": "layers.{}.self_attn.q_norm",
            "k_norm": "layers.{}.self_attn.k_norm"
        }
    }
}),

TF_ROW("qwen2_moe", {
    "model_type": "qwen2_moe",
    "like": "qwen2",
    "defaults": {
        "hidden_size": 2048, "intermediate_size": 5632,
        "num_hidden_layers": 24, "num_attention_heads": 16,
        "num_key_value_heads": 16, "decoder_sparse_step": 1,
        "moe_intermediate_size": 1408, "shared_expert_intermediate_size": 5632,
        "num_experts_per_tok": 4, "num_experts": 60, "norm_topk_prob": false,
        "qkv_bias": true
    },
    "decoder": {
        "attention_bias": "$qkv_bias",
        "local_from": null, "local_below": "$max_window_layers",
        "global_every": 2, "global_last": true,
        "experts": "$num_experts|num_local_experts",
        "experts_renormed": "$norm_topk_prob",
        "experts_every": "$decoder_sparse_step",
        "dense_layers": "$mlp_only_layers",
        "names": {
            "router": "layers.{}.mlp.gate",
            "expert_gate": "layers.{}.mlp.experts.{expert}.gate_proj",
            "expert_up": "layers.{}.mlp.experts.{expert}.up_proj",
            "expert_down": "layers.{}.mlp.experts.{expert}.down_proj",
            "shared_gate": "layers.{}.mlp.shared_expert.gate_proj",
            "shared_up": "layers.{}.mlp.shared_expert.up_proj",
            "shared_down": "layers.{}.mlp.shared_expert.down_proj",
            "shared_router": "layers.{}.mlp.shared_expert_gate"
        }
    },
    "heads": {"question-answering": {"prefix": null}}
}),

TF_ROW("qwen3_moe", {
    "model_type": "qwen3_moe",
    "like": "qwen2_moe",
    "defaults": {
        "intermediate_size": 6144, "num_attention_heads": 32,
        "num_key_value_heads": 4, "moe_intermediate_size": 768,
        "num_experts_per_tok": 8, "num_experts": 128,
        "shared_expert_intermediate_size": null
    },
    "decoder": {
        "attention_bias": "$attention_bias",
        "attention_out_bias": "$attention_bias",
        "layer_types": null, "local_below": null, "global_every": null,
        "names": {
            "q_norm": "layers.{}.self_attn.q_norm",
            "k_norm": "layers.{}.self_attn.k_norm",
            "shared_gate": null, "shared_up": null, "shared_down": null,
            "shared_router": null
        }
    },
    "heads": {"question-answering": {"prefix": "transformer|model"}}
}),

TF_ROW("gemma", {
    "model_type": "gemma",
    "like": "llama",
    "defaults": {
        "vocab_size": 256000, "hidden_size": 3072, "intermediate_size": 24576,
        "num_hidden_layers": 28, "num_attention_heads": 16,
        "num_key_value_heads": 16, "head_dim": 256,
        "hidden_act": "gelu_pytorch_tanh", "max_position_embeddings": 8192,
        "tie_word_embeddings": true
    },
    "decoder": {
        "act": "$hidden_act=gelu?gelu_pytorch_tanh:$hidden_act",
        "causal": "$use_bidirectional_attention?false:true",
        "norm_offset": 1, "embedding_scale_sqrt": true
    }
}),

TF_ROW("gemma2", {
    "model_type": "gemma2",
    "like": "gemma",
    "defaults": {
        "hidden_size": 2304, "intermediate_size": 9216,
        "num_hidden_layers": 26, "num_attention_heads": 8,
        "num_key_value_heads": 4, "hidden_activation": "gelu_pytorch_tanh",
        "query_pre_attn_scalar": 256, "sliding_window": 4096,
        "attn_logit_softcapping": 50, "final_logit_softcapping": 30,
        "hidden_act": null
    },
    "decoder": {
        "act": "$hidden_activation",
        "attention_scale_of": "$query_pre_attn_scalar",
        "attention_soft_cap": "$attn_logit_softcapping",
        "window": "$sliding_window", "layer_types": "$layer_types",
        "global_every": 2, "global_last": true,
        "names": {
            "attn_out_norm": "layers.{}.post_attention_layernorm",
            "mlp_norm": "layers.{}.pre_feedforward_layernorm",
            "mlp_out_norm": "layers.{}.post_feedforward_layernorm"
        }
    },
    "heads": {"causal-lm": {"soft_cap": "$final_logit_softcapping"}}
}),

TF_ROW("gemma3_text", {
    "model_type": "gemma3_text",
    "like": "gemma2",
    "defaults": {
        "vocab_size": 262208, "max_position_embeddings": 131072,
        "rope_theta": null, "attn_logit_softcapping": null,
        "final_logit_softcapping": null
    },
    "decoder": {
        "global_every": "$sliding_window_pattern?$sliding_window_pattern:6",
        "rotary_theta": "$rope_parameters.full_attention.rope_theta|rope_theta?$rope_parameters.full_attention.rope_theta|rope_theta:1000000",
        "rotary_scaling": "$rope_parameters.full_attention|rope_scaling",
        "local_rotary_theta": "$rope_parameters.sliding_attention.rope_theta|rope_local_base_freq?$rope_parameters.sliding_attention.rope_theta|rope_local_base_freq:10000",
        "local_rotary_scaling": "$rope_parameters.sliding_attention?$rope_parameters.sliding_attention:none",
        "names": {
            "q_norm": "layers.{}.self_attn.q_norm",
            "k_norm": "layers.{}.self_attn.k_norm"
        }
    }
}),

TF_ROW("gemma3", {
    "model_type": "gemma3",
    "like": "gemma3_text",
    "config": "text_config",
    "prefix": "model.language_model|language_model.model|language_model|model",
    "heads": {"causal-lm": {"out": "lm_head|language_model.lm_head"}}
}),

TF_ROW("phi", {
    "model_type": "phi",
    "like": "llama",
    "defaults": {
        "vocab_size": 51200, "hidden_size": 2048, "intermediate_size": 8192,
        "num_hidden_layers": 24, "hidden_act": "gelu_new",
        "layer_norm_eps": 1e-5, "partial_rotary_factor": 0.5,
        "rms_norm_eps": null
    },
    "decoder": {
        "norm": "layer_norm", "norm_eps": "$layer_norm_eps",
        "norm_bias": true, "parallel": true,
        "attention_bias": true, "attention_out_bias": true, "mlp_bias": true,
        "names": {
            "o": "layers.{}.self_attn.dense",
            "q_norm": "$qk_layernorm?layers.{}.self_attn.q_layernorm",
            "k_norm": "$qk_layernorm?layers.{}.self_attn.k_layernorm",
            "mlp_norm": null, "gate": null,
            "up": "layers.{}.mlp.fc1", "down": "layers.{}.mlp.fc2",
            "final_norm": "final_layernorm"
        }
    },
    "heads": {"causal-lm": {"bias": true}}
}),

TF_ROW("phi3", {
    "model_type": "phi3",
    "like": "llama",
    "defaults": {
        "vocab_size": 32064, "hidden_size": 3072, "intermediate_size": 8192,
        "max_position_embeddings": 4096,
        "original_max_position_embeddings": 4096, "rms_norm_eps": 1e-5
    },
    "decoder": {
        "attention_bias": false, "attention_out_bias": false,
        "mlp_bias": false, "window": "$sliding_window",
        "rotary_rereads": true,
        "names": {
            "q": null, "k": null, "v": null, "gate": null, "up": null,
            "qkv": "layers.{}.self_attn.qkv_proj",
            "gate_up": "layers.{}.mlp.gate_up_proj"
        }
    }
}),

TF_ROW("stablelm", {
    "model_type": "stablelm",
    "like": "llama",
    "defaults": {
        "vocab_size": 50304, "hidden_size": 2560, "intermediate_size": 6912,
        "num_key_value_heads": 32, "max_position_embeddings": 4096,
        "layer_norm_eps": 1e-5, "partial_rotary_factor": 0.25,
        "rms_norm_eps": null
    },
    "decoder": {
        "norm": "layer_norm", "norm_eps": "$layer_norm_eps",
        "norm_bias": true, "parallel": "$use_parallel_residual",
        "attention_bias": "$use_qkv_bias", "attention_out_bias": false,
        "qk_norm": "heads",
        "names": {
            "q_norm": "$qk_layernorm?layers.{}.self_attn.q_layernorm.norms.{head}",
            "k_norm": "$qk_layernorm?layers.{}.self_attn.k_layernorm.norms.{head}",
            "mlp_norm": "$use_parallel_residual?:layers.{}.post_attention_layernorm"
        }
    }
}),

TF_ROW("starcoder2", {
    "model_type": "starcoder2",
    "like": "llama",
    "defaults": {
        "vocab_size": 49152, "hidden_size": 3072, "intermediate_size": 12288,
        "num_hidden_layers": 30, "num_attention_heads": 24,
        "num_key_value_heads": 2, "hidden_act": "gelu_pytorch_tanh",
        "max_position_embeddings": 4096, "norm_epsilon": 1e-5,
        "use_bias": true, "residual_dropout": 0, "embedding_dropout": 0,
        "tie_word_embeddings": true, "rms_norm_eps": null
    },
    "decoder": {
        "norm": "layer_norm", "norm_eps": "$norm_epsilon", "norm_bias": true,
        "attention_bias": "$use_bias", "attention_out_bias": "$use_bias",
        "mlp_bias": "$use_bias", "window": "$sliding_window",
        "names": {
            "gate": null, "up": "layers.{}.mlp.c_fc",
            "down": "layers.{}.mlp.c_proj"
        }
    }
}),

TF_ROW("olmo2", {
    "model_type": "olmo2",
    "like": "llama",
    "defaults": {"vocab_size": 50304, "rms_norm_eps": 1e-5},
    "decoder": {
        "mlp_bias": false, "qk_norm": "all",
        "names": {
            "q_norm": "layers.{}.self_attn.q_norm",
            "k_norm": "layers.{}.self_attn.k_norm",
            "attn_norm": null, "mlp_norm": null,
            "attn_out_norm": "layers.{}.post_attention_layernorm",
            "mlp_out_norm": "layers.{}.post_feedforward_layernorm"
        }
    }
}),

TF_ROW("granite", {
    "model_type": "granite",
    "like": "llama",
    "defaults": {
        "embedding_multiplier": 1, "logits_scaling": 1,
        "residual_multiplier": 1, "attention_multiplier": 1
    },
    "decoder": {
        "embedding_scale": "$embedding_multiplier",
        "residual_scale": "$residual_multiplier",
        "attention_scale": "$attention_multiplier"
    },
    "heads": {"causal-lm": {"divisor": "$logits_scaling"}}
}),

TF_ROW("cohere", {
    "model_type": "cohere",
    "like": "llama",
    "defaults": {
        "vocab_size": 256000, "hidden_size": 8192, "intermediate_size": 22528,
        "logit_scale": 0.0625, "num_hidden_layers": 40,
        "num_attention_heads": 64, "max_position_embeddings": 8192,
        "layer_norm_eps": 1e-5, "rope_theta": 500000,
        "tie_word_embeddings": true, "rms_norm_eps": null
    },
    "decoder": {
        "norm": "layer_norm", "norm_eps": "$layer_norm_eps",
        "parallel": true, "mlp_bias": false, "rotary_interleaved": true,
        "qk_norm": "heads",
        "names": {
            "q_norm": "$use_qk_norm?layers.{}.self_attn.q_norm",
            "k_norm": "$use_qk_norm?layers.{}.self_attn.k_norm",
            "mlp_norm": null
        }
    },
    "heads": {"causal-lm": {"scale": "$logit_scale"}}
}),

TF_ROW("smollm3", {
    "model_type": "smollm3",
    "like": "llama",
    "defaults": {
        "vocab_size": 128256, "hidden_size": 2048, "num_hidden_layers": 36,
        "num_attention_heads": 16, "num_key_value_heads": 4,
        "max_position_embeddings": 32768, "rope_theta": 2000000,
        "no_rope_layer_interval": 4, "tie_word_embeddings": true
    },
    "decoder": {
        "rotary_layers": "$no_rope_layers",
        "unrotated_every": "$no_rope_layer_interval",
        "window": "$use_sliding_window?$sliding_window",
        "layer_types": "$layer_types"
    }
}),

{ NULL, NULL },
};
/* clang-format on */
