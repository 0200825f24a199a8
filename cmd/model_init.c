#include "cmd/model.h"
#include "base/io.h"
#include "model/init.h"
#include "text/tokenizer.h"

static const char *output, *tokenizer;
static int64_t seed = 42;
static int head;

const struct cli_opt model_init_opts[] = {
    { 'o', "output", CLI_DIR_NAME, &output, "DIR", "the new model's folder" },
    { 0, "task", CLI_CHOICE, &head,
      "auto|none|sequence-classification|token-classification|"
      "question-answering|masked-lm|causal-lm",
      "the head to have; auto: by the config's architectures" },
    { 0, "tokenizer", CLI_DIR_NAME, &tokenizer, "DIR",
      "the tokenizer it gets; default: none" },
    { 0, "seed", CLI_INT, &seed, "N", "of what is drawn (default: 42)", 0,
      9007199254740992 },
    CLI_END,
};

static void add_tokenizer(void)
{
    struct tf_err err;
    struct tf_tokenizer *tok =
        tf_tokenizer_open(cli_model_path(tokenizer, CLI_NEED_TOKENIZER), &err);

    if (!tok || tf_tokenizer_save(tok, output, &err))
        model_die(&err);
    tf_tokenizer_close(tok);
}

static json_t *report(const struct tf_model *m)
{
    size_t n = 0, tensors = 0;

    for (size_t i = 0; i < m->params.count; i++) {
        n += tf_tensor_count(m->params.v[i].tensor);
        tensors++;
    }
    return json_pack("{s:s, s:s, s:I, s:I}", "output", output, "task",
                     tf_task_name(m->task), "parameters", (json_int_t)n,
                     "tensors", (json_int_t)tensors);
}

int model_init(char **operands)
{
    static const enum tf_task tasks[] = {
        TF_TASK_NONE,
        TF_TASK_NONE,
        TF_SEQUENCE_CLASSIFICATION,
        TF_TOKEN_CLASSIFICATION,
        TF_QUESTION_ANSWERING,
        TF_MASKED_LM,
        TF_CAUSAL_LM,
    };
    const char *config = model_path(operands);
    struct tf_model_training training = { .seed = (uint64_t)seed };
    struct tf_model_opts opts = { .task = tasks[head], .train = &training };
    struct tf_model *m;
    struct tf_err err;

    if (!output)
        cli_usage("no folder to write is named: -o DIR");
    if (!head && tf_model_task(config, &opts.task, &err))
        model_die(&err);
    m = tf_model_init(config, &opts, &err);
    if (!m || tf_dir_make(output, &err) || tf_model_save(m, output, &err))
        model_die(&err);
    if (tokenizer)
        add_tokenizer();
    model_print(report(m));
    tf_model_close(m);
    return CLI_OK;
}
