#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "base/buf.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/pool.h"
#include "base/rng.h"
#include "base/strmap.h"

static void a_size_that_overflows_is_an_error(void **state)
{
    struct tf_err err;

    (void)state;
    assert_null(tf_alloc(SIZE_MAX / 2, 3, &err));
    assert_string_equal(err.code, "no_memory");
    assert_null(tf_grow(NULL, SIZE_MAX / 2, 3, &err));
}

static void an_arena_reuses_what_was_rewound(void **state)
{
    struct tf_arena_mark mark;
    struct tf_arena a;
    char *p, *q;
    int round, i;

    (void)state;
    tf_arena_init(&a);
    p = tf_arena_alloc(&a, 10, 1);
    memset(p, 1, 10);
    mark = tf_arena_mark(&a);
    for (round = 0; round < 4; round++) {
        for (i = 0; i < 100; i++) {
            q = tf_arena_alloc(&a, 1000, 7);
            assert_non_null(q);
            assert_int_equal((uintptr_t)q % TF_ARENA_ALIGN, 0);
            memset(q, i, 7000);
        }
        tf_arena_rewind(&a, mark);
        assert_int_equal(a.total, 64);
    }
    assert_true(a.peak >= 700000);
    assert_int_equal(p[9], 1);
    assert_null(tf_arena_alloc(&a, SIZE_MAX, 1));
    assert_null(tf_arena_alloc(&a, SIZE_MAX / 2, 4));
    tf_arena_release(&a);
}

static void a_buffer_grows_and_remembers_a_failure(void **state)
{
    struct tf_buf b = TF_BUF_INIT;
    int i;

    (void)state;
    assert_string_equal(tf_buf_cstr(&b), "");
    for (i = 0; i < 1000; i++)
        tf_buf_addf(&b, "%d,", i);
    tf_buf_addc(&b, '!');
    assert_int_equal(b.len, 3891);
    assert_string_equal(tf_buf_cstr(&b) + 3885, ",999,!");
    assert_null(tf_buf_room(&b, SIZE_MAX));
    tf_buf_adds(&b, "lost");
    assert_true(b.failed);
    assert_int_equal(b.len, 3891);
    assert_string_equal(tf_buf_cstr(&b), "");
    tf_buf_release(&b);
}

static void a_map_holds_many_keys_and_tells_prefixes_apart(void **state)
{
    struct tf_strmap m = { 0 };
    static char keys[5000][8];
    struct tf_err err;
    uint32_t i;

    (void)state;
    assert_int_equal(tf_strmap_get(&m, "x", 1), TF_STRMAP_NONE);
    for (i = 0; i < 5000; i++) {
        snprintf(keys[i], sizeof(keys[i]), "k%u", i);
        assert_int_equal(tf_strmap_set(&m, keys[i], strlen(keys[i]), i, &err),
                         0);
    }
    assert_int_equal(tf_strmap_set(&m, "", 0, 7, &err), 0);
    assert_int_equal(tf_strmap_set(&m, keys[3], 2, 33, &err), 0);
    assert_int_equal(m.count, 5001);
    assert_int_equal(tf_strmap_get(&m, NULL, 0), 7);
    assert_int_equal(tf_strmap_get(&m, "k3", 2), 33);
    for (i = 4; i < 5000; i++)
        assert_int_equal(tf_strmap_get(&m, keys[i], strlen(keys[i])), i);
    assert_int_equal(tf_strmap_get(&m, "k49999", 6), TF_STRMAP_NONE);
    tf_strmap_release(&m);
}

/* The known answers of the authors' Random123 distribution. */
static void philox_gives_the_published_numbers(void **state)
{
    static const struct {
        uint64_t key, hi, lo;
        uint32_t out[4];
    } known[] = {
        { 0, 0, 0, { 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8 } },
        { UINT64_MAX,
          UINT64_MAX,
          UINT64_MAX,
          { 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd } },
        { 0x299f31d0a4093822,
          0x0370734413198a2e,
          0x85a308d3243f6a88,
          { 0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1 } },
    };
    uint32_t out[4];
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        tf_philox(known[i].key, known[i].hi, known[i].lo, out);
        assert_memory_equal(out, known[i].out, sizeof(out));
    }
    assert_true(tf_uniform(0, 0) == 0.0);
    assert_true(tf_uniform(UINT32_MAX, UINT32_MAX) == 1.0 - 0x1p-53);
}

struct sums {
    struct tf_pool *pool;
    atomic_size_t sum, inner;
    int busy[8];
};

static void add_inner(void *arg, size_t i, int worker)
{
    struct sums *s = arg;

    (void)i;
    assert_int_equal(s->busy[worker], 1); /* the same thread's */
    atomic_fetch_add(&s->inner, 1);
}

static void add(void *arg, size_t i, int worker)
{
    struct sums *s = arg;

    assert_int_equal(s->busy[worker]++, 0);
    atomic_fetch_add(&s->sum, i);
    if (i == 50)
        tf_pool_run(s->pool, 3, add_inner, s);
    s->busy[worker]--;
}

