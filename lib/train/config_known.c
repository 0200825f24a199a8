#include "train/config_known.h"

#include <stdlib.h>
#include <string.h>

/* What is left of TrainingArguments (5.23, and 4.x before). `plain`: the values
 * that ask for nothing, "a|b", besides null, false, 0 and none; NULL: whatever
 * it is, no result depends on it. `why`: all others can't be had. */
static const struct known {
    const char *name, *plain, *why;
} table[] = {
    /* how PyTorch does its work, and talks of it */
    { "average_tokens_across_devices", NULL, NULL },
    { "auto_find_batch_size", NULL, NULL }, /* memory is bounded anyway */
    { "dataloader_in_order", NULL, NULL },
    { "dataloader_multiprocessing_context", NULL, NULL },
    { "dataloader_num_workers", NULL, NULL },
    { "dataloader_persistent_workers", NULL, NULL },
    { "dataloader_pin_memory", NULL, NULL },
    { "dataloader_prefetch_factor", NULL, NULL },
    { "ddp_backend", NULL, NULL },
    { "ddp_broadcast_buffers", NULL, NULL },
    { "ddp_bucket_cap_mb", NULL, NULL },
    { "ddp_find_unused_parameters", NULL, NULL },
    { "ddp_static_graph", NULL, NULL },
    { "ddp_timeout", NULL, NULL },
    { "disable_tqdm", NULL, NULL },
    { "do_eval", NULL, NULL }, /* Trainer passes over them as well */
    { "do_train", NULL, NULL },
    { "enable_jit_checkpoint", NULL, NULL }, /* SIGTERM always saves */
    { "eval_accumulation_steps", NULL, NULL },
    { "eval_do_concat_batches", NULL, NULL },
    { "eval_use_gather_object", NULL, NULL },
    { "fp16_backend", NULL, NULL },
    { "fp16_opt_level", NULL, NULL },
    { "fsdp_config", NULL, NULL },
    { "full_determinism", NULL, NULL }, /* as always here */
    { "half_precision_backend", NULL, NULL },
    { "hub_always_push", NULL, NULL },
    { "hub_model_id", NULL, NULL },
    { "hub_private_repo", NULL, NULL },
    { "hub_revision", NULL, NULL },
    { "hub_strategy", NULL, NULL },
    { "hub_token", NULL, NULL },
    { "jit_mode_eval", NULL, NULL },
    { "length_column_name", NULL, NULL },
    { "liger_kernel_config", NULL, NULL },
    { "local_rank", NULL, NULL },
    { "log_level", NULL, NULL },
    { "log_level_replica", NULL, NULL },
    { "log_on_each_node", NULL, NULL },
    { "logging_nan_inf_filter", NULL, NULL }, /* such a loss ends the run */
    { "mp_parameters", NULL, NULL },
    { "no_cuda", NULL, NULL },
    { "overwrite_output_dir", NULL, NULL },
    { "past_index", NULL, NULL },
    { "project", NULL, NULL },
    { "ray_scope", NULL, NULL },
    { "remove_unused_columns", NULL, NULL },
    { "restore_callback_states_from_checkpoint", NULL, NULL },
    { "run_name", NULL, NULL },
    { "save_on_each_node", NULL, NULL },
    { "skip_memory_metrics", NULL, NULL },
    { "tf32", NULL, NULL },
    { "torch_compile", NULL, NULL },
    { "torch_compile_backend", NULL, NULL },
    { "torch_compile_mode", NULL, NULL },
    { "torch_empty_cache_steps", NULL, NULL },
    { "torchdynamo", NULL, NULL },
    { "tpu_metrics_debug", NULL, NULL },
    { "tpu_num_cores", NULL, NULL },
    { "trackio_bucket_id", NULL, NULL },
    { "trackio_space_id", NULL, NULL },
    { "trackio_static_space_id", NULL, NULL },
    { "use_cache", NULL, NULL },
    { "use_cpu", NULL, NULL },
    { "use_legacy_prediction_loop", NULL, NULL },
    { "use_liger_kernel", NULL, NULL },
    { "use_mps_device", NULL, NULL },

    { "accelerator_config", "", "there are no devices to arrange" },
    { "batch_eval_metrics", "",
      "compute_metrics is given all predictions at once" },
    { "bf16_full_eval", "", "evaluations compute as training does (bf16)" },
    { "debug", "", "what it prints is PyTorch's" },
    { "deepspeed", "", "weights can't be split; mpirun splits batches" },
    { "do_predict", "",
      "when the model is trained, the task's own tool predicts with it" },
    { "fp16", "",
      "float16 needs its losses scaled; bf16: true is there for that" },
    { "fp16_full_eval", "", "evaluations compute as training does (bf16)" },
    { "fsdp", "", "weights can't be split; mpirun splits batches" },
    { "fsdp_min_num_params", "", "weights can't be split" },
    { "fsdp_transformer_layer_cls_to_wrap", "", "weights can't be split" },
    { "generation_config", "",
      "that of the model is read, generation_config.json" },
    { "gradient_checkpointing_kwargs",
      "{}|{\"use_reentrant\":true}|{\"use_reentrant\":false}|"
      "{\"every_n_layers\":1}",
      "each layer is run again" },
    { "ignore_data_skip", "",
      "a run that goes on takes the records that come next" },
    { "include_for_metrics", "[]",
      "compute_metrics reads predictions and references" },
    { "include_inputs_for_metrics", "",
      "compute_metrics reads predictions and references" },
    { "include_num_input_tokens_seen", "", "tokens are not counted" },
    { "include_tokens_per_second", "", "tokens are not counted" },
    { "label_names", "", "label_column and its like name what is learned" },
    { "neftune_noise_alpha", "", "there is no noise for embeddings" },
    { "optim_args", "", "no optimizer here has more settings" },
    { "optim_target_modules", "", "no optimizer here has low rank (GaLore)" },
    { "packing", "",
      "records are never padded here; block_size joins texts and cuts them" },
    { "parallelism_config", "",
      "weights can't be split; mpirun splits batches" },
    { "push_to_hub", "",
      "training writes to output_dir; tf-hub push takes it from there" },
    { "push_to_hub_model_id", "", "tf-hub push names the repository" },
    { "push_to_hub_organization", "", "tf-hub push names the repository" },
    { "push_to_hub_token", "", "tf-hub login keeps it" },
    { "save_safetensors", "true", "weights are saved as safetensors alone" },
    { "sortish_sampler", "",
      "train_sampling_strategy: group_by_length is like it" },
};

