/* Private to lib/train: a trainer and its parts. */
#ifndef TF_TRAIN_TRAINER_PARTS_H
#define TF_TRAIN_TRAINER_PARTS_H

#include "chat/chat.h"
#include "model/model.h"
#include "nn/tape.h"
#include "task/generation.h"
#include "train/checkpoint.h"
#include "train/compute.h"
#include "train/dataset.h"
#include "train/labels.h"
#include "train/metrics.h"
#include "train/questions.h"
#include "train/schedule.h"
#include "train/tensorboard.h"
#include "train/tokens.h"
#include "train/trainer.h"

#define TF_PART_TOKENS 1024 /* of one pass: it bounds what a step keeps */

struct tf_trainer {
    const struct tf_train_config *config;
    const struct tf_train_hooks *hooks;
    struct tf_pool *pool;
    const char *model_dir, *tokenizer_dir;

    struct tf_tokenizer *tokenizer;
    struct tf_tokenizer *targets_tokenizer; /* of seq2seq, else NULL */
    struct tf_model *model;
    struct tf_labels labels;
    struct tf_dataset train, valid;
    struct tf_question *questions; /* of `valid`, of question answering */
    size_t question_count;

    struct tf_param *params; /* those that are trained */
    size_t param_count;
    float *grads;       /* [grad_count]: of all */
    uint8_t *grad_rows; /* of those of matrices, one after another; or NULL */
    size_t grad_count;
    struct tf_optimizer *optimizer;
    struct tf_schedule schedule;

    /* of the step that runs */
    struct tf_arena arena;
    struct tf_tape tape;
    struct tf_runner runner;
    struct tf_joined joined;
    struct tf_joined decoded; /* what an encoder-decoder's decoder reads */
    float *targets;           /* of one part */
    size_t target_room;
    int32_t *token_labels; /* [T] of one part, where tokens have some */
    size_t label_room;
    struct tf_token_goals goals;
    struct tf_generation generation; /* of an evaluation by generate() */
    struct tf_chat *chat;            /* of chats, else NULL */
    bool alone; /* sequences go through the model one by one */

    uint32_t *order; /* of the epoch's records */
    size_t batches;  /* in an epoch */
    int64_t steps_per_epoch, max_steps;
    int64_t logging_steps, eval_steps, save_steps;
    struct tf_train_state state;
    int64_t saved;    /* output_dir's last checkpoint of this run; 0: none */
    json_t *settings; /* for trainer_state.json */
    struct tf_events *events;
    struct tf_err lost;  /* why they ended before the run; no message: not */
    struct tf_buf pairs; /* what compute_metrics reads */
    json_t *computed;    /* what it printed last */
    double last_norm, last_rate; /* of the last step */
    bool told_to_stop;           /* one of several processes was */
    bool early;                  /* patience is at its end */
    bool best_now;               /* the step's evaluation is the best so far */
};

/* trainer_data.c: what the task reads of a table. Labels are of the tasks that
 * have some; to be found in the training table, or the model's config where the
 * data has only ids. */
int tf_train_read_labels(const struct tf_trainer *t,
                         struct tf_label_column *labels,
                         const struct tf_table *table, struct tf_err *err);
int tf_train_find_labels(struct tf_trainer *t,
                         const struct tf_label_column *column,
                         const struct tf_table *table, const char *dir,
                         struct tf_err *err);
int tf_train_dataset(struct tf_trainer *t, struct tf_dataset *d,
                     const struct tf_table *table,
                     const struct tf_label_column *labels, struct tf_err *err);

/* One optimizer step over the records order[first, end), which are so many
 * batches of the config's size. Gives the loss. */
int tf_train_step(struct tf_trainer *t, const uint32_t *records, size_t n,
                  double *loss, struct tf_err *err);

/* Join records (NULL: 0, 1, ...) of a dataset from `first` on, up to so many
 * tokens, with their targets or labels; `step` chooses what is masked. Returns
 * the end; 0 on failure. */
size_t tf_train_join(struct tf_trainer *t, const struct tf_dataset *d,
                     const uint32_t *records, size_t first, size_t n,
                     uint64_t step, struct tf_err *err);
/* What the loss of records [first, end) is divided by. */
float tf_train_denominator(const struct tf_trainer *t,
                           const struct tf_dataset *d, const uint32_t *records,
                           size_t first, size_t end, uint64_t step);
/* The loss of what was joined. */
struct tf_tensor *tf_train_joined_loss(struct tf_trainer *t, struct tf_ctx *ctx,
                                       struct tf_runner *runner,
                                       float denominator);

/* The loss of logits for targets [rows][cols] with this denominator. */
struct tf_tensor *tf_train_loss(struct tf_ctx *ctx, const struct tf_trainer *t,
                                struct tf_tensor *logits, const float *targets,
                                float denominator);

/* That of logits [T][2] for windows' first and last tokens [count][2]. */
struct tf_tensor *tf_train_span_loss(struct tf_ctx *ctx,
                                     struct tf_tensor *logits,
                                     const struct tf_seqs *seqs,
                                     const float *targets, float denominator);

/* How a task's validation records are judged, a batch of them after the other.
 */
struct tf_evaluation {
    void *arg;
    /* Append what the model gives for the records [first, end). */
    int (*run)(void *arg, size_t first, size_t end, struct tf_buf *out,
               struct tf_err *err);
    /* Judge it; n bytes, aligned for floats. */
    int (*take)(void *arg, size_t first, size_t end, const char *given,
                size_t n, struct tf_err *err);
};

/* Run all batches, each of several processes its share of them; the first one
 * judges what all give, in the order of the records: evaluate_share.c. */
int tf_train_evaluate_parts(struct tf_trainer *t, const struct tf_evaluation *e,
                            struct tf_err *err);

/* The loss over the validation records, and their metrics; of several processes
 * the first one gets them. */
int tf_train_evaluate(struct tf_trainer *t, double *loss,
                      struct tf_metrics *metrics, struct tf_err *err);
/* Are the metrics that the config names there? */
int tf_train_check_metrics(struct tf_trainer *t, struct tf_err *err);

/* Metrics of what an encoder-decoder generates for the validation sources, and
 * how it is asked to: evaluate_texts.c. */
int tf_train_evaluate_texts(struct tf_trainer *t, struct tf_metrics *metrics,
                            struct tf_err *err);
int tf_train_read_generation(struct tf_trainer *t, const char *dir,
                             struct tf_err *err);

/* The same of a token-classification, evaluate_tags.c, and of question
 * answering, evaluate_answers.c. */
int tf_train_evaluate_answers(struct tf_trainer *t, double *loss,
                              struct tf_metrics *metrics, struct tf_err *err);
int tf_train_evaluate_tags(struct tf_trainer *t, double *loss,
                           struct tf_metrics *metrics, struct tf_err *err);

/* trainer_log.c: lines for people and programs, TensorBoard where the config
 * asks for it, log_history. Logging takes `row`. */
int tf_train_open_events(struct tf_trainer *t, struct tf_err *err);
int tf_train_log(struct tf_trainer *t, json_t *row, struct tf_err *err);
int tf_train_log_steps(struct tf_trainer *t, struct tf_err *err);
int tf_train_log_metrics(struct tf_trainer *t, double loss,
                         const struct tf_metrics *metrics, double seconds,
                         struct tf_err *err);
int tf_train_log_end(struct tf_trainer *t, double seconds, struct tf_err *err);
#endif
