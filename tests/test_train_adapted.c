/* Runs of adapters and of mixed precision against PyTorch's, and those that go
 * on from the checkpoints of Transformers' Trainer. */
#include "train_run.h"

#include "train/param_order.h"

/* The numbers that PEFT began with, as a folder of an adapter. */
static json_t *as_adapter(const struct place *p, const char *start,
                          json_t *golden)
{
    char cwd[1024], target[1400];
    json_t *peft = json_deep_copy(json_object_get(golden, "peft"));

    assert_non_null(getcwd(cwd, sizeof(cwd)));
    assert_int_equal(tf_dir_make(in(p, "start"), &(struct tf_err){ 0 }), 0);
    snprintf(target, sizeof(target), "%s/%s/adapter_model.safetensors", cwd,
             start);
    assert_int_equal(symlink(target, in(p, "start/adapter_model.safetensors")),
                     0);
    json_object_set_new(peft, "peft_type", json_string("LORA"));
    write_json(in(p, "start/adapter_config.json"), peft);
    return json_pack("{s:O, s:s}", "task", json_object_get(golden, "task"),
                     "adapter", in(p, "start"));
}

/* Adapters alone are trained, from those that PEFT began with: as a checkpoint,
 * or as an adapter that brings its settings. */
static void follow_pefts_curve(bool settings)
{
    json_t *all =
        json_load_file("tests/golden/adapters/training.json", 0, NULL);
    char *none[] = { NULL };
    char start[128];
    json_t *golden;
    size_t i;

    assert_non_null(all);
    json_array_foreach (all, i, golden) {
        struct place p;

        begin(&p);
        make_model(&p, golden, 0);
        write_records(&p, golden);
        snprintf(start, sizeof(start), GOLDEN "/adapters/%s",
                 json_string_value(json_object_get(golden, "start")));
        write_config(&p, settings ? as_adapter(&p, start, golden)
                                  : json_pack("{s:O, s:O, s:s}", "task",
                                              json_object_get(golden, "task"),
                                              "peft",
                                              json_object_get(golden, "peft"),
                                              "resume_from_checkpoint", start));
        assert_int_equal(train(&p, none), 0);
        check_curve(&p, golden);
        check_logits(&p, golden);
        assert_false(tf_file_exists(in(&p, "out/model.safetensors")));
        end(&p);
    }
    json_decref(all);
}

static void follows_pefts_curve(void **state)
{
    (void)state;
    follow_pefts_curve(false);
}

static void goes_on_with_an_adapter_of_peft(void **state)
{
    (void)state;
    follow_pefts_curve(true);
}

/* PyTorch's run, from the checkpoint that it made after ten steps on. */
static void go_on(json_t *golden, const char *checkpoint)
{
    json_t *losses = json_object_get(golden, "losses");
    json_t *more =
        json_pack("{s:O, s:s}", "task", json_object_get(golden, "task"),
                  "resume_from_checkpoint", checkpoint);
    char *none[] = { NULL };
    struct place p;

    begin(&p);
    make_model(&p, golden, 0);
    write_records(&p, golden);
    if (json_object_get(golden, "peft"))
        json_object_set(more, "peft", json_object_get(golden, "peft"));
    write_config(&p, more);
    assert_int_equal(train(&p, none), 0);
    assert_int_equal(p.lines, STEPS - 10);
    for (size_t i = 0; i < p.lines; i++) {
        double loss = json_real_value(json_array_get(losses, 10 + i));

        if (fabs(p.loss[i] - loss) > TOLERANCE)
            fail_msg("%s: step %zu: loss %.7f, not %.7f", checkpoint, 11 + i,
                     p.loss[i], loss);
    }
    check_logits(&p, golden);
    end(&p);
}

static json_t *of_model(json_t *all, const char *name)
{
    json_t *golden;
    size_t i;

    json_array_foreach (all, i, golden)
        if (!strcmp(json_string_value(json_object_get(golden, "model")), name))
            return golden;
    fail_msg("no %s", name);
    return NULL;
}

