#include "model/moved_rows.h"

#include "base/mem.h"

/* Rotary pairs side by side, half a head apart in Transformers' weights. */
static void move_pairs(uint32_t *rows, size_t n, size_t d)
{
    for (size_t i = 0; i < n; i++)
        rows[i] = (uint32_t)(i / d * d + i % 2 * (d / 2) + i % d / 2);
}

/* All queries, keys and values, group by group in Transformers' weights. */
static void move_groups(uint32_t *rows, const struct tf_stack_spec *s)
{
    size_t d = s->head_size, groups = s->kv_heads;
    size_t each = s->heads / groups, group = (each + 2) * d, at = 0;

    for (size_t g = 0; g < groups; g++)
        for (size_t i = 0; i < each * d; i++)
            rows[at++] = (uint32_t)(g * group + i);
    for (size_t part = each; part < each + 2; part++)
        for (size_t g = 0; g < groups; g++)
            for (size_t i = 0; i < d; i++)
                rows[at++] = (uint32_t)(g * group + part * d + i);
}

int tf_moved_rows_make(struct tf_moved_rows *m,
                       const struct tf_stack_spec *spec,
                       const struct tf_bind *bind, struct tf_err *err)
{
    size_t q = spec->heads * spec->head_size;
    size_t k = spec->kv_heads * spec->head_size;

    *m = (struct tf_moved_rows){ NULL, NULL, NULL };
    if (!bind->adapters)
        return 0;
    if (bind->moved.pairs) {
        m->query = tf_arena_alloc(bind->memory, q, sizeof(uint32_t));
        m->key = tf_arena_alloc(bind->memory, k, sizeof(uint32_t));
        if (!m->query || !m->key)
            return tf_no_memory(err, (q + k) * sizeof(uint32_t));
        move_pairs(m->query, q, spec->head_size);
        move_pairs(m->key, k, spec->head_size);
    }
    if (bind->moved.groups) {
        m->fused = tf_arena_alloc(bind->memory, q + 2 * k, sizeof(uint32_t));
        if (!m->fused)
            return tf_no_memory(err, (q + 2 * k) * sizeof(uint32_t));
        move_groups(m->fused, spec);
    }
    return 0;
}
