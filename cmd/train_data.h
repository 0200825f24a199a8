/* Data sets of the hub, for tf-train. */
#ifndef TRAIN_DATA_H
#define TRAIN_DATA_H

#include "train/config.h"

/*
 * Replace each "hub:ORG/NAME[@REVISION][:[CONFIG/]SPLIT]" among the config's
 * files by the folder it is in, with its split: what is missing there is
 * fetched by tf-hub. Ends the tool when it can't be had.
 */
void train_data_fetch(struct tf_train_config *config);
#endif
