#include "cmd/cli_private.h"

#include <stdlib.h>
#include <string.h>
#include "base/io.h"
#include "base/mem.h"

/* How far reading runs ahead of answering: the tools that run a model need
 * some batches, the others enough to keep the threads busy. */
#define AHEAD_RECORDS_RUN 512
#define AHEAD_BYTES_RUN   ((size_t)256 << 10)
#define AHEAD_RECORDS     2048
#define AHEAD_BYTES       ((size_t)1 << 20)

#define BUDGET      1024  /* tokens of one batch, when the tool says nothing */
#define ANSWER_TIME 0.1   /* no answer is kept back for more seconds */
#define KEEP        65536 /* a larger buffer is not kept for the next record */

struct cli_counts cli_counts;

/* The records between reading and printing: a ring, oldest at `head`. */
struct loop {
    const struct cli_tool *tool;
    void *arg;
    struct cli_input *in;
    struct cli_item **ring, **batch;
    size_t cap, head, count;
    size_t prepared; /* of count */
    size_t bytes;    /* of the records from here on, unprepared */
    size_t index;    /* of the next record in the run */
    double flushed;  /* when */
    int status;
    bool stop;
};

static struct cli_item *at(struct loop *l, size_t i)
{
    return l->ring[(l->head + i) % l->cap];
}

static struct cli_item *new_item(const struct cli_tool *tool)
{
    struct tf_err err;
    struct cli_item *item = tf_alloc(1, sizeof(*item), &err);

    if (item)
        item->p = tf_alloc(1, sizeof(*item->p), &err);
    if (item)
        item->data = tf_alloc(1, tool->data_size, &err);
    if (!item || !item->p || !item->data)
        cli_die(CLI_FILE, "%s", err.msg);
    return item;
}

static void free_item(const struct cli_tool *tool, struct cli_item *item)
{
    if (tool->data_release)
        tool->data_release(item->data);
    free(item->data);
    tf_record_release(&item->record);
    tf_buf_release(&item->out);
    tf_buf_release(&item->p->line);
    tf_buf_release(&item->p->member);
    tf_buf_release(&item->p->printed);
    free(item->p->added);
    free(item->p);
    free(item);
}

static size_t skipped; /* records at the start that get no answer */

void cli_skip(size_t records)
{
    skipped = records;
}

static void add(struct loop *l, const struct cli_line *line)
{
    struct cli_item **place = &l->ring[(l->head + l->count) % l->cap];
    struct cli_item *item;

    if (l->index < skipped) {
        l->index++;
        return;
    }
    if (!*place)
        *place = new_item(l->tool);
    item = *place;
    item->file = line->file;
    item->line = line->number;
    item->plain = !line->json;
    item->index = l->index++;
    item->p->too_large = line->too_large;
    tf_buf_reset(&item->p->line);
    tf_buf_add(&item->p->line, line->text.s, line->text.len);
    l->bytes += line->text.len;
    l->count++;
}

static void grow_ring(struct loop *l)
{
    struct cli_item **ring, **batch;
    struct tf_err err;
    size_t i;

    ring = tf_alloc(l->cap, 2 * sizeof(*ring), &err);
    batch = tf_grow(l->batch, l->cap, 2 * sizeof(*batch), &err);
    if (!ring || !batch)
        cli_die(CLI_FILE, "%s", err.msg);
    for (i = 0; i < l->cap; i++)
        ring[i] = at(l, i);
    free(l->ring);
    l->ring = ring;
    l->batch = batch;
    l->head = 0;
    l->cap *= 2;
}

/* Take in records as long as there is room and no waiting. Waiting is allowed
 * when all that came is answered and printed, or must be held. */
static enum cli_next gather(struct loop *l)
{
    size_t max = l->tool->run ? AHEAD_BYTES_RUN : AHEAD_BYTES;
    size_t room = l->tool->hold ? l->tool->hold : l->cap;
    struct cli_line line;
    enum cli_next next;