static const struct known *find(const char *name)
{
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        if (!strcmp(table[i].name, name))
            return &table[i];
    return NULL;
}

bool tf_train_known(const char *name)
{
    return find(name) != NULL;
}

static bool is_off(const json_t *v)
{
    const char *s = json_string_value(v);

    return json_is_null(v) || json_is_false(v) ||
           (json_is_number(v) && json_number_value(v) == 0) ||
           (s && (!strcmp(s, "no") || !strcmp(s, "none") || !*s));
}

/* Is a value, as JSON has it, one of "a|b"? */
static bool is_among(const char *words, const char *text)
{
    size_t n = strlen(text), len;

    for (; *words; words += len + (words[len] == '|')) {
        len = strcspn(words, "|");
        if (len == n && !memcmp(words, text, n))
            return true;
    }
    return false;
}

int tf_train_check_known(const char *name, const json_t *v, struct tf_err *err)
{
    const struct known *k = find(name);
    char *text;
    bool plain;

    if (!k->plain || is_off(v))
        return 0;
    text = json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT | JSON_SORT_KEYS);
    if (!text)
        return tf_no_memory(err, 1);
    plain = is_among(k->plain, text);
    if (!plain)
        (void)tf_fail(err, "%s: %.100s is not supported: %s", name, text,
                      k->why);
    free(text);
    return plain ? 0 : -1;
}
