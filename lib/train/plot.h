/* A picture of a training run: its losses, metrics and learning rate. */
#ifndef TF_TRAIN_PLOT_H
#define TF_TRAIN_PLOT_H

#include "base/buf.h"
#include "base/err.h"

/*
 * Append an SVG of the run in an output folder, or of one trainer_state.json,
 * of tf-train or of Transformers' Trainer. Fails when there is none, or nothing
 * in it to draw.
 */
int tf_plot_run(const char *path, struct tf_buf *svg, struct tf_err *err);
#endif
