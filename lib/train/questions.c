#include "train/questions.h"

#include <stdlib.h>
#include <string.h>
#include "base/json.h"
#include "base/mem.h"
#include "text/points.h"
#include "train/each_row.h"

/* The windows of one row. */
struct windows {
    struct tf_input *inputs;
    float (*targets)[2];
    size_t count;
};

struct asking {
    const struct tf_dataset_opts *opts;
    const struct tf_question_data *data;
    struct tf_encode_opts how;
    uint8_t side; /* of the pair that is the context */
    struct windows *rows;
    struct tf_question *kept; /* or NULL */
};

struct tf_encode_opts tf_question_encoding(const struct tf_tokenizer *tok,
                                           size_t limit, size_t stride)
{
    const struct tf_tokenizer_info *info = tf_tokenizer_info(tok);

    return (struct tf_encode_opts){
        .want = TF_TOK_OFFSETS | TF_TOK_WORDS,
        .max_length = limit,
        .stride = stride,
        .overflow = true,
        /* XLNet and its like read the context first */
        .truncation = info->pad_left ? TF_ONLY_FIRST : TF_ONLY_SECOND,
        .truncate_left = info->truncate_left,
    };
}

/* The first place of an answer in the context, in code points; -1: none. */
static int64_t look_for(struct tf_str text, struct tf_str context)
{
    for (size_t i = 0; i + text.len <= context.len; i++)
        if (!memcmp(context.s + i, text.s, text.len))
            return (int64_t)tf_points_count((struct tf_str){ context.s, i });
    return -1;
}

/* The code points [*start, *end) of the answer to learn; *end 0: none. */
static int find_answer(struct tf_answers *a, struct tf_str context,
                       size_t *start, size_t *end, struct tf_err *err)
{
    size_t n;

    *start = *end = 0;
    if (!a->count || !a->v[0].len)
        return 0;
    n = tf_points_count(a->v[0]);
    if (a->start < 0)
        a->start = look_for(a->v[0], context);
    if (a->start < 0)
        return tf_fail(err, "the answer does not stand in the context");
    if ((size_t)a->start + n > tf_points_count(context))
        return tf_fail(err, "the answer ends behind the context");
    *start = (size_t)a->start;
    *end = *start + n;
    return 0;
}

static float cls_token(const struct asking *q, const struct tf_window *w)
{
    const struct tf_tokenizer_info *info =
        tf_tokenizer_info(q->opts->tokenizer);
    int32_t cls = info->cls >= 0 ? info->cls : info->bos;

    for (size_t i = 0; i < w->n; i++)
        if (w->ids[i] == cls)
            return (float)i;
    return 0;
}

/* The first and last token of the answer, where the window has all of it. */
static void aim(const struct asking *q, const struct tf_window *w, size_t start,
                size_t end, float target[2])
{
    size_t first = 0, last = w->n, low, high;

    while (first < w->n && w->sequence[first] != q->side)
        first++;
    while (last > first && w->sequence[last - 1] != q->side)
        last--;
    target[0] = target[1] = cls_token(q, w);
    if (!end || first == last || w->offsets[first][0] > start ||
        w->offsets[last - 1][1] < end)
        return;
    for (low = first; low + 1 < last && w->offsets[low + 1][0] <= start;)
        low++;
    for (high = last - 1; high > first && w->offsets[high - 1][1] >= end;)
        high--;
    target[0] = (float)low;
    target[1] = (float)high;
}

static int make_windows(struct windows *row, size_t n, struct tf_err *err)
{
    row->inputs = tf_alloc(n, sizeof(row->inputs[0]), err);
    if (!row->inputs)
        return -1;
    row->count = n;
    row->targets = tf_alloc(n, sizeof(row->targets[0]), err);
    return row->targets ? 0 : -1;
}

static void free_windows(struct windows *row)
{
    for (size_t i = 0; row->inputs && i < row->count; i++)
        tf_input_release(&row->inputs[i]);
    free(row->inputs);
    free(row->targets);
    *row = (struct windows){ 0 };
}

/* A row of ids and the tokens of the answer. */
static int take_ids(struct windows *row, struct tf_input *in,
                    const struct tf_record *rec, struct tf_err *err)
{
    static const char *const names[] = { "start_positions", "end_positions" };

    if (make_windows(row, 1, err))
        return -1;
    row->inputs[0] = *in;
    *in = (struct tf_input){ 0 };
    for (size_t k = 0; k < 2; k++) {
        struct tf_str value = tf_record_get(rec, names[k]);
        struct tf_json j;
        int64_t at = -1;

        tf_json_init(&j, value.s ? value.s : "", value.len);
        tf_json_int(&j, &at);
        tf_json_release(&j);
        if (at < 0 || (size_t)at >= row->inputs[0].n)
            return tf_fail(err, "\"%s\" is none of the input_ids", names[k]);
        row->targets[0][k] = (float)at;
    }
    return 0;
}

