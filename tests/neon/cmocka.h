/*
 * As much of cmocka as the kernels' tests use, for machines that have none to
 * link with: scripts/check-neon. A failure ends the program.
 */
#ifndef CMOCKA_H
#define CMOCKA_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct CMUnitTest {
    const char *name;
    void (*run)(void **state);
};

#define cmocka_unit_test(f)                                                    \
    {                                                                          \
#f, f                                                                  \
    }

#define fail_msg(...)                                                          \
    do {                                                                       \
        printf(__VA_ARGS__);                                                   \
        printf(" at %s:%d\n", __FILE__, __LINE__);                             \
        exit(1);                                                               \
    } while (0)

#define assert_true(x)                                                         \
    do {                                                                       \
        if (!(x))                                                              \
            fail_msg("%s", #x);                                                \
    } while (0)

#define assert_int_equal(a, b)       assert_true((long long)(a) == (long long)(b))
#define assert_null(p)               assert_true(!(p))
#define assert_non_null(p)           assert_true(p)
#define assert_string_equal(a, b)    assert_true(!strcmp(a, b))
#define assert_memory_equal(a, b, n) assert_true(!memcmp(a, b, n))
#define assert_in_range(x, a, b)     assert_true((x) >= (a) && (x) <= (b))

#define cmocka_run_group_tests(tests, up, down)                                \
    run_tests("", tests, sizeof(tests) / sizeof((tests)[0]))
#define cmocka_run_group_tests_name(name, tests, up, down)                     \
    run_tests(name, tests, sizeof(tests) / sizeof((tests)[0]))

static inline int run_tests(const char *name, const struct CMUnitTest *tests,
                            size_t n)
{
    void *state = NULL;
    size_t i;

    for (i = 0; i < n; i++) {
        tests[i].run(&state);
        printf("ok %s %s\n", name, tests[i].name);
        fflush(stdout);
    }
    return 0;
}
#endif
