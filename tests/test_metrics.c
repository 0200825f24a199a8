#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "train/metrics.h"

#define MOST      16   /* strings in a list of the golden file */
#define TOLERANCE 1e-9 /* both sides compute in double */

static json_t *golden;

static struct tf_str str(const json_t *s)
{
    return (struct tf_str){ json_string_value(s), json_string_length(s) };
}

static size_t strings(const json_t *list, struct tf_str *out)
{
    size_t i;

    assert_true(json_array_size(list) <= MOST);
    for (i = 0; i < json_array_size(list); i++)
        out[i] = str(json_array_get(list, i));
    return i;
}

static void expect(const struct tf_metrics *m, const char *group,
                   const json_t *want)
{
    const char *name;
    json_t *value;
    size_t i;

    json_object_foreach ((json_t *)want, name, value) {
        for (i = 0; i < m->count; i++)
            if (!strcmp(m->v[i].name, name) &&
                (group ? m->v[i].group && !strcmp(m->v[i].group, group)
                       : !m->v[i].group))
                break;
        if (i == m->count)
            fail_msg("no %s of %s", name, group ? group : "all");
        if (json_is_null(value)
                ? !isnan(m->v[i].value)
                : !(fabs(m->v[i].value - json_number_value(value)) <=
                    TOLERANCE * fmax(1, fabs(json_number_value(value)))))
            fail_msg("%s of %s: %.12g, expected %.12g", name,
                     group ? group : "all", m->v[i].value,
                     json_number_value(value));
    }
}

static void expect_all(const struct tf_metrics *m, const json_t *c)
{
    json_t *groups = json_object_get(c, "groups"), *want;
    const char *name;

    expect(m, NULL, json_object_get(c, "want"));
    json_object_foreach (groups, name, want)
        expect(m, name, want);
}

/* Each golden case of this kind; `i` runs over its records. */
#define EACH_CASE(kind_, c, refs, preds)                                       \
    json_array_foreach (golden, index, c)                                      \
        if (!strcmp(json_string_value(json_object_get(c, "kind")), kind_) &&   \
            (refs = json_object_get(c, "references")) &&                       \
            (preds = json_object_get(c, "predictions")))

static void labels_as_scikit_learn(void **state)
{
    json_t *c, *refs, *preds;
    struct tf_str r[MOST], p[MOST];
    struct tf_err err;
    size_t index, i, nr, np;

    (void)state;
    EACH_CASE("labels", c, refs, preds)
    {
        struct tf_label_metrics m = { 0 };
        struct tf_metrics out = { 0 };

        for (i = 0; i < json_array_size(refs); i++) {
            nr = strings(json_array_get(refs, i), r);
            np = strings(json_array_get(preds, i), p);
            assert_int_equal(tf_label_metrics_add(&m, r, nr, p, np, &err), 0);
        }
        assert_int_equal(tf_label_metrics_results(&m, &out, &err), 0);
        expect_all(&out, c);
        tf_metrics_release(&out);
        tf_label_metrics_release(&m);
    }
}

static void regression_as_scipy(void **state)
{
    json_t *c, *refs, *preds;
    struct tf_err err;
    size_t index, i;

    (void)state;
    EACH_CASE("regression", c, refs, preds)
    {
        struct tf_regression_metrics m = { 0 };
        struct tf_metrics out = { 0 };

        for (i = 0; i < json_array_size(refs); i++)
            assert_int_equal(tf_regression_metrics_add(
                                 &m, json_number_value(json_array_get(refs, i)),
                                 json_number_value(json_array_get(preds, i)),
                                 &err),
                             0);
        assert_int_equal(tf_regression_metrics_results(&m, &out, &err), 0);
        expect_all(&out, c);
        tf_metrics_release(&out);
        tf_regression_metrics_release(&m);
    }
}

static void tags_as_seqeval(void **state)
{
    json_t *c, *refs, *preds;
    struct tf_str r[MOST], p[MOST];
    struct tf_err err;
    size_t index, i, n;

    (void)state;
    EACH_CASE("tags", c, refs, preds)
    {
        struct tf_entity_metrics m = { 0 };
        struct tf_metrics out = { 0 };

        for (i = 0; i < json_array_size(refs); i++) {
            n = strings(json_array_get(refs, i), r);
            strings(json_array_get(preds, i), p);
            assert_int_equal(tf_entity_metrics_add_tags(&m, r, p, n, &err), 0);
        }
        assert_int_equal(tf_entity_metrics_results(&m, &out, &err), 0);
        expect_all(&out, c);
        tf_metrics_release(&out);
        tf_entity_metrics_release(&m);
    }
}

static void answers_as_squad(void **state)
{
    json_t *c, *refs, *preds;
    struct tf_str r[MOST];
    struct tf_err err;
    size_t index, i, n;

    (void)state;
    EACH_CASE("squad", c, refs, preds)
    {
        struct tf_squad_metrics m = { 0 };
        struct tf_metrics out = { 0 };

        for (i = 0; i < json_array_size(refs); i++) {
            n = strings(json_array_get(refs, i), r);
            assert_int_equal(tf_squad_metrics_add(
                                 &m, r, n, str(json_array_get(preds, i)), &err),
                             0);
        }
        assert_int_equal(tf_squad_metrics_results(&m, &out, &err), 0);
        expect_all(&out, c);
        tf_metrics_release(&out);
    }
}

static void texts_as_sacrebleu_and_rouge_score(void **state)
{
    json_t *c, *refs, *preds;
    struct tf_str r[MOST];
    struct tf_err err;
    size_t index, i, n;

    (void)state;
    EACH_CASE("text", c, refs, preds)
    {
        struct tf_text_metrics m = { 0 };
        struct tf_metrics out = { 0 };

        for (i = 0; i < json_array_size(refs); i++) {
            n = strings(json_array_get(refs, i), r);
            assert_int_equal(tf_text_metrics_add(
                                 &m, r, n, str(json_array_get(preds, i)), &err),
                             0);
        }
        assert_int_equal(tf_text_metrics_results(&m, &out, &err), 0);
        expect_all(&out, c);
        tf_metrics_release(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(labels_as_scikit_learn),
        cmocka_unit_test(regression_as_scipy),
        cmocka_unit_test(tags_as_seqeval),
        cmocka_unit_test(answers_as_squad),
        cmocka_unit_test(texts_as_sacrebleu_and_rouge_score),
    };
    int failed;

    golden = json_load_file("tests/golden/metrics.json", 0, NULL);
    if (!golden)
        return 1;
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    json_decref(golden);
    return failed;
}
