#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>
#include "task/embed.h"
#include "task/similar.h"

/* Two sequences of 3 and 1 tokens with 2 numbers each. */
static const float hidden[] = { 3, 4, -1, 2, 1, 0, 5, 12 };
static size_t start[] = { 0, 3, 4 };
static const struct tf_seqs seqs = { 2, start };
static const char folder[] = "tests/golden/pipelines/embed-mean";

static struct tf_embedder embedder;

static void fit(enum tf_embed_pool pool, int normalize, size_t dim)
{
    struct tf_embed_opts opts = { (int)pool, normalize, dim };
    struct tf_err err;

    tf_embedder_release(&embedder);
    assert_int_equal(tf_embedder_open(&embedder, folder, &err), 0);
    assert_int_equal(tf_embedder_fit(&embedder, &opts, 2, &err), 0);
}

/* The numbers of both sequences, or of all tokens. */
static void expect(const size_t *skip, const float *wanted, size_t rows)
{
    struct tf_result r;
    struct tf_err err;

    assert_int_equal(tf_embed(&embedder, NULL, &seqs, hidden, skip, &r, &err),
                     0);
    assert_int_equal(r.rows, rows);
    for (size_t i = 0; i < r.rows * r.cols; i++)
        assert_true(fabsf(r.data[i] - wanted[i]) < 1e-6f);
}

static void pools_as_each_mode_says(void **state)
{
    static const float wanted[TF_EMBED_POOLS][4] = {
        [TF_EMBED_CLS] = { 3, 4, 5, 12 },
        [TF_EMBED_MAX] = { 3, 4, 5, 12 },
        [TF_EMBED_MEAN] = { 1, 2, 5, 12 },
        [TF_EMBED_SQRT] = { 1.7320508f, 3.4641016f, 5, 12 },
        [TF_EMBED_WEIGHTED] = { 4.0f / 6, 8.0f / 6, 5, 12 },
        [TF_EMBED_LAST] = { 1, 0, 5, 12 },
    };

    (void)state;
    for (int i = 0; i < TF_EMBED_POOLS; i++) {
        fit((enum tf_embed_pool)i, 0, 0);
        expect(NULL, wanted[i], 2);
    }
}

static void leaves_out_prompts_where_the_folder_says_so(void **state)
{
    static const size_t skip[] = { 1, 0 };
    static const float all[] = { 1, 2, 5, 12 };
    static const float some[] = { 0, 1, 5, 12 };
    static const float weighted[] = { 1.0f / 5, 4.0f / 5, 5, 12 };
    static const float first[] = { -1, 2, 5, 12 };

    (void)state;
    fit(TF_EMBED_MEAN, 0, 0);
    expect(skip, all, 2);
    embedder.modules[0].skips_prompt = true;
    expect(skip, some, 2);
    embedder.modules[0].pools[0] = TF_EMBED_WEIGHTED;
    expect(skip, weighted, 2);
    embedder.modules[0].pools[0] = TF_EMBED_CLS;
    expect(skip, first, 2);
}

static void normalizes_what_is_cut(void **state)
{
    static const float whole[] = { 0.4472136f, 0.8944272f, 5.0f / 13,
                                   12.0f / 13 };
    static const float cut[] = { 1, 1 };
    static const float tokens[] = { 3, -1, 1, 5 };

    (void)state;
    fit(TF_EMBED_MEAN, -1, 0); /* the folder has a Normalize */
    expect(NULL, whole, 2);
    fit(TF_EMBED_MEAN, -1, 1);
    expect(NULL, cut, 2);
    fit(TF_EMBED_TOKENS, -1, 1); /* tokens are as the transformer gives them */
    expect(NULL, tokens, 4);
}

static void finds_the_nearest_by_the_cosine(void **state)
{
    static const float rows[][2] = { { 1, 0 },  { 0, 3 }, { 2, 2 },
                                     { -1, 0 }, { 5, 0 }, { 0, 0 } };
    static const float queries[] = { 1, 0.1f, 0, 9 };
    struct tf_similar s = { 0 };
    struct tf_buf out = TF_BUF_INIT;
    struct tf_candidate found[6];
    struct tf_str text = { "\"x\"", 3 };
    struct tf_err err;

    (void)state;
    assert_int_equal(tf_similar_find(&s, NULL, queries, 2, 3, found, &err), 0);
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(tf_similar_add(&s, rows[i], 2, text, &err), 0);
    assert_int_equal(tf_similar_find(&s, NULL, queries, 2, 3, found, &err), 3);
    assert_int_equal(found[0].id, 0);
    assert_int_equal(found[1].id, 4); /* as near: the earlier one first */
    assert_int_equal(found[2].id, 2);
    assert_int_equal(found[3].id, 1);
    assert_true(fabsf(found[3].score - 1) < 1e-6f);
    assert_true(fabsf(found[4].score - sqrtf(0.5f)) < 1e-6f);
    tf_put_neighbours(&out, &s, &found[2], 1);
    assert_non_null(strstr(tf_buf_cstr(&out), "[{\"index\": 2, \"score\": 0."));
    assert_non_null(strstr(tf_buf_cstr(&out), ", \"text\": \"x\"}]"));
    tf_buf_release(&out);
    tf_similar_release(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pools_as_each_mode_says),
        cmocka_unit_test(leaves_out_prompts_where_the_folder_says_so),
        cmocka_unit_test(normalizes_what_is_cut),
        cmocka_unit_test(finds_the_nearest_by_the_cosine),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    tf_embedder_release(&embedder);
    return failed;
}
