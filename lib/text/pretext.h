/*
 * Text on its way through normalizers and splitters: the bytes as they are now,
 * where each came from, and the pieces they fall into. As `tokenizers`'
 * NormalizedString and PreTokenizedString, but flat: one buffer for all pieces.
 */
#ifndef TF_TEXT_PRETEXT_H
#define TF_TEXT_PRETEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"

/* The range of bytes of the original text that one byte of `text` stands for;
 * all bytes of a character have the same. */
struct tf_origin {
    uint32_t start, end;
};

/* text[start, end) is one piece: a word to be, or an added token. */
struct tf_piece {
    uint32_t start, end;
    int32_t id; /* of an added token, which is not split or changed; else -1 */
};

struct tf_pieces {
    struct tf_piece *at; /* in order; empty pieces are left out */
    size_t count, cap;
};

/* Zeroed memory is empty; set again to reuse the memory. One thread's. */
struct tf_pretext {
    struct tf_str original; /* < 4 GiB, valid UTF-8; borrowed */
    struct tf_str text;     /* valid UTF-8; original itself until changed */
    /* One for each byte of text; NULL: text is original byte for byte, or
     * origins were not asked for. */
    const struct tf_origin *origin;
    struct tf_pieces pieces;
    bool failed;     /* no memory, or why; sticky until set again */
    const char *why; /* what else went wrong (static), or NULL */

    /* The rest is for those who change the text: what is written next. */
    struct tf_pieces next;
    struct tf_buf side[2]; /* text is the one, or original; next the other */
    struct tf_origin *side_origin[2];
    size_t side_origin_cap[2];
    unsigned writing; /* the side that is written next */
    void *match_data; /* PCRE2's, made at the first match */
};

/* Start with the text as one piece (none if it is empty). */
void tf_pretext_set(struct tf_pretext *pre, struct tf_str original);
void tf_pretext_release(struct tf_pretext *pre);

/* The range of the original that the (nonempty) range of text stands for,
 * whether or not there are origins yet. */
struct tf_origin tf_pretext_origin(const struct tf_pretext *pre, uint32_t start,
                                   uint32_t end);

/*
 * To cut pieces anew: push all of them, then turn.
 *
 *     for (i = 0; i < pre->pieces.count; i++)
 *         ... tf_pretext_push(pre, start, end, -1) ...
 *     tf_pretext_turn(pre);
 */
bool tf_pretext_grow(struct tf_pretext *pre); /* makes room in `next` */
void tf_pretext_turn(struct tf_pretext *pre);

static inline void tf_pretext_push(struct tf_pretext *pre, size_t start,
                                   size_t end, int32_t id)
{
    struct tf_piece *p;

    if (start == end ||
        (pre->next.count == pre->next.cap && !tf_pretext_grow(pre)))
        return;
    p = &pre->next.at[pre->next.count++];
    p->start = (uint32_t)start;
    p->end = (uint32_t)end;
    p->id = id;
}
#endif
