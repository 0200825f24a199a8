/* Inside split*.c: what a splitter is made of. */
#ifndef TF_TEXT_SPLITTERS_H
#define TF_TEXT_SPLITTERS_H

#include "text/component.h"
#include "text/pattern.h"
#include "text/rewrite.h"
#include "text/split.h"
#include "text/unicode.h"
#include "text/words.h"

/* What becomes of a delimiter. */
enum tf_behavior {
    TF_REMOVED,
    TF_ISOLATED,
    TF_MERGED_WITH_PREVIOUS,
    TF_MERGED_WITH_NEXT,
    TF_CONTIGUOUS,
};

enum tf_prepend {
    TF_PREPEND_ALWAYS,
    TF_PREPEND_FIRST,
    TF_PREPEND_NEVER,
};

typedef void tf_splitter_run(const struct tf_splitter *s,
                             struct tf_pretext *pre, bool origins);

struct tf_splitter {
    tf_splitter_run *run;
    bool add_prefix_space, use_regex; /* ByteLevel */
    struct tf_pattern pattern;        /* Split */
    const struct tf_words *words;     /* the pattern's own splitter, or NULL */
    enum tf_behavior behavior;        /* Split, Punctuation */
    bool invert;                      /* Split */
    char mark[4]; /* of CharDelimiterSplit and Metaspace: one character */
    size_t mark_len;
    enum tf_prepend prepend;    /* Metaspace */
    bool split;                 /* Metaspace */
    bool individual_digits;     /* Digits */
    size_t length;              /* FixedLength */
    struct tf_components items; /* of Sequence */
};

tf_splitter_run tf_split_bert;
tf_splitter_run tf_split_byte_level;
tf_splitter_run tf_split_delimiter;
tf_splitter_run tf_split_digits;
tf_splitter_run tf_split_length;
tf_splitter_run tf_split_metaspace;
tf_splitter_run tf_split_pattern;
tf_splitter_run tf_split_punctuation;
tf_splitter_run tf_split_scripts;
tf_splitter_run tf_split_whitespace;
tf_splitter_run tf_split_whitespace_words;

/* Call fn for every piece that is no added token; it pushes what it becomes. */
void tf_split_pieces(struct tf_pretext *pre,
                     void (*fn)(struct tf_pretext *pre, struct tf_piece p,
                                const void *arg),
                     const void *arg);

/* Pieces from what matches and what lies between, in order. */
struct tf_cut {
    struct tf_pretext *pre;
    enum tf_behavior behavior;
    bool held, match; /* there is a piece that may still grow; it is a match */
    size_t start, end;
};

void tf_cut_add(struct tf_cut *cut, size_t start, size_t end, bool match);
void tf_cut_end(struct tf_cut *cut); /* push what is held */
#endif
