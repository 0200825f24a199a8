#include "train/trainer_parts.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/io.h"
#include "base/mem.h"
#include "model/init.h"
#include "model/rope.h"
#include "train/parallel.h"
#include "train/param_order.h"
#include "train/peft.h"

/* Let the gradients of matrices tell which of their rows a step adds to; what
 * other processes add to is not known here. */
static int mark_rows(struct tf_trainer *t, struct tf_err *err)
{
    size_t n = 0;

    if (tf_parallel_size() > 1)
        return 0;
    for (size_t i = 0; i < t->param_count; i++)
        if (t->params[i].tensor->ndim == 2)
            n += t->params[i].tensor->dim[0];
    t->grad_rows = tf_alloc(n, 1, err);
    if (!t->grad_rows)
        return -1;
    n = 0;
    for (size_t i = 0; i < t->param_count; i++) {
        struct tf_tensor *tensor = t->params[i].tensor;

        if (tensor->ndim == 2) {
            tensor->grad_rows = t->grad_rows + n;
            n += tensor->dim[0];
        }
    }
    return 0;
}

static int make_params(struct tf_trainer *t, struct tf_err *err)
{
    struct tf_parameters *p = &t->model->params;
    size_t n = 0;

    t->params = tf_alloc(p->count, sizeof(t->params[0]), err);
    if (!t->params)
        return -1;
    for (size_t i = 0; i < p->count; i++)
        n += p->v[i].buffer ? 0 : tf_tensor_count(p->v[i].tensor);
    t->grads = tf_alloc(n, sizeof(*t->grads), err);
    t->grad_count = n;
    if (!t->grads)
        return -1;
    n = 0;
    for (size_t i = 0; i < p->count; i++) {
        if (p->v[i].buffer)
            continue;
        p->v[i].tensor->grad = t->grads + n;
        n += tf_tensor_count(p->v[i].tensor);
        t->params[t->param_count++] =
            (struct tf_param){ .name = p->v[i].name,
                               .tensor = p->v[i].tensor,
                               .decay = tf_param_decays(&p->v[i]) };
    }
    return mark_rows(t, err);
}

static int make_optimizer(struct tf_trainer *t, struct tf_err *err)
{
    static const enum tf_optimizer_kind kinds[] = {
        [TF_OPTIM_ADAMW] = TF_ADAMW,
        [TF_OPTIM_ADAFACTOR] = TF_ADAFACTOR,
        [TF_OPTIM_SGD] = TF_SGD,
    };
    const struct tf_train_config *c = t->config;
    struct tf_optimizer_config how;

    tf_optimizer_defaults(&how, kinds[c->optimizer]);
    how.weight_decay = c->weight_decay;
    if (how.kind == TF_ADAMW) {
        how.beta1 = c->beta1;
        how.beta2 = c->beta2;
        how.eps = c->eps;
    }
    t->optimizer = tf_optimizer_new(&how, t->params, t->param_count, err);
    return t->optimizer ? 0 : -1;
}

/* Trainer's count of steps; the last step of an epoch may have fewer batches.
 */
static int count_steps(struct tf_trainer *t, struct tf_err *err)
{
    const struct tf_train_config *c = t->config;
    size_t batch = (size_t)c->train_batch;

    t->batches = c->drop_last ? t->train.count / batch
                              : (t->train.count + batch - 1) / batch;
    if (!t->batches)
        return tf_fail(err, "%zu records make no batch of %zu", t->train.count,
                       batch);
    t->steps_per_epoch =
        ((int64_t)t->batches + c->accumulation - 1) / c->accumulation;
    t->max_steps = c->max_steps > 0
                       ? c->max_steps
                       : (int64_t)ceil(c->epochs * (double)t->steps_per_epoch);
    if (t->max_steps < 1)
        return tf_fail(err, "num_train_epochs gives no step");
    t->logging_steps = tf_train_steps(c->logging_steps, t->max_steps);
    t->save_steps = tf_train_steps(c->save_steps, t->max_steps);
    t->eval_steps = c->eval_steps > 0
                        ? tf_train_steps(c->eval_steps, t->max_steps)
                        : t->logging_steps;
    t->settings = json_pack(
        "{s:I, s:I, s:I, s:I, s:f, s:I}", "eval_steps",
        (json_int_t)t->eval_steps, "logging_steps",
        (json_int_t)t->logging_steps, "max_steps", (json_int_t)t->max_steps,
        "save_steps", (json_int_t)t->save_steps, "num_train_epochs",
        ceil((double)t->max_steps / (double)t->steps_per_epoch),
        "train_batch_size", (json_int_t)c->train_batch);
    return t->settings ? 0 : tf_no_memory(err, 1);
}

