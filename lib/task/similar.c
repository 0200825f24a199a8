#include "task/similar.h"

#include <stdlib.h>
#include <string.h>
#include "base/jsonl.h"
#include "base/mem.h"
#include "kernel/gemm.h"
#include "task/embed.h"

#define BLOCK 16384 /* vectors whose scores are held at once */

static int make_place(struct tf_similar *s, size_t dim, struct tf_err *err)
{
    size_t cap = s->cap ? 2 * s->cap : 64;
    size_t *starts;
    float *rows;

    if (s->count < s->cap)
        return 0;
    if (!(rows = tf_grow(s->rows, cap, dim * sizeof(*rows), err)))
        return -1;
    s->rows = rows;
    if (!(starts = tf_grow(s->text_start, cap + 1, sizeof(*starts), err)))
        return -1;
    s->text_start = starts;
    s->cap = cap;
    return 0;
}

int tf_similar_add(struct tf_similar *s, const float *vector, size_t dim,
                   struct tf_str text, struct tf_err *err)
{
    float *row;

    if (make_place(s, dim, err))
        return -1;
    s->dim = dim;
    row = s->rows + s->count * dim;
    memcpy(row, vector, dim * sizeof(*row));
    tf_to_length_one(row, dim);
    s->text_start[s->count++] = s->texts.len;
    tf_buf_add(&s->texts, text.s, text.len);
    s->text_start[s->count] = s->texts.len;
    return s->texts.failed ? tf_no_memory(err, s->texts.len) : 0;
}

void tf_similar_release(struct tf_similar *s)
{
    free(s->rows);
    free(s->text_start);
    tf_buf_release(&s->texts);
    free(s->queries);
    free(s->scores);
    free(s->candidates);
    memset(s, 0, sizeof(*s));
}

/* Room for n items of an array: the array, grown when need be, or NULL. */
static void *grow(void *p, size_t *cap, size_t n, size_t size,
                  struct tf_err *err)
{
    void *grown = n > *cap || !p ? tf_grow(p, n, size, err) : p;

    if (grown && n > *cap)
        *cap = n;
    return grown;
}

static int make_room(struct tf_similar *s, size_t n, size_t k, size_t block,
                     struct tf_err *err)
{
    void *p = grow(s->queries, &s->query_cap, n * s->dim, sizeof(float), err);

    if (!p)
        return -1;
    s->queries = p;
    if (!(p = grow(s->scores, &s->score_cap, n * block, sizeof(float), err)))
        return -1;
    s->scores = p;
    if (!(p = grow(s->candidates, &s->candidate_cap, k + block,
                   sizeof(*s->candidates), err)))
        return -1;
    s->candidates = p;
    return 0;
}

/* Merge the scores of vectors [first, first + n) into the best of one query,
 * of which there are `found`. Returns how many there are then. */
static size_t merge(struct tf_similar *s, const float *scores, size_t first,
                    size_t n, struct tf_candidate *best, size_t found, size_t k)
{
    struct tf_candidate *all = s->candidates;
    size_t keep = found + n < k ? found + n : k;

    memcpy(all, best, found * sizeof(*all));
    for (size_t i = 0; i < n; i++)
        all[found + i] =
            (struct tf_candidate){ scores[i], (int32_t)(first + i) };
    tf_top_candidates(all, found + n, keep);
    memcpy(best, all, keep * sizeof(*all));
    return keep;
}

long tf_similar_find(struct tf_similar *s, struct tf_pool *pool,
                     const float *queries, size_t n, size_t k,
                     struct tf_candidate *out, struct tf_err *err)
{
    size_t block = s->count < BLOCK ? s->count : BLOCK, found = 0, kept = 0;
    struct tf_gemm g = { .m = n, .k = s->dim };

    if (!s->count || !n)
        return 0;
    if (make_room(s, n, k, block, err))
        return -1;
    memcpy(s->queries, queries, n * s->dim * sizeof(*queries));
    for (size_t i = 0; i < n; i++)
        tf_to_length_one(s->queries + i * s->dim, s->dim);
    g.a = (struct tf_mat){ s->queries, TF_F32, s->dim, 1 };
    g.c = s->scores;
    g.ldc = block;
    for (size_t first = 0; first < s->count; first += block) {
        g.n = s->count - first < block ? s->count - first : block;
        g.b = (struct tf_mat){ s->rows + first * s->dim, TF_F32, 1, s->dim };
        if (tf_gemm(pool, &g, err))
            return -1;
        for (size_t i = 0; i < n; i++)
            kept = merge(s, s->scores + i * block, first, g.n, out + i * k,
                         found, k);
        found = kept;
    }
    return (long)found;
}

void tf_put_neighbours(struct tf_buf *out, const struct tf_similar *s,
                       const struct tf_candidate *found, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        size_t at = (size_t)found[i].id;
        size_t start = s->text_start[at], end = s->text_start[at + 1];

        tf_buf_adds(out, i ? ", {\"index\": " : "[{\"index\": ");
        tf_put_int(out, found[i].id);
        tf_buf_adds(out, ", \"score\": ");
        tf_put_float(out, found[i].score);
        if (end > start) {
            tf_buf_adds(out, ", \"text\": ");
            tf_buf_add(out, s->texts.data + start, end - start);
        }
        tf_buf_addc(out, '}');
    }
    tf_buf_adds(out, n ? "]" : "[]");
}
