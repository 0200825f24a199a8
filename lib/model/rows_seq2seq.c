/* The encoder-decoders: Transformers' classes of the same model_type. */
#include "model/arch_rows.h"

#include <stddef.h>

/* clang-format off */
const struct tf_row tf_rows_seq2seq[] = {

TF_ROW("bart", {
    "model_type": "bart",
    "prefix": "model",
    "defaults": {
        "vocab_size": 50265, "max_position_embeddings": 1024,
        "encoder_layers": 12, "encoder_ffn_dim": 4096,
        "encoder_attention_heads": 16, "decoder_layers": 12,
        "decoder_ffn_dim": 4096, "decoder_attention_heads": 16,
        "activation_function": "gelu", "d_model": 1024,
        "layer_norm_eps": 1e-5, "scale_embedding": false, "pad_token_id": 1,
        "eos_token_id": 2, "decoder_start_token_id": 2, "num_labels": 3,
        "dropout": 0.1, "attention_dropout": 0, "classifier_dropout": 0
    },
    "encoder": {
        "ffn_dropout": "$activation_dropout",
        "padding_idx": "$pad_token_id",
        "layers": "$encoder_layers", "heads": "$encoder_attention_heads",
        "ffn": "$encoder_ffn_dim", "width": "$d_model",
        "norm_bias": true, "attention_bias": true,
        "attention_out_bias": true, "mlp_bias": true,
        "position_offset": 2, "embedding_scale_sqrt": "$scale_embedding",
        "names": {
            "tokens": "shared|encoder.embed_tokens",
            "positions": "encoder.embed_positions",
            "embedding_norm": "encoder.layernorm_embedding",
            "q": "encoder.layers.{}.self_attn.q_proj",
            "k": "encoder.layers.{}.self_attn.k_proj",
            "v": "encoder.layers.{}.self_attn.v_proj",
            "o": "encoder.layers.{}.self_attn.out_proj",
            "attn_post_norm": "encoder.layers.{}.self_attn_layer_norm",
            "up": "encoder.layers.{}.fc1", "down": "encoder.layers.{}.fc2",
            "mlp_post_norm": "encoder.layers.{}.final_layer_norm"
        }
    },
    "decoder": {
        "ffn_dropout": "$activation_dropout",
        "padding_idx": "$pad_token_id",
        "causal": true,
        "layers": "$decoder_layers", "heads": "$decoder_attention_heads",
        "ffn": "$decoder_ffn_dim", "width": "$d_model",
        "norm_bias": true, "attention_bias": true,
        "attention_out_bias": true, "mlp_bias": true,
        "position_offset": 2, "embedding_scale_sqrt": "$scale_embedding",
        "names": {
            "tokens": "shared|decoder.embed_tokens",
            "positions": "decoder.embed_positions",
            "embedding_norm": "decoder.layernorm_embedding",
            "q": "decoder.layers.{}.self_attn.q_proj",
            "k": "decoder.layers.{}.self_attn.k_proj",
            "v": "decoder.layers.{}.self_attn.v_proj",
            "o": "decoder.layers.{}.self_attn.out_proj",
            "attn_post_norm": "decoder.layers.{}.self_attn_layer_norm",
            "cross_q": "decoder.layers.{}.encoder_attn.q_proj",
            "cross_k": "decoder.layers.{}.encoder_attn.k_proj",
            "cross_v": "decoder.layers.{}.encoder_attn.v_proj",
            "cross_o": "decoder.layers.{}.encoder_attn.out_proj",
            "cross_post_norm": "decoder.layers.{}.encoder_attn_layer_norm",
            "up": "decoder.layers.{}.fc1", "down": "decoder.layers.{}.fc2",
            "mlp_post_norm": "decoder.layers.{}.final_layer_norm"
        }
    },
    "heads": {
        "causal-lm": {
            "out": "lm_head", "tied": true,
            "out_bias": "final_logits_bias", "bias_optional": true
        },
        "sequence-classification": {
            "pool": "eos",
            "dense": "classification_head.dense", "act": "tanh",
            "out": "classification_head.out_proj",
            "dense_dropout": "$classifier_dropout",
            "dropout": "$classifier_dropout"
        },
        "question-answering": {"out": "qa_outputs"}
    }
}),

TF_ROW("mbart", {
    "model_type": "mbart",
    "like": "bart",
    "defaults": {"decoder_start_token_id": null, "num_labels": null},
    "encoder": {
        "names": {
            "attn_norm": "encoder.layers.{}.self_attn_layer_norm",
            "attn_post_norm": null,
            "mlp_norm": "encoder.layers.{}.final_layer_norm",
            "mlp_post_norm": null,
            "final_norm": "encoder.layer_norm"
        }
    },
    "decoder": {
        "names": {
            "attn_norm": "decoder.layers.{}.self_attn_layer_norm",
            "attn_post_norm": null,
            "cross_norm": "decoder.layers.{}.encoder_attn_layer_norm",
            "cross_post_norm": null,
            "mlp_norm": "decoder.layers.{}.final_layer_norm",
            "mlp_post_norm": null,
            "final_norm": "decoder.layer_norm"
        }
    },
    "heads": {"sequence-classification": null}
}),

TF_ROW("pegasus", {
    "model_type": "pegasus",
    "like": "mbart",
    "defaults": {
        "pad_token_id": 0, "eos_token_id": 1, "decoder_start_token_id": 0
    },
    "encoder": {
        "sines": "open", "position_offset": 0,
        "names": {"embedding_norm": null}
    },
    "decoder": {
        "sines": "open", "position_offset": 0,
        "names": {"embedding_norm": null}
    },
    "heads": {"question-answering": null}
}),

TF_ROW("m2m_100", {
    "model_type": "m2m_100",
    "like": "mbart",
    "defaults": {
        "vocab_size": 128112, "activation_function": "relu",
        "scale_embedding": true, "decoder_start_token_id": 2,
        "attention_dropout": 0.1
    },
    "encoder": {
        "sines": "closed", "position_offset": 0, "position_after_pad": true,
        "pad_is_zero": true,
        "names": {"positions": null, "embedding_norm": null}
    },
    "decoder": {
        "sines": "closed", "position_offset": 0, "position_after_pad": true,
        "pad_is_zero": true,
        "names": {"positions": null, "embedding_norm": null}
    },
    "heads": {"question-answering": null}
}),

TF_ROW("marian", {
    "model_type": "marian",
    "like": "bart",
    "defaults": {
        "vocab_size": 58101, "pad_token_id": 58100, "eos_token_id": 0,
        "decoder_start_token_id": 58100, "num_labels": null
    },
    "encoder": {
        "sines": "open", "position_offset": 0,
        "names": {"embedding_norm": null}
    },
    "decoder": {
        "vocab": "$decoder_vocab_size|vocab_size",
        "sines": "open", "position_offset": 0,
        "names": {"embedding_norm": null}
    },
    "heads": {"sequence-classification": null, "question-answering": null}
}),

TF_ROW("plbart", {
    "model_type": "plbart",
    "like": "bart",
    "defaults": {
        "vocab_size": 50005, "encoder_layers": 6, "encoder_ffn_dim": 3072,
        "encoder_attention_heads": 12, "decoder_layers": 6,
        "decoder_ffn_dim": 3072, "decoder_attention_heads": 12,
        "d_model": 768, "attention_dropout": 0.1, "scale_embedding": true,
        "decoder_start_token_id": null, "num_labels": null
    },
    "heads": {"question-answering": null}
}),

TF_ROW("blenderbot", {
    "model_type": "blenderbot",
    "like": "mbart",
    "defaults": {
        "vocab_size": 8008, "max_position_embeddings": 128,
        "encoder_layers": 2, "encoder_ffn_dim": 10240,
        "encoder_attention_heads": 32, "decoder_layers": 24,
        "decoder_ffn_dim": 10240, "decoder_attention_heads": 32,
        "d_model": 2560, "pad_token_id": 0, "decoder_start_token_id": 1
    },
    "encoder": {"position_offset": 0, "names": {"embedding_norm": null}},
    "decoder": {"position_offset": 0, "names": {"embedding_norm": null}},
    "heads": {"question-answering": null}
}),

TF_ROW("blenderbot-small", {
    "model_type": "blenderbot-small",
    "like": "bart",
    "defaults": {
        "max_position_embeddings": 512, "encoder_layers": 8,
        "encoder_ffn_dim": 2048, "decoder_layers": 8, "decoder_ffn_dim": 2048,
        "d_model": 512, "pad_token_id": 0, "decoder_start_token_id": 1,
        "num_labels": null
    },
    "encoder": {"position_offset": 0},
    "decoder": {"position_offset": 0, "positions_after_norm": true},
    "heads": {"sequence-classification": null, "question-answering": null}
}),

TF_ROW("mvp", {
    "model_type": "mvp",
    "like": "bart",
    "defaults": {
        "vocab_size": 50267, "use_prompt": false, "num_labels": null
    },
    "encoder": {
        "unsupported": "$use_prompt?an MVP with prompts (use_prompt) is"
    }
}),

TF_ROW("fsmt", {
    "model_type": "fsmt",
    "like": "bart",
    "defaults": {
        "src_vocab_size": 42024, "tgt_vocab_size": 42024,
        "activation_function": "relu", "scale_embedding": true,
        "tie_word_embeddings": false, "num_labels": null
    },
    "encoder": {
        "vocab": "$src_vocab_size",
        "sines": "closed", "position_offset": 0, "position_after_pad": true,
        "pad_is_zero": true, "positions_behind_pad": true,
        "names": {
            "tokens": "encoder.embed_tokens", "embedding_norm": null
        }
    },
    "decoder": {
        "vocab": "$tgt_vocab_size",
        "sines": "closed", "position_offset": 0, "position_after_pad": true,
        "pad_is_zero": true, "positions_behind_pad": true,
        "names": {
            "tokens": "decoder.embed_tokens", "embedding_norm": null
        }
    },
    "heads": {
        "causal-lm": {
            "out": "model.decoder.output_projection", "bias": false,
            "tied": "$tie_word_embeddings",
            "out_bias": null, "bias_optional": false
        },
        "sequence-classification": null, "question-answering": null
    }
}),

TF_ROW("t5", {
    "model_type": "t5",
    "prefix": "transformer",
    "defaults": {
        "vocab_size": 32128, "d_model": 512, "d_kv": 64, "d_ff": 2048,
        "num_layers": 6, "num_heads": 8, "relative_attention_num_buckets": 32,
        "relative_attention_max_distance": 128, "layer_norm_epsilon": 1e-6,
        "feed_forward_proj": "relu", "dropout_rate": 0.1,
        "classifier_dropout": 0, "pad_token_id": 0, "eos_token_id": 1,
        "initializer_factor": 1
    },
    "encoder": {
        "init": "by_width",
        "norm": "rms_norm", "attention_scale": 1,
        "layers": "$num_layers", "width": "$d_model", "head_size": "$d_kv",
        "ffn": "$d_ff", "act": "$feed_forward_proj",
        "bias_buckets": "$relative_attention_num_buckets",
        "bias_max_distance": "$relative_attention_max_distance",
        "max_positions": 0,
        "dropout": "$dropout_rate", "embedding_dropout": "$dropout_rate",
        "attention_dropout": "$dropout_rate", "ffn_dropout": "$dropout_rate",
        "final_dropout": "$dropout_rate",
        "names": {
            "tokens": "shared|encoder.embed_tokens",
            "position_bias": "encoder.block.0.layer.0.SelfAttention.relative_attention_bias",
            "attn_norm": "encoder.block.{}.layer.0.layer_norm",
            "q": "encoder.block.{}.layer.0.SelfAttention.q",
            "k": "encoder.block.{}.layer.0.SelfAttention.k",
            "v": "encoder.block.{}.layer.0.SelfAttention.v",
            "o": "encoder.block.{}.layer.0.SelfAttention.o",
            "mlp_norm": "encoder.block.{}.layer.1.layer_norm",
            "gate": "$feed_forward_proj=gated-*?encoder.block.{}.layer.1.DenseReluDense.wi_0",
            "up": "$feed_forward_proj=gated-*?encoder.block.{}.layer.1.DenseReluDense.wi_1:encoder.block.{}.layer.1.DenseReluDense.wi",
            "down": "encoder.block.{}.layer.1.DenseReluDense.wo",
            "final_norm": "encoder.final_layer_norm"
        },
        "exact_down": true
    },
    "decoder": {
        "init": "by_width",
        "causal": true, "norm": "rms_norm", "attention_scale": 1,
        "layers": "$num_decoder_layers|num_layers", "width": "$d_model",
        "head_size": "$d_kv", "ffn": "$d_ff", "act": "$feed_forward_proj",
        "bias_buckets": "$relative_attention_num_buckets",
        "bias_max_distance": "$relative_attention_max_distance",
        "max_positions": 0,
        "dropout": "$dropout_rate", "embedding_dropout": "$dropout_rate",
        "attention_dropout": "$dropout_rate", "ffn_dropout": "$dropout_rate",
        "final_dropout": "$dropout_rate",
        "names": {
            "tokens": "shared|decoder.embed_tokens",
            "position_bias": "decoder.block.0.layer.0.SelfAttention.relative_attention_bias",
            "attn_norm": "decoder.block.{}.layer.0.layer_norm",
            "q": "decoder.block.{}.layer.0.SelfAttention.q",
            "k": "decoder.block.{}.layer.0.SelfAttention.k",
            "v": "decoder.block.{}.layer.0.SelfAttention.v",
            "o": "decoder.block.{}.layer.0.SelfAttention.o",
            "cross_norm": "decoder.block.{}.layer.1.layer_norm",
            "cross_q": "decoder.block.{}.layer.1.EncDecAttention.q",
            "cross_k": "decoder.block.{}.layer.1.EncDecAttention.k",
            "cross_v": "decoder.block.{}.layer.1.EncDecAttention.v",
            "cross_o": "decoder.block.{}.layer.1.EncDecAttention.o",
            "mlp_norm": "decoder.block.{}.layer.2.layer_norm",
            "gate": "$feed_forward_proj=gated-*?decoder.block.{}.layer.2.DenseReluDense.wi_0",
            "up": "$feed_forward_proj=gated-*?decoder.block.{}.layer.2.DenseReluDense.wi_1:decoder.block.{}.layer.2.DenseReluDense.wi",
            "down": "decoder.block.{}.layer.2.DenseReluDense.wo",
            "final_norm": "decoder.final_layer_norm"
        },
        "exact_down": true
    },
    "heads": {
        "causal-lm": {
            "out": "lm_head", "bias": false, "tied": true, "no_prefix": true,
            "scale_by_width": "$scale_decoder_outputs=false?false:$tie_word_embeddings=false?false:true"
        },
        "sequence-classification": {
            "pool": "eos",
            "dense": "classification_head.dense", "act": "tanh",
            "out": "classification_head.out_proj",
            "dense_dropout": "$classifier_dropout",
            "dropout": "$classifier_dropout"
        },
        "question-answering": {"out": "qa_outputs", "no_prefix": true}
    }
}),

TF_ROW("switch_transformers", {
    "model_type": "switch_transformers",
    "like": "t5",
    "defaults": {
        "d_model": 768, "num_layers": 12, "num_decoder_layers": 12,
        "num_heads": 12, "dense_act_fn": "relu", "expert_capacity": 64,
        "num_experts": 8, "num_sparse_encoder_layers": 3,
        "num_sparse_decoder_layers": 3, "router_bias": false
    },
    "encoder": {
        "unsupported": "$router_bias?a bias of the router (router_bias) is",
        "act": "$dense_act_fn", "experts": "$num_experts",
        "experts_per_token": 1, "expert_capacity": "$expert_capacity",
        "sparse_layers": "$num_sparse_encoder_layers",
        "names": {
            "gate": null,
            "up": "encoder.block.{}.layer.1.mlp.wi",
            "down": "encoder.block.{}.layer.1.mlp.wo",
            "router": "encoder.block.{}.layer.1.mlp.router.classifier",
            "expert_up": "encoder.block.{}.layer.1.mlp.experts.expert_{expert}.wi",
            "expert_down": "encoder.block.{}.layer.1.mlp.experts.expert_{expert}.wo"
        }
    },
    "decoder": {
        "act": "$dense_act_fn", "experts": "$num_experts",
        "experts_per_token": 1, "expert_capacity": "$expert_capacity",
        "sparse_layers": "$num_sparse_decoder_layers",
        "names": {
            "gate": null,
            "up": "decoder.block.{}.layer.2.mlp.wi",
            "down": "decoder.block.{}.layer.2.mlp.wo",
            "router": "decoder.block.{}.layer.2.mlp.router.classifier",
            "expert_up": "decoder.block.{}.layer.2.mlp.experts.expert_{expert}.wi",
            "expert_down": "decoder.block.{}.layer.2.mlp.experts.expert_{expert}.wo"
        }
    },
    "heads": {
        "causal-lm": {
            "scale_by_width": "$tie_word_embeddings=false?false:true"
        },
        "sequence-classification": null, "question-answering": null
    }
}),

TF_ROW("mt5", {
    "model_type": "mt5",
    "like": "t5",
    "defaults": {
        "vocab_size": 250112, "d_ff": 1024, "num_layers": 8, "num_heads": 6,
        "feed_forward_proj": "gated-gelu", "decoder_start_token_id": 0
    },
    "heads": {"causal-lm": {"scale_by_width": false}}
}),

TF_ROW("umt5", {
    "model_type": "umt5",
    "like": "mt5",
    "encoder": {
        "names": {
            "position_bias": "encoder.block.{}.layer.0.SelfAttention.relative_attention_bias"
        }
    },
    "decoder": {
        "names": {
            "position_bias": "decoder.block.{}.layer.0.SelfAttention.relative_attention_bias"
        }
    },
    "heads": {"causal-lm": {"scale_by_width": true}}
}),

{ NULL, NULL },
};
/* clang-format on */
