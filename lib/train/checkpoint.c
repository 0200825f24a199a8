#include "train/checkpoint.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/io.h"
#include "base/mem.h"
#include "format/safetensors.h"
#include "format/safetensors_write.h"
#include "text/tokenizer.h"
#include "train/optimizer_pt.h"
#include "train/schedule_state.h"

#define STATE_MAX     ((size_t)1 << 30) /* bytes of trainer_state.json */
#define TOKENIZER_MAX ((size_t)1 << 31) /* bytes of one of its files */
#define STEPS         "step" /* the optimizer's tensor of its steps */

char *tf_checkpoint_path(const char *output_dir, int64_t step,
                         struct tf_err *err)
{
    char name[48];

    snprintf(name, sizeof(name), "checkpoint-%lld", (long long)step);
    return tf_path(output_dir, name, err);
}

/* N of "checkpoint-N", else -1. */
static int64_t step_of(const char *name)
{
    char *end;
    long long step;

    if (strncmp(name, "checkpoint-", 11) || name[11] < '0' || name[11] > '9')
        return -1;
    errno = 0;
    step = strtoll(name + 11, &end, 10);
    return *end || errno ? -1 : step;
}

int64_t tf_checkpoint_last(const char *output_dir)
{
    DIR *d = opendir(output_dir);
    struct dirent *e;
    int64_t last = -1;

    while (d && (e = readdir(d)))
        if (step_of(e->d_name) > last)
            last = step_of(e->d_name);
    if (d)
        closedir(d);
    return last;
}

/* Remove a folder of files. */
static int remove_folder(const char *dir, struct tf_err *err)
{
    DIR *d = opendir(dir);
    struct dirent *e;

    if (!d)
        return errno == ENOENT
                   ? 0
                   : tf_fail(err, "%.300s: %s", dir, strerror(errno));
    while ((e = readdir(d)))
        if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
            unlinkat(dirfd(d), e->d_name, 0);
    closedir(d);
    if (rmdir(dir))
        return tf_fail(err, "%.300s: can't be removed: %s", dir,
                       strerror(errno));
    return 0;
}

/* Make sure that a folder's names are on disk. */
static int sync_folder(const char *dir, struct tf_err *err)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY);
    int failed = fd < 0 || (fsync(fd) && errno != EINVAL);

    if (failed)
        tf_fail(err, "%.300s: %s", dir, strerror(errno));
    if (fd >= 0)
        close(fd);
    return failed ? -1 : 0;
}

struct states {
    struct tf_named_tensor *list;
    size_t count;
    struct tf_arena names;
    int64_t steps;
};

static void add_state(struct states *s, const char *param, const char *name,
                      float *data, size_t n)
{
    size_t len = strlen(param) + strlen(name) + 2;
    char *full = tf_arena_alloc(&s->names, len, 1);

    if (!full)
        return;
    snprintf(full, len, "%s.%s", param, name);
    s->list[s->count++] = (struct tf_named_tensor){
        full, { .ndim = 1, .dim = { n }, .ld = n, .data = data }
    };
}

/* Every array of the optimizer, under "PARAM.NAME". */
static int list_states(struct states *s, const struct tf_checkpoint *c,
                       struct tf_err *err)
{
    const struct tf_parameters *p = &c->model->params;
    size_t wanted = 1, at = 0;

    tf_arena_init(&s->names);
    s->list = tf_alloc(3 * p->count + 1, sizeof(s->list[0]), err);
    if (!s->list)
        return -1;
    s->steps = tf_optimizer_steps(c->optimizer);
    s->list[0] = (struct tf_named_tensor){
        STEPS,
        { .dtype = TF_I64, .ndim = 1, .dim = { 1 }, .ld = 1, .data = &s->steps }
    };
    s->count = 1;
    for (size_t i = 0; i < p->count; i++) {
        const char *name;
        size_t n;
        float *data;

        if (p->v[i].buffer)
            continue;
        for (size_t k = 0;
             (data = tf_optimizer_state(c->optimizer, at, k, &name, &n));
             k++, wanted++)
            add_state(s, p->v[i].name, name, data, n);
        at++;
    }
    return s->count == wanted ? 0 : tf_no_memory(err, wanted);
}

static void release_states(struct states *s)
{
    free(s->list);
    tf_arena_release(&s->names);
}

static int write_optimizer(const struct tf_checkpoint *c, const char *dir,
                           struct tf_err *err)
{
    char *path = tf_path(dir, "optimizer.safetensors", err);
    struct states s = { .count = 0 };
    int failed = !path || list_states(&s, c, err) ||
                 tf_safetensors_write(path, s.list, s.count, NULL, NULL, err);

    if (path)
        release_states(&s);
    free(path);
    return failed ? -1 : 0;
}