static int read_table(struct tf_table *table, json_t *files, const char *label,
                      const char *split, struct tf_err *err)
{
    struct tf_table_opts opts = { .numeric = label, .split = split };
    size_t n = json_is_array(files) ? json_array_size(files) : 1;

    for (size_t i = 0; i < n; i++) {
        const char *path = json_string_value(
            json_is_array(files) ? json_array_get(files, i) : files);

        if (!path)
            return tf_fail(err, "a file for the data is not a string");
        if (tf_table_read(table, path, &opts, err))
            return -1;
    }
    return table->count ? 0 : tf_fail(err, "the data has no records");
}

static int read_valid(struct tf_trainer *t, struct tf_err *err)
{
    const struct tf_train_config *c = t->config;
    struct tf_label_column labels = { 0 };
    struct tf_table table = { 0 };
    int failed = read_table(&table, c->validation_file, c->label_column,
                            "validation", err) ||
                 tf_train_read_labels(t, &labels, &table, err) ||
                 tf_train_dataset(t, &t->valid, &table, &labels, err);

    tf_label_column_release(&labels);
    tf_table_release(&table);
    return failed ? -1 : 0;
}

static void note_new(const struct tf_trainer *t, const char *dir)
{
    struct tf_buf names = TF_BUF_INIT;

    for (size_t i = 0; i < t->model->params.count; i++)
        if (t->model->params.v[i].fresh)
            tf_buf_addf(&names, "%s%s", names.len ? ", " : "",
                        t->model->params.v[i].name);
    if (names.len) {
        struct tf_buf text = TF_BUF_INIT;

        tf_buf_addf(&text, "%s: not there, begun anew: %s", dir,
                    tf_buf_cstr(&names));
        t->hooks->note(t->hooks->arg, tf_buf_cstr(&text));
        tf_buf_release(&text);
    }
    tf_buf_release(&names);
}

/* Is the model of the kind that the task wants? */
static int check_kind(const struct tf_trainer *t, const char *dir,
                      struct tf_err *err)
{
    int task = t->config->task;

    if (task == TF_TRAIN_SEQ2SEQ && !t->model->encoder)
        return tf_fail(err, "%.300s: seq2seq needs an encoder-decoder", dir);
    if (t->model->encoder &&
        (task == TF_TRAIN_CAUSAL_LM || task == TF_TRAIN_MASKED_LM))
        return tf_fail(err,
                       "%.300s: an encoder-decoder is trained by the task "
                       "seq2seq",
                       dir);
    return 0;
}

static int open_model(struct tf_trainer *t, const char *dir, struct tf_err *err)
{
    struct tf_model_training training = {
        .labels = (const char *const *)t->labels.names,
        .label_count = t->labels.count,
        .problem = t->labels.problem,
        .seed = (uint64_t)t->config->seed,
    };
    static const enum tf_task tasks[] = {
        [TF_TRAIN_CLASSIFICATION] = TF_SEQUENCE_CLASSIFICATION,
        [TF_TRAIN_CAUSAL_LM] = TF_CAUSAL_LM,
        [TF_TRAIN_MASKED_LM] = TF_MASKED_LM,
        [TF_TRAIN_TOKEN_CLASSIFICATION] = TF_TOKEN_CLASSIFICATION,
        [TF_TRAIN_QUESTION_ANSWERING] = TF_QUESTION_ANSWERING,
        [TF_TRAIN_SEQ2SEQ] = TF_CAUSAL_LM,
    };
    struct tf_model_opts opts = { .task = tasks[t->config->task],
                                  .train = &training };
    struct tf_lora lora;
    bool adapt;

    if (tf_train_peft(t->config, &lora, &adapt, err))
        return -1;
    training.lora = adapt ? &lora : NULL;
    t->model = t->config->from_config ? tf_model_init(dir, &opts, err)
                                      : tf_model_open(dir, &opts, err);
    tf_lora_release(&lora);
    if (!t->model)
        return -1;
    if (t->config->adapter &&
        tf_adapters_load(t->model, t->config->adapter, err))
        return -1;
    if (!adapt && tf_weights_gguf(t->model->weights))
        return tf_fail(
            err, "%.300s: a GGUF is trained with adapters alone (peft)", dir);
    if (check_kind(t, dir, err) || (t->config->task == TF_TRAIN_SEQ2SEQ &&
                                    tf_train_read_generation(t, dir, err)))
        return -1;
    t->goals = (struct tf_token_goals){
        .masked = t->config->task == TF_TRAIN_MASKED_LM,
        .probability = t->config->mlm_probability,
        .tokenizer = t->tokenizer,
        .vocab = t->model->stack.spec->vocab,
        .seed = (uint64_t)t->config->seed,
    };
    if (t->goals.masked && tf_tokenizer_info(t->tokenizer)->mask < 0)
        return tf_fail(err, "%.300s: the tokenizer has no mask token", dir);
    t->alone = tf_rope_by_length(t->model->stack.spec);
    if (!t->config->from_config)
        note_new(t, dir);
    return 0;
}

