/*
 * Event files that TensorBoard reads: records of protobuf messages (Event of
 * tensorflow's event.proto), each framed by its length and checksums as in
 * TFRecord files.
 */
#ifndef TF_TRAIN_TENSORBOARD_H
#define TF_TRAIN_TENSORBOARD_H

#include <stdint.h>
#include "base/err.h"

struct tf_events;

/* The name of a run's folder, "Nov24_02-41-35_host": where a run's events are
 * put under <output_dir>/runs. free() releases it. */
char *tf_events_run_name(struct tf_err *err);

/* Begin a file events.out.tfevents.* of its own in a folder, which is made with
 * those above it. */
struct tf_events *tf_events_open(const char *dir, struct tf_err *err);
/* Write one number, or text, of a step. It is in the file when this returns;
 * on failure the file ends with what was before. */
int tf_events_scalar(struct tf_events *e, const char *tag, float value,
                     int64_t step, struct tf_err *err);
int tf_events_text(struct tf_events *e, const char *tag, const char *text,
                   int64_t step, struct tf_err *err);
void tf_events_close(struct tf_events *e); /* NULL is allowed */

/* CRC-32C (Castagnoli). */
uint32_t tf_crc32c(const void *p, size_t n);
#endif
