#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>
#include "base/err.h"

static void a_long_place_leaves_room_for_the_reason(void **state)
{
    struct tf_err err;
    char where[600];

    (void)state;
    memset(where, 'x', sizeof(where) - 1);
    where[sizeof(where) - 1] = 0;
    tf_fail_code(&err, "too_long", "the reason");
    tf_err_at(&err, where);
    assert_non_null(strstr(err.msg, ": the reason"));
    assert_string_equal(err.code, "too_long");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_long_place_leaves_room_for_the_reason),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