/* Keep what judging needs; the encoding goes over. */
static int keep(struct tf_question *kept, struct tf_str context,
                struct tf_answers *answers, struct tf_encoding *windows,
                struct tf_err *err)
{
    kept->context = tf_strndup(context.s, context.len, err);
    if (!kept->context)
        return -1;
    kept->context_len = context.len;
    kept->answers = *answers;
    *answers = (struct tf_answers){ 0 };
    kept->windows = *windows;
    *windows = (struct tf_encoding){ 0 };
    return 0;
}

static int encode(struct asking *q, struct tf_row_work *w, size_t i,
                  struct tf_answers *answers, struct tf_err *err)
{
    const struct tf_question_data *data = q->data;
    struct windows *row = &q->rows[i];
    struct tf_str question, context;
    bool second = q->side;
    size_t start, end;

    if (tf_record_text(&w->record, data->question, &w->text, &question, err) ||
        tf_record_text(&w->record, data->context, &w->pair, &context, err) ||
        tf_answers_read(answers, tf_record_get(&w->record, data->answers),
                        err) ||
        find_answer(answers, context, &start, &end, err) ||
        tf_tokenizer_encode(q->opts->tokenizer, w->state, &q->how,
                            second ? question : context,
                            second ? context : question, &w->encoding, err) ||
        make_windows(row, w->encoding.count, err))
        return -1;
    for (size_t k = 0; k < row->count; k++) {
        struct tf_input *in = &row->inputs[k];

        if (tf_input_take(in, &w->encoding.windows[k], err))
            return -1;
        if (!in->n)
            return tf_fail(err, "the question has no tokens");
        if (!tf_tokenizer_info(q->opts->tokenizer)->has_type_ids)
            memset(in->type_ids, 0, in->n);
        aim(q, &w->encoding.windows[k], start, end, row->targets[k]);
    }
    return q->kept ? keep(&q->kept[i], context, answers, &w->encoding, err) : 0;
}

static int ask_row(void *arg, struct tf_row_work *w, size_t i,
                   struct tf_err *err)
{
    struct asking *q = arg;
    struct tf_answers answers = { 0 };
    struct tf_input in = { 0 };
    int given = tf_input_read(&in, &w->record, err), failed;

    free_windows(&q->rows[i]); /* of a first try that failed */
    failed = given < 0;
    if (given > 0)
        failed = q->kept ? tf_fail(err, "a question without its text can't be "
                                        "judged")
                         : take_ids(&q->rows[i], &in, &w->record, err);
    else if (!failed)
        failed = encode(q, w, i, &answers, err);
    tf_answers_release(&answers);
    tf_input_release(&in);
    return failed ? -1 : 0;
}

/* All rows' windows become the data set's inputs. */
static int gather(struct asking *q, struct tf_dataset *d, size_t rows,
                  struct tf_err *err)
{
    size_t n = 0;

    for (size_t i = 0; i < rows; i++)
        n += q->rows[i].count;
    d->cols = 2;
    if (tf_dataset_make(d, n, false, err))
        return -1;
    d->targets = tf_alloc(n, 2 * sizeof(d->targets[0]), err);
    if (!d->targets)
        return -1;
    n = 0;
    for (size_t i = 0; i < rows; i++) {
        struct windows *row = &q->rows[i];

        if (q->kept) {
            q->kept[i].first = n;
            q->kept[i].count = row->count;
        }
        for (size_t k = 0; k < row->count; k++, n++) {
            d->inputs[n] = row->inputs[k];
            row->inputs[k] = (struct tf_input){ 0 };
            memcpy(d->targets + 2 * n, row->targets[k],
                   sizeof(row->targets[k]));
        }
    }
    return 0;
}

int tf_dataset_questions(struct tf_dataset *d, const struct tf_table *t,
                         const struct tf_dataset_opts *opts,
                         const struct tf_question_data *data,
                         struct tf_question **kept, struct tf_err *err)
{
    struct asking q = { .opts = opts, .data = data };
    int failed;

    q.how = tf_question_encoding(opts->tokenizer, opts->limit, data->stride);
    q.side = q.how.truncation == TF_ONLY_SECOND;
    q.rows = tf_alloc(t->count, sizeof(q.rows[0]), err);
    failed = !q.rows;
    if (!failed && kept) {
        *kept = q.kept = tf_alloc(t->count, sizeof(q.kept[0]), err);
        failed = !q.kept;
    }
    failed = failed ||
             tf_each_row(t, opts->tokenizer, opts->pool, ask_row, &q, err) ||
             gather(&q, d, t->count, err);
    for (size_t i = 0; q.rows && i < t->count; i++)
        free_windows(&q.rows[i]);
    free(q.rows);
    return failed ? -1 : 0;
}

void tf_questions_free(struct tf_question *questions, size_t n)
{
    for (size_t i = 0; questions && i < n; i++) {
        free(questions[i].context);
        tf_answers_release(&questions[i].answers);
        tf_encoding_release(&questions[i].windows);
    }
    free(questions);
}
