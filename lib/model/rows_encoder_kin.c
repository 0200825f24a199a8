/* Encoders of BERT's and RoBERTa's kind, other than those of rows_encoder.c:
 * Transformers' classes of the same model_type. */
#include "model/arch_rows.h"

#include <stddef.h>

/* clang-format off */
const struct tf_row tf_rows_encoder_kin[] = {

TF_ROW("ernie", {
    "model_type": "ernie",
    "like": "bert",
    "prefix": "ernie",
    "defaults": {"task_type_vocab_size": 3, "use_task_id": false},
    "encoder": {
        "tasks": "$task_type_vocab_size",
        "names": {"tasks": "$use_task_id?embeddings.task_type_embeddings"}
    }
}),

TF_ROW("megatron-bert", {
    "model_type": "megatron-bert",
    "like": "bert",
    "defaults": {
        "vocab_size": 29056, "hidden_size": 1024, "num_hidden_layers": 24,
        "num_attention_heads": 16, "intermediate_size": 4096
    },
    "encoder": {
        "names": {
            "embedding_norm": null,
            "attn_norm": "encoder.layer.{}.attention.ln",
            "attn_post_norm": null,
            "mlp_norm": "encoder.layer.{}.ln",
            "mlp_post_norm": null,
            "final_norm": "encoder.ln"
        }
    }
}),

TF_ROW("roberta-prelayernorm", {
    "model_type": "roberta-prelayernorm",
    "like": "roberta",
    "prefix": "roberta_prelayernorm",
    "encoder": {
        "names": {
            "attn_norm": "encoder.layer.{}.attention.LayerNorm",
            "attn_post_norm": null,
            "mlp_norm": "encoder.layer.{}.intermediate.LayerNorm",
            "mlp_post_norm": null,
            "final_norm": "LayerNorm"
        }
    }
}),

TF_ROW("xlm-roberta-xl", {
    "model_type": "xlm-roberta-xl",
    "like": "roberta",
    "defaults": {
        "vocab_size": 250880, "hidden_size": 2560, "num_hidden_layers": 36,
        "num_attention_heads": 32, "intermediate_size": 10240,
        "max_position_embeddings": 514, "type_vocab_size": 1,
        "layer_norm_eps": 1e-5
    },
    "encoder": {
        "names": {
            "embedding_norm": null,
            "attn_norm": "encoder.layer.{}.attention.self_attn_layer_norm",
            "attn_post_norm": null,
            "mlp_norm": "encoder.layer.{}.LayerNorm",
            "mlp_post_norm": null,
            "final_norm": "encoder.LayerNorm"
        }
    }
}),

TF_ROW("data2vec-text", {
    "model_type": "data2vec-text",
    "like": "roberta",
    "prefix": "data2vec_text",
    "defaults": {"vocab_size": 30522}
}),

TF_ROW("luke", {
    "model_type": "luke",
    "like": "bert",
    "prefix": "luke",
    "defaults": {"vocab_size": 50267, "pad_token_id": 1},
    "encoder": {"position_after_pad": true},
    "heads": {
        "masked-lm": {
            "dense": "lm_head.dense", "act": "gelu",
            "norm": "lm_head.layer_norm", "out": "lm_head.decoder",
            "out_bias": "lm_head.bias|lm_head.decoder.bias"
        }
    }
}),

TF_ROW("ibert", {
    "model_type": "ibert",
    "like": "roberta",
    "prefix": "ibert",
    "defaults": {"vocab_size": 30522, "quant_mode": false},
    "encoder": {
        "unsupported": "$quant_mode?I-BERT in integers (quant_mode) is"
    },
    "heads": {
        "sequence-classification": {
            "dense_dropout": "$hidden_dropout_prob",
            "dropout": "$hidden_dropout_prob"
        },
        "token-classification": {"dropout": "$hidden_dropout_prob"}
    }
}),

TF_ROW("rembert", {
    "model_type": "rembert",
    "like": "bert",
    "prefix": "rembert",
    "defaults": {
        "vocab_size": 250300, "hidden_size": 1152, "num_hidden_layers": 32,
        "num_attention_heads": 18, "intermediate_size": 4608,
        "input_embedding_size": 256, "output_embedding_size": 1664,
        "hidden_dropout_prob": 0, "attention_probs_dropout_prob": 0,
        "classifier_dropout_prob": 0.1
    },
    "encoder": {
        "embedding_width": "$input_embedding_size",
        "names": {"embedding_projection": "encoder.embedding_hidden_mapping_in"}
    },
    "heads": {
        "sequence-classification": {"dropout": "$classifier_dropout_prob"},
        "token-classification": {"dropout": "$classifier_dropout_prob"},
        "masked-lm": {
            "dense": "cls.predictions.dense",
            "width": "$output_embedding_size",
            "norm": "cls.predictions.LayerNorm",
            "tied": false, "out_bias": null
        }
    }
}),

TF_ROW("roformer", {
    "model_type": "roformer",
    "like": "bert",
    "prefix": "roformer",
    "defaults": {"vocab_size": 50000, "max_position_embeddings": 1536},
    "encoder": {
        "embedding_width": "$embedding_size",
        "rotary": true, "rotary_interleaved": true, "rotary_theta": 10000,
        "rotary_value": "$rotary_value",
        "names": {
            "positions": null,
            "embedding_projection": "embeddings_project"
        }
    },
    "heads": {
        "sequence-classification": {
            "pool": "first", "dense": "classifier.dense", "act": "$hidden_act",
            "dense_in_base": false,
            "out": "classifier.out_proj",
            "dense_dropout": "$hidden_dropout_prob",
            "dropout": "$hidden_dropout_prob"
        },
        "masked-lm": {"to_embedding": true}
    }
}),

TF_ROW("nomic_bert", {
    "model_type": "nomic_bert",
    "like": "bert",
    "prefix": "nomic_bert",
    "defaults": {
        "vocab_size": 30528, "hidden_act": "silu",
        "max_position_embeddings": 2048, "rope_theta": 1000,
        "hidden_dropout_prob": 0, "attention_probs_dropout_prob": 0
    },
    "encoder": {
        "head_size": "$head_dim", "rotary": true,
        "attention_bias": false, "attention_out_bias": false,
        "mlp_bias": false,
        "names": {
            "positions": null,
            "embedding_norm": "embeddings.LayerNorm|emb_ln",
            "q": "layers.{}.self_attn.q_proj",
            "k": "layers.{}.self_attn.k_proj",
            "v": "layers.{}.self_attn.v_proj",
            "qkv": "encoder.layers.{}.attn.Wqkv|layers.{}.attn.Wqkv",
            "o": "layers.{}.self_attn.o_proj|encoder.layers.{}.attn.out_proj|layers.{}.attn.out_proj",
            "attn_post_norm": "layers.{}.post_attention_layernorm|encoder.layers.{}.norm1|layers.{}.norm1",
            "gate": "layers.{}.mlp.gate_proj|encoder.layers.{}.mlp.fc12|layers.{}.mlp.fc12",
            "up": "layers.{}.mlp.up_proj|encoder.layers.{}.mlp.fc11|layers.{}.mlp.fc11",
            "down": "layers.{}.mlp.down_proj|encoder.layers.{}.mlp.fc2|layers.{}.mlp.fc2",
            "mlp_post_norm": "layers.{}.post_mlp_layernorm|encoder.layers.{}.norm2|layers.{}.norm2"
        }
    },
    "heads": {
        "question-answering": null,
        "masked-lm": {"norm": "cls.predictions.transform.layer_norm"}
    }
}),

TF_ROW("jina_embeddings_v3", {
    "model_type": "jina_embeddings_v3",
    "like": "roberta",
    "defaults": {
        "vocab_size": 250002, "hidden_size": 1024, "num_hidden_layers": 24,
        "num_attention_heads": 16, "intermediate_size": 4096,
        "max_position_embeddings": 8194, "type_vocab_size": 1,
        "layer_norm_eps": 1e-5, "rope_theta": 20000
    },
    "encoder": {
        "rotary": true, "position_after_pad": false,
        "names": {
            "positions": null,
            "embedding_norm": "embeddings.LayerNorm|emb_ln",
            "q": "layers.{}.self_attn.q_proj",
            "k": "layers.{}.self_attn.k_proj",
            "v": "layers.{}.self_attn.v_proj",
            "qkv": "encoder.layers.{}.mixer.Wqkv|layers.{}.mixer.Wqkv",
            "o": "layers.{}.self_attn.o_proj|encoder.layers.{}.mixer.out_proj|layers.{}.mixer.out_proj",
            "attn_post_norm": "layers.{}.post_attention_layernorm|encoder.layers.{}.norm1|layers.{}.norm1",
            "up": "layers.{}.mlp.fc1|encoder.layers.{}.mlp.fc1",
            "down": "layers.{}.mlp.fc2|encoder.layers.{}.mlp.fc2",
            "mlp_post_norm": "layers.{}.post_mlp_layernorm|encoder.layers.{}.norm2|layers.{}.norm2"
        }
    }
}),

TF_ROW("gte", {
    "model_type": "gte",
    "like": "bert",
    "prefix": "gte|new",
    "defaults": {
        "vocab_size": 250048, "max_position_embeddings": 8192,
        "type_vocab_size": 1, "pad_token_id": 1, "rope_theta": 160000,
        "attention_probs_dropout_prob": 0
    },
    "encoder": {
        "rotary": true, "mlp_bias": false, "mlp_out_bias": true,
        "gate_first": false,
        "names": {
            "positions": null,
            "q": "layers.{}.self_attn.q_proj",
            "k": "layers.{}.self_attn.k_proj",
            "v": "layers.{}.self_attn.v_proj",
            "qkv": "encoder.layer.{}.attention.qkv_proj|layers.{}.attention.qkv_proj",
            "o": "layers.{}.self_attn.o_proj|encoder.layer.{}.attention.o_proj|layers.{}.attention.o_proj",
            "attn_post_norm": "layers.{}.post_attention_layernorm|encoder.layer.{}.attn_ln|layers.{}.attn_ln",
            "gate": "layers.{}.mlp.gate_proj", "up": "layers.{}.mlp.up_proj",
            "gate_up": "encoder.layer.{}.mlp.up_gate_proj|layers.{}.mlp.up_gate_proj",
            "down": "layers.{}.mlp.down_proj|encoder.layer.{}.mlp.down_proj",
            "mlp_post_norm": "layers.{}.post_mlp_layernorm|encoder.layer.{}.mlp_ln|layers.{}.mlp_ln"
        }
    },
    "heads": {
        "question-answering": null,
        "masked-lm": {
            "dense": "lm_head.dense", "act": "gelu",
            "norm": "lm_head.layer_norm|lm_head.norm",
            "out": "lm_head.decoder", "out_bias": null
        }
    }
}),

TF_ROW("eurobert", {
    "model_type": "eurobert",
    "prefix": "model",
    "defaults": {
        "vocab_size": 128256, "hidden_size": 768, "intermediate_size": 3072,
        "num_hidden_layers": 12, "num_attention_heads": 12,
        "hidden_act": "silu", "max_position_embeddings": 8192,
        "rms_norm_eps": 1e-5, "rope_theta": 10000, "attention_bias": false,
        "mlp_bias": false, "tie_word_embeddings": false,
        "classifier_pooling": "late", "pad_token_id": 128001
    },
    "encoder": {
        "norm": "rms_norm", "rotary": true, "padding_idx": "$pad_token_id",
        "kv_heads": "$num_key_value_heads", "head_size": "$head_dim",
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
        "sequence-classification": {
            "pool": "$classifier_pooling=late?late:$classifier_pooling=mean?mean:first",
            "dense": "dense", "act": "gelu", "out": "classifier"
        },
        "token-classification": {"out": "classifier"},
        "masked-lm": {
            "out": "lm_head", "bias": "$mlp_bias",
            "tied": "$tie_word_embeddings"
        }
    }
}),

TF_ROW("esm", {
    "model_type": "esm",
    "like": "bert",
    "prefix": "esm",
    "defaults": {
        "max_position_embeddings": 1026, "position_embedding_type": "absolute",
        "rope_theta": 10000, "emb_layer_norm_before": false,
        "token_dropout": false, "hidden_act": null, "type_vocab_size": null
    },
    "encoder": {
        "types": null, "act": "gelu",
        "position_after_pad": "$position_embedding_type=rotary?false:true",
        "rotary": "$position_embedding_type=rotary?true:false",
        "token_dropout": "$token_dropout", "mask": "$mask_token_id",
        "embedding_dropout": 0,
        "names": {
            "types": null,
            "positions": "$position_embedding_type=rotary?:embeddings.position_embeddings",
            "embedding_norm": "$emb_layer_norm_before?embeddings.layer_norm",
            "attn_norm": "encoder.layer.{}.attention.LayerNorm",
            "attn_post_norm": null,
            "mlp_norm": "encoder.layer.{}.LayerNorm",
            "mlp_post_norm": null,
            "final_norm": "encoder.emb_layer_norm_after"
        }
    },
    "heads": {
        "sequence-classification": {
            "pool": "first", "dense": "classifier.dense", "act": "tanh",
            "dense_in_base": false,
            "out": "classifier.out_proj",
            "dense_dropout": "$hidden_dropout_prob",
            "dropout": "$hidden_dropout_prob"
        },
        "token-classification": {"dropout": "$hidden_dropout_prob"},
        "question-answering": null,
        "masked-lm": {
            "dense": "lm_head.dense", "act": "gelu",
            "norm": "lm_head.layer_norm",
            "out": "lm_head.decoder", "tied": true, "out_bias": "lm_head.bias"
        }
    }
}),

TF_ROW("deberta", {
    "model_type": "deberta",
    "like": "deberta-v2",
    "defaults": {
        "vocab_size": 50265, "hidden_size": 768, "num_hidden_layers": 12,
        "num_attention_heads": 12, "intermediate_size": 3072
    },
    "encoder": {
        "attention_bias": false, "qkv_order": "by_group",
        "relative_buckets": null, "head_size": null,
        "names": {
            "relative_norm": null, "conv": null, "conv_norm": null,
            "q": null, "k": null, "v": null,
            "qkv": "encoder.layer.{}.attention.self.in_proj",
            "q_bias": "encoder.layer.{}.attention.self.q_bias",
            "v_bias": "encoder.layer.{}.attention.self.v_bias",
            "relative_q": "$pos_att_type=*p2c*?encoder.layer.{}.attention.self.pos_q_proj",
            "relative_k": "$pos_att_type=*c2p*?encoder.layer.{}.attention.self.pos_proj"
        }
    }
}),

TF_ROW("xlm", {
    "model_type": "xlm",
    "prefix": "transformer",
    "defaults": {
        "vocab_size": 30145, "emb_dim": 2048, "n_layers": 12, "n_heads": 16,
        "dropout": 0.1, "attention_dropout": 0.1, "gelu_activation": true,
        "max_position_embeddings": 512, "layer_norm_eps": 1e-12,
        "pad_token_id": 2, "summary_type": "first", "summary_use_proj": true,
        "summary_first_dropout": 0.1
    },
    "encoder": {
        "width": "$emb_dim", "vocab": "$n_words|vocab_size",
        "act": "$gelu_activation?gelu:relu", "causal": "$causal",
        "padding_idx": "$pad_token_id",
        "norm_bias": true, "attention_bias": true,
        "attention_out_bias": true, "mlp_bias": true,
        "names": {
            "tokens": "embeddings", "positions": "position_embeddings",
            "embedding_norm": "layer_norm_emb",
            "q": "attentions.{}.q_lin", "k": "attentions.{}.k_lin",
            "v": "attentions.{}.v_lin", "o": "attentions.{}.out_lin",
            "attn_post_norm": "layer_norm1.{}",
            "up": "ffns.{}.lin1", "down": "ffns.{}.lin2",
            "mlp_post_norm": "layer_norm2.{}"
        }
    },
    "heads": {
        "sequence-classification": {
            "pool": "$summary_type=mean?mean:first",
            "out": "sequence_summary.summary",
            "dropout": "$summary_first_dropout"
        },
        "token-classification": {"out": "classifier", "dropout": "$dropout"},
        "masked-lm": {"out": "pred_layer.proj", "tied": true}
    }
}),

TF_ROW("xlnet", {
    "model_type": "xlnet",
    "prefix": "transformer",
    "defaults": {
        "vocab_size": 32000, "d_model": 1024, "n_layer": 24, "n_head": 16,
        "d_inner": 4096, "ff_activation": "gelu", "attn_type": "bi",
        "layer_norm_eps": 1e-12, "dropout": 0.1, "clamp_len": -1,
        "summary_type": "last", "summary_use_proj": true,
        "summary_activation": "tanh", "summary_last_dropout": 0.1
    },
    "encoder": {
        "unsupported": "$attn_type=bi?:attention to the past alone (attn_type) is",
        "ffn": "$d_inner", "head_size": "$d_head", "act": "$ff_activation",
        "norm_bias": true, "mlp_bias": true, "c2p": true,
        "attention_dropout": "$dropout", "ffn_dropout": "$dropout",
        "final_dropout": "$dropout", "max_positions": 0,
        "relative_sines": true, "head_weights": true,
        "relative_clamp": "$clamp_len=-*?0:$clamp_len",
        "names": {
            "tokens": "word_embedding",
            "q": "layer.{}.rel_attn.q", "k": "layer.{}.rel_attn.k",
            "v": "layer.{}.rel_attn.v", "o": "layer.{}.rel_attn.o",
            "relative_k": "layer.{}.rel_attn.r",
            "content_bias": "layer.{}.rel_attn.r_w_bias",
            "place_bias": "layer.{}.rel_attn.r_r_bias",
            "segment_bias": "layer.{}.rel_attn.r_s_bias",
            "segments": "layer.{}.rel_attn.seg_embed",
            "attn_post_norm": "layer.{}.rel_attn.layer_norm",
            "up": "layer.{}.ff.layer_1", "down": "layer.{}.ff.layer_2",
            "mlp_post_norm": "layer.{}.ff.layer_norm"
        }
    },
    "heads": {
        "sequence-classification": {
            "pool": "$summary_type=mean?mean:$summary_type=first?first:last",
            "dense": "$summary_use_proj?sequence_summary.summary",
            "act": "$summary_activation?$summary_activation:none",
            "out": "logits_proj", "dropout": "$summary_last_dropout"
        },
        "token-classification": {"out": "classifier"},
        "question-answering": {"out": "qa_outputs"}
    }
}),

TF_ROW("flaubert", {
    "model_type": "flaubert",
    "like": "xlm",
    "defaults": {"pre_norm": false},
    "encoder": {
        "names": {
            "attn_norm": "$pre_norm?layer_norm1.{}",
            "attn_post_norm": "$pre_norm?:layer_norm1.{}",
            "mlp_norm": "$pre_norm?layer_norm2.{}",
            "mlp_post_norm": "$pre_norm?:layer_norm2.{}"
        }
    }
}),

{ NULL, NULL },
};
/* clang-format on */