    while (l->count < room && l->bytes < max) {
        if (l->count == l->cap)
            grow_ring(l);
        next = cli_input_next(l->in, false, &line, &l->status);
        if (next == CLI_NEXT_DRY && (!l->count || l->tool->hold)) {
            cli_flush();
            next = cli_input_next(l->in, true, &line, &l->status);
        }
        if (next != CLI_NEXT_LINE)
            return next;
        add(l, &line);
    }
    return CLI_NEXT_LINE;
}

/* Make the record {"text": LINE}. */
static int read_plain(struct cli_item *item)
{
    struct tf_buf *text = &item->p->line, *b = &item->p->member;
    size_t valid = tf_utf8_valid(text->data, text->len), name;
    struct tf_record *rec = &item->record;
    struct tf_buf repaired = TF_BUF_INIT;

    if (!rec->members) {
        rec->members = tf_alloc(1, sizeof(*rec->members), &item->err);
        if (!rec->members)
            return -1;
        rec->cap = 1;
    }
    tf_buf_reset(b);
    tf_put_string(b, cli.field, strlen(cli.field));
    tf_buf_add(b, ": ", 2);
    name = b->len;
    if (valid < text->len)
        tf_utf8_repair(&repaired, text->data, text->len);
    if (valid < text->len)
        tf_put_string(b, repaired.data, repaired.len);
    else
        tf_put_string(b, text->data, text->len);
    b->failed |= repaired.failed;
    tf_buf_release(&repaired);
    if (b->failed)
        return tf_no_memory(&item->err, text->len);
    rec->count = 1;
    rec->members[0] = (struct tf_member){
        .name = { cli.field, strlen(cli.field) },
        .raw = { b->data, b->len },
        .value = { b->data + name, b->len - name },
        .plain = b->len - name == text->len + 2,
    };
    if (valid < text->len)
        return tf_fail_code(&item->err, "invalid_utf8",
                            "byte %zu of the line (0x%02x) is not valid UTF-8",
                            valid + 1, (unsigned char)text->data[valid]);
    return 0;
}

static int read_record(struct cli_item *item)
{
    struct cli_item_private *p = item->p;

    item->record.count = 0;
    if (p->too_large)
        return tf_fail_code(&item->err, "too_large",
                            "the record is larger than %zu bytes",
                            CLI_RECORD_MAX);
    if (p->line.failed)
        return tf_no_memory(&item->err, CLI_RECORD_MAX);
    if (item->plain)
        return read_plain(item);
    return tf_record_parse(&item->record, p->line.data, p->line.len,
                           &item->err);
}

static void prepare_item(struct loop *l, struct cli_item *item, int worker)
{
    struct cli_item_private *p = item->p;

    item->worker = worker;
    item->failed = false;
    item->err = (struct tf_err){ .code = NULL };
    tf_buf_reset(&item->out);
    p->count = p->records = p->tokens = 0;
    p->cost = read_record(item) ? 0 : l->tool->prepare(l->arg, item);
    if (!p->cost)
        item->failed = true;
    if (!l->tool->run)
        cli_render(item);
}

struct share {
    struct loop *loop;
    size_t first, n, size;
};

static void prepare_share(void *arg, size_t i, int worker)
{
    struct share *s = arg;
    size_t k, end = (i + 1) * s->size;

    for (k = i * s->size; k < end && k < s->n; k++)
        prepare_item(s->loop, at(s->loop, s->first + k), worker);
}

static void prepare(struct loop *l)
{
    struct share s = { l, l->prepared, l->count - l->prepared, 1 };
    size_t threads = (size_t)tf_pool_threads(cli.pool);

    while (s.size < 16 && s.n / s.size > threads * 16)
        s.size *= 2;
    tf_pool_run(cli.pool, (s.n + s.size - 1) / s.size, prepare_share, &s);
    l->prepared = l->count;
    l->bytes = 0;
}

/* How many records from the head make the next batch, those that failed among
 * them; 0 when more may join it and there is room for more. */
