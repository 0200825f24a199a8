#include "convert/plan.h"

#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "kernel/kernel.h"

struct tf_made *tf_plan_add(struct tf_plan *plan, const char *name,
                            const struct tf_tensor *from, struct tf_err *err)
{
    struct tf_made *m;

    if (plan->count == plan->cap) {
        size_t cap = plan->cap ? 2 * plan->cap : 256;
        struct tf_made *grown = tf_grow(plan->made, cap, sizeof(*m), err);

        if (!grown)
            return NULL;
        plan->made = grown;
        plan->cap = cap;
    }
    m = &plan->made[plan->count];
    memset(m, 0, sizeof(*m));
    m->name = tf_strndup(name, strlen(name), err);
    if (!m->name)
        return NULL;
    m->from = from;
    m->to = *from;
    m->to.data = NULL;
    plan->count++;
    return m;
}

void tf_plan_release(struct tf_plan *plan)
{
    for (size_t i = 0; i < plan->count; i++) {
        free(plan->made[i].name);
        free(plan->made[i].parts);
    }
    free(plan->made);
    memset(plan, 0, sizeof(*plan));
}

bool tf_made_is_copy(const struct tf_made *m)
{
    return !m->make && !m->parts && m->to.dtype == m->from->dtype &&
           m->times == 0 && m->add == 0 && !m->turned &&
           m->order == TF_ROWS_ALIKE;
}

/* A row of the output by group: its head's rows among all q, all k, all v. */
static size_t row_by_side(const struct tf_made *m, size_t rows, size_t row)
{
    size_t per_group = m->heads / m->kv_heads + 2;
    size_t size = rows / (m->kv_heads * per_group);
    size_t group = row / (per_group * size), part = row / size % per_group;
    size_t head;

    if (part < per_group - 2)
        head = group * (per_group - 2) + part;
    else
        head = m->heads + (part == per_group - 1 ? m->kv_heads : 0) + group;
    return head * size + row % size;
}

static size_t source_row(const struct tf_made *m, size_t rows, size_t row)
{
    size_t size, in, half;

    switch (m->order) {
    case TF_ROWS_PAIRED:
        size = rows / m->heads;
        in = row % size;
        half = size / 2;
        return row - in + (in < half ? 2 * in : 2 * (in - half) + 1);
    case TF_ROWS_HALVED:
        size = rows / m->heads;
        in = row % size;
        return row - in + (in % 2 ? size / 2 : 0) + in / 2;
    case TF_ROWS_BY_SIDE:
        return row_by_side(m, rows, row);
    default:
        return row;
    }
}

/* Row r of the source becomes column r of the output. */
static void put_column(const struct tf_made *m, char *out, const float *row,
                       size_t cols, size_t rows, size_t r)
{
    size_t bytes = tf_dtype_info(m->to.dtype)->bytes;

    for (size_t i = 0; i < cols; i++)
        tf_pack_floats(m->to.dtype, out + (i * rows + r) * bytes, row + i, 1);
}

/* Of one part. */
static size_t source_rows(const struct tf_made *m)
{
    return m->order == TF_ROWS_ALIKE ? tf_tensor_rows(m->from)
                                     : m->from->dim[0];
}

/* Row r of the source, in the order of the output. */
static void take_row(const struct tf_made *m, size_t rows, size_t cols,
                     size_t r, float *row)
{
    const struct tf_tensor *t = m->parts ? m->parts[r / rows].t : m->from;
    const struct tf_dtype_info *from = tf_dtype_info(t->dtype);
    size_t bytes = cols / from->block * from->bytes;

    from->unpack(row,
                 (const char *)t->data + source_row(m, rows, r % rows) * bytes,
                 cols);
    for (size_t i = 0; m->times != 0 && i < cols; i++)
        row[i] *= m->times;
    for (size_t i = 0; m->add != 0 && i < cols; i++)
        row[i] += m->add;
}

void tf_made_row(const struct tf_made *m, size_t r, float *row)
{
    const struct tf_dtype_info *from = tf_dtype_info(m->from->dtype);
    size_t rows = source_rows(m);
    size_t cols = rows ? tf_tensor_count(m->from) / rows : 0;

    if (!m->turned) {
        take_row(m, rows, cols, r, row);
        return;
    }
    for (size_t i = 0; i < rows; i++)
        from->unpack(row + i,
                     (const char *)m->from->data + (i * cols + r) * from->bytes,
                     1);
}

static int fill_rows(const struct tf_made *m, void *out, struct tf_err *err)
{
    const struct tf_dtype_info *to = tf_dtype_info(m->to.dtype);
    size_t rows = source_rows(m);
    size_t cols = rows ? tf_tensor_count(m->from) / rows : 0;
    float *row = tf_alloc(cols, sizeof(*row), err);

    if (!row)
        return -1;
    for (size_t r = 0; r < rows * (m->parts ? m->part_count : 1); r++) {
        take_row(m, rows, cols, r, row);
        if (m->turned)
            put_column(m, out, row, cols, rows, r);
        else
            tf_pack_floats(m->to.dtype, (char *)out + r * cols * to->bytes, row,
                           cols);
    }
    free(row);
    return 0;
}

int tf_made_fill(const struct tf_made *m, void *out, struct tf_err *err)
{
    return m->make ? m->make(m, out, err) : fill_rows(m, out, err);
}
