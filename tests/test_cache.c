#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>
#include "base/rng.h"
#include "model/cache.h"

#define WIDTH  3 /* of a row: one key head of size 3 */
#define WINDOW 100
#define MOST   1000 /* tokens of a sequence in these tests */

static uint8_t local[2] = { 0, 1 }; /* the second layer has the window */
static size_t windows[2] = { WINDOW, WINDOW };
static struct tf_stack_spec spec = { .layers = 2,
                                     .inner_layers = 1,
                                     .kv_heads = 1,
                                     .head_size = WIDTH,
                                     .value_size = WIDTH,
                                     .windows_of = windows,
                                     .local = local };

/* Tokens of one sequence as the cache should know them. */
struct plain {
    float token[MOST];
    size_t n;
};

static void feed(struct tf_cache *c, struct plain *p, size_t n, float from)
{
    float k[MOST * WIDTH], v[MOST * WIDTH];
    struct tf_tensor kt = { .ndim = 2, .ld = WIDTH, .data = k };
    struct tf_tensor vt = { .ndim = 2, .ld = WIDTH, .data = v };
    struct tf_err err;
    size_t i, d;

    for (i = 0; i < n; i++) {
        p->token[p->n++] = from + (float)i;
        for (d = 0; d < WIDTH; d++) {
            k[i * WIDTH + d] = from + (float)i + 0.1f * (float)d;
            v[i * WIDTH + d] = -k[i * WIDTH + d];
        }
    }
    for (i = 0; i < c->count; i++)
        assert_int_equal(tf_cache_append(c, i, &kt, &vt, 0, n, &err), 0);
    tf_cache_advance(c, n);
}

static void expect(const struct tf_cache *c, const struct plain *p)
{
    struct tf_arena arena;
    struct tf_err err;
    struct tf_ctx ctx = { .arena = &arena, .err = &err };
    size_t i, k, row, at;

    tf_arena_init(&arena);
    assert_int_equal(c->tokens, p->n);
    for (i = 0; i < c->count; i++) {
        struct tf_kv kv = tf_cache_rows(&ctx, c, i);

        if (i == 0)
            assert_int_equal(kv.tokens, p->n);
        assert_true(kv.tokens >= (p->n < WINDOW ? p->n : WINDOW));
        at = p->n - kv.tokens;
        for (k = 0; k < kv.count; k++)
            for (row = 0; row < kv.pieces[k].rows; row++, at++) {
                const struct tf_kv_piece *piece = &kv.pieces[k];
                const float *key = (const float *)piece->k + row * piece->k_ld;
                const float *val = (const float *)piece->v + row * piece->v_ld;

                assert_true(key[0] == p->token[at]);
                assert_true(val[WIDTH - 1] == -key[WIDTH - 1]);
            }
        assert_int_equal(at, p->n);
    }
    tf_arena_release(&arena);
}

static void keeps_every_row_and_drops_those_behind_a_window(void **state)
{
    struct tf_err err;
    struct tf_cache *c = tf_cache_new(&spec, &err);
    struct plain p = { .n = 0 };
    size_t n;

    (void)state;
    assert_non_null(c);
    expect(c, &p);
    for (n = 1; p.n + n < MOST; n = n * 3 % 97) {
        feed(c, &p, n, (float)p.n);
        expect(c, &p);
        assert_true(c->layers[1].tokens < WINDOW + 64);
    }
    tf_cache_free(c);
}

static void forks_do_not_disturb_each_other(void **state)
{
    enum { CACHES = 6 };
    struct tf_cache *c[CACHES] = { NULL };
    static struct plain p[CACHES];
    struct tf_err err;
    uint32_t r[4];
    size_t step, a, b, n;

    (void)state;
    for (a = 0; a < CACHES; a++) {
        p[a].n = 0;
        c[a] = tf_cache_new(&spec, &err);
        assert_non_null(c[a]);
    }
    for (step = 0; step < 400; step++) {
        tf_philox(3, 0, step, r);
        a = r[0] % CACHES;
        b = r[1] % CACHES;
        n = 1 + r[2] % 70;
        if (r[3] % 4 == 0 && a != b) {
            tf_cache_free(c[b]);
            c[b] = tf_cache_fork(c[a], &err);
            assert_non_null(c[b]);
            p[b] = p[a];
        } else if (r[3] % 4 == 1) {
            if (p[a].n > n && tf_cache_cut(c[a], p[a].n - n))
                p[a].n -= n;
        } else if (p[a].n + n < MOST) {
            feed(c[a], &p[a], n, (float)(step * 1000));
        }
        expect(c[a], &p[a]);
        expect(c[b], &p[b]);
    }
    for (a = 0; a < CACHES; a++)
        tf_cache_free(c[a]);
}

static void refuses_to_cut_into_what_a_window_dropped(void **state)
{
    struct tf_err err;
    struct tf_cache *c = tf_cache_new(&spec, &err);
    struct plain p = { .n = 0 };

    (void)state;
    feed(c, &p, 500, 0);
    assert_false(tf_cache_cut(c, 300));
    expect(c, &p);
    assert_true(tf_cache_cut(c, 500));
    spec.local = (uint8_t[2]){ 0, 0 };
    tf_cache_free(c);
    c = tf_cache_new(&spec, &err);
    p.n = 0;
    feed(c, &p, 500, 0);
    assert_true(tf_cache_cut(c, 0));
    p.n = 0;
    expect(c, &p);
    spec.local = local;
    tf_cache_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_every_row_and_drops_those_behind_a_window),
        cmocka_unit_test(forks_do_not_disturb_each_other),
        cmocka_unit_test(refuses_to_cut_into_what_a_window_dropped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
