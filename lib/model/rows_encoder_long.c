/* Encoders made for long texts: Transformers' classes of the same
 * model_type. */
#include "model/arch_rows.h"

#include <stddef.h>

/* clang-format off */
const struct tf_row tf_rows_encoder_long[] = {

TF_ROW("longformer", {
    "model_type": "longformer",
    "like": "roberta",
    "prefix": "longformer",
    "defaults": {
        "vocab_size": 30522, "attention_window": 512, "sep_token_id": 2
    },
    "encoder": {
        "windows": "$attention_window",
        "names": {
            "global_q": "encoder.layer.{}.attention.self.query_global",
            "global_k": "encoder.layer.{}.attention.self.key_global",
            "global_v": "encoder.layer.{}.attention.self.value_global"
        }
    },
    "heads": {
        "sequence-classification": {
            "global": "first",
            "dense_dropout": "$hidden_dropout_prob",
            "dropout": "$hidden_dropout_prob"
        },
        "token-classification": {"dropout": "$hidden_dropout_prob"},
        "question-answering": {
            "global": "question", "separator": "$sep_token_id"
        }
    }
}),

TF_ROW("big_bird", {
    "model_type": "big_bird",
    "like": "bert",
    "prefix": "bert",
    "defaults": {
        "vocab_size": 50358, "hidden_act": "gelu_new",
        "max_position_embeddings": 4096, "attention_type": "block_sparse",
        "sep_token_id": 66, "use_bias": true, "rescale_embeddings": false,
        "block_size": 64,
        "num_random_blocks": 3
    },
    "encoder": {
        "embedding_scale_sqrt": "$rescale_embeddings",
        "attention_bias": "$use_bias",
        "sparse_block": "$attention_type=block_sparse?$block_size:0",
        "sparse_random": "$num_random_blocks"
    },
    "heads": {
        "sequence-classification": {
            "dense": "classifier.dense", "act": "$hidden_act",
            "dense_in_base": false,
            "out": "classifier.out_proj",
            "dense_dropout": "$classifier_dropout|hidden_dropout_prob"
        },
        "question-answering": {
            "question_apart": true, "separator": "$sep_token_id",
            "ffn_up": "qa_classifier.intermediate.dense", "act": "$hidden_act",
            "ffn_down": "qa_classifier.output.dense",
            "ffn_norm": "qa_classifier.output.LayerNorm",
            "out": "qa_classifier.qa_outputs",
            "dense_dropout": "$hidden_dropout_prob"
        }
    }
}),

{ NULL, NULL },
};
/* clang-format on */
