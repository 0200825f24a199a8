/* Encoder-decoders made for long texts: Transformers' classes of the same
 * model_type. */
#include "model/arch_rows.h"

#include <stddef.h>

/* clang-format off */
const struct tf_row tf_rows_seq2seq_long[] = {

TF_ROW("led", {
    "model_type": "led",
    "like": "bart",
    "prefix": "led",
    "defaults": {
        "max_encoder_position_embeddings": 16384,
        "max_decoder_position_embeddings": 1024, "attention_window": 512,
        "max_position_embeddings": null, "num_labels": null
    },
    "encoder": {
        "max_positions": "$max_encoder_position_embeddings",
        "position_offset": 0, "embedding_scale_sqrt": false,
        "windows": "$attention_window",
        "names": {
            "q": "encoder.layers.{}.self_attn.longformer_self_attn.query",
            "k": "encoder.layers.{}.self_attn.longformer_self_attn.key",
            "v": "encoder.layers.{}.self_attn.longformer_self_attn.value",
            "global_q": "encoder.layers.{}.self_attn.longformer_self_attn.query_global",
            "global_k": "encoder.layers.{}.self_attn.longformer_self_attn.key_global",
            "global_v": "encoder.layers.{}.self_attn.longformer_self_attn.value_global",
            "o": "encoder.layers.{}.self_attn.output"
        }
    },
    "decoder": {
        "max_positions": "$max_decoder_position_embeddings",
        "position_offset": 0, "embedding_scale_sqrt": false
    },
    "heads": {"sequence-classification": null}
}),

TF_ROW("bigbird_pegasus", {
    "model_type": "bigbird_pegasus",
    "like": "mbart",
    "defaults": {
        "vocab_size": 96103, "max_position_embeddings": 4096,
        "encoder_layers": 16, "decoder_layers": 16,
        "activation_function": "gelu_new", "decoder_start_token_id": 2,
        "scale_embedding": true, "pad_token_id": 0, "eos_token_id": 1,
        "attention_type": "block_sparse", "block_size": 64,
        "num_random_blocks": 3, "use_bias": false
    },
    "encoder": {
        "position_offset": 0, "attention_bias": "$use_bias",
        "attention_out_bias": "$use_bias",
        "sparse_block": "$attention_type=block_sparse?$block_size:0",
        "sparse_random": "$num_random_blocks",
        "names": {
            "embedding_norm": null,
            "q": "encoder.layers.{}.self_attn.self.query",
            "k": "encoder.layers.{}.self_attn.self.key",
            "v": "encoder.layers.{}.self_attn.self.value",
            "o": "encoder.layers.{}.self_attn.output",
            "final_norm": "encoder.layernorm_embedding"
        }
    },
    "decoder": {
        "position_offset": 0, "attention_bias": "$use_bias",
        "attention_out_bias": "$use_bias",
        "names": {
            "embedding_norm": null,
            "final_norm": "decoder.layernorm_embedding"
        }
    },
    "heads": {
        "sequence-classification": {
            "pool": "eos",
            "dense": "classification_head.dense", "act": "tanh",
            "out": "classification_head.out_proj",
            "dense_dropout": "$classifier_dropout",
            "dropout": "$classifier_dropout"
        }
    }
}),

TF_ROW("longt5", {
    "model_type": "longt5",
    "like": "t5",
    "defaults": {
        "local_radius": 127, "global_block_size": 16,
        "encoder_attention_type": "local"
    },
    "encoder": {
        "window_radius": "$local_radius",
        "global_block": "$encoder_attention_type=transient-global?$global_block_size:0",
        "names": {
            "position_bias": "$encoder_attention_type=transient-global?encoder.block.0.layer.0.TransientGlobalSelfAttention.relative_attention_bias:encoder.block.0.layer.0.LocalSelfAttention.relative_attention_bias",
            "q": "$encoder_attention_type=transient-global?encoder.block.{}.layer.0.TransientGlobalSelfAttention.q:encoder.block.{}.layer.0.LocalSelfAttention.q",
            "k": "$encoder_attention_type=transient-global?encoder.block.{}.layer.0.TransientGlobalSelfAttention.k:encoder.block.{}.layer.0.LocalSelfAttention.k",
            "v": "$encoder_attention_type=transient-global?encoder.block.{}.layer.0.TransientGlobalSelfAttention.v:encoder.block.{}.layer.0.LocalSelfAttention.v",
            "o": "$encoder_attention_type=transient-global?encoder.block.{}.layer.0.TransientGlobalSelfAttention.o:encoder.block.{}.layer.0.LocalSelfAttention.o",
            "global_norm": "$encoder_attention_type=transient-global?encoder.block.{}.layer.0.TransientGlobalSelfAttention.global_input_layer_norm",
            "global_bias": "$encoder_attention_type=transient-global?encoder.block.0.layer.0.TransientGlobalSelfAttention.global_relative_attention_bias"
        }
    },
    "heads": {"sequence-classification": null, "question-answering": null}
}),

{ NULL, NULL },
};
/* clang-format on */
