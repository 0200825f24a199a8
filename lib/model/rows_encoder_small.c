/* Encoders made for small machines: Transformers' classes of the same
 * model_type. */
#include "model/arch_rows.h"

#include <stddef.h>

/* clang-format off */
const struct tf_row tf_rows_encoder_small[] = {

TF_ROW("mobilebert", {
    "model_type": "mobilebert",
    "like": "bert",
    "prefix": "mobilebert",
    "defaults": {
        "hidden_size": 512, "num_hidden_layers": 24, "num_attention_heads": 4,
        "intermediate_size": 512, "hidden_act": "relu",
        "hidden_dropout_prob": 0, "embedding_size": 128,
        "trigram_input": true, "use_bottleneck": true,
        "intra_bottleneck_size": 128, "use_bottleneck_attention": false,
        "key_query_shared_bottleneck": true, "num_feedforward_networks": 4,
        "normalization_type": "no_norm", "classifier_activation": true
    },
    "encoder": {
        "norm": "$normalization_type",
        "embedding_norm_eps": 1e-5, "mlp_post_norm_eps": 1e-5,
        "embedding_width": "$embedding_size", "projection": "tokens",
        "trigrams": "$trigram_input",
        "bottleneck": "$use_bottleneck?$intra_bottleneck_size:0",
        "bottleneck_values": "$use_bottleneck?$use_bottleneck_attention:0",
        "feed_forwards": "$num_feedforward_networks",
        "names": {
            "embedding_projection": "embeddings.embedding_transformation",
            "narrow": "$use_bottleneck?encoder.layer.{}.bottleneck.input.dense",
            "narrow_norm": "$use_bottleneck?encoder.layer.{}.bottleneck.input.LayerNorm",
            "narrow_qk": "$use_bottleneck_attention?:$key_query_shared_bottleneck?encoder.layer.{}.bottleneck.attention.dense",
            "narrow_qk_norm": "$use_bottleneck_attention?:$key_query_shared_bottleneck?encoder.layer.{}.bottleneck.attention.LayerNorm",
            "extra_up": "encoder.layer.{}.ffn.{extra}.intermediate.dense",
            "extra_down": "encoder.layer.{}.ffn.{extra}.output.dense",
            "extra_norm": "encoder.layer.{}.ffn.{extra}.output.LayerNorm",
            "widen": "$use_bottleneck?encoder.layer.{}.output.bottleneck.dense",
            "widen_norm": "$use_bottleneck?encoder.layer.{}.output.bottleneck.LayerNorm"
        }
    },
    "heads": {
        "sequence-classification": {
            "dense": "$classifier_activation?pooler.dense"
        },
        "masked-lm": {
            "layer_norm": true, "out_rest": "cls.predictions.dense"
        }
    }
}),

TF_ROW("squeezebert", {
    "model_type": "squeezebert",
    "like": "bert",
    "prefix": "transformer",
    "defaults": {
        "q_groups": 4, "k_groups": 4, "v_groups": 4,
        "post_attention_groups": 1, "intermediate_groups": 4,
        "output_groups": 4
    },
    "encoder": {
        "norm_eps": 1e-12, "embedding_norm_eps": "$layer_norm_eps",
        "conv_weights": true, "q_groups": "$q_groups",
        "k_groups": "$k_groups", "v_groups": "$v_groups",
        "o_groups": "$post_attention_groups",
        "up_groups": "$intermediate_groups", "down_groups": "$output_groups",
        "names": {
            "q": "encoder.layers.{}.attention.query",
            "k": "encoder.layers.{}.attention.key",
            "v": "encoder.layers.{}.attention.value",
            "o": "encoder.layers.{}.post_attention.conv1d",
            "attn_post_norm": "encoder.layers.{}.post_attention.layernorm",
            "up": "encoder.layers.{}.intermediate.conv1d",
            "down": "encoder.layers.{}.output.conv1d",
            "mlp_post_norm": "encoder.layers.{}.output.layernorm"
        }
    },
    "heads": {
        "sequence-classification": {"dropout": "$hidden_dropout_prob"},
        "token-classification": {"dropout": "$hidden_dropout_prob"},
        "masked-lm": {"norm_eps": "$layer_norm_eps"}
    }
}),

TF_ROW("convbert", {
    "model_type": "convbert",
    "like": "bert",
    "prefix": "convbert",
    "defaults": {
        "pad_token_id": 1, "embedding_size": 768, "head_ratio": 2,
        "conv_kernel_size": 9, "num_groups": 1
    },
    "encoder": {
        "embedding_width": "$embedding_size", "head_ratio": "$head_ratio",
        "conv_kernel": "$conv_kernel_size",
        "up_groups": "$num_groups", "down_groups": "$num_groups",
        "names": {
            "embedding_projection": "embeddings_project",
            "span_depthwise": "encoder.layer.{}.attention.self.key_conv_attn_layer.depthwise",
            "span_pointwise": "encoder.layer.{}.attention.self.key_conv_attn_layer.pointwise",
            "span_bias": "encoder.layer.{}.attention.self.key_conv_attn_layer.bias",
            "span_kernel": "encoder.layer.{}.attention.self.conv_kernel_layer",
            "span_out": "encoder.layer.{}.attention.self.conv_out_layer"
        }
    },
    "heads": {
        "sequence-classification": {
            "dense": "classifier.dense", "act": "$hidden_act",
            "dense_in_base": false,
            "out": "classifier.out_proj",
            "dense_dropout": "$classifier_dropout|hidden_dropout_prob"
        },
        "masked-lm": {
            "dense": "generator_predictions.dense", "act": "gelu",
            "norm": "generator_predictions.LayerNorm", "to_embedding": true,
            "out": "generator_lm_head", "out_bias": null
        }
    }
}),

TF_ROW("fnet", {
    "model_type": "fnet",
    "like": "bert",
    "prefix": "fnet",
    "defaults": {
        "vocab_size": 32000, "hidden_act": "gelu_new", "type_vocab_size": 4,
        "pad_token_id": 3
    },
    "encoder": {
        "heads": 1, "fourier": true, "projected": true,
        "names": {
            "embedding_projection": "embeddings.projection",
            "q": null, "k": null, "v": null, "o": null,
            "attn_post_norm": "encoder.layer.{}.fourier.output.LayerNorm"
        }
    },
    "heads": {
        "sequence-classification": {"dropout": "$hidden_dropout_prob"},
        "token-classification": {"dropout": "$hidden_dropout_prob"}
    }
}),

{ NULL, NULL },
};
/* clang-format on */