static int read_states(struct states *s, const struct tf_safetensors *file,
                       const struct tf_checkpoint *c, struct tf_err *err)
{
    for (size_t i = 0; i < s->count; i++) {
        struct tf_tensor *t = &s->list[i].tensor;
        const struct tf_tensor *found =
            tf_safetensors_find(file, s->list[i].name);

        if (!found || found->dtype != t->dtype ||
            tf_tensor_count(found) != tf_tensor_count(t))
            return tf_fail(err, "\"%.300s\" is missing, or of another size",
                           s->list[i].name);
        memcpy(t->data, found->data, tf_tensor_bytes(t));
    }
    tf_optimizer_set_steps(c->optimizer, s->steps);
    return 0;
}

/* That of Transformers' Trainer. A checkpoint without any begins with a new
 * optimizer, as there. */
static int read_torch_optimizer(const struct tf_checkpoint *c, const char *dir,
                                struct tf_err *err)
{
    char *path = tf_path(dir, "optimizer.pt", err);
    int failed = !path;

    if (path && tf_file_exists(path))
        failed = tf_optimizer_pt_load(path, c->model, c->optimizer, err);
    free(path);
    return failed;
}

static int read_optimizer(const struct tf_checkpoint *c, const char *dir,
                          struct tf_err *err)
{
    char *path = tf_path(dir, "optimizer.safetensors", err);
    bool there = path && tf_file_exists(path);
    struct tf_safetensors *file = there ? tf_safetensors_open(path, err) : NULL;
    struct states s = { .count = 0 };
    int failed = !path || (there && !file);

    if (!failed && !there) {
        free(path);
        return read_torch_optimizer(c, dir, err);
    }
    if (file) {
        failed = list_states(&s, c, err) || read_states(&s, file, c, err);
        if (failed)
            tf_err_at(err, path);
        release_states(&s);
    }
    tf_safetensors_close(file);
    free(path);
    return failed ? -1 : 0;
}

int tf_train_state_init(struct tf_train_state *s, struct tf_err *err)
{
    memset(s, 0, sizeof(*s));
    s->history = json_array();
    return s->history ? 0 : tf_no_memory(err, 1);
}

void tf_train_state_release(struct tf_train_state *s)
{
    json_decref(s->history);
    s->history = NULL;
}

/* The members of Transformers' TrainerState; what it has no member for is
 * under stateful_callbacks, where its reader passes over it. */
static json_t *state_json(const struct tf_checkpoint *c, struct tf_err *err)
{
    const struct tf_train_state *s = c->state;
    char *best = s->has_best
                     ? tf_checkpoint_path(c->output_dir, s->best_step, err)
                     : NULL;
    json_t *all = json_pack(
        "{s:o?, s:o?, s:s?, s:f, s:I, s:b, s:b, s:b, s:O, s:i, s:i, s:n, s:n,"
        " s:{s:{s:f, s:I, s:f, s:I}}}",
        "best_metric", s->has_best ? json_real(s->best_metric) : NULL,
        "best_global_step",
        s->has_best ? json_integer((json_int_t)s->best_step) : NULL,
        "best_model_checkpoint", best, "epoch", s->epoch, "global_step",
        (json_int_t)s->step, "is_hyper_param_search", 0,
        "is_local_process_zero", 1, "is_world_process_zero", 1, "log_history",
        s->history, "num_input_tokens_seen", 0, "total_flos", 0, "trial_name",
        "trial_params", "stateful_callbacks", "tf-train", "loss_sum",
        s->loss_sum, "logged", (json_int_t)s->logged, "total_loss",
        s->total_loss, "patience", (json_int_t)s->patience);

    free(best);
    if (all && c->schedule && tf_schedule_wants_metric(c->schedule))
        json_object_set_new(tf_config_get(all, "stateful_callbacks.tf-train"),
                            "schedule", tf_schedule_json(c->schedule));
    if (!all || json_object_update(all, c->settings)) {
        json_decref(all);
        tf_no_memory(err, 1);
        return NULL;
    }
    return all;
}

static int write_state(const struct tf_checkpoint *c, const char *dir,
                       struct tf_err *err)
{
    char *path = tf_path(dir, "trainer_state.json", err);
    json_t *all = path ? state_json(c, err) : NULL;
    struct tf_replace out;
    int failed = !all || tf_replace_open(&out, path, err);

    if (!failed && (json_dumpf(all, out.f,
                               JSON_INDENT(2) | JSON_SORT_KEYS |
                                   JSON_REAL_PRECISION(17)) ||
                    fputc('\n', out.f) == EOF)) {
        failed = tf_fail(err, "%.300s: can't write: %s", path, strerror(errno));
        tf_replace_abort(&out);
    } else if (!failed) {
        failed = tf_replace_commit(&out, err);
    }
    json_decref(all);
    free(path);
    return failed ? -1 : 0;
}

