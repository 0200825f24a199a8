#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include "golden_text.h"
#include "chat/jinja.h"

#define VARS_MAX 32

/* Parse and render; -1 and the message in `err`. */
static int render(struct tf_str source, const struct tf_jinja_var *vars,
                  size_t n, struct tf_buf *out, struct tf_err *err)
{
    struct tf_jinja *t = tf_jinja_new(source, err);
    int failed;

    tf_buf_reset(out);
    if (!t)
        return -1;
    failed = tf_jinja_render(t, vars, n, out, NULL, err);
    tf_jinja_free(t);
    return failed;
}

static struct tf_str str(const char *s)
{
    return (struct tf_str){ s, strlen(s) };
}

static void makes_of_templates_what_transformers_makes(void **state)
{
    json_t *all = golden("tests/golden/chat/cases.json"), *value, *c;
    struct tf_jinja_var vars[VARS_MAX];
    char *texts[VARS_MAX];
    struct tf_buf out = TF_BUF_INIT;
    struct tf_err err;
    const char *name;
    size_t n = 0, i;

    (void)state;
    json_object_foreach (json_object_get(all, "variables"), name, value) {
        assert_true(n < VARS_MAX);
        texts[n] = json_dumps(value, JSON_ENCODE_ANY);
        vars[n] = (struct tf_jinja_var){ str(name), str(texts[n]) };
        n++;
    }
    json_array_foreach (json_object_get(all, "cases"), i, c) {
        struct tf_str source = golden_str(json_array_get(c, 0));
        const json_t *want = json_array_get(c, 1);
        int failed = render(source, vars, n, &out, &err);

        if (failed && !json_is_null(want))
            fail_msg("%.*s\n%s", (int)source.len, source.s, err.msg);
        if (!failed &&
            !tf_str_eq((struct tf_str){ out.data, out.len }, golden_str(want)))
            fail_msg("%.*s\nmakes %.*s", (int)source.len, source.s,
                     (int)out.len, out.data);
    }
    assert_true(i > 100);
    while (n)
        free(texts[--n]);
    tf_buf_release(&out);
    json_decref(all);
}

/* The template fails, with these words in its message. */
static void fails(const char *source, const char *words)
{
    struct tf_buf out = TF_BUF_INIT;
    struct tf_err err = { 0 };

    if (!render(str(source), NULL, 0, &out, &err))
        fail_msg("%.100s: no error", source);
    if (!strstr(err.msg, words))
        fail_msg("%.100s: %s", source, err.msg);
    tf_buf_release(&out);
}

/* `part` n times, between a begin and an end. */
static void fails_many(const char *begin, const char *part, size_t n,
                       const char *end, const char *words)
{
    struct tf_buf b = TF_BUF_INIT;
    size_t i;

    tf_buf_adds(&b, begin);
    for (i = 0; i < n; i++)
        tf_buf_adds(&b, part);
    tf_buf_adds(&b, end);
    fails(tf_buf_cstr(&b), words);
    tf_buf_release(&b);
}

static void says_what_is_wrong_and_where(void **state)
{
    (void)state;
    fails("a\n{% if %}", "line 2: expected an expression");
    fails("\n\n{{ 'a' }", "line 3");
    fails("{% for x in [1] %}", "ends before");
    fails("{# a", "comment");
    fails("{% raw %}x", "raw");
    fails("{{ 'a", "string");
    fails("{{ 'a\\u12' }}", "escape");
    fails("{% include 'x' %}", "include");
    fails("{{ 1|nosuch }}", "No filter named 'nosuch'");
    fails("{{ 1 is nosuch }}", "No test named 'nosuch'");
    fails("x\n{{ a.b.c }}", "line 2: 'a' is undefined");
    fails("{{ nosuch() }}", "'nosuch' is undefined");
    fails("{{ [].append(1) }}", "'append' is undefined");
    fails("{{ 1 + 'a' }}", "'int' and 'str'");
    fails("\n{{ raise_exception('my own words') }}", "line 2: my own words");
    fails("{{ 9223372036854775807 + 1 }}", "64 bits");
    fails("{% break %}", "loop");
    fails("{{ '%d' % 'a' }}", "number");
    fails("{{ '{0}'.format() }}", "argument");
    fails("{{ ''.join([1]) }}", "expected str");
    fails("{% set a.b = 1 %}", "namespace");
}

