/* Decoders of GPT's kind, and Mamba: Transformers' classes of the same
 * model_type. */
#include "model/arch_rows.h"

#include <stddef.h>

/* clang-format off */
const struct tf_row tf_rows_decoder[] = {

TF_ROW("gpt2", {
    "model_type": "gpt2",
    "prefix": "transformer",
    "defaults": {
        "vocab_size": 50257, "n_positions": 1024, "n_embd": 768, "n_layer": 12,
        "n_head": 12, "activation_function": "gelu_new",
        "layer_norm_epsilon": 1e-5, "scale_attn_weights": true,
        "resid_pdrop": 0.1, "embd_pdrop": 0.1, "attn_pdrop": 0.1,
        "tie_word_embeddings": true
    },
    "decoder": {
        "causal": true, "init": "by_depth",
        "norm_bias": true, "attention_bias": true,
        "attention_out_bias": true, "mlp_bias": true, "transposed": true,
        "attention_scale": "$scale_attn_weights?0:1",
        "attention_scale_by_layer": "$scale_attn_by_inverse_layer_idx",
        "names": {
            "tokens": "wte", "positions": "wpe",
            "attn_norm": "h.{}.ln_1",
            "qkv": "h.{}.attn.c_attn", "o": "h.{}.attn.c_proj",
            "mlp_norm": "h.{}.ln_2",
            "up": "h.{}.mlp.c_fc", "down": "h.{}.mlp.c_proj",
            "final_norm": "ln_f"
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
            "out": "classifier",
            "dropout": "$classifier_dropout|hidden_dropout"
        },
        "question-answering": {"out": "qa_outputs"}
    }
}),

TF_ROW("gpt_neo", {
    "model_type": "gpt_neo",
    "like": "gpt2",
    "defaults": {
        "max_position_embeddings": 2048, "hidden_size": 2048, "num_layers": 24,
        "num_heads": 16, "window_size": 256,
        "attention_types": [[["global", "local"], 12]],
        "n_positions": null, "n_embd": null, "n_layer": null, "n_head": null,
        "resid_pdrop": null, "embd_pdrop": null, "attn_pdrop": null
    },
    "decoder": {
        "init": "plain",
        "attention_bias": false, "transposed": false, "attention_scale": 1,
        "attention_scale_by_layer": null,
        "window": "$window_size",
        "layer_types": "$attention_layers|attention_types",
        "names": {
            "qkv": null,
            "q": "h.{}.attn.attention.q_proj",
            "k": "h.{}.attn.attention.k_proj",
            "v": "h.{}.attn.attention.v_proj",
            "o": "h.{}.attn.attention.out_proj"
        }
    }
}),

TF_ROW("gptj", {
    "model_type": "gptj",
    "like": "gpt2",
    "defaults": {
        "vocab_size": 50400, "n_positions": 2048, "n_embd": 4096,
        "n_layer": 28, "n_head": 16, "rotary_dim": 64,
        "resid_pdrop": 0, "embd_pdrop": 0, "attn_pdrop": 0,
        "tie_word_embeddings": false
    },
    "decoder": {
        "init": "plain",
        "attention_bias": false, "attention_out_bias": false,
        "transposed": false, "attention_scale": null,
        "attention_scale_by_layer": null,
        "parallel": true,
        "rotary": true, "rotary_interleaved": true, "rotary_theta": 10000,
        "rotary_dims": "$rotary_dim",
        "names": {
            "positions": null, "qkv": null, "mlp_norm": null,
            "q": "h.{}.attn.q_proj", "k": "h.{}.attn.k_proj",
            "v": "h.{}.attn.v_proj", "o": "h.{}.attn.out_proj",
            "up": "h.{}.mlp.fc_in", "down": "h.{}.mlp.fc_out"
        }
    },
    "heads": {"causal-lm": {"bias": true}, "token-classification": null}
}),

TF_ROW("gpt_neox", {
    "model_type": "gpt_neox",
    "prefix": "gpt_neox",
    "defaults": {
        "vocab_size": 50432, "hidden_size": 6144, "num_hidden_layers": 44,
        "num_attention_heads": 64, "intermediate_size": 24576,
        "hidden_act": "gelu", "rotary_pct": 0.25, "rotary_emb_base": 10000,
        "max_position_embeddings": 2048, "layer_norm_eps": 1e-5,
        "use_parallel_residual": true, "attention_bias": true,
        "tie_word_embeddings": false
    },
    "decoder": {
        "causal": true,
        "norm_bias": true, "attention_bias": "$attention_bias",
        "attention_out_bias": "$attention_bias", "mlp_bias": true,
        "parallel": "$use_parallel_residual",
        "qkv_order": "by_group",
        "rotary": true,
        "rotary_fraction": "$rope_parameters.partial_rotary_factor|rotary_pct",
        "rotary_theta": "$rope_parameters.rope_theta|rope_theta|rotary_emb_base",
        "names": {
            "tokens": "embed_in",
            "attn_norm": "layers.{}.input_layernorm",
            "qkv": "layers.{}.attention.query_key_value",
            "o": "layers.{}.attention.dense",
            "mlp_norm": "layers.{}.post_attention_layernorm",
            "up": "layers.{}.mlp.dense_h_to_4h",
            "down": "layers.{}.mlp.dense_4h_to_h",
            "final_norm": "final_layer_norm"
        }
    },
    "heads": {
        "causal-lm": {
            "out": "embed_out|lm_head", "bias": false,
            "tied": "$tie_word_embeddings"
        },
        "sequence-classification": {
            "pool": "last", "out": "score", "bias": false
        },
        "token-classification": {
            "out": "classifier", "dropout": "$classifier_dropout"
        },
        "question-answering": {"out": "qa_outputs"}
    }
}),

TF_ROW("opt", {
    "model_type": "opt",
    "prefix": "model",
    "defaults": {
        "vocab_size": 50272, "hidden_size": 768, "num_hidden_layers": 12,
        "ffn_dim": 3072, "num_attention_heads": 12,
        "max_position_embeddings": 2048, "activation_function": "relu",
        "do_layer_norm_before": true, "enable_bias": true,
        "layer_norm_eps": 1e-5, "pad_token_id": 1, "dropout": 0.1,
        "attention_dropout": 0, "tie_word_embeddings": true
    },
    "decoder": {
        "padding_idx": "$pad_token_id",
        "causal": true,
        "norm_bias": true, "attention_bias": "$enable_bias",
        "attention_out_bias": "$enable_bias", "mlp_bias": "$enable_bias",
        "position_offset": 2,
        "embedding_width": "$word_embed_proj_dim", "projection": "tokens",
        "names": {
            "tokens": "decoder.embed_tokens",
            "positions": "decoder.embed_positions",
            "embedding_projection": "decoder.project_in",
            "output_projection": "decoder.project_out",
            "attn_norm": "$do_layer_norm_before?decoder.layers.{}.self_attn_layer_norm",
            "attn_post_norm": "$do_layer_norm_before?:decoder.layers.{}.self_attn_layer_norm",
            "q": "decoder.layers.{}.self_attn.q_proj",
            "k": "decoder.layers.{}.self_attn.k_proj",
            "v": "decoder.layers.{}.self_attn.v_proj",
            "o": "decoder.layers.{}.self_attn.out_proj",
            "mlp_norm": "$do_layer_norm_before?decoder.layers.{}.final_layer_norm",
            "mlp_post_norm": "$do_layer_norm_before?:decoder.layers.{}.final_layer_norm",
            "up": "decoder.layers.{}.fc1", "down": "decoder.layers.{}.fc2",
            "final_norm": "$do_layer_norm_before=false?:$_remove_final_layer_norm?:decoder.final_layer_norm"
        }
    },
    "heads": {
        "causal-lm": {
            "out": "lm_head", "bias": false, "tied": "$tie_word_embeddings"
        },
        "sequence-classification": {
            "pool": "last", "out": "score", "bias": false
        },
        "question-answering": {"out": "qa_outputs"}
    }
}),

TF_ROW("bloom", {
    "model_type": "bloom",
    "prefix": "transformer",
    "defaults": {
        "vocab_size": 250880, "hidden_size": 64, "n_layer": 2, "n_head": 8,
        "layer_norm_epsilon": 1e-5, "hidden_dropout": 0,
        "attention_dropout": 0, "tie_word_embeddings": true
    },
    "decoder": {
        "causal": true, "alibi": true, "act": "gelu_new",
        "norm_bias": true, "attention_bias": true,
        "attention_out_bias": true, "mlp_bias": true,
        "residual_normed": "$apply_residual_connection_post_layernorm",
        "qkv_order": "by_group",
        "names": {
            "tokens": "word_embeddings",
            "embedding_norm": "word_embeddings_layernorm",
            "attn_norm": "h.{}.input_layernorm",
            "qkv": "h.{}.self_attention.query_key_value",
            "o": "h.{}.self_attention.dense",
            "mlp_norm": "h.{}.post_attention_layernorm",
            "up": "h.{}.mlp.dense_h_to_4h", "down": "h.{}.mlp.dense_4h_to_h",
            "final_norm": "ln_f"
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
            "out": "classifier",
            "dropout": "$classifier_dropout|hidden_dropout"
        },
        "question-answering": {"out": "qa_outputs"}
    }
}),

TF_ROW("falcon", {
    "model_type": "falcon",
    "like": "bloom",
    "defaults": {
        "vocab_size": 65024, "hidden_size": 4544, "num_hidden_layers": 32,
        "num_attention_heads": 71, "max_position_embeddings": 2048,
        "alibi": false, "new_decoder_architecture": false,
        "multi_query": true, "parallel_attn": true, "bias": false,
        "activation": "gelu", "rope_theta": 10000,
        "n_layer": null, "n_head": null
    },
    "decoder": {
        "act": "$activation",
        "alibi": "$alibi", "alibi_scaled": true, "rotary": "$alibi?false:true",
        "attention_bias": "$bias", "attention_out_bias": "$bias",
        "mlp_bias": "$bias", "residual_normed": null,
        "ffn": "$ffn_hidden_size",
        "kv_heads": "$new_decoder_architecture?$num_kv_heads:$multi_query?1:0",
        "parallel": "$new_decoder_architecture?true:$parallel_attn",
        "names": {
            "embedding_norm": null,
            "attn_norm": "$num_ln_in_parallel_attn=1?h.{}.input_layernorm:$new_decoder_architecture?h.{}.ln_attn:h.{}.input_layernorm",
            "mlp_norm": "$num_ln_in_parallel_attn=1?:$new_decoder_architecture?h.{}.ln_mlp:$parallel_attn?:h.{}.post_attention_layernorm"
        }
    }
}),

TF_ROW("openai-gpt", {
    "model_type": "openai-gpt",
    "like": "gpt2",
    "defaults": {
        "vocab_size": 40478, "n_positions": 512, "afn": "gelu",
        "activation_function": null
    },
    "decoder": {
        "init": "plain", "ffn": 0, "act": "$afn=gelu?gelu_new:$afn",
        "attention_scale": null, "attention_scale_by_layer": null,
        "names": {
            "tokens": "tokens_embed", "positions": "positions_embed",
            "attn_norm": null, "attn_post_norm": "h.{}.ln_1",
            "mlp_norm": null, "mlp_post_norm": "h.{}.ln_2",
            "final_norm": null
        }
    },
    "heads": {"token-classification": null, "question-answering": null}
}),

TF_ROW("ctrl", {
    "model_type": "ctrl",
    "like": "gpt2",
    "defaults": {
        "vocab_size": 246534, "n_positions": 256, "n_embd": 1280, "dff": 8192,
        "n_layer": 48, "n_head": 16, "attn_pdrop": 0
    },
    "decoder": {
        "init": "plain", "norm_eps": 1e-6, "ffn": "$dff", "act": "relu",
        "transposed": false, "attention_scale": null,
        "attention_scale_by_layer": null,
        "sines": "open", "embedding_scale_sqrt": true,
        "names": {
            "tokens": "w", "positions": null, "qkv": null,
            "attn_norm": "h.{}.layernorm1",
            "q": "h.{}.multi_head_attention.Wq",
            "k": "h.{}.multi_head_attention.Wk",
            "v": "h.{}.multi_head_attention.Wv",
            "o": "h.{}.multi_head_attention.dense",
            "mlp_norm": "h.{}.layernorm2",
            "up": "h.{}.ffn.0", "down": "h.{}.ffn.2",
            "final_norm": "layernorm"
        }
    },
    "heads": {
        "causal-lm": {"bias": true},
        "sequence-classification": {"out": "classifier"},
        "token-classification": null, "question-answering": null
    }
}),

TF_ROW("gpt_bigcode", {
    "model_type": "gpt_bigcode",
    "like": "gpt2",
    "defaults": {
        "activation_function": "gelu_pytorch_tanh", "multi_query": true
    },
    "decoder": {
        "transposed": false, "attention_scale_by_layer": null,
        "kv_heads": "$multi_query?1:0",
        "qkv_order": "$multi_query?side_by_side:by_group"
    },
    "heads": {"question-answering": null}
}),

TF_ROW("codegen", {
    "model_type": "codegen",
    "like": "gptj",
    "decoder": {
        "qkv_order": "by_quarter",
        "names": {
            "q": null, "k": null, "v": null, "qkv": "h.{}.attn.qkv_proj"
        }
    },
    "heads": {"sequence-classification": null, "question-answering": null}
}),

TF_ROW("mpt", {
    "model_type": "mpt",
    "like": "bloom",
    "defaults": {
        "vocab_size": 50368, "d_model": 2048, "n_heads": 16, "n_layers": 24,
        "max_seq_len": 2048, "hidden_size": null, "n_layer": null,
        "n_head": null, "hidden_dropout": null
    },
    "decoder": {
        "width": "$d_model", "ffn": 0, "act": "gelu",
        "norm_bias": false, "attention_bias": false,
        "attention_out_bias": false, "mlp_bias": false,
        "residual_normed": null, "qkv_order": "side_by_side",
        "max_positions": "$max_seq_len",
        "attention_scale": "$attn_config.softmax_scale",
        "clip_qkv": "$attn_config.clip_qkv",
        "dropout": "$attn_config.attn_pdrop", "embedding_dropout": 0,
        "attention_dropout": "$attn_config.attn_pdrop",
        "names": {
            "tokens": "wte", "embedding_norm": null,
            "attn_norm": "blocks.{}.norm_1", "qkv": "blocks.{}.attn.Wqkv",
            "o": "blocks.{}.attn.out_proj", "mlp_norm": "blocks.{}.norm_2",
            "up": "blocks.{}.ffn.up_proj", "down": "blocks.{}.ffn.down_proj",
            "final_norm": "norm_f"
        }
    },
    "heads": {
        "token-classification": {
            "dropout": "$classifier_dropout|hidden_dropout"
        }
    }
}),

TF_ROW("xglm", {
    "model_type": "xglm",
    "prefix": "model",
    "defaults": {
        "vocab_size": 256008, "max_position_embeddings": 2048,
        "d_model": 1024, "ffn_dim": 4096, "num_layers": 24,
        "attention_heads": 16, "activation_function": "gelu", "dropout": 0.1,
        "attention_dropout": 0.1, "scale_embedding": true, "pad_token_id": 1,
        "tie_word_embeddings": true
    },
    "decoder": {
        "causal": true, "heads": "$attention_heads",
        "padding_idx": "$pad_token_id",
        "norm_eps": 1e-5, "norm_bias": true, "attention_bias": true,
        "attention_out_bias": true, "mlp_bias": true,
        "sines": "closed", "position_offset": 2,
        "embedding_scale_sqrt": "$scale_embedding",
        "names": {
            "tokens": "embed_tokens",
            "attn_norm": "layers.{}.self_attn_layer_norm",
            "q": "layers.{}.self_attn.q_proj",
            "k": "layers.{}.self_attn.k_proj",
            "v": "layers.{}.self_attn.v_proj",
            "o": "layers.{}.self_attn.out_proj",
            "mlp_norm": "layers.{}.final_layer_norm",
            "up": "layers.{}.fc1", "down": "layers.{}.fc2",
            "final_norm": "layer_norm"
        }
    },
    "heads": {
        "causal-lm": {
            "out": "lm_head", "bias": false, "tied": "$tie_word_embeddings"
        }
    }
}),

TF_ROW("biogpt", {
    "model_type": "biogpt",
    "like": "xglm",
    "prefix": "biogpt",
    "defaults": {
        "vocab_size": 42384, "hidden_size": 1024, "num_hidden_layers": 24,
        "num_attention_heads": 16, "intermediate_size": 4096,
        "hidden_act": "gelu", "hidden_dropout_prob": 0.1,
        "attention_probs_dropout_prob": 0.1, "max_position_embeddings": 1024,
        "d_model": null, "ffn_dim": null, "num_layers": null,
        "attention_heads": null, "activation_function": null, "dropout": null,
        "attention_dropout": null
    },
    "decoder": {
        "heads": "$num_attention_heads", "sines": null,
        "names": {"positions": "embed_positions"}
    },
    "heads": {
        "causal-lm": {"out": "output_projection"},
        "sequence-classification": {
            "pool": "last", "out": "score", "bias": false
        },
        "token-classification": {
            "out": "classifier",
            "dropout": "$classifier_dropout|hidden_dropout_prob"
        }
    }
}),

TF_ROW("modernbert-decoder", {
    "model_type": "modernbert-decoder",
    "prefix": "model",
    "defaults": {
        "vocab_size": 50368, "hidden_size": 768, "intermediate_size": 1152,
        "num_hidden_layers": 22, "num_attention_heads": 12,
        "hidden_activation": "gelu", "max_position_embeddings": 8192,
        "norm_eps": 1e-5, "norm_bias": false, "pad_token_id": 50283,
        "attention_bias": false, "mlp_bias": false, "decoder_bias": true,
        "local_attention": 128, "global_attn_every_n_layers": 3,
        "global_rope_theta": 160000, "local_rope_theta": 10000,
        "classifier_bias": false, "classifier_activation": "gelu",
        "tie_word_embeddings": true
    },
    "decoder": {
        "causal": true, "padding_idx": "$pad_token_id",
        "norm_bias": "$norm_bias", "attention_bias": "$attention_bias",
        "attention_out_bias": "$attention_bias", "mlp_bias": "$mlp_bias",
        "dropout": 0,
        "rotary": true,
        "rotary_theta": "$rope_parameters.full_attention.rope_theta|global_rope_theta",
        "rotary_scaling": "$rope_parameters.full_attention|rope_scaling",
        "local_rotary_theta": "$rope_parameters.sliding_attention.rope_theta|local_rope_theta",
        "local_rotary_scaling": "$rope_parameters.sliding_attention|rope_scaling",
        "window": "$sliding_window?$sliding_window:$local_attention",
        "window_halved": "$sliding_window?false:true",
        "layer_types": "$layer_types",
        "global_every": "$global_attn_every_n_layers",
        "norm_from": 1,
        "names": {
            "tokens": "embeddings.tok_embeddings",
            "embedding_norm": "embeddings.norm",
            "attn_norm": "layers.{}.attn_norm",
            "q": "layers.{}.attn.q_proj", "k": "layers.{}.attn.k_proj",
            "v": "layers.{}.attn.v_proj", "o": "layers.{}.attn.Wo",
            "mlp_norm": "layers.{}.mlp_norm",
            "gate_up": "layers.{}.mlp.Wi", "down": "layers.{}.mlp.Wo",
            "final_norm": "final_norm"
        }
    },
    "heads": {
        "causal-lm": {
            "dense": "lm_head.dense", "dense_bias": "$classifier_bias",
            "act": "$classifier_activation", "norm": "lm_head.norm",
            "out": "decoder", "bias": "$decoder_bias",
            "tied": "$tie_word_embeddings"
        },
        "sequence-classification": {
            "pool": "last",
            "dense": "head.dense", "dense_bias": "$classifier_bias",
            "act": "$classifier_activation", "norm": "head.norm",
            "out": "classifier", "bias": "$classifier_bias",
            "dropout": "$classifier_dropout"
        }
    }
}),

TF_ROW("mamba", {
    "model_type": "mamba",
    "prefix": "backbone",
    "defaults": {
        "vocab_size": 50280, "hidden_size": 768, "state_size": 16,
        "num_hidden_layers": 32, "layer_norm_epsilon": 1e-5, "expand": 2,
        "conv_kernel": 4, "use_bias": false, "use_conv_bias": true,
        "hidden_act": "silu", "time_step_rank": "auto",
        "tie_word_embeddings": true, "initializer_range": 0.1
    },
    "decoder": {
        "causal": true, "norm": "rms_norm", "heads": 1,
        "ffn": 0, "ffn_factor": "$expand",
        "ssm_state": "$state_size", "ssm_kernel": "$conv_kernel",
        "ssm_rank": "$time_step_rank=auto?0:$time_step_rank",
        "ssm_bias": "$use_bias", "ssm_conv_bias": "$use_conv_bias",
        "names": {
            "tokens": "embeddings|embedding",
            "attn_norm": "layers.{}.norm",
            "ssm_in": "layers.{}.mixer.in_proj",
            "ssm_conv": "layers.{}.mixer.conv1d",
            "ssm_x": "layers.{}.mixer.x_proj",
            "ssm_dt": "layers.{}.mixer.dt_proj",
            "ssm_a": "layers.{}.mixer.A_log", "ssm_d": "layers.{}.mixer.D",
            "ssm_out": "layers.{}.mixer.out_proj",
            "final_norm": "norm_f"
        }
    },
    "heads": {
        "causal-lm": {
            "out": "lm_head", "bias": false, "tied": "$tie_word_embeddings"
        }
    }
}),

TF_ROW("mamba2", {
    "model_type": "mamba2",
    "like": "mamba",
    "defaults": {
        "vocab_size": 32768, "hidden_size": 4096, "num_heads": 128,
        "state_size": 128, "num_hidden_layers": 64, "n_groups": 8,
        "tie_word_embeddings": false
    },
    "decoder": {
        "ssm_heads": "$num_heads", "ssm_groups": "$n_groups",
        "ssm_limit": "$time_step_limit", "ssm_rank": 0,
        "names": {
            "ssm_x": null, "ssm_dt": null,
            "ssm_norm": "layers.{}.mixer.norm",
            "ssm_dt_bias": "layers.{}.mixer.dt_bias"
        }
    }
}),

TF_ROW("falcon_mamba", {
    "model_type": "falcon_mamba",
    "like": "mamba",
    "defaults": {"mixer_rms_eps": 1e-6},
    "decoder": {"ssm_norm_eps": "$mixer_rms_eps"}
}),

{ NULL, NULL },
};
/* clang-format on */