static double number(json_t *object, const char *keys)
{
    return json_number_value(tf_config_get(object, keys));
}

static int take_state(struct tf_train_state *s, json_t *all, struct tf_err *err)
{
    json_t *step = json_object_get(all, "global_step");
    json_t *history = json_object_get(all, "log_history");

    if (!json_is_integer(step) || json_integer_value(step) < 0 ||
        !json_is_array(history))
        return tf_fail(err, "no global_step or no log_history");
    s->step = json_integer_value(step);
    s->epoch = number(all, "epoch");
    s->loss_sum = number(all, "stateful_callbacks.tf-train.loss_sum");
    s->logged = (int64_t)number(all, "stateful_callbacks.tf-train.logged");
    /* the Trainer's own begins to add up anew */
    if (!tf_config_get(all, "stateful_callbacks.tf-train"))
        s->logged = s->step;
    s->total_loss = number(all, "stateful_callbacks.tf-train.total_loss");
    s->patience = (int64_t)number(all, "stateful_callbacks.tf-train.patience");
    s->has_best = json_is_number(json_object_get(all, "best_metric"));
    s->best_metric = number(all, "best_metric");
    s->best_step = (int64_t)number(all, "best_global_step");
    json_decref(s->history);
    s->history = json_incref(history);
    return 0;
}

static int read_state(const struct tf_checkpoint *c, const char *dir,
                      struct tf_err *err)
{
    char *path = tf_path(dir, "trainer_state.json", err);
    struct tf_buf text = TF_BUF_INIT;
    json_t *all = NULL;
    json_error_t why;
    int failed = !path || tf_file_read(path, STATE_MAX, &text, err);

    if (!failed) {
        all = json_loadb(text.data, text.len, 0, &why);
        failed = all ? take_state(c->state, all, err)
                     : tf_fail(err, "line %d: %.160s", why.line, why.text);
        if (!failed)
            tf_schedule_take(c->schedule,
                             tf_config_get(all, "stateful_callbacks.tf-train."
                                                "schedule"));
        if (failed)
            tf_err_at(err, path);
    }
    json_decref(all);
    tf_buf_release(&text);
    free(path);
    return failed ? -1 : 0;
}

static int copy_file(const char *from, const char *to, struct tf_err *err)
{
    struct tf_buf bytes = TF_BUF_INIT;
    struct tf_replace out;
    int failed = tf_file_read(from, TOKENIZER_MAX, &bytes, err) ||
                 tf_replace_open(&out, to, err);

    if (!failed && fwrite(bytes.data, 1, bytes.len, out.f) != bytes.len) {
        failed = tf_fail(err, "%.300s: can't write: %s", to, strerror(errno));
        tf_replace_abort(&out);
    } else if (!failed) {
        failed = tf_replace_commit(&out, err);
    }
    tf_buf_release(&bytes);
    return failed ? -1 : 0;
}

static int save_tokenizer(const char *from, const char *to, struct tf_err *err)
{
    struct tf_tokenizer *tokenizer = tf_tokenizer_open(from, err);
    int failed = !tokenizer || tf_tokenizer_save(tokenizer, to, err);

    tf_tokenizer_close(tokenizer);
    return failed ? -1 : 0;
}

/* Copy a file that may be there. */
static int copy_named(const char *from, const char *to, const char *name,
                      struct tf_err *err)
{
    char *source = tf_path(from, name, err);
    char *target = source ? tf_path(to, name, err) : NULL;
    int failed = !target;

    if (!failed && tf_file_exists(source))
        failed = copy_file(source, target, err);
    free(source);
    free(target);
    return failed ? -1 : 0;
}

int tf_checkpoint_copy(const char *model, const char *tokenizer, const char *to,
                       struct tf_err *err)
{
    static const char *const names[] = {
        "tokenizer.json",
        "tokenizer_config.json",
        "special_tokens_map.json",
        "added_tokens.json",
        "vocab.txt",
        "vocab.json",
        "merges.txt",
        "spiece.model",
        "tokenizer.model",
        "spm.model",
        "chat_template.jinja",
        "sentencepiece.bpe.model",
        "source.spm",
        "target.spm",
    };
    int failed = 0;

    if (tf_file_exists(tokenizer)) /* a GGUF, which has one in itself */
        return save_tokenizer(tokenizer, to, err);
    for (size_t i = 0; !failed && i < sizeof(names) / sizeof(names[0]); i++)
        failed = copy_named(tokenizer, to, names[i], err);
    return failed ? -1 : copy_named(model, to, "generation_config.json", err);
}

static int write_files(const struct tf_checkpoint *c, const char *dir,
                       struct tf_err *err)
{
    return tf_dir_make(dir, err) || tf_model_save(c->model, dir, err) ||
                   tf_checkpoint_copy(c->model_dir, c->tokenizer_dir, dir,
                                      err) ||
                   (c->optimizer && write_optimizer(c, dir, err)) ||
                   write_state(c, dir, err) || sync_folder(dir, err)
               ? -1
               : 0;
}

