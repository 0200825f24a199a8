/*
 * Merges of SentencePiece BPE without a list of them: any two tokens join that
 * together spell a piece, the best piece first and of one piece the shortest
 * left side first. A list of all these ways is long and takes long to make; the
 * vocabulary knows them already.
 */
#ifndef TF_TEXT_PIECES_H
#define TF_TEXT_PIECES_H

#include "text/merges.h"

/* A rank has so many bytes' room for the length of a left side. */
#define TF_PIECE_MAX 255

/*
 * Let zeroed merges join to the n pieces of `order` (ids, the best first). The
 * vocabulary's ids are the indices, and its tokens at most TF_PIECE_MAX long.
 */
int tf_pieces_index(struct tf_merges *m, const struct tf_vocab *v,
                    const uint32_t *order, size_t n, struct tf_err *err);

/* The rank of a pair of tokens that the vocabulary has, or TF_NO_MERGE. */
uint32_t tf_pieces_find(const struct tf_merges *m, const struct tf_vocab *v,
                        int32_t left, int32_t right);

/* What a pair of this rank joins to. */
static inline int32_t tf_pieces_result(const struct tf_merges *m, uint32_t rank)
{
    return m->ranked[rank >> 8];
}
#endif
