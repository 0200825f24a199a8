/* What a data set's card, the README.md of its repository, says in its head
 * between lines of "---": its configurations and the names of its classes. */
#ifndef TF_TRAIN_CARD_H
#define TF_TRAIN_CARD_H

#include <jansson.h>
#include <stddef.h>

/* The head as JSON; an empty object where there is none that can be read. NULL
 * when there is no memory. */
json_t *tf_card_read(const char *text, size_t len);

/* A configuration by name, NULL: the default one. Borrowed; NULL when the card
 * has none (of this name). */
json_t *tf_card_config(json_t *card, const char *name);
/* Its patterns of a split's files: a string or a list of them, borrowed; NULL
 * when it does not say. */
json_t *tf_card_files(json_t *config, const char *split);

/* {column: [names]} of a configuration's class labels; new, maybe empty. */
json_t *tf_card_classes(json_t *card, const char *config);
/* The same from the features that a Parquet file's "huggingface" has. */
json_t *tf_feature_classes(json_t *features);
#endif
