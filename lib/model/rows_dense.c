/* Decoders of LLaMA's kind whose norms, positions or feed-forwards are others:
 * Transformers' classes of the same model_type. */
#include "model/arch_rows.h"

#include <stddef.h>

/* clang-format off */
const struct tf_row tf_rows_dense[] = {

TF_ROW("arcee", {
    "model_type": "arcee",
    "like": "llama",
    "defaults": {
        "hidden_size": 2560, "intermediate_size": 18432, "hidden_act": "relu2",
        "max_position_embeddings": 4096, "rms_norm_eps": 1e-5
    },
    "decoder": {"names": {"gate": null}}
}),

TF_ROW("nemotron", {
    "model_type": "nemotron",
    "like": "llama",
    "defaults": {
        "vocab_size": 256000, "hidden_size": 6144, "intermediate_size": 24576,
        "num_attention_heads": 48, "hidden_act": "relu2",
        "max_position_embeddings": 4096, "norm_eps": 1e-5,
        "partial_rotary_factor": 0.5, "rms_norm_eps": null
    },
    "decoder": {
        "norm": "layer_norm", "norm_eps": "$norm_eps", "norm_bias": true,
        "norm_offset": 1,
        "names": {"gate": null}
    }
}),

TF_ROW("persimmon", {
    "model_type": "persimmon",
    "like": "llama",
    "defaults": {
        "vocab_size": 262144, "intermediate_size": 16384,
        "num_hidden_layers": 36, "num_attention_heads": 64,
        "hidden_act": "relu2", "max_position_embeddings": 16384,
        "layer_norm_eps": 1e-5, "partial_rotary_factor": 0.5,
        "qk_layernorm": true, "rms_norm_eps": null
    },
    "decoder": {
        "norm": "layer_norm", "norm_eps": "$layer_norm_eps", "norm_bias": true,
        "attention_bias": true, "attention_out_bias": true, "mlp_bias": true,
        "qkv_order": "by_group", "kv_heads": null, "head_size": null,
        "names": {
            "q": null, "k": null, "v": null, "gate": null,
            "qkv": "layers.{}.self_attn.query_key_value",
            "o": "layers.{}.self_attn.dense",
            "q_norm": "$qk_layernorm?layers.{}.self_attn.q_layernorm",
            "k_norm": "$qk_layernorm?layers.{}.self_attn.k_layernorm",
            "up": "layers.{}.mlp.dense_h_to_4h",
            "down": "layers.{}.mlp.dense_4h_to_h",
            "final_norm": "final_layernorm"
        }
    },
    "heads": {"question-answering": null}
}),

TF_ROW("glm", {
    "model_type": "glm",
    "like": "llama",
    "defaults": {
        "vocab_size": 151552, "intermediate_size": 13696,
        "num_hidden_layers": 40, "num_key_value_heads": 2, "head_dim": 128,
        "max_position_embeddings": 131072, "rms_norm_eps": 1.5625e-7,
        "partial_rotary_factor": 0.5, "attention_bias": true
    },
    "decoder": {
        "rotary_interleaved": true,
        "attention_out_bias": false, "mlp_bias": false,
        "names": {
            "gate": null, "up": null,
            "gate_up": "layers.{}.mlp.gate_up_proj"
        }
    },
    "heads": {"question-answering": null}
}),

TF_ROW("glm4", {
    "model_type": "glm4",
    "like": "glm",
    "decoder": {
        "names": {
            "attn_out_norm": "layers.{}.post_self_attn_layernorm",
            "mlp_out_norm": "layers.{}.post_mlp_layernorm"
        }
    }
}),

TF_ROW("helium", {
    "model_type": "helium",
    "like": "llama",
    "defaults": {
        "vocab_size": 48000, "hidden_size": 2560, "intermediate_size": 7040,
        "num_hidden_layers": 24, "num_attention_heads": 20,
        "num_key_value_heads": 20, "head_dim": 128,
        "max_position_embeddings": 4096, "rms_norm_eps": 1e-8,
        "rope_theta": 100000
    },
    "decoder": {
        "rotary_interleaved": true, "attention_out_bias": false
    },
    "heads": {"question-answering": null}
}),

TF_ROW("seed_oss", {
    "model_type": "seed_oss",
    "like": "llama",
    "defaults": {
        "vocab_size": 155136, "intermediate_size": 27648,
        "num_hidden_layers": 64, "num_attention_heads": 80,
        "num_key_value_heads": 8, "head_dim": 128,
        "max_position_embeddings": 524288, "attention_bias": true,
        "attention_out_bias": false, "attention_dropout": 0.1,
        "residual_dropout": 0.1
    },
    "decoder": {"attention_out_bias": "$attention_out_bias"}
}),

TF_ROW("ernie4_5", {
    "model_type": "ernie4_5",
    "like": "llama",
    "defaults": {
        "vocab_size": 103424, "hidden_size": 1024, "intermediate_size": 3072,
        "num_hidden_layers": 18, "num_attention_heads": 16,
        "num_key_value_heads": 2, "head_dim": 128,
        "max_position_embeddings": 131072, "rms_norm_eps": 1e-5,
        "rope_theta": 500000, "use_bias": false, "tie_word_embeddings": true
    },
    "decoder": {
        "rotary_interleaved": true, "attention_bias": "$use_bias",
        "attention_out_bias": "$use_bias", "mlp_bias": "$use_bias"
    },
    "heads": {
        "sequence-classification": null, "token-classification": null,
        "question-answering": null
    }
}),

TF_ROW("hunyuan_v1_dense", {
    "model_type": "hunyuan_v1_dense",
    "like": "llama",
    "defaults": {"vocab_size": 290943, "rms_norm_eps": 1e-5},
    "decoder": {
        "mlp_bias": false, "qk_norm_after_rotary": true,
        "names": {
            "q_norm": "layers.{}.self_attn.query_layernorm",
            "k_norm": "layers.{}.self_attn.key_layernorm"
        }
    },
    "heads": {"token-classification": null, "question-answering": null}
}),

TF_ROW("ministral", {
    "model_type": "ministral",
    "like": "mistral",
    "decoder": {
        "attention_bias": false, "attention_out_bias": false,
        "mlp_bias": false, "layer_types": "$layer_types"
    },
    "heads": {"question-answering": {"prefix": "transformer|model"}}
}),

TF_ROW("ministral3", {
    "model_type": "ministral3",
    "like": "llama",
    "defaults": {
        "vocab_size": 131072, "intermediate_size": 14336,
        "num_hidden_layers": 34, "num_key_value_heads": 8, "head_dim": 128,
        "max_position_embeddings": 262144, "rms_norm_eps": 1e-5,
        "rope_theta": 1000000
    },
    "decoder": {
        "attention_bias": false, "attention_out_bias": false,
        "mlp_bias": false, "window": "$sliding_window",
        "query_growth": "$rope_parameters.llama_4_scaling_beta",
        "query_growth_every": "$rope_parameters.original_max_position_embeddings"
    },
    "heads": {"question-answering": {"prefix": null}}
}),

TF_ROW("mistral3", {
    "model_type": "mistral3",
    "like": "ministral3",
    "config": "text_config",
    "prefix": "model.language_model|language_model.model|language_model|model",
    "heads": {
        "causal-lm": {
            "out": "lm_head|language_model.lm_head", "tied": true
        },
        "sequence-classification": null, "token-classification": null,
        "question-answering": null
    }
}),

TF_ROW("olmo", {
    "model_type": "olmo",
    "like": "llama",
    "defaults": {"vocab_size": 50304, "rms_norm_eps": null},
    "decoder": {
        "norm": "layer_norm", "norm_eps": 1e-5, "norm_weight": false,
        "mlp_bias": false, "clip_qkv": "$clip_qkv"
    },
    "heads": {"token-classification": null, "question-answering": null}
}),

TF_ROW("olmo3", {
    "model_type": "olmo3",
    "like": "olmo2",
    "defaults": {"sliding_window": 4096, "rope_theta": 500000},
    "decoder": {
        "window": "$sliding_window", "layer_types": "$layer_types",
        "global_every": 4, "global_last": true,
        "rotary_theta": "$rope_parameters.full_attention.rope_theta|rope_theta",
        "rotary_scaling": "$rope_parameters.full_attention|rope_scaling",
        "local_rotary_theta": "$rope_parameters.sliding_attention.rope_theta?$rope_parameters.sliding_attention.rope_theta:500000",
        "local_rotary_scaling": "$rope_parameters.sliding_attention?$rope_parameters.sliding_attention:none"
    }
}),

TF_ROW("exaone4", {
    "model_type": "exaone4",
    "like": "olmo2",
    "defaults": {
        "vocab_size": 102400, "intermediate_size": 16384,
        "num_key_value_heads": 32, "sliding_window": 4096,
        "sliding_window_pattern": 4
    },
    "decoder": {
        "qk_norm": "head",
        "attention_bias": false, "attention_out_bias": false,
        "window": "$sliding_window", "layer_types": "$layer_types",
        "global_every": "$layer_types?0:$sliding_window_pattern",
        "global_last": true,
        "unrotated_global": "$sliding_window?true:false"
    },
    "heads": {
        "token-classification": {
            "out": "score", "dropout": "$classifier_dropout|hidden_dropout"
        },
        "question-answering": {"out": "qa_outputs"}
    }
}),

TF_ROW("cohere2", {
    "model_type": "cohere2",
    "like": "cohere",
    "defaults": {"sliding_window": 4096, "sliding_window_pattern": 4},
    "decoder": {
        "head_size": null,
        "window": "$sliding_window", "layer_types": "$layer_types",
        "global_every": "$sliding_window_pattern", "global_last": true,
        "unrotated_global": true,
        "names": {"q_norm": null, "k_norm": null}
    },
    "heads": {
        "sequence-classification": null, "token-classification": null,
        "question-answering": null
    }
}),

TF_ROW("vaultgemma", {
    "model_type": "vaultgemma",
    "like": "gemma2",
    "decoder": {
        "causal": true,
        "names": {"attn_out_norm": null, "mlp_out_norm": null}
    },
    "heads": {
        "sequence-classification": null, "token-classification": null,
        "question-answering": null
    }
}),

{ NULL, NULL },
};
/* clang-format on */
