/* The encoders: Transformers' classes of the same model_type. */
#include "model/arch_rows.h"

#include <stddef.h>

/* clang-format off */
const struct tf_row tf_rows_encoder[] = {

TF_ROW("bert", {
    "model_type": "bert",
    "prefix": "bert",
    "defaults": {
        "vocab_size": 30522, "hidden_size": 768, "num_hidden_layers": 12,
        "num_attention_heads": 12, "intermediate_size": 3072,
        "hidden_act": "gelu", "max_position_embeddings": 512,
        "type_vocab_size": 2, "layer_norm_eps": 1e-12, "pad_token_id": 0,
        "hidden_dropout_prob": 0.1, "attention_probs_dropout_prob": 0.1
    },
    "encoder": {
        "padding_idx": "$pad_token_id",
        "types": "$type_vocab_size", "causal": "$is_decoder",
        "norm_bias": true, "attention_bias": true,
        "attention_out_bias": true, "mlp_bias": true,
        "projection_bias": true,
        "names": {
            "tokens": "embeddings.word_embeddings",
            "positions": "embeddings.position_embeddings",
            "types": "$type_vocab_size?embeddings.token_type_embeddings",
            "embedding_norm": "embeddings.LayerNorm",
            "q": "encoder.layer.{}.attention.self.query",
            "k": "encoder.layer.{}.attention.self.key",
            "v": "encoder.layer.{}.attention.self.value",
            "o": "encoder.layer.{}.attention.output.dense",
            "attn_post_norm": "encoder.layer.{}.attention.output.LayerNorm",
            "up": "encoder.layer.{}.intermediate.dense",
            "down": "encoder.layer.{}.output.dense",
            "mlp_post_norm": "encoder.layer.{}.output.LayerNorm"
        }
    },
    "heads": {
        "sequence-classification": {
            "pool": "first", "dense": "pooler.dense", "act": "tanh",
            "dense_in_base": true,
            "out": "classifier",
            "dropout": "$classifier_dropout|hidden_dropout_prob"
        },
        "token-classification": {
            "out": "classifier",
            "dropout": "$classifier_dropout|hidden_dropout_prob"
        },
        "question-answering": {"out": "qa_outputs"},
        "masked-lm": {
            "dense": "cls.predictions.transform.dense", "act": "$hidden_act",
            "norm": "cls.predictions.transform.LayerNorm",
            "out": "cls.predictions.decoder", "tied": true,
            "out_bias": "cls.predictions.bias|cls.predictions.decoder.bias"
        }
    }
}),

TF_ROW("roberta", {
    "model_type": "roberta",
    "like": "bert",
    "prefix": "roberta",
    "defaults": {"vocab_size": 50265, "pad_token_id": 1},
    "encoder": {"position_after_pad": true},
    "heads": {
        "sequence-classification": {
            "pool": "first", "dense": "classifier.dense", "act": "tanh",
            "dense_in_base": false,
            "out": "classifier.out_proj",
            "dense_dropout": "$classifier_dropout|hidden_dropout_prob"
        },
        "masked-lm": {
            "dense": "lm_head.dense", "act": "gelu",
            "norm": "lm_head.layer_norm",
            "out": "lm_head.decoder", "tied": true,
            "out_bias": "lm_head.bias|lm_head.decoder.bias"
        }
    }
}),

TF_ROW("xlm-roberta", {
    "model_type": "xlm-roberta",
    "like": "roberta",
    "defaults": {"vocab_size": 30522}
}),

TF_ROW("camembert", {
    "model_type": "camembert",
    "like": "roberta",
    "defaults": {"vocab_size": 30522}
}),

TF_ROW("distilbert", {
    "model_type": "distilbert",
    "like": "bert",
    "prefix": "distilbert",
    "defaults": {
        "dim": 768, "n_layers": 6, "n_heads": 12, "hidden_dim": 3072,
        "activation": "gelu",
        "dropout": 0.1, "attention_dropout": 0.1, "qa_dropout": 0.1,
        "seq_classif_dropout": 0.2,
        "hidden_size": null, "num_hidden_layers": null,
        "num_attention_heads": null, "intermediate_size": null,
        "hidden_act": null, "type_vocab_size": null, "layer_norm_eps": null,
        "hidden_dropout_prob": null, "attention_probs_dropout_prob": null
    },
    "encoder": {
        "norm_eps": 1e-12,
        "types": null,
        "names": {
            "types": null,
            "q": "transformer.layer.{}.attention.q_lin",
            "k": "transformer.layer.{}.attention.k_lin",
            "v": "transformer.layer.{}.attention.v_lin",
            "o": "transformer.layer.{}.attention.out_lin",
            "attn_post_norm": "transformer.layer.{}.sa_layer_norm",
            "up": "transformer.layer.{}.ffn.lin1",
            "down": "transformer.layer.{}.ffn.lin2",
            "mlp_post_norm": "transformer.layer.{}.output_layer_norm"
        }
    },
    "heads": {
        "sequence-classification": {
            "pool": "first", "dense": "pre_classifier", "act": "relu",
            "dense_in_base": false,
            "out": "classifier", "dropout": "$seq_classif_dropout"
        },
        "token-classification": {"dropout": "$dropout"},
        "question-answering": {"dropout": "$qa_dropout"},
        "masked-lm": {
            "dense": "vocab_transform", "act": "$activation",
            "norm": "vocab_layer_norm",
            "out": "vocab_projector", "tied": true, "out_bias": null
        }
    }
}),

TF_ROW("albert", {
    "model_type": "albert",
    "like": "bert",
    "prefix": "albert",
    "defaults": {
        "vocab_size": 30000, "embedding_size": 128, "hidden_size": 4096,
        "num_attention_heads": 64, "intermediate_size": 16384,
        "hidden_act": "gelu_new", "num_hidden_groups": 1, "inner_group_num": 1,
        "hidden_dropout_prob": 0, "attention_probs_dropout_prob": 0,
        "classifier_dropout_prob": 0.1
    },
    "encoder": {
        "embedding_width": "$embedding_size",
        "groups": "$num_hidden_groups",
        "inner_layers": "$inner_group_num",
        "names": {
            "embedding_projection": "encoder.embedding_hidden_mapping_in",
            "q": "encoder.albert_layer_groups.{group}.albert_layers.{inner}.attention.query",
            "k": "encoder.albert_layer_groups.{group}.albert_layers.{inner}.attention.key",
            "v": "encoder.albert_layer_groups.{group}.albert_layers.{inner}.attention.value",
            "o": "encoder.albert_layer_groups.{group}.albert_layers.{inner}.attention.dense",
            "attn_post_norm": "encoder.albert_layer_groups.{group}.albert_layers.{inner}.attention.LayerNorm",
            "up": "encoder.albert_layer_groups.{group}.albert_layers.{inner}.ffn",
            "down": "encoder.albert_layer_groups.{group}.albert_layers.{inner}.ffn_output",
            "mlp_post_norm": "encoder.albert_layer_groups.{group}.albert_layers.{inner}.full_layer_layer_norm"
        }
    },
    "heads": {
        "sequence-classification": {
            "pool": "first", "dense": "pooler", "act": "tanh",
            "out": "classifier", "dropout": "$classifier_dropout_prob"
        },
        "token-classification": {"dropout": "$classifier_dropout_prob|hidden_dropout_prob"},
        "masked-lm": {
            "dense": "predictions.dense", "act": "$hidden_act",
            "norm": "predictions.LayerNorm", "to_embedding": true,
            "out": "predictions.decoder", "tied": true,
            "out_bias": "predictions.bias|predictions.decoder.bias"
        }
    }
}),

TF_ROW("electra", {
    "model_type": "electra",
    "like": "bert",
    "prefix": "electra",
    "defaults": {
        "embedding_size": 128, "hidden_size": 256, "num_attention_heads": 4,
        "intermediate_size": 1024
    },
    "encoder": {
        "embedding_width": "$embedding_size",
        "names": {"embedding_projection": "embeddings_project"}
    },
    "heads": {
        "sequence-classification": {
            "pool": "first", "dense": "classifier.dense", "act": "gelu",
            "dense_in_base": false,
            "out": "classifier.out_proj",
            "dense_dropout": "$classifier_dropout|hidden_dropout_prob"
        },
        "masked-lm": {
            "dense": "generator_predictions.dense", "act": "gelu",
            "norm": "generator_predictions.LayerNorm", "to_embedding": true,
            "out": "generator_lm_head", "tied": true, "out_bias": null
        }
    }
}),

TF_ROW("mpnet", {
    "model_type": "mpnet",
    "like": "bert",
    "prefix": "mpnet",
    "defaults": {
        "vocab_size": 30527, "pad_token_id": 1,
        "relative_attention_num_buckets": 32, "type_vocab_size": null
    },
    "encoder": {
        "types": null,
        "position_after_pad": true, "pad": 1,
        "bias_buckets": 32,
        "bias_rows": "$relative_attention_num_buckets",
        "names": {
            "types": null,
            "position_bias": "encoder.relative_attention_bias",
            "q": "encoder.layer.{}.attention.attn.q",
            "k": "encoder.layer.{}.attention.attn.k",
            "v": "encoder.layer.{}.attention.attn.v",
            "o": "encoder.layer.{}.attention.attn.o",
            "attn_post_norm": "encoder.layer.{}.attention.LayerNorm"
        }
    },
    "heads": {
        "sequence-classification": {
            "pool": "first", "dense": "classifier.dense", "act": "tanh",
            "dense_in_base": false,
            "out": "classifier.out_proj",
            "dense_dropout": "$classifier_dropout|hidden_dropout_prob"
        },
        "masked-lm": {
            "dense": "lm_head.dense", "act": "gelu",
            "norm": "lm_head.layer_norm",
            "out": "lm_head.decoder", "tied": true,
            "out_bias": "lm_head.bias|lm_head.decoder.bias"
        }
    }
}),

TF_ROW("deberta-v2", {
    "model_type": "deberta-v2",
    "like": "bert",
    "prefix": "deberta",
    "defaults": {
        "vocab_size": 128100, "hidden_size": 1536, "num_hidden_layers": 24,
        "num_attention_heads": 24, "intermediate_size": 6144,
        "type_vocab_size": 0, "layer_norm_eps": 1e-7,
        "relative_attention": false, "max_relative_positions": -1,
        "position_biased_input": true, "pooler_hidden_act": "gelu",
        "legacy": true
    },
    "encoder": {
        "head_size": "$attention_head_size",
        "embedding_width": "$embedding_size",
        "projection": "sum", "projection_bias": false,
        "c2p": "$pos_att_type=*c2p*?true:false",
        "p2c": "$pos_att_type=*p2c*?true:false",
        "relative_buckets": "$position_buckets=-*?0:$position_buckets",
        "relative_max": "$max_relative_positions=-*?0:$max_relative_positions",
        "conv_kernel": "$conv_kernel_size",
        "conv_groups": "$conv_groups",
        "conv_act": "$conv_act?$conv_act:tanh",
        "names": {
            "positions": "$position_biased_input?embeddings.position_embeddings",
            "embedding_projection": "embeddings.embed_proj",
            "relative": "$relative_attention?encoder.rel_embeddings",
            "relative_norm": "$norm_rel_ebd=*layer_norm*?encoder.LayerNorm",
            "conv": "$conv_kernel_size?encoder.conv.conv",
            "conv_norm": "$conv_kernel_size?encoder.conv.LayerNorm",
            "q": "encoder.layer.{}.attention.self.query_proj",
            "k": "encoder.layer.{}.attention.self.key_proj",
            "v": "encoder.layer.{}.attention.self.value_proj",
            "relative_q": "$share_att_key?:$pos_att_type=*p2c*?encoder.layer.{}.attention.self.pos_query_proj",
            "relative_k": "$share_att_key?:$pos_att_type=*c2p*?encoder.layer.{}.attention.self.pos_key_proj"
        }
    },
    "heads": {
        "sequence-classification": {
            "pool": "first", "dense": "pooler.dense",
            "dense_in_base": false,
            "act": "$pooler_hidden_act", "out": "classifier",
            "dense_dropout": "$pooler_dropout",
            "dropout": "$cls_dropout|hidden_dropout_prob"
        },
        "token-classification": {"dropout": "$hidden_dropout_prob"},
        "masked-lm": {
            "dense": "$legacy?cls.predictions.transform.dense:lm_predictions.lm_head.dense",
            "act": "$hidden_act",
            "norm": "$legacy?cls.predictions.transform.LayerNorm:lm_predictions.lm_head.LayerNorm",
            "to_embedding": "$legacy",
            "out": "cls.predictions.decoder", "tied": true,
            "out_bias": "$legacy?cls.predictions.bias|cls.predictions.decoder.bias:lm_predictions.lm_head.bias"
        }
    }
}),

TF_ROW("modernbert", {
    "model_type": "modernbert",
    "prefix": "model",
    "defaults": {
        "vocab_size": 50368, "hidden_size": 768, "intermediate_size": 1152,
        "num_hidden_layers": 22, "num_attention_heads": 12,
        "hidden_activation": "gelu", "max_position_embeddings": 8192,
        "norm_eps": 1e-5, "norm_bias": false, "pad_token_id": 50283,
        "attention_bias": false, "mlp_bias": false, "decoder_bias": true,
        "local_attention": 128, "global_attn_every_n_layers": 3,
        "global_rope_theta": 160000.0, "local_rope_theta": 10000.0,
        "classifier_pooling": "cls", "classifier_bias": false,
        "classifier_activation": "gelu"
    },
    "encoder": {
        "padding_idx": "$pad_token_id",
        "norm_bias": "$norm_bias", "attention_bias": "$attention_bias",
        "attention_out_bias": "$attention_bias", "mlp_bias": "$mlp_bias",
        "dropout": 0,
        "rotary": true,
        "rotary_theta": "$rope_parameters.full_attention.rope_theta|global_rope_theta",
        "rotary_scaling": "$rope_parameters.full_attention|rope_scaling",
        "local_rotary_theta": "$rope_parameters.sliding_attention.rope_theta|local_rope_theta",
        "local_rotary_scaling": "$rope_parameters.sliding_attention|rope_scaling",
        "window": "$local_attention",
        "layer_types": "$layer_types",
        "global_every": "$global_attn_every_n_layers",
        "norm_from": 1,
        "names": {
            "tokens": "embeddings.tok_embeddings",
            "embedding_norm": "embeddings.norm",
            "attn_norm": "layers.{}.attn_norm",
            "qkv": "layers.{}.attn.Wqkv",
            "o": "layers.{}.attn.Wo",
            "mlp_norm": "layers.{}.mlp_norm",
            "gate_up": "layers.{}.mlp.Wi",
            "down": "layers.{}.mlp.Wo",
            "final_norm": "final_norm"
        }
    },
    "heads": {
        "sequence-classification": {
            "pool": "$classifier_pooling=mean?mean:first",
            "dense": "head.dense", "dense_bias": "$classifier_bias",
            "act": "$classifier_activation", "norm": "head.norm",
            "out": "classifier", "dropout": "$classifier_dropout"
        },
        "token-classification": {
            "dense": "head.dense", "dense_bias": "$classifier_bias",
            "act": "$classifier_activation", "norm": "head.norm",
            "out": "classifier", "dropout": "$classifier_dropout"
        },
        "question-answering": {
            "dense": "head.dense", "dense_bias": "$classifier_bias",
            "act": "$classifier_activation", "norm": "head.norm",
            "out": "classifier", "dropout": "$classifier_dropout"
        },
        "masked-lm": {
            "dense": "head.dense", "dense_bias": "$classifier_bias",
            "act": "$classifier_activation", "norm": "head.norm",
            "out": "decoder", "tied": true, "bias": "$decoder_bias"
        }
    }
}),

{ NULL, NULL },
};
/* clang-format on */
