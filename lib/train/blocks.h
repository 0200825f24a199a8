/* Texts of a language model, joined and cut into blocks of the same length. */
#ifndef TF_TRAIN_BLOCKS_H
#define TF_TRAIN_BLOCKS_H

#include "train/dataset.h"

/*
 * Replace the inputs of a dataset without labels by blocks of `size` tokens, as
 * Transformers' run_clm and run_mlm group texts: the inputs of each thousand
 * rows end to end, and what is left after their last block is dropped. Fails
 * when there is no block.
 */
int tf_dataset_blocks(struct tf_dataset *d, size_t size, struct tf_err *err);
#endif