static void goes_on_from_a_checkpoint_of_the_trainer(void **state)
{
    json_t *adapted =
        json_load_file("tests/golden/adapters/training.json", 0, NULL);
    json_t *all = goldens();

    (void)state;
    go_on(of_model(all, "gpt2"), GOLDEN "/resume-gpt2");
    go_on(of_model(adapted, "bert-no-prefix"), GOLDEN "/resume-bert");
    json_decref(all);
    json_decref(adapted);
}

/* Names, in the order of torch's optimizer. */
static void check_order(json_t *golden)
{
    const char *name = json_string_value(json_object_get(golden, "model"));
    bool lm = !strcmp(json_string_value(json_object_get(golden, "task")),
                      "causal-lm");
    struct tf_model_training training = { .seed = 1 };
    struct tf_model_opts opts = { .task = lm ? TF_CAUSAL_LM
                                             : TF_SEQUENCE_CLASSIFICATION,
                                  .train = &training };
    json_t *names = json_object_get(golden, "names");
    size_t count, at = 0, *order;
    struct tf_model *m;
    struct tf_err err;
    char path[160];

    snprintf(path, sizeof(path), GOLDEN "/%s/%s",
             json_string_value(json_object_get(golden, "folder")), name);
    m = tf_model_open(path, &opts, &err);
    if (!m)
        fail_msg("%s", err.msg);
    order = tf_param_order(m, &count, &err);
    if (!order)
        fail_msg("%s: %s", name, err.msg);
    for (int decays = 1; decays >= 0; decays--)
        for (size_t i = 0; i < count; i++) {
            const struct tf_parameter *p = &m->params.v[order[i]];
            const char *want = json_string_value(json_array_get(names, at));

            if (tf_param_decays(p) != decays)
                continue;
            if (!want || strcmp(p->name, want))
                fail_msg("%s: %s in place of %s", name, p->name,
                         want ? want : "none");
            at++;
        }
    assert_int_equal(at, json_array_size(names));
    free(order);
    tf_model_close(m);
}

static void numbers_parameters_as_transformers(void **state)
{
    json_t *all = json_load_file(GOLDEN "/param_order.json", 0, NULL);
    json_t *golden;
    size_t i;

    (void)state;
    assert_non_null(all);
    json_array_foreach (all, i, golden)
        check_order(golden);
    json_decref(all);
}

/* Rounding to bfloat16 is not the same in every place; PyTorch's own mixed
 * curve is up to 0.01 from its float32 one. */
static void mixed_precision_stays_near_pytorchs(void **state)
{
    json_t *all = json_load_file(GOLDEN "/training_bf16.json", 0, NULL);
    char flag[] = "bf16=true", *words[] = { flag, NULL };
    json_t *golden;
    size_t i;

    (void)state;
    assert_non_null(all);
    json_array_foreach (all, i, golden) {
        json_t *losses = json_object_get(golden, "losses");
        double most = 0;
        struct place p;

        begin(&p);
        make_model(&p, golden, 0);
        write_records(&p, golden);
        write_config(
            &p, json_pack("{s:O}", "task", json_object_get(golden, "task")));
        assert_int_equal(train(&p, words), 0);
        assert_int_equal(p.lines, STEPS);
        for (size_t k = 0; k < STEPS; k++)
            most = fmax(most, fabs(p.loss[k] -
                                   json_real_value(json_array_get(losses, k))));
        if (most > 0.02 || most < 1e-6)
            fail_msg("case %zu: losses differ by %g", i, most);
        end(&p);
    }
    json_decref(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(follows_pefts_curve),
        cmocka_unit_test(goes_on_with_an_adapter_of_peft),
        cmocka_unit_test(numbers_parameters_as_transformers),
        cmocka_unit_test(goes_on_from_a_checkpoint_of_the_trainer),
        cmocka_unit_test(mixed_precision_stays_near_pytorchs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
