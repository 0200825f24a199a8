#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "model/step.h"
#include "task/generate.h"
#include "task/logits.h"

#define GOLDEN "tests/golden/decoders"
#define MOST   512 /* ids in the golden files' lists */

/* A golden model and what Transformers answers with it. */
struct golden {
    char name[64];
    struct tf_model *model;
    struct tf_stepper *stepper;
    json_t *expected;
};

static int by_name(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* The names of all golden decoders that are no classifiers. */
static size_t list(char names[][64], size_t most)
{
    DIR *dir = opendir(GOLDEN);
    struct dirent *e;
    size_t n = 0;

    assert_non_null(dir);
    while ((e = readdir(dir)))
        if (e->d_name[0] != '.' && !strstr(e->d_name, "-classify")) {
            assert_true(n < most && strlen(e->d_name) < 64);
            strcpy(names[n++], e->d_name);
        }
    closedir(dir);
    qsort(names, n, sizeof(names[0]), by_name);
    return n;
}

static void open_golden(struct golden *g, const char *name)
{
    struct tf_model_opts opts = { .task = TF_CAUSAL_LM };
    char path[256];
    struct tf_err err;

    snprintf(g->name, sizeof(g->name), "%s", name);
    snprintf(path, sizeof(path), "%s/%s/expected.json", GOLDEN, name);
    g->expected = json_load_file(path, JSON_ALLOW_NUL, NULL);
    if (!g->expected)
        fail_msg("%s can not be read", path);
    snprintf(path, sizeof(path), "%s/%s", GOLDEN, name);
    g->model = tf_model_open(path, &opts, &err);
    if (!g->model)
        fail_msg("%s: %s", name, err.msg);
    g->stepper = tf_stepper_new(g->model, NULL, &err);
    assert_non_null(g->stepper);
}

static void close_golden(struct golden *g)
{
    tf_stepper_free(g->stepper);
    tf_model_close(g->model);
    json_decref(g->expected);
}

static size_t ids_of(const json_t *list, int32_t *out)
{
    size_t i;

    assert_true(json_array_size(list) <= MOST);
    for (i = 0; i < json_array_size(list); i++)
        out[i] = (int32_t)json_integer_value(json_array_get(list, i));
    return i;
}

/* The source that an encoder-decoder reads in a case, encoded; nothing else. */
static void encode(struct golden *g, const json_t *c, int32_t ids[MOST],
                   size_t start[2])
{
    struct tf_batch batch = { .ids = ids, .seqs = { 1, start } };
    struct tf_err err;

    if (!g->model->encoder)
        return;
    start[0] = 0;
    start[1] = ids_of(json_object_get(c, "input_ids"), ids);
    if (tf_stepper_encode(g->stepper, &batch, &err))
        fail_msg("%s: %s", g->name, err.msg);
}

/* What the decoder reads in a case, and the tokens that it should expect: the
 * input itself, or the targets behind the decoder's start. */
static size_t decoder_ids(struct golden *g, const json_t *c, int32_t ids[MOST])
{
    if (!g->model->encoder)
        return ids_of(json_object_get(c, "input_ids"), ids);
    ids[0] = g->model->decoder_start;
    return 1 + ids_of(json_object_get(c, "target_ids"), ids + 1);
}

/* Feed ids in pieces of `piece` tokens and compare each token's negative
 * log-likelihood. */
static void compare_nll(struct golden *g, const json_t *c, size_t piece)
{
    const json_t *want = json_object_get(c, "token_nll");
    int32_t ids[MOST + 1], source[MOST];
    size_t n = decoder_ids(g, c, ids), start[2], i, k;
    size_t vocab = tf_stepper_vocab(g->stepper);
    struct tf_err err;
    struct tf_cache *cache = tf_stepper_cache(g->stepper, &err);
    float *row = malloc(vocab * sizeof(*row));

    assert_non_null(cache);
    encode(g, c, source, start);
    for (i = 0; i < n; i += piece) {
        struct tf_feed f = { cache, ids + i, n - i < piece ? n - i : piece, 0 };
        struct tf_result r;

        if (tf_step_each(g->stepper, &f, &r, &err))
            fail_msg("%s: %s", g->name, err.msg);
        for (k = 0; k < f.n && i + k + 1 < n; k++) {
            double e = json_number_value(json_array_get(want, i + k));

            memcpy(row, r.data + k * vocab, vocab * sizeof(*row));
            tf_log_softmax(row, vocab);
            if (!(fabs(-(double)row[ids[i + k + 1]] - e) <= 1e-4 * fmax(1, e)))
                fail_msg("%s: pieces of %zu: token %zu: nll %.6f, expected %f",
                         g->name, piece, i + k + 1,
                         -(double)row[ids[i + k + 1]], e);
        }
    }
    free(row);
    tf_cache_free(cache);
}

static void reads_text_as_transformers_in_any_pieces(void **state)
{
    char names[256][64];
    size_t n = list(names, 256), i, k;

    (void)state;
    for (i = 0; i < n; i++) {
        struct golden g;
        json_t *cases, *c;

        open_golden(&g, names[i]);
        cases = json_object_get(g.expected, "nll");
        json_array_foreach (cases, k, c) {
            compare_nll(&g, c, tf_step_most(g.stepper));
            if (tf_step_most(g.stepper) == SIZE_MAX)
                continue; /* every length is another text to it */
            compare_nll(&g, c, 1);
            compare_nll(&g, c, 7);
        }
        close_golden(&g);
    }
}

/* The model's own generation settings, then a case's options. */
static void configure(struct tf_generation *config, const char *name,
                      const json_t *options)
{
    char path[256], *text;
    struct tf_err err;

    tf_generation_init(config);
    snprintf(path, sizeof(path), "%s/%s", GOLDEN, name);
    if (tf_generation_open(config, path, &err))
        fail_msg("%s: %s", name, err.msg);
    config->max_new_tokens = 20;
    if (!options)
        return;
    text = json_dumps(options, 0);
    if (tf_generation_read(config, text, strlen(text), &err))
        fail_msg("%s: %s", name, err.msg);
    free(text);
}

static void expect_ids(const char *name, const char *what,
                       const struct tf_completion *c, const json_t *want)
{
    int32_t ids[MOST];
    size_t n = ids_of(want, ids), i;

    for (i = 0; i < n && i < c->n && c->ids[i] == ids[i]; i++)
        ;
    if (i < n || c->n != n)
        fail_msg("%s: %s: token %zu of %zu is %d, expected %d of %zu", name,
                 what, i, c->n, i < c->n ? c->ids[i] : -1, i < n ? ids[i] : -1,
                 n);
}

/* The prompt of a case. */
static struct tf_prompt prompt_of(struct golden *g, const json_t *c,
                                  int32_t ids[MOST], uint64_t key)
{
    size_t n = ids_of(json_object_get(c, "input_ids"), ids);
    struct tf_prompt p = { ids, n, NULL, 0, key };

    if (g->model->encoder)
        p = (struct tf_prompt){ &g->model->decoder_start, 1, ids, n, key };
    return p;
}

/* All greedy cases of a model in one call, `together` at a time. */
static void run_greedy(struct golden *g, size_t together)
{
    json_t *cases = json_object_get(g->expected, "greedy"), *c;
    size_t n = json_array_size(cases), i;
    struct tf_prompt *prompts = calloc(n + 1, sizeof(*prompts));
    struct tf_completion *out = calloc(n + 1, sizeof(*out));
    int32_t(*ids)[MOST] = calloc(n + 1, sizeof(*ids));
    struct tf_generation config;
    struct tf_generate_opts opts = { .config = &config,
                                     .context = SIZE_MAX,
                                     .together = together };
    struct tf_generator *gen;
    struct tf_err err;

    configure(&config, g->name, NULL);
    gen = tf_generator_new(g->stepper, &opts, &err);
    assert_non_null(gen);
    json_array_foreach (cases, i, c)
        prompts[i] = prompt_of(g, c, ids[i], i);
    if (tf_generate(gen, prompts, n, out, &err))
        fail_msg("%s: %s", g->name, err.msg);
    json_array_foreach (cases, i, c) {
        expect_ids(g->name, "greedy", &out[i],
                   json_object_get(c, "output_ids"));
        tf_completion_release(&out[i]);
    }
    tf_generator_free(gen);
    tf_generation_release(&config);
    free(prompts);
    free(out);
    free(ids);
}

static void continues_greedily_as_transformers(void **state)
{
    char names[256][64];
    size_t n = list(names, 256), i;

    (void)state;
    for (i = 0; i < n; i++) {
        struct golden g;

        open_golden(&g, names[i]);
        run_greedy(&g, 1);
        run_greedy(&g, 3);
        close_golden(&g);
    }
}

static void run_search(struct golden *g, const json_t *c)
{
    const char *what = json_string_value(json_object_get(c, "name"));
    const json_t *want = json_object_get(c, "output_ids");
    const json_t *scores = json_object_get(c, "scores");
    struct tf_generation config;
    struct tf_generate_opts opts = { .config = &config,
                                     .context = SIZE_MAX,
                                     .together = 2 };
    struct tf_generator *gen;
    struct tf_completion *out;
    struct tf_prompt prompt;
    int32_t ids[MOST];
    struct tf_err err;
    size_t i, n;

    configure(&config, g->name, json_object_get(c, "options"));
    prompt = prompt_of(g, c, ids, 0);
    n = (size_t)config.num_return_sequences;
    assert_int_equal(n, json_array_size(want));
    out = calloc(n, sizeof(*out));
    gen = tf_generator_new(g->stepper, &opts, &err);
    assert_non_null(gen);
    if (tf_generate(gen, &prompt, 1, out, &err))
        fail_msg("%s: %s: %s", g->name, what, err.msg);
    for (i = 0; i < n; i++) {
        expect_ids(g->name, what, &out[i], json_array_get(want, i));
        if (scores && fabs((double)out[i].score -
                           json_number_value(json_array_get(scores, i))) > 1e-3)
            fail_msg("%s: %s: score %g, expected %g", g->name, what,
                     (double)out[i].score,
                     json_number_value(json_array_get(scores, i)));
        tf_completion_release(&out[i]);
    }
    free(out);
    tf_generator_free(gen);
    tf_generation_release(&config);
}

static void searches_as_transformers(void **state)
{
    char names[256][64];
    size_t n = list(names, 256), i, k;

    (void)state;
    for (i = 0; i < n; i++) {
        struct golden g;
        json_t *cases, *c;

        open_golden(&g, names[i]);
        cases = json_object_get(g.expected, "search");
        json_array_foreach (cases, k, c)
            run_search(&g, c);
        close_golden(&g);
    }
}

/* Sample five texts for each of two prompts, `together` at a time. */
static void sample(struct golden *g, size_t together, uint64_t seed,
                   struct tf_completion out[10])
{
    static const int32_t ids[] = { 55, 75, 72, 17, 76 };
    struct tf_prompt prompts[2] = { { ids, 5, NULL, 0, 7 },
                                    { ids, 3, NULL, 0, 8 } };
    struct tf_generation config;
    struct tf_generate_opts opts = { .config = &config,
                                     .seed = seed,
                                     .context = SIZE_MAX,
                                     .together = together,
                                     .logprobs = true,
                                     .top_logprobs = 3 };
    struct tf_generator *gen;
    struct tf_err err;

    configure(&config, g->name, NULL);
    config.do_sample = true;
    config.num_return_sequences = 5;
    gen = tf_generator_new(g->stepper, &opts, &err);
    assert_non_null(gen);
    assert_int_equal(tf_generate(gen, prompts, 2, out, &err), 0);
    tf_generator_free(gen);
    tf_generation_release(&config);
}

static void samples_the_same_text_whatever_the_batch(void **state)
{
    struct tf_completion a[10], b[10], c[10];
    struct golden g;
    size_t i, differ = 0;

    (void)state;
    open_golden(&g, "gpt2");
    sample(&g, 1, 5, a);
    sample(&g, 4, 5, b);
    sample(&g, 4, 6, c);
    for (i = 0; i < 10; i++) {
        assert_int_equal(a[i].n, b[i].n);
        assert_memory_equal(a[i].ids, b[i].ids, a[i].n * sizeof(int32_t));
        differ += a[i].n != c[i].n ||
                  memcmp(a[i].ids, c[i].ids, a[i].n * sizeof(int32_t));
        assert_true(a[i].top[0].logprob >= a[i].logprobs[0]);
        assert_true(a[i].top[0].logprob >= a[i].top[1].logprob);
    }
    assert_true(differ > 5);
    for (i = 0; i < 10; i++) {
        tf_completion_release(&a[i]);
        tf_completion_release(&b[i]);
        tf_completion_release(&c[i]);
    }
    close_golden(&g);
}

/* DeepSeek's: one row a token for all heads. */
static void keeps_latents_in_place_of_keys_and_values(void **state)
{
    struct golden g;
    struct tf_cache *cache;
    struct tf_err err;

    (void)state;
    open_golden(&g, "deepseek-v3");
    cache = tf_stepper_cache(g.stepper, &err);
    assert_non_null(cache);
    assert_int_equal(cache->k_width, 10 + 4);
    assert_int_equal(cache->v_width, 0);
    tf_cache_free(cache);
    close_golden(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_text_as_transformers_in_any_pieces),
        cmocka_unit_test(continues_greedily_as_transformers),
        cmocka_unit_test(searches_as_transformers),
        cmocka_unit_test(keeps_latents_in_place_of_keys_and_values),
        cmocka_unit_test(samples_the_same_text_whatever_the_batch),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
