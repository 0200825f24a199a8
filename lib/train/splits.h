/*
 * Which files of a data set's folder, or of its repository, make a split: what
 * its card (README.md) says under "configs", else what the names say, by the
 * rules of the library `datasets` (data_files.py):
 *
 *   data/SPLIT-00000-of-00001.EXT    of any split
 *   a folder, else a file, with a word for the split in its name: train,
 *   training; validation, valid, dev, val; test, testing, eval, evaluation
 *   else all files are "train"
 */
#ifndef TF_TRAIN_SPLITS_H
#define TF_TRAIN_SPLITS_H

#include <stdbool.h>
#include <stddef.h>
#include "base/err.h"

/* Zeroed memory is empty. */
struct tf_paths {
    char **v; /* owned */
    size_t count, cap;
};

int tf_paths_add(struct tf_paths *p, const char *path, struct tf_err *err);
void tf_paths_sort(struct tf_paths *p); /* by bytes */
void tf_paths_release(struct tf_paths *p);

/* All files below a folder, relative to it, sorted. Hidden ones, and those in
 * folders whose names begin with "__", are left out. */
int tf_paths_below(struct tf_paths *p, const char *dir, struct tf_err *err);

struct tf_split {
    char *config; /* NULL: the default one */
    char *name;   /* NULL: the usual one */
    bool whole;   /* where names tell of no split, all files are this one */
};

/* Take "NAME", "CONFIG/NAME" or "CONFIG/" apart. */
int tf_split_parse(struct tf_split *s, const char *text, struct tf_err *err);
void tf_split_release(struct tf_split *s);

/*
 * The files of `all` that make the split, sorted, of one format. `card` is the
 * text of README.md or NULL; `usual` the name of a split that was not named;
 * a "validation" may then also be called "test". Fails when there is none, or
 * when one of the files that are counted "-of-N" is missing, with the words to
 * say it by.
 */
int tf_split_choose(const struct tf_split *s, const struct tf_paths *all,
                    const char *card, size_t card_len, const char *usual,
                    struct tf_paths *chosen, struct tf_err *err);

/* Does a pattern match a path? '*' and '?' stop at '/', "**" does not. */
bool tf_path_matches(const char *pattern, const char *path);
#endif
