/*
 * Files in a folder of the user's own, as huggingface_hub's local_dir has
 * them: DIR/path, and what is known about each under DIR/.cache/huggingface.
 */
#ifndef TF_HUB_LOCAL_H
#define TF_HUB_LOCAL_H

#include <stdatomic.h>
#include "hub/listing.h"

/* Make and open the folder; a descriptor, or -1. */
int tf_hub_local_open(const char *path, struct tf_err *err);

/* Wait until nobody else writes this file; a descriptor to close. */
int tf_hub_local_lock(int dir, const char *path, const atomic_bool *stop,
                      struct tf_err *err);

/* The file is there as the hub has it: noted so and not changed since, or its
 * hash says so. The caller holds the lock. */
bool tf_hub_local_current(int dir, const struct tf_hub_file *file);

/* What is there of the file already, open for reading and writing. */
int tf_hub_local_partial(int dir, const struct tf_hub_file *file,
                         struct tf_err *err);
/* The part is whole: sync it and put it at its place. */
int tf_hub_local_finish(int dir, const struct tf_hub_file *file, int fd,
                        struct tf_err *err);
/* Note which commit and blob the file at its place is. */
int tf_hub_local_note(int dir, const char *commit,
                      const struct tf_hub_file *file, struct tf_err *err);
#endif
