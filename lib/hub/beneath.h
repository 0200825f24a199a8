/*
 * Files beneath a folder, by names that strangers chose. A path passes
 * tf_hub_file_valid first; here no symbolic link on the way is followed, so
 * nothing outside the folder is ever made or changed.
 */
#ifndef TF_HUB_BENEATH_H
#define TF_HUB_BENEATH_H

#include <stdbool.h>
#include <stdint.h>
#include "base/err.h"

/* errno as an error: "no_room" when the disk or the quota is full, else
 * without a code. Returns -1. */
int tf_beneath_fail(struct tf_err *err, const char *what);

/* Make a folder and those above it, links followed, and open it. */
int tf_beneath_open(const char *path, struct tf_err *err);
/* The same below an open folder, for names of our own. */
int tf_beneath_folder(int dir, const char *path, struct tf_err *err);

/* Open the folder that `path` lies in, made when it is not there; *name is
 * set to the last part of `path`. Closing it is the caller's. */
int tf_beneath_parent(int dir, const char *path, const char **name,
                      struct tf_err *err);

/* A name beside `name` that no other process uses: "NAME.XXXXXXXX.END". */
void tf_beneath_aside(char *out, size_t size, const char *name,
                      const char *end);

/* Write a small file whole or not at all; `synced` to the disk as well. */
int tf_beneath_write(int dir, const char *path, const char *text, bool synced,
                     struct tf_err *err);
/* Copy what `from` holds to the name, whole or not at all. */
int tf_beneath_copy(int from, int dir, const char *path, struct tf_err *err);
/* Let the disk begin with these bytes, so that fsync() finds little to do;
 * where the system cannot, nothing happens. */
void tf_beneath_flush_ahead(int fd, uint64_t from, uint64_t size);
#endif
