#include "convert/importance.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/io.h"
#include "base/jsonl.h"
#include "base/mem.h"
#include "base/strmap.h"
#include "model/model.h"
#include "text/tokenizer.h"

#define WINDOW 512  /* tokens of a sequence */
#define PASS   1024 /* tokens that run together */

struct layer {
    char *name;
    size_t in, rows;
    double *sum; /* [in] of squares */
    float *mean;
};

struct tf_importance {
    struct layer *layers;
    size_t count, cap;
    struct tf_strmap by_name;
};

/* A run of the model over texts. */
struct measuring {
    struct tf_importance *imp;
    struct tf_model *model;
    struct tf_tokenizer *tok;
    struct tf_tok_state *state;
    struct tf_ctx ctx;
    struct tf_runner runner;
    int32_t ids[2 * PASS];
    size_t start[PASS + 1], sequences, texts;
    size_t window;
};

static struct layer *add_layer(struct tf_importance *imp, const char *name,
                               size_t in, struct tf_err *err)
{
    struct layer *l;

    if (imp->count == imp->cap) {
        size_t cap = imp->cap ? 2 * imp->cap : 64;
        struct layer *grown = tf_grow(imp->layers, cap, sizeof(*l), err);

        if (!grown)
            return NULL;
        imp->layers = grown;
        imp->cap = cap;
    }
    l = &imp->layers[imp->count];
    *l = (struct layer){ .in = in };
    l->name = tf_strndup(name, strlen(name), err);
    l->sum = tf_alloc(in, sizeof(*l->sum), err);
    l->mean = tf_alloc(in, sizeof(*l->mean), err);
    imp->count++;
    if (!l->name || !l->sum || !l->mean ||
        tf_strmap_set(&imp->by_name, l->name, strlen(name),
                      (uint32_t)(imp->count - 1), err))
        return NULL;
    return l;
}

static void see(void *arg, const struct tf_weight *w, const float *x, size_t ld,
                size_t rows)
{
    struct measuring *m = arg;
    struct tf_importance *imp = m->imp;
    uint32_t at;
    struct layer *l;

    if (!w->name || m->ctx.failed)
        return;
    at = tf_strmap_get(&imp->by_name, w->name, strlen(w->name));
    l = at == TF_STRMAP_NONE ? add_layer(imp, w->name, w->in, m->ctx.err)
                             : &imp->layers[at];
    if (!l || l->in != w->in) {
        m->ctx.failed = m->ctx.failed || !l;
        return;
    }
    for (size_t r = 0; r < rows; r++)
        for (size_t i = 0; i < l->in; i++)
            l->sum[i] += (double)x[r * ld + i] * (double)x[r * ld + i];
    l->rows += rows;
}

/* Run the sequences that have gathered. */
static int run(struct measuring *m)
{
    struct tf_arena_mark mark = tf_arena_mark(m->ctx.arena);
    struct tf_batch batch = { .ids = m->ids,
                              .seqs = { m->sequences, m->start } };

    if (m->sequences)
        tf_stack_run(&m->ctx, &m->runner, &m->model->stack, &batch, TF_ROWS_ALL,
                     SIZE_MAX);
    tf_arena_rewind(m->ctx.arena, mark);
    m->sequences = 0;
    return m->ctx.failed ? -1 : 0;
}

static int add_window(struct measuring *m, const int32_t *ids, size_t n)
{
    size_t begin = m->start[m->sequences];

    if (m->sequences && begin + n > PASS) {
        if (run(m))
            return -1;
        begin = 0;
    }
    if (tf_model_check(m->model, ids, NULL, n, m->ctx.err))
        return -1;
    memcpy(m->ids + begin, ids, n * sizeof(*ids));
    m->start[++m->sequences] = begin + n;
    return 0;
}

static int add_text(struct measuring *m, struct tf_str text)
{
    struct tf_encode_opts opts = { 0 };
    struct tf_encoding enc = { 0 };
    struct tf_str none = { 0 };
    int failed = 0;

    if (tf_utf8_valid(text.s, text.len) != text.len)
        return tf_fail(m->ctx.err, "invalid UTF-8");
    failed = tf_tokenizer_encode(m->tok, m->state, &opts, text, none, &enc,
                                 m->ctx.err);
    for (size_t i = 0; !failed && i < enc.windows[0].n; i += m->window) {
        size_t left = enc.windows[0].n - i;

        failed = add_window(m, enc.windows[0].ids + i,
                            left < m->window ? left : m->window);
    }
    tf_encoding_release(&enc);
    m->texts += !failed;
    return failed;
}

