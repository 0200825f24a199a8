#include "nn/record.h"
#include "nn/rows.h"

#include <string.h>

struct lookup {
    const struct tf_tensor *table;
    const int32_t *ids;
    float scale;
    struct tf_tensor *y;
    bool add;
};

/* The bytes of row i of a table of any dtype. */
static const void *table_row(const struct tf_tensor *t, size_t i)
{
    const struct tf_dtype_info *info = tf_dtype_info(t->dtype);

    return (const char *)t->data + i * (t->ld / info->block * info->bytes);
}

/* Rows of float32 tables are added in place; others go through a piece of
 * unpacked numbers on the stack. */
#define PIECE 1024

/* What makes numbers of row id of the table, times scale. */
static float row_scale(const struct tf_tensor *table, size_t id, float scale)
{
    return table->scale ? scale * table->scale[id] : scale;
}

static void add_row(float *y, const struct tf_tensor *table, size_t id,
                    float scale)
{
    const struct tf_dtype_info *info = tf_dtype_info(table->dtype);
    const char *src = table_row(table, id);
    size_t cols = tf_cols(table);
    float piece[PIECE];
    size_t c, n;

    if (table->dtype == TF_F32) {
        tf_kernels()->axpy(y, scale, (const float *)(const void *)src, cols);
        return;
    }
    for (c = 0; c < cols; c += n) {
        n = cols - c < PIECE ? cols - c : PIECE;
        info->unpack(piece, src + c / info->block * info->bytes, n);
        tf_kernels()->axpy(y + c, scale, piece, n);
    }
}

static void lookup_rows(void *arg, size_t first, size_t end)
{
    const struct lookup *l = arg;
    const struct tf_dtype_info *info = tf_dtype_info(l->table->dtype);
    size_t cols = tf_cols(l->table);
    size_t i;

    for (i = first; i < end; i++) {
        float *y = tf_row(l->y, i);
        size_t id = (size_t)l->ids[i];
        float scale = row_scale(l->table, id, l->scale);

        if (l->add) {
            add_row(y, l->table, id, scale);
            continue;
        }
        info->unpack(y, table_row(l->table, id), cols);
        if (scale != 1)
            tf_kernels()->scale(y, scale, cols);
    }
}

/* Row i of the result was row ids[i] of `from`: a node for the embedding and
 * for the gathered rows. */
struct pick_node {
    struct tf_node node;
    struct tf_tensor *from;
    const int32_t *ids;
    float scale;
    float *grad; /* of from */
};

enum { COLUMNS = 64 };

/* One range of columns, all rows: ids repeat, and the sums keep their order. */
static void scatter_columns(void *arg, size_t task, int worker)
{
    const struct pick_node *n = arg;
    const struct tf_tensor *y = n->node.out;
    size_t first = task * COLUMNS, cols = tf_cols(y) - first, i;

    (void)worker;
    cols = cols < COLUMNS ? cols : COLUMNS;
    for (i = 0; i < y->dim[0]; i++)
        if ((size_t)n->ids[i] + 1 != n->from->fixed_row)
            tf_kernels()->axpy(n->grad + (size_t)n->ids[i] * n->from->ld +
                                   first,
                               n->scale, y->grad + i * y->ld + first, cols);
}

/* The gradient of `from`, of which some rows are added to. */
static float *grad_of_rows(struct tf_ctx *ctx, const struct pick_node *n)
{
    const struct tf_tensor *from = n->from;
    size_t i;

    if (!from->grad || !from->grad_rows)
        return tf_grad(ctx, n->from);
    for (i = 0; i < n->node.out->dim[0]; i++)
        if ((size_t)n->ids[i] + 1 != from->fixed_row)
            from->grad_rows[n->ids[i]] = 1;
    return from->grad;
}

static void pick_back(struct tf_ctx *ctx, struct tf_node *node)
{
    struct pick_node *n = (struct pick_node *)node;

    n->grad = grad_of_rows(ctx, n);
    if (n->grad)
        tf_pool_run(ctx->pool, (tf_cols(node->out) + COLUMNS - 1) / COLUMNS,
                    scatter_columns, n);
}

static struct tf_tensor *record(struct tf_ctx *ctx, struct tf_tensor *y,
                                struct tf_tensor *from, const int32_t *ids,
                                float scale, bool into)
{
    struct pick_node *n;

    n = tf_record(ctx, sizeof(*n), y, tf_wants_grad(from), pick_back);
    if (n) {
        n->from = from;
        n->ids = ids;
        n->scale = scale;
        n->node.keep = into;
    }
    return ctx->failed ? NULL : y;
}

struct tf_tensor *tf_embedding(struct tf_ctx *ctx, struct tf_tensor *table,
                               const int32_t *ids, size_t n, float scale,
                               struct tf_tensor *into)
{
    struct lookup l = { .ids = ids, .scale = scale };

    if (ctx->failed)
        return NULL;
    l.table = table = tf_base_of(table);
    l.add = into != NULL;
    l.y = into ? into : tf_new(ctx, n, tf_cols(table));
    if (!l.y)
        return NULL;
    tf_rows_run(ctx, n, tf_cols(table), lookup_rows, &l);
    return record(ctx, l.y, table, ids, scale, into != NULL);
}

struct tf_tensor *tf_gather_rows(struct tf_ctx *ctx, struct tf_tensor *x,
                                 const int32_t *rows, size_t n)
{
    struct tf_tensor *y;
    size_t i;

    if (!x || !(y = tf_new(ctx, n, tf_cols(x))))
        return NULL;
    for (i = 0; i < n; i++)
        memcpy(tf_row(y, i), tf_row(x, (size_t)rows[i]),
               tf_cols(x) * sizeof(float));
    return record(ctx, y, x, rows, 1, false);
}

struct mean_node {
    struct tf_node node;
    struct tf_tensor *x;
    const size_t *start;
};

static void mean_back(struct tf_ctx *ctx, struct tf_node *node)
{
    struct mean_node *n = (struct mean_node *)node;
    const struct tf_tensor *y = node->out;
    float *grad = tf_grad(ctx, n->x);
    size_t s, i;

    for (s = 0; grad && s < y->dim[0]; s++)
        for (i = n->start[s]; i < n->start[s + 1]; i++)
            tf_kernels()->axpy(grad + i * n->x->ld,
                               1 / (float)(n->start[s + 1] - n->start[s]),
                               y->grad + s * y->ld, tf_cols(y));
}

struct tf_tensor *tf_mean_rows(struct tf_ctx *ctx, struct tf_tensor *x,
                               const struct tf_seqs *seqs)
{
    const struct tf_kernels *k = tf_kernels();
    struct mean_node *node;
    struct tf_tensor *y;
    size_t s, i, n;

    if (!x || !(y = tf_new(ctx, seqs->count, tf_cols(x))))
        return NULL;
    memset(y->data, 0, tf_tensor_bytes(y));
    for (s = 0; s < seqs->count; s++) {
        n = seqs->start[s + 1] - seqs->start[s];
        for (i = seqs->start[s]; i < seqs->start[s + 1]; i++)
            k->add(tf_row(y, s), tf_row(y, s), tf_row(x, i), tf_cols(x));
        if (n)
            k->scale(tf_row(y, s), 1 / (float)n, tf_cols(x));
    }
    node = tf_record(ctx, sizeof(*node), y, tf_wants_grad(x), mean_back);
    if (node) {
        node->x = x;
        node->start = seqs->start;
    }
    return ctx->failed ? NULL : y;
}
