/* Whole training runs of tiny models against PyTorch's loss curves. */
#include "train_run.h"

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The true gradient of what is added to all keys alike is zero: there Adam
 * scales what rounding leaves. */
static bool is_noise(const char *name, size_t fifth)
{
    if (strstr(name, "c_attn.bias"))
        return fifth == 2; /* the middle of queries, keys and values */
    return strstr(name, "key.bias") || strstr(name, "k_proj.bias");
}

/* Of each parameter five numbers, from the first to the last. */
static void check_weights(const struct place *p, json_t *golden)
{
    json_t *wanted = json_object_get(golden, "weights"), *row;
    struct tf_weights *w;
    struct tf_err err;
    const char **names;
    size_t n, i;

    if (!wanted)
        return;
    w = tf_weights_open(in(p, "out"), &err);
    assert_non_null(w);
    n = tf_weights_count(w);
    assert_int_equal(n, json_array_size(wanted));
    names = calloc(n, sizeof(*names));
    for (i = 0; i < n; i++)
        tf_weights_at(w, i, &names[i]);
    qsort(names, n, sizeof(*names), by_name);
    json_array_foreach (wanted, i, row) {
        const struct tf_tensor *t = tf_weights_find(w, names[i]);
        size_t last = tf_tensor_count(t) - 1;

        for (size_t k = 0; k < 5; k++) {
            double right = json_real_value(json_array_get(row, k));
            float found;

            memcpy(&found, (const char *)t->data + k * last / 4 * sizeof(found),
                   sizeof(found));
            if (!is_noise(names[i], k) &&
                fabs((double)found - right) > TOLERANCE)
                fail_msg("%s: %s: %zu: %.8f, not %.8f", p->dir, names[i], k,
                         (double)found, right);
        }
    }
    free(names);
    tf_weights_close(w);
}

static void follows_pytorchs_curve(void **state)
{
    char *none[] = { NULL };
    json_t *all = goldens(), *golden, *more;
    size_t i;

    (void)state;
    json_array_foreach (all, i, golden) {
        struct place p;

        begin(&p);
        make_model(&p, golden, 0);
        write_records(&p, golden);
        more = json_pack("{s:O}", "task", json_object_get(golden, "task"));
        if (json_object_get(golden, "problem"))
            json_object_set(more, "problem_type",
                            json_object_get(golden, "problem"));
        write_config(&p, more);
        assert_int_equal(train(&p, none), 0);
        check_curve(&p, golden);
        check_logits(&p, golden);
        check_weights(&p, golden);
        end(&p);
    }
    json_decref(all);
}

static void gradient_checkpointing_changes_nothing(void **state)
{
    char flag[] = "gradient_checkpointing=true", *words[] = { flag, NULL };
    json_t *all = goldens();
    struct place p;

    (void)state;
    begin(&p);
    make_model(&p, json_array_get(all, 0), 0);
    write_records(&p, json_array_get(all, 0));
    write_config(&p, json_object());
    assert_int_equal(train(&p, words), 0);
    check_curve(&p, json_array_get(all, 0));
    end(&p);
    json_decref(all);
}

/* With dropout and shuffling on: stop, resume, and get the same numbers. */
static void resumes_on_the_same_curve(void **state)
{
    char *none[] = { NULL };
    char resume[] = "resume_from_checkpoint=true", *words[] = { resume, NULL };
    json_t *all = goldens();
    double whole[STEPS];
    struct place p;

    (void)state;
    begin(&p);
    make_model(&p, json_array_get(all, 0), 0.1);
    write_records(&p, json_array_get(all, 0));
    write_config(&p, json_pack("{s:s}", "train_sampling_strategy", "random"));
    assert_int_equal(train(&p, none), 0);
    memcpy(whole, p.loss, sizeof(whole));

    p.stop_after = 21;
    assert_int_equal(train(&p, none), 1);
    assert_int_equal(p.lines, 21);
    assert_true(tf_dir_exists(in(&p, "out/checkpoint-21")));
    p.stop_after = 0;
    assert_int_equal(train(&p, words), 0);
    assert_int_equal(p.lines, STEPS - 21);
    for (size_t i = 0; i < p.lines; i++)
        assert_true(p.loss[i] == whole[21 + i]);
    end(&p);
    json_decref(all);
}

static void keeps_the_latest_checkpoints(void **state)
{
    char *none[] = { NULL };
    json_t *all = goldens();
    struct place p;

    (void)state;
    begin(&p);
    make_model(&p, json_array_get(all, 0), 0);
    write_records(&p, json_array_get(all, 0));
    write_config(&p, json_pack("{s:s, s:i, s:i}", "save_strategy", "steps",
                               "save_steps", 20, "save_total_limit", 2));
    assert_int_equal(train(&p, none), 0);
    assert_false(tf_dir_exists(in(&p, "out/checkpoint-20")));
    assert_true(tf_dir_exists(in(&p, "out/checkpoint-40")));
    assert_true(tf_dir_exists(in(&p, "out/checkpoint-50")));
    assert_true(
        tf_file_exists(in(&p, "out/checkpoint-50/optimizer.safetensors")));
    assert_false(tf_dir_exists(in(&p, "out/.checkpoint-part")));
    end(&p);
    json_decref(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(follows_pytorchs_curve),
        cmocka_unit_test(gradient_checkpointing_changes_nothing),
        cmocka_unit_test(resumes_on_the_same_curve),
        cmocka_unit_test(keeps_the_latest_checkpoints),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