int tf_checkpoint_save(const struct tf_checkpoint *c, struct tf_err *err)
{
    char *path = tf_checkpoint_path(c->output_dir, c->state->step, err);
    char *aside = path ? tf_path(c->output_dir, ".checkpoint-part", err) : NULL;
    char *old = aside ? tf_path(c->output_dir, ".checkpoint-old", err) : NULL;
    struct tf_err later;
    int failed = !old || tf_dir_make(c->output_dir, err) ||
                 remove_folder(aside, err) || remove_folder(old, err) ||
                 write_files(c, aside, err);

    /* one of this step from an earlier run makes place in an instant */
    if (!failed &&
        ((rename(path, old) && errno != ENOENT) || rename(aside, path)))
        failed = tf_fail(err, "%.300s: %s", path, strerror(errno));
    if (!failed)
        failed = sync_folder(c->output_dir, err) || remove_folder(old, err);
    else if (aside)
        remove_folder(aside, &later);
    free(old);
    free(aside);
    free(path);
    return failed ? -1 : 0;
}

static int move_file(const char *from, const char *to, const char *name,
                     struct tf_err *err)
{
    char *source = tf_path(from, name, err);
    char *target = source ? tf_path(to, name, err) : NULL;
    int failed = !target;

    if (!failed && rename(source, target))
        failed = tf_fail(err, "%.300s: %s", target, strerror(errno));
    free(source);
    free(target);
    return failed ? -1 : 0;
}

/* Rename the files of one folder into another: those that hold the weights
 * last, so that none stand there without what belongs to them. */
static int move_files(const char *from, const char *to, struct tf_err *err)
{
    static const char weights[] = "model.safetensors";
    size_t n = sizeof(weights) - 1;
    int failed = 0;

    for (int last = 0; last < 2 && !failed; last++) {
        DIR *d = opendir(from);
        struct dirent *e;

        if (!d)
            return tf_fail(err, "%.300s: %s", from, strerror(errno));
        while (!failed && (e = readdir(d))) {
            size_t len = strlen(e->d_name);
            int is_last = len >= n && !strcmp(e->d_name + len - n, weights);

            if (e->d_name[0] != '.' && is_last == last)
                failed = move_file(from, to, e->d_name, err);
        }
        closedir(d);
    }
    return failed;
}

int tf_checkpoint_finish(const struct tf_checkpoint *c, struct tf_err *err)
{
    char *aside = tf_path(c->output_dir, ".model-part", err);
    struct tf_err later;
    int failed = !aside || tf_dir_make(c->output_dir, err) ||
                 remove_folder(aside, err) || write_files(c, aside, err) ||
                 move_files(aside, c->output_dir, err) ||
                 sync_folder(c->output_dir, err);

    if (aside)
        remove_folder(aside, &later);
    free(aside);
    return failed ? -1 : 0;
}

/* The earliest checkpoint but the best; and how many there are. */
static int64_t earliest(const char *output_dir, int64_t best, int64_t *count)
{
    DIR *d = opendir(output_dir);
    struct dirent *e;
    int64_t found = -1;

    *count = 0;
    while (d && (e = readdir(d))) {
        int64_t step = step_of(e->d_name);

        *count += step >= 0;
        if (step >= 0 && step != best && (found < 0 || step < found))
            found = step;
    }
    if (d)
        closedir(d);
    return found;
}

int tf_checkpoint_rotate(const char *output_dir, int64_t limit, int64_t best,
                         struct tf_err *err)
{
    int64_t last = tf_checkpoint_last(output_dir), step, count;

    /* the latest stays, to go on from it */
    if (limit == 1 && best >= 0 && best != last)
        limit = 2;
    while ((step = earliest(output_dir, best, &count)) >= 0 && count > limit) {
        char *path = tf_checkpoint_path(output_dir, step, err);
        int failed = !path || remove_folder(path, err);

        free(path);
        if (failed)
            return -1;
    }
    return 0;
}

static int read_torch_schedule(const struct tf_checkpoint *c, const char *dir,
                               struct tf_err *err)
{
    char *path = tf_path(dir, "scheduler.pt", err);
    int failed = !path;

    if (path && tf_file_exists(path))
        failed = tf_schedule_pt_load(c->schedule, path, err);
    free(path);
    return failed;
}

int tf_checkpoint_load(const struct tf_checkpoint *c, const char *dir,
                       struct tf_err *err)
{
    return read_state(c, dir, err) || tf_model_load(c->model, dir, err) ||
                   (c->optimizer && read_optimizer(c, dir, err)) ||
                   read_torch_schedule(c, dir, err)
               ? -1
               : 0;
}