static void a_pool_runs_each_call_once(void **state)
{
    static const struct timespec moment = { 0, 2000000 };
    static const int threads[] = { 1, 2, 5 };
    struct tf_err err;
    size_t t, round;

    (void)state;
    for (t = 0; t < 3; t++) {
        struct sums s = { .pool = tf_pool_new(threads[t], &err) };

        assert_non_null(s.pool);
        assert_int_equal(tf_pool_threads(s.pool), threads[t]);
        for (round = 0; round < 300; round++) {
            s.sum = s.inner = 0;
            tf_pool_run(s.pool, 100, add, &s);
            assert_int_equal(s.sum, 4950);
            assert_int_equal(s.inner, 3);
            tf_pool_run(s.pool, round % 3, add, &s);
            if (round % 100 == 99)
                nanosleep(&moment, NULL); /* let them fall asleep */
        }
        tf_pool_free(s.pool);
    }
    assert_true(tf_cpu_count() >= 1);
}

static char *scratch_file(char *name)
{
    int fd;

    strcpy(name, "/tmp/test_base-XXXXXX");
    fd = mkstemp(name);
    assert_true(fd >= 0);
    close(fd);
    return name;
}

static void a_shrunken_map_reads_as_zeros_and_says_so(void **state)
{
    char name[64];
    struct tf_map map;
    struct tf_err err;
    FILE *f;
    int i;

    (void)state;
    f = fopen(scratch_file(name), "w");
    for (i = 0; i < 100000; i++)
        fputc('x', f);
    fclose(f);
    assert_int_equal(tf_map_open(&map, name, &err), 0);
    assert_int_equal(map.size, 100000);
    assert_int_equal(map.data[99999], 'x');
    assert_false(tf_map_broken());
    tf_map_forget(map.data, map.size);
    assert_int_equal(truncate(name, 5000), 0);
    assert_int_equal(map.data[0], 'x');
    assert_int_equal(map.data[99999], 0);
    assert_int_equal(map.data[50000], 0);
    assert_true(tf_map_broken());
    tf_map_close(&map);
    unlink(name);
}

static void what_can_not_be_mapped_is_named(void **state)
{
    char name[64];
    struct tf_map map;
    struct tf_err err;

    (void)state;
    assert_int_equal(tf_map_open(&map, "/no/such", &err), -1);
    assert_string_equal(err.msg, "/no/such: No such file or directory");
    assert_int_equal(tf_map_open(&map, "/", &err), -1);
    assert_string_equal(err.msg, "/: is a folder, not a file");
    assert_int_equal(tf_map_open(&map, scratch_file(name), &err), 0);
    assert_null(map.data);
    tf_map_close(&map);
    unlink(name);
}

static void a_file_is_replaced_whole_or_not_at_all(void **state)
{
    struct tf_buf b = TF_BUF_INIT;
    struct tf_replace r;
    char name[64], *path;
    struct tf_err err;

    (void)state;
    scratch_file(name);
    assert_int_equal(tf_replace_open(&r, name, &err), 0);
    fputs("new", r.f);
    assert_int_equal(tf_file_read(name, 100, &b, &err), 0);
    assert_int_equal(b.len, 0);
    assert_int_equal(tf_replace_commit(&r, &err), 0);
    assert_int_equal(tf_file_read(name, 3, &b, &err), 0);
    assert_string_equal(tf_buf_cstr(&b), "new");
    assert_int_equal(tf_file_read(name, 2, &b, &err), -1);
    assert_non_null(strstr(err.msg, "larger than the 2 bytes"));

    assert_int_equal(tf_replace_open(&r, name, &err), 0);
    fputs("other", r.f);
    path = strdup(r.aside);
    tf_replace_abort(&r);
    assert_false(tf_file_exists(path));
    free(path);
    assert_int_equal(tf_replace_open(&r, "/dev/null", &err), -1);
    assert_int_equal(tf_replace_open(&r, "/no/such/file", &err), -1);
    unlink(name);
    assert_int_equal(tf_file_read(name, 100, &b, &err), -1);
    tf_buf_release(&b);

    path = tf_path("a/", "b", &err);
    assert_string_equal(path, "a/b");
    free(path);
    path = tf_path("a", "b", &err);
    assert_string_equal(path, "a/b");
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_size_that_overflows_is_an_error),
        cmocka_unit_test(an_arena_reuses_what_was_rewound),
        cmocka_unit_test(a_buffer_grows_and_remembers_a_failure),
        cmocka_unit_test(a_map_holds_many_keys_and_tells_prefixes_apart),
        cmocka_unit_test(philox_gives_the_published_numbers),
        cmocka_unit_test(a_pool_runs_each_call_once),
        cmocka_unit_test(a_shrunken_map_reads_as_zeros_and_says_so),
        cmocka_unit_test(what_can_not_be_mapped_is_named),
        cmocka_unit_test(a_file_is_replaced_whole_or_not_at_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
