/*
 * Private to lib/model: the rows that come with the library, in the very syntax
 * of a user's architecture.json (tf-architecture(5)). A row may say "like":
 * another row, and then only what differs; a null takes a member away.
 */
#ifndef TF_MODEL_ARCH_ROWS_H
#define TF_MODEL_ARCH_ROWS_H

struct tf_row {
    const char *name; /* model_type */
    const char *json;
};

/* Tables end with a NULL name. */
extern const struct tf_row tf_rows_encoder[], tf_rows_encoder_kin[],
    tf_rows_encoder_small[], tf_rows_encoder_long[], tf_rows_decoder[],
    tf_rows_llama[], tf_rows_dense[], tf_rows_experts[], tf_rows_kin[],
    tf_rows_seq2seq[], tf_rows_seq2seq_long[];

/* The tokens of a row as its text. */
#define TF_ROW(name, ...)                                                      \
    {                                                                          \
        name, #__VA_ARGS__                                                     \
    }
#endif