static size_t batch_end(struct loop *l, bool last)
{
    size_t hold = l->tool->hold;
    size_t budget = l->tool->token_budget ? l->tool->token_budget : BUDGET;
    size_t most = cli.batch_size ? (size_t)cli.batch_size : SIZE_MAX;
    size_t i, n = 0, cost = 0;

    for (i = 0; i < l->count; i++) {
        struct cli_item *item = at(l, i);

        if (item->failed) {
            if (cli_settings.fail_fast)
                return i + 1;
            continue;
        }
        if (!hold && (n == most || (n && item->p->cost > budget - cost)))
            return i;
        n++;
        cost += item->p->cost < budget ? item->p->cost : budget;
    }
    last = last || (hold ? l->count == hold : l->count == l->cap);
    return last || !l->tool->run ? l->count : 0;
}

/* Answer the first n records. */
static void run_batch(struct loop *l, size_t n)
{
    struct tf_err err;
    size_t i, m = 0;

    for (i = 0; i < n; i++)
        if (!at(l, i)->failed)
            l->batch[m++] = at(l, i);
    if (!m)
        return;
    if (l->tool->run(l->arg, l->batch, m, &err)) {
        cli_flush();
        cli_warn("%s", err.msg);
        l->stop = true;
        i = (size_t)cli_status_of(&err);
        if (l->status < (int)i)
            l->status = (int)i;
    }
}

static void shrink(struct tf_buf *b)
{
    if (b->cap > KEEP)
        tf_buf_release(b);
}

static void print_item(struct loop *l, struct cli_item *item)
{
    if (item->failed && cli.format != CLI_JSONL)
        cli_warn("%s:%zu: %s", item->file ? item->file : "standard input",
                 item->line, item->err.msg);
    cli_out(item->p->printed.data, item->p->printed.len);
    cli_counts.records++;
    cli_counts.tokens += item->p->tokens;
    if (item->failed) {
        cli_counts.errors++;
        if (l->status < CLI_SOME_FAILED)
            l->status = CLI_SOME_FAILED;
        l->stop = cli_settings.fail_fast;
    }
    shrink(&item->out);
    shrink(&item->p->line);
    shrink(&item->p->member);
    shrink(&item->p->printed);
}

static void print_items(struct loop *l, size_t n)
{
    struct cli_item *item;

    if (tf_map_broken()) {
        cli_flush();
        cli_die(CLI_FILE, "a file of the model was cut short while in use: "
                          "the answers from here on would be wrong");
    }
    for (; n && !l->stop; n--) {
        item = at(l, 0);
        if (l->tool->run)
            cli_render(item);
        print_item(l, item);
        l->head = (l->head + 1) % l->cap;
        l->count--;
        l->prepared--;
    }
    if (cli_now() - l->flushed > ANSWER_TIME) {
        cli_flush();
        l->flushed = cli_now();
    }
    cli_progress_show(l->in);
}

static void answer(struct loop *l, bool last)
{
    size_t n;

    while (l->count && !l->stop) {
        n = batch_end(l, last);
        if (!n)
            return;
        if (l->tool->run)
            run_batch(l, n);
        if (!l->stop)
            print_items(l, n);
    }
}

static void start(struct loop *l, char **files)
{
    struct tf_err err;

    l->cap = l->tool->run ? AHEAD_RECORDS_RUN : AHEAD_RECORDS;
    l->ring = tf_alloc(l->cap, sizeof(struct cli_item *), &err);
    l->batch = tf_alloc(l->cap, sizeof(struct cli_item *), &err);
    l->in = cli_input_new(files, &err);
    if (!l->ring || !l->batch || !l->in)
        cli_die(CLI_FILE, "%s", err.msg);
    l->flushed = cli_now();
    cli_pool();
}

int cli_each(const struct cli_tool *tool, char **files, void *arg)
{
    struct loop l = { .tool = tool, .arg = arg };
    enum cli_next next;
    size_t i;

    start(&l, files);
    do {
        next = gather(&l);
        prepare(&l);
        answer(&l,
               next == CLI_NEXT_END || (next == CLI_NEXT_DRY && !tool->hold));
    } while (next != CLI_NEXT_END && !l.stop);
    cli_progress_clear();
    cli_input_free(l.in);
    for (i = 0; i < l.cap; i++)
        if (l.ring[i])
            free_item(tool, l.ring[i]);
    free(l.ring);
    free(l.batch);
    return l.status;
}