static int open_data(struct tf_trainer *t, const char *dir, struct tf_err *err)
{
    const struct tf_train_config *c = t->config;
    struct tf_label_column labels = { 0 };
    struct tf_table table = { 0 };
    int failed;

    t->tokenizer = tf_tokenizer_open(t->tokenizer_dir, err);
    failed = !t->tokenizer ||
             read_table(&table, c->train_file, c->label_column, "train", err) ||
             tf_train_read_labels(t, &labels, &table, err) ||
             tf_train_find_labels(t, &labels, &table, dir, err) ||
             open_model(t, dir, err) ||
             tf_train_dataset(t, &t->train, &table, &labels, err);
    tf_label_column_release(&labels);
    tf_table_release(&table);
    if (!failed && c->validation_file)
        failed = read_valid(t, err);
    return failed ? -1 : 0;
}

static int resume(struct tf_trainer *t, struct tf_err *err)
{
    struct tf_checkpoint at = { .output_dir = t->config->output_dir,
                                .model = t->model,
                                .optimizer = t->optimizer,
                                .state = &t->state,
                                .schedule = &t->schedule };
    const char *path = json_string_value(t->config->resume);
    int64_t last = tf_checkpoint_last(t->config->output_dir);
    char *found = NULL;
    int failed;

    if (!path && !json_is_true(t->config->resume))
        return 0;
    if (!path && last < 0)
        return tf_fail(err, "%.300s: no checkpoint to resume from",
                       t->config->output_dir);
    if (!path)
        path = found = tf_checkpoint_path(t->config->output_dir, last, err);
    failed = !path || tf_checkpoint_load(&at, path, err);
    if (found)
        t->saved = last;
    free(found);
    return failed ? -1 : 0;
}

struct tf_trainer *tf_trainer_new(const struct tf_train_config *config,
                                  const char *model_dir, struct tf_pool *pool,
                                  const struct tf_train_hooks *hooks,
                                  struct tf_err *err)
{
    struct tf_trainer *t = tf_alloc(1, sizeof(*t), err);

    if (!t)
        return NULL;
    t->config = config;
    t->hooks = hooks;
    t->pool = pool;
    t->model_dir = model_dir;
    t->tokenizer_dir = config->tokenizer ? config->tokenizer : model_dir;
    t->runner.recompute = config->recompute;
    tf_arena_init(&t->arena);
    tf_tape_init(&t->tape);
    if (open_data(t, model_dir, err) || make_params(t, err) ||
        count_steps(t, err) || make_optimizer(t, err) ||
        tf_train_schedule(config, t->max_steps, &t->schedule, err) ||
        (config->metrics && tf_train_check_metrics(t, err)) ||
        tf_train_state_init(&t->state, err) || resume(t, err)) {
        tf_trainer_free(t);
        return NULL;
    }
    t->order = tf_alloc(t->train.count, sizeof(t->order[0]), err);
    if (!t->order) {
        tf_trainer_free(t);
        return NULL;
    }
    return t;
}

void tf_trainer_free(struct tf_trainer *t)
{
    if (!t)
        return;
    tf_events_close(t->events);
    tf_buf_release(&t->pairs);
    json_decref(t->computed);
    tf_optimizer_free(t->optimizer);
    tf_train_state_release(&t->state);
    json_decref(t->settings);
    tf_runner_release(&t->runner);
    tf_tape_release(&t->tape);
    tf_arena_release(&t->arena);
    tf_join_release(&t->joined);
    tf_join_release(&t->decoded);
    tf_generation_release(&t->generation);
    tf_chat_close(t->chat);
    tf_dataset_release(&t->train);
    tf_dataset_release(&t->valid);
    tf_questions_free(t->questions, t->question_count);
    tf_labels_release(&t->labels);
    tf_tokenizer_close(t->tokenizer);
    tf_tokenizer_close(t->targets_tokenizer);
    tf_model_close(t->model);
    free(t->order);
    free(t->targets);
    free(t->token_labels);
    free(t->params);
    free(t->grads);
    free(t->grad_rows);
    free(t);
}
