#include "train/trainer_parts.h"

#include "base/mem.h"
#include "task/generate.h"
#include "text/language.h"
#include <stdlib.h>
#include <string.h>

/* What generates for the validation sources. */
struct writing {
    struct tf_trainer *t;
    struct tf_stepper *stepper;
    struct tf_generator *generator;
    int32_t start;
    struct tf_prompt *prompts;       /* [batch] */
    struct tf_completion *completed; /* [batch][returned] */
    size_t returned;
    struct tf_buf wanted, found;
    struct tf_text_metrics texts;
    double tokens;
    struct tf_err *err;
};

/* Compare what was generated for a record with its target. */
static int add_record(struct writing *w, size_t record, const int32_t *ids,
                      size_t n)
{
    const struct tf_dataset *d = &w->t->valid;
    const struct tf_tokenizer *tok = w->t->tokenizer;
    struct tf_str wanted, found;
    struct tf_pair pair = { .predictions = &found,
                            .references = &wanted,
                            .prediction_count = 1,
                            .reference_count = 1 };

    tf_buf_reset(&w->wanted);
    tf_buf_reset(&w->found);
    if (tf_tokenizer_decode(tok, d->labels[record], d->answers[record].n, true,
                            &w->wanted, w->err) ||
        tf_tokenizer_decode(tok, ids, n, true, &w->found, w->err))
        return -1;
    wanted = (struct tf_str){ tf_buf_cstr(&w->wanted), w->wanted.len };
    found = (struct tf_str){ tf_buf_cstr(&w->found), w->found.len };
    w->tokens += (double)n;
    if (w->t->config->compute_metrics)
        tf_pair_put(&w->t->pairs, &pair);
    return tf_text_metrics_add(&w->texts, &wanted, 1, found, w->err);
}

/* Gives for each record how many tokens were generated, and their ids. */
static int run(void *arg, size_t first, size_t end, struct tf_buf *out,
               struct tf_err *err)
{
    struct writing *w = arg;
    size_t n = end - first;
    int failed;

    for (size_t i = 0; i < n; i++) {
        const struct tf_input *in = &w->t->valid.inputs[first + i];

        w->prompts[i] =
            (struct tf_prompt){ &w->start, 1, in->ids, in->n, first + i };
    }
    failed = tf_generate(w->generator, w->prompts, n, w->completed, err);
    for (size_t i = 0; !failed && i < n; i++) {
        const struct tf_completion *c = &w->completed[i * w->returned];
        int32_t count = (int32_t)c->n;

        tf_buf_add(out, (const char *)&count, sizeof(count));
        tf_buf_add(out, (const char *)c->ids, c->n * sizeof(c->ids[0]));
    }
    for (size_t i = 0; i < n * w->returned; i++)
        tf_completion_release(&w->completed[i]);
    return failed ? -1 : 0;
}

static int take(void *arg, size_t first, size_t end, const char *given,
                size_t n, struct tf_err *err)
{
    const int32_t *ids = (const void *)given;

    (void)n, (void)err;
    for (size_t i = first; i < end; i++) {
        size_t count = (size_t)*ids++;

        if (add_record(arg, i, ids, count))
            return -1;
        ids += count;
    }
    return 0;
}

static int begin(struct writing *w, size_t batch)
{
    struct tf_trainer *t = w->t;
    struct tf_generate_opts opts = { .config = &t->generation,
                                     .seed = (uint64_t)t->config->seed,
                                     .together = batch };
    size_t made_for = tf_model_made_for(t->model);

    opts.context = tf_model_max_tokens(t->model);
    if (made_for < opts.context)
        opts.context = made_for;
    w->returned = (size_t)t->generation.num_return_sequences;
    w->start = t->generation.decoder_start;
    if (w->start < 0)
        w->start = t->model->decoder_start;
    if (w->start < 0)
        w->start = t->generation.bos;
    if (w->start < 0)
        return tf_fail(w->err, "predict_with_generate: the model's decoder has "
                               "no start token: config.json has neither "
                               "decoder_start_token_id nor bos_token_id");
    w->prompts = tf_alloc(batch, sizeof(w->prompts[0]), w->err);
    if (!w->prompts)
        return -1;
    w->completed =
        tf_alloc(batch * w->returned, sizeof(w->completed[0]), w->err);
    /* new ones: old ones may remember what the weights were */
    w->stepper =
        w->completed ? tf_stepper_new(t->model, t->pool, w->err) : NULL;
    w->generator =
        w->stepper ? tf_generator_new(w->stepper, &opts, w->err) : NULL;
    return w->generator ? 0 : -1;
}

int tf_train_evaluate_texts(struct tf_trainer *t, struct tf_metrics *metrics,
                            struct tf_err *err)
{
    struct writing w = { .t = t, .err = err };
    struct tf_evaluation e = { &w, run, take };
    size_t batch = (size_t)t->config->eval_batch, n = t->valid.count;
    int failed;

    failed =
        begin(&w, batch < n ? batch : n) ||
        tf_train_evaluate_parts(t, &e, err) ||
        tf_text_metrics_results(&w.texts, metrics, err) ||
        tf_metrics_add(metrics, "gen_len", NULL, w.tokens / (double)n, err);
    tf_generator_free(w.generator);
    tf_stepper_free(w.stepper);
    tf_buf_release(&w.wanted);
    tf_buf_release(&w.found);
    free(w.prompts);
    free(w.completed);
    return failed ? -1 : 0;
}

/* The model's own generation config, and what the config says over it. */
int tf_train_read_generation(struct tf_trainer *t, const char *dir,
                             struct tf_err *err)
{
    const struct tf_train_config *c = t->config;
    struct tf_generation *g = &t->generation;
    char *text;
    int failed;

    tf_generation_init(g);
    if (c->from_config) {
        text = json_dumps(t->model->config.json, JSON_COMPACT);
        failed = text ? tf_generation_read(g, text, strlen(text), err)
                      : tf_no_memory(err, 1);
        free(text);
    } else {
        failed = tf_generation_open(g, dir, err);
    }
    if (failed)
        return -1;
    g->max_new_tokens = 0;
    g->max_length = c->generation_max_length ? c->generation_max_length
                                             : c->max_target_length;
    if (c->generation_num_beams)
        g->num_beams = c->generation_num_beams;
    if (c->target_lang && tf_language_id(t->tokenizer, c->target_lang) >= 0)
        g->forced_bos = tf_language_id(t->tokenizer, c->target_lang);
    return tf_generation_check(g, err);
}
