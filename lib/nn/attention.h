/*
 * Private to lib/nn: a block of attention scores, for the way there and back.
 *
 * A task is a block of queries of one sequence for one key head; its rows are
 * the pairs (query, head of the group), queries first. It walks over blocks of
 * keys.
 */
#ifndef TF_NN_ATTENTION_H
#define TF_NN_ATTENTION_H

#include "nn/drop.h"
#include "nn/ops.h"
#include "nn/record.h"

enum {
    TF_ATT_ROWS = 64,       /* rows of a query block */
    TF_ATT_ROWS_WIDE = 256, /* with p2c: its cost falls with their number */
    TF_ATT_KEYS = 256,      /* keys of a block */
    TF_ATT_BAND = 32        /* of a disentangled term */
};

/* One call of attention. */
struct tf_att {
    const struct tf_attention *spec;
    const struct tf_tensor *q;
    const struct tf_seqs *q_seqs;
    const struct tf_kv *kv; /* [q_seqs->count] */
    struct tf_draws draws;  /* for dropout of the probabilities */
    size_t group;           /* query heads of a key head */
    size_t v_size;          /* of a head of v */
    size_t block;           /* queries of a task at most */
};

/* Queries [first, first + n) of a sequence, for one key head. */
struct tf_att_queries {
    size_t seq, kv_head;
    size_t first, n;
    ptrdiff_t pos; /* of query `first` among the keys */
};

/* Keys [first, first + n) of the sequence, from one piece. */
struct tf_att_keys {
    size_t first, n;
    struct tf_mat k; /* as B[D][n] of a product */
    struct tf_mat v; /* as B[n][Dv] */
};

/* What one thread needs for a block of scores. */
struct tf_att_scratch {
    float *q;        /* [rows][D], scaled */
    float *s;        /* [rows][keys] */
    float *band;     /* [TF_ATT_BAND][buckets in reach] */
    float *bias;     /* [distances in reach] */
    int32_t *bucket; /* [distances in reach] */
    float *gemm;

    /* for the way back alone */
    float *slope; /* [rows][keys]: of the soft cap */
    float *p;     /* [rows][keys]: probabilities after dropout */
    float *ds;    /* [rows][keys]: gradient of the scores */
    float *out;   /* [rows][Dv]: gradient of the result */
    float *dq;    /* [rows][D] */
    float *delta; /* [rows]: result · its gradient */
};

/* Where query i of a sequence stands among its keys. */
ptrdiff_t tf_att_place(const struct tf_att *a, size_t seq, size_t i);

void tf_att_init(struct tf_att *a, const struct tf_tensor *q,
                 const struct tf_seqs *q_seqs, const struct tf_kv *kv,
                 const struct tf_attention *spec);
/* The pieces of k and v as one per sequence, in the arena. */
struct tf_kv *tf_att_kv(struct tf_ctx *ctx, const struct tf_tensor *k,
                        const struct tf_tensor *v, const struct tf_seqs *seqs);
/* Allocate `n` of them, one a worker. */
struct tf_att_scratch *
tf_att_scratch(struct tf_ctx *ctx, const struct tf_att *a, size_t n, bool back);

/* The keys that query i of the block may see are [*lo, *hi). */
void tf_att_reach(const struct tf_att *a, const struct tf_att_queries *q,
                  size_t i, size_t *lo, size_t *hi);
/* The same, counted from the first key of a block and cut to it. */
void tf_att_clip(const struct tf_att *a, const struct tf_att_queries *q,
                 const struct tf_att_keys *keys, size_t i, size_t *lo,
                 size_t *hi);

/* Walks over the blocks of keys that any query of the block may see. */
struct tf_att_walk {
    const struct tf_kv_piece *piece;
    size_t in_piece;                       /* keys of it that are passed */
    size_t at, end;                        /* of the keys of the sequence */
    size_t prefix, lo, hi, suffix, tokens; /* what may be seen: before prefix,
                                              [lo, hi), from suffix on */
    size_t k_first, v_first;               /* columns of the key head */
};

void tf_att_walk(const struct tf_att *a, const struct tf_att_queries *q,
                 struct tf_att_walk *walk);
bool tf_att_next(struct tf_att_walk *walk, struct tf_att_keys *keys);

/* The queries of a block, scaled, into s->q. */
void tf_att_load_queries(const struct tf_att *a, const struct tf_att_queries *q,
                         struct tf_att_scratch *s);
/* s->s[rows][keys->n]: the scores before the mask; s->bucket. */
void tf_att_scores(const struct tf_att *a, const struct tf_att_queries *q,
                   const struct tf_att_keys *keys, struct tf_att_scratch *s);
/* Are biases of this block of keys those of prefix_table? And the bucket of key
 * j of the block for query i. */
bool tf_att_by_prefix(const struct tf_att *a, const struct tf_att_queries *q,
                      const struct tf_att_keys *keys);
size_t tf_att_prefix_bucket(const struct tf_att *a,
                            const struct tf_att_queries *q,
                            const struct tf_att_keys *keys, size_t i, size_t j);
/* Dropout of a block of probabilities, or of their gradients. */
void tf_att_drop(const struct tf_att *a, const struct tf_att_queries *q,
                 const struct tf_att_keys *keys, float *dst, const float *src);

/*
 * The disentangled terms of a block: added to s->s, and the ways back from
 * s->ds to s->dq, dk (rows of the block's keys, or NULL), and the gradients of
 * the tables (or NULL).
 */
void tf_att_add_c2p(const struct tf_att *a, const struct tf_att_queries *q,
                    const struct tf_att_keys *keys, struct tf_att_scratch *s);
void tf_att_add_p2c(const struct tf_att *a, const struct tf_att_queries *q,
                    const struct tf_att_keys *keys, struct tf_att_scratch *s);
void tf_att_back_c2p(const struct tf_att *a, const struct tf_att_queries *q,
                     const struct tf_att_keys *keys, struct tf_att_scratch *s,
                     float *dtable);
void tf_att_back_p2c(const struct tf_att *a, const struct tf_att_queries *q,
                     const struct tf_att_keys *keys, struct tf_att_scratch *s,
                     float *dtable, float *dk, size_t ldk);

/* c[m][n] += alpha a b */
void tf_att_add_product(float *c, size_t ldc, float alpha, struct tf_mat a,
                        struct tf_mat b, size_t m, size_t n, size_t k,
                        float *scratch);

struct tf_att_node {
    struct tf_node node;
    struct tf_tensor *q, *k, *v;
    struct tf_seqs q_seqs, kv_seqs;
    struct tf_attention spec;
    struct tf_draws draws;
    float *lse; /* [Tq][H]: log(sum(exp(s))), -INFINITY where nothing is seen */
};

void tf_att_back(struct tf_ctx *ctx, struct tf_node *node);
#endif