static void limits_time_and_memory(void **state)
{
    (void)state;
    fails("{{ range(100001) }}", "Range too big");
    fails("{% for i in range(99999) %}{% for j in range(99999) %}x"
          "{% endfor %}{% endfor %}",
          "too");
    fails("{% set n = namespace(s='x') %}{% for i in range(99) %}"
          "{% set n.s = n.s ~ n.s %}{% endfor %}",
          "too");
    fails("{% set n = namespace(s=[1]) %}{% for i in range(99) %}"
          "{% set n.s = n.s + n.s %}{% endfor %}",
          "too");
    fails("{% set n = namespace(s=[1]) %}{% for i in range(90) %}"
          "{% set n.s = [n.s, n.s] %}{% endfor %}{{ n.s|tojson }}",
          "too long");
    fails("{{ 'x' * 9999999999 }}", "too");
    fails("{{ [1] * 9999999999 }}", "too");
    fails("{{ 'x'|center(9999999999) }}", "too");
    fails("{{ '%9999999999d' % 1 }}", "digits");
    fails("{{ '{:.9999}'.format(1.5) }}", "precision");
    fails("{{ ('a' * 999999)|replace('a', 'b' * 999999) }}", "too long");
    fails("{{ ('a' * 3000000).find('a' * 1500000 ~ 'b') }}", "too long");
    fails("{{ range(99999)|join('x' * 99999) }}", "too");
    fails("{{ [1]|batch(9999999999, 0)|list }}", "too");
}

static void limits_depth(void **state)
{
    (void)state;
    fails("{% macro r() %}{{ r() }}{% endmacro %}{{ r() }}", "deeply");
    fails("{% macro m() %}{% call m() %}{% endcall %}{% endmacro %}{{ m() }}",
          "deeply");
    fails("{% for i in [1] recursive %}{{ loop([1]) }}{% endfor %}", "deeply");
    fails("{% set n = namespace(s=[]) %}{% for i in range(999) %}"
          "{% set n.s = [n.s] %}{% endfor %}{{ n.s }}",
          "deeply");
    fails_many("{{ ", "(", 99999, "", "deeply");
    fails_many("{{ ", "[", 99999, "", "deeply");
    fails_many("{{ ", "{1:", 99999, "", "deeply");
    fails_many("{{ ", "-", 99999, "1 }}", "deeply");
    fails_many("{{ ", "not ", 99999, "1 }}", "deeply");
    fails_many("{{ 1", " if 1 else 1", 99999, " }}", "deeply");
    fails_many("{{ 1", "+1", 99999, " }}", "deeply");
    fails_many("{{ 1", "|abs", 99999, " }}", "deeply");
    fails_many("{% set x", "|abs", 99999, " %}{% endset %}", "deeply");
    fails_many("{% for ", "(", 99999, "", "deeply");
    fails_many("", "{% if 1 %}", 99999, "", "deeply");
    fails_many("{% macro r() %}{% if 1 %}{% if 1 %}{% if 1 %}", "", 0,
               "{{ r() }}{% endif %}{% endif %}{% endif %}{% endmacro %}"
               "{{ r() }}",
               "deeply");
}

static void refuses_variables_that_are_no_json(void **state)
{
    struct tf_jinja_var var = { str("messages"), str("[1, ") };
    struct tf_buf out = TF_BUF_INIT;
    struct tf_err err;

    (void)state;
    assert_int_equal(render(str("x"), &var, 1, &out, &err), -1);
    assert_non_null(strstr(err.msg, "messages"));
    tf_buf_release(&out);
}

/* A template cut at any byte fails or not, but does no harm. */
static void survives_templates_cut_anywhere(void **state)
{
    json_t *all = golden("tests/golden/chat/cases.json"), *c;
    struct tf_buf out = TF_BUF_INIT;
    struct tf_err err;
    size_t i, n;

    (void)state;
    json_array_foreach (json_object_get(all, "cases"), i, c) {
        struct tf_str source = golden_str(json_array_get(c, 0));

        for (n = 0; n < source.len; n++)
            if (((unsigned char)source.s[n] & 0xC0) != 0x80) {
                char *copy = malloc(n + 1); /* so that a tool sees its end */

                assert_non_null(copy);
                memcpy(copy, source.s, n);
                render((struct tf_str){ copy, n }, NULL, 0, &out, &err);
                free(copy);
            }
    }
    tf_buf_release(&out);
    json_decref(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(makes_of_templates_what_transformers_makes),
        cmocka_unit_test(says_what_is_wrong_and_where),
        cmocka_unit_test(limits_time_and_memory),
        cmocka_unit_test(limits_depth),
        cmocka_unit_test(refuses_variables_that_are_no_json),
        cmocka_unit_test(survives_templates_cut_anywhere),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
