/*
 * Products of weights in ggml's blocks with many rows of int8 (block_q8.h):
 * some rows of weights are unpacked to bytes once, where the second cache holds
 * them, and meet all rows of activations, sixteen side by side. The integers
 * that are summed are those of kernel.h's q8_dots.
 */
#ifndef TF_KERNEL_BLOCK_TILE_H
#define TF_KERNEL_BLOCK_TILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "kernel/dtype.h"

enum {
    TF_PIECE = 32,      /* elements of a row */
    TF_SIDE_ROWS = 16,  /* of activations, side by side */
    TF_TILE_SIDES = 2,  /* such groups that a tile takes */
    TF_BLOCK_ROWS = 48, /* of weights, unpacked together: whole steps of every
                           level, a multiple of TF_BLOCK_STEP */
    TF_BLOCK_STEP = 12  /* weights are multiplied in so many rows at a time,
                           or in 16 */
};

/* How a type is unpacked: a weight is (byte - offset) * scale + min. */
struct tf_block_kind {
    uint8_t offset; /* 0 where there are minimums */
    bool large;     /* blocks of 256, whose groups have integer scales, else of
                       32 */
    bool halves;    /* groups are of 16 elements, else of 32 */
    bool min;
};

/* A piece of sixteen rows of activations. */
struct tf_q8_side {
    int8_t q[TF_PIECE / 4][TF_SIDE_ROWS][4];
    float scale[TF_SIDE_ROWS]; /* of the block that the piece is in */
    union {
        /* What the products of the piece, or of its halves, start from: -offset
         * times the sums. */
        int32_t start[2][TF_SIDE_ROWS];
        float sum[TF_SIDE_ROWS];       /* with minimums: of the numbers, or */
        int16_t sums[TF_SIDE_ROWS][2]; /* (large) of q in both halves */
    };
};

/* Unpacked rows of weights, at most TF_BLOCK_ROWS: by pieces, so that what is
 * multiplied together lies together. Scales of large blocks are whole numbers,
 * and their minimums for two halves. */
struct tf_block_rows {
    uint8_t *q;                        /* [piece][TF_BLOCK_ROWS][TF_PIECE] */
    float *scale;                      /* [piece][halves][TF_BLOCK_ROWS] */
    float *min;                        /* [piece][TF_BLOCK_ROWS], or: */
    int16_t (*mins)[TF_BLOCK_ROWS][2]; /* [piece] */
    float *d, *dmin;                   /* large: [block][TF_BLOCK_ROWS] */
};

/* c[i][j] = weights [i] · activations [j] */
struct tf_block_tile {
    struct tf_block_kind kind;
    struct tf_block_rows w;
    size_t rows;                /* of w, a multiple of the level's step */
    size_t pieces;              /* of k */
    const struct tf_q8_side *x; /* [sides][ldx] */
    size_t ldx, sides;          /* at most TF_TILE_SIDES */
    float *c;                   /* [rows][ldc] */
    size_t ldc;
};

#endif