static int add_record(struct measuring *m, struct tf_str line)
{
    struct tf_record record = { 0 };
    struct tf_buf text = TF_BUF_INIT;
    int failed = tf_record_parse(&record, line.s, line.len, m->ctx.err) ||
                 tf_record_string(&record, "text", &text, m->ctx.err) ||
                 add_text(m, (struct tf_str){ text.data, text.len });

    tf_record_release(&record);
    tf_buf_release(&text);
    return failed ? -1 : 0;
}

static bool is_blank(struct tf_str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!isspace((unsigned char)s.s[i]))
            return false;
    return true;
}

static int read_lines(struct measuring *m, struct tf_str all)
{
    size_t number = 1, at = 0;
    bool json;

    while (at < all.len && isspace((unsigned char)all.s[at]))
        at++;
    json = at < all.len && all.s[at] == '{';
    for (at = 0; at < all.len; number++) {
        const char *end = memchr(all.s + at, '\n', all.len - at);
        struct tf_str line = { all.s + at, end ? (size_t)(end - all.s) - at
                                               : all.len - at };

        at += line.len + 1;
        if (is_blank(line))
            continue;
        if (json ? add_record(m, line) : add_text(m, line)) {
            char where[32];

            snprintf(where, sizeof(where), "line %zu", number);
            tf_err_at(m->ctx.err, where);
            return -1;
        }
    }
    return run(m);
}

static int read_file(struct measuring *m, const char *file)
{
    struct tf_map map;
    int failed;

    if (tf_map_open(&map, file, m->ctx.err))
        return -1;
    failed = read_lines(m, (struct tf_str){ (const char *)map.data, map.size });
    if (!failed && !m->texts)
        failed = tf_fail(m->ctx.err, "no texts to calibrate by");
    tf_map_close(&map);
    if (failed)
        tf_err_at(m->ctx.err, file);
    return failed;
}

static int measure(struct measuring *m, const char *path, const char *file,
                   struct tf_pool *pool, struct tf_err *err)
{
    struct tf_model_opts opts = { .task = TF_TASK_NONE, .pool = pool };
    size_t most;

    m->model = tf_model_open(path, &opts, err);
    m->tok = m->model ? tf_tokenizer_open(path, err) : NULL;
    m->state = m->tok ? tf_tok_state_new(m->tok, err) : NULL;
    if (!m->state)
        return -1;
    most = tf_model_max_tokens(m->model);
    m->window = most < WINDOW ? most : WINDOW;
    return read_file(m, file);
}

static void finish(struct tf_importance *imp)
{
    for (size_t i = 0; i < imp->count; i++) {
        struct layer *l = &imp->layers[i];

        for (size_t k = 0; k < l->in; k++)
            l->mean[k] = (float)(l->sum[k] / (double)(l->rows ? l->rows : 1));
    }
}

struct tf_importance *tf_importance_measure(const char *path, const char *file,
                                            struct tf_pool *pool,
                                            struct tf_err *err)
{
    struct tf_importance *imp = tf_alloc(1, sizeof(*imp), err);
    struct measuring *m = tf_alloc(1, sizeof(*m), err);
    struct tf_watch watch = { see, m };
    struct tf_arena arena;
    int failed = !imp || !m;

    tf_arena_init(&arena);
    if (!failed) {
        m->imp = imp;
        m->ctx = (struct tf_ctx){
            .pool = pool, .arena = &arena, .err = err, .watch = &watch
        };
        failed = measure(m, path, file, pool, err);
        tf_runner_release(&m->runner);
        tf_tok_state_free(m->state);
        tf_tokenizer_close(m->tok);
        tf_model_close(m->model);
    }
    tf_arena_release(&arena);
    free(m);
    if (failed) {
        tf_importance_free(imp);
        return NULL;
    }
    finish(imp);
    return imp;
}

void tf_importance_free(struct tf_importance *imp)
{
    if (!imp)
        return;
    for (size_t i = 0; i < imp->count; i++) {
        free(imp->layers[i].name);
        free(imp->layers[i].sum);
        free(imp->layers[i].mean);
    }
    free(imp->layers);
    tf_strmap_release(&imp->by_name);
    free(imp);
}

const float *tf_importance_find(const struct tf_importance *imp,
                                const char *name, size_t in)
{
    uint32_t at = tf_strmap_get(&imp->by_name, name, strlen(name));

    return at != TF_STRMAP_NONE && imp->layers[at].in == in
               ? imp->layers[at].mean
               : NULL;
}
