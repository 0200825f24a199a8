/* tf-embed - turn texts into vectors */
#include "cmd/cli_reader.h"

#include <stdlib.h>
#include <string.h>
#include "base/json.h"
#include "base/mem.h"
#include "task/embed.h"
#include "task/similar.h"
#include "text/lower.h"

enum { POOL_MEAN, POOL_CLS, POOL_LAST, POOL_NONE };

static int pooling;
static bool pooling_given, normalize, no_normalize, layer_given;
static int64_t layer, dim, top_k = 5;
static const char *prompt_name, *similar_file;

static const struct cli_opt opts[] = {
    { 0, "pooling", CLI_CHOICE, &pooling, "mean|cls|last|none",
      "make one vector of those of the tokens; none: a vector a token; when "
      "not given, what the model's folder says, else mean",
      0, 0, &pooling_given },
    { 0, "normalize", CLI_FLAG_ON, &normalize, NULL,
      "scale vectors to length 1" },
    { 0, "no-normalize", CLI_FLAG_ON, &no_normalize, NULL,
      "don't, whatever the model's folder says" },
    { 0, "layer", CLI_INT, &layer, "N",
      "take the hidden states after layer N; 0: the embeddings, -1: the last",
      -100000, 100000, &layer_given },
    { 0, "dim", CLI_INT, &dim, "N", "keep the first N numbers of a vector", 1,
      INT32_MAX },
    { 0, "prompt-name", CLI_STRING, &prompt_name, "NAME",
      "put this prompt of the model's folder before each text; empty: none" },
    { 0, "format", CLI_CHOICE, &cli.format, "jsonl|tsv|f32",
      "how answers are printed; f32: the numbers alone, as little-endian "
      "float32" },
    { 0, "similar", CLI_FILE_NAME, &similar_file, "FILE",
      "instead of vectors add neighbours: the records of FILE that are "
      "nearest" },
    { 'k', "top-k", CLI_INT, &top_k, "N", "how many neighbours", 1, 1e9 },
    CLI_END,
};

struct encoder {
    struct cli_reader reader;
    struct tf_embedder embedder;
    size_t layers; /* SIZE_MAX: all */
    const char *prompt;
    size_t prompt_tokens;
    size_t *skip; /* of a batch */
    size_t skip_cap;
    /* of --similar */
    struct tf_similar similar;
    struct tf_candidate *nearest;
    size_t nearest_cap;
};

/* A record's tokens, or the vector that it brings. */
struct text {
    struct tf_buf text, prompted;
    struct tf_input in;
    size_t skip; /* tokens of its prompt */
    float *vector;
    size_t dim, cap;
};

static void release(void *data)
{
    struct text *d = data;

    tf_buf_release(&d->text);
    tf_buf_release(&d->prompted);
    tf_input_release(&d->in);
    free(d->vector);
}

/* The prompt and the text after it, as the tokenizer shall see them. */
static int add_prompt(const struct encoder *e, struct tf_buf *out,
                      struct tf_str text, struct tf_err *err)
{
    struct tf_str prompt = { e->prompt, e->prompt ? strlen(e->prompt) : 0 };

    tf_buf_reset(out);
    if (e->embedder.lower_case) {
        tf_put_lower(out, prompt);
        tf_put_lower(out, text);
    } else {
        tf_buf_add(out, prompt.s, prompt.len);
        tf_buf_add(out, text.s, text.len);
    }
    return out->failed ? tf_no_memory(err, text.len) : 0;
}

static size_t prepare(void *arg, struct cli_item *item)
{
    struct encoder *e = arg;
    struct text *d = item->data;
    struct tf_str text, none = { NULL, 0 };

    d->skip = d->dim = 0;
    if (tf_record_get(&item->record, "input_ids").s ||
        (!e->prompt && !e->embedder.lower_case))
        return cli_reader_read(&e->reader, item, &d->in) ? 0 : d->in.n;
    if (tf_record_text(&item->record, cli.field, &d->text, &text, &item->err) ||
        add_prompt(e, &d->prompted, text, &item->err))
        return 0;
    text = (struct tf_str){ d->prompted.len ? d->prompted.data : "",
                            d->prompted.len };
    d->skip = e->prompt_tokens;
    return cli_reader_encode(&e->reader, item, text, none, TF_LONGEST_FIRST,
                             &d->in)
               ? 0
               : d->in.n;
}

/* Embed the items, all of which have tokens. */
static int embed(struct encoder *e, struct cli_item **items, size_t n,
                 struct tf_result *out, struct tf_err *err)
{
    const struct tf_batch *batch = &e->reader.joined.batch;
    struct tf_result hidden;

    if (n > e->skip_cap) {
        size_t *grown = tf_grow(e->skip, n, sizeof(*grown), err);

        if (!grown)
            return -1;
        e->skip = grown;
        e->skip_cap = n;
    }
    tf_join_reset(&e->reader.joined);
    for (size_t i = 0; i < n; i++) {
        const struct text *d = items[i]->data;

        e->skip[i] = d->skip;
        if (tf_join_add(&e->reader.joined, &d->in, err))
            return -1;
    }
    return tf_session_hidden(e->reader.session, batch, e->layers, &hidden,
                             err) ||
                   tf_embed(&e->embedder, cli_pool(), &batch->seqs, hidden.data,
                            e->skip, out, err)
               ? -1
               : 0;
}

/* rows vectors: one, or with --pooling none one a token. */
static void put_rows(struct cli_item *item, const float *v, size_t rows,
                     size_t n)
{
    if (cli.format == CLI_RAW) {
        tf_put_vector_raw(&item->out, v, rows * n);
        return;
    }
    cli_put(item, "embedding");
    if (pooling_given && pooling == POOL_NONE) {
        for (size_t i = 0; i < rows; i++) {
            tf_buf_adds(&item->out, i ? ", " : "[");
            tf_put_vector(&item->out, v + i * n, n);
        }
        tf_buf_addc(&item->out, ']');
    } else {
        tf_put_vector(&item->out, v, n);
    }
}

static int find_neighbours(struct encoder *e, struct cli_item **items, size_t n,
                           const struct tf_result *r, struct tf_err *err)
{
    size_t k =
        (size_t)top_k < e->similar.count ? (size_t)top_k : e->similar.count;
    long found;

    if (n * k > e->nearest_cap) {
        struct tf_candidate *grown =
            tf_grow(e->nearest, n * k, sizeof(*grown), err);

        if (!grown)
            return -1;
        e->nearest = grown;
        e->nearest_cap = n * k;
    }
    found = tf_similar_find(&e->similar, cli_pool(), r->data, n, k, e->nearest,
                            err);
    if (found < 0)
        return -1;
    for (size_t i = 0; i < n; i++)
        if (!cli_reader_finite(items[i], r->data + i * r->cols, r->cols)) {
            cli_put(items[i], "neighbours");
            tf_put_neighbours(&items[i]->out, &e->similar, e->nearest + i * k,
                              (size_t)found);
        }
    return 0;
}

static int run(void *arg, struct cli_item **items, size_t n, struct tf_err *err)
{
    struct encoder *e = arg;
    struct tf_result r;
    const float *v;

    if (embed(e, items, n, &r, err))
        return -1;
    if (similar_file)
        return find_neighbours(e, items, n, &r, err);
    v = r.data;
    for (size_t i = 0; i < n; i++) {
        size_t rows = pooling_given && pooling == POOL_NONE
                          ? ((struct text *)items[i]->data)->in.n
                          : 1;

        if (!cli_reader_finite(items[i], v, rows * r.cols))
            put_rows(items[i], v, rows, r.cols);
        v += rows * r.cols;
    }
    return 0;
}

/* Take the record's own "embedding". 1, 0 when it has none, or -1. */
static int read_vector(const struct encoder *e, struct cli_item *item)
{
    struct text *d = item->data;
    struct tf_str value = tf_record_get(&item->record, "embedding");
    struct tf_json j;
    size_t n = 0;
    double x;

    if (!value.s)
        return 0;
    if (e->embedder.dim > d->cap) {
        float *grown =
            tf_grow(d->vector, e->embedder.dim, sizeof(*grown), &item->err);

        if (!grown)
            return -1;
        d->vector = grown;
        d->cap = e->embedder.dim;
    }
    tf_json_init(&j, value.s, value.len);
    if (tf_json_array(&j))
        for (; tf_json_item(&j) && tf_json_double(&j, &x); n++)
            if (n < e->embedder.dim)
                d->vector[n] = (float)x;
    if (j.what || n != e->embedder.dim)
        tf_fail_code(&item->err, "bad_field",
                     "\"embedding\" is not a list of %zu numbers",
                     e->embedder.dim);
    n = j.what || n != e->embedder.dim ? 0 : n;
    tf_json_release(&j);
    d->dim = n;
    return n ? 1 : -1;
}

static size_t prepare_similar(void *arg, struct cli_item *item)
{
    struct encoder *e = arg;
    int given = read_vector(e, item);

    if (given)
        return given < 0 ? 0 : 1;
    return prepare(arg, item);
}

static int run_similar(void *arg, struct cli_item **items, size_t n,
                       struct tf_err *err)
{
    struct encoder *e = arg;
    struct cli_item **texts = tf_alloc(n, sizeof(*texts), err);
    struct tf_result r = { NULL, 0, 0 };
    size_t count = 0, row = 0;
    int failed = !texts;

    for (size_t i = 0; !failed && i < n; i++)
        if (!((struct text *)items[i]->data)->dim)
            texts[count++] = items[i];
    failed = failed || (count && embed(e, texts, count, &r, err));
    free(texts);
    for (size_t i = 0; !failed && i < n; i++) {
        const struct text *d = items[i]->data;
        const float *v = d->dim ? d->vector : r.data + row++ * r.cols;

        if (!cli_reader_finite(items[i], v, e->embedder.dim))
            failed = tf_similar_add(&e->similar, v, e->embedder.dim,
                                    tf_record_get(&items[i]->record, cli.field),
                                    err);
    }
    return failed ? -1 : 0;
}

/* Read the records of --similar, which print nothing. */
static void read_similar(struct encoder *e)
{
    static const struct cli_tool tool = {
        .name = "tf-embed",
        .shared = CLI_RECORDS | CLI_MODEL,
        .data_size = sizeof(struct text),
        .data_release = release,
        .prepare = prepare_similar,
        .run = run_similar,
    };
    char *name = strdup(similar_file), *files[] = { name, NULL };
    int format = cli.format, status;

    if (!name)
        cli_die(CLI_FILE, "no memory");
    cli.format = CLI_RAW;
    status = cli_each(&tool, files, e);
    cli.format = format;
    free(name);
    if (status)
        cli_die(CLI_FILE, "%s: not all of its records can be compared with",
                similar_file);
}

/* The prompt that is asked for, and how many tokens of a text it takes, the
 * special ones before it included. */
static void choose_prompt(struct encoder *e)
{
    const struct tf_embedder *m = &e->embedder;
    const char *name = prompt_name ? prompt_name : m->default_prompt;
    struct tf_encode_opts encode = { .max_length = e->reader.max_tokens };
    struct tf_encoding enc = { 0 };
    struct tf_buf text = TF_BUF_INIT;
    struct tf_tok_state *state;
    struct tf_str none = { NULL, 0 };
    struct tf_err err;
    const struct tf_window *w;

    if (!name || !*name)
        return;
    e->prompt = tf_embedder_prompt(m, name);
    if (!e->prompt)
        cli_usage("--prompt-name: the model has no prompt \"%s\"", name);
    if (!tf_embedder_skips_prompt(m) || !*e->prompt)
        return;
    state = tf_tok_state_new(e->reader.tokenizer, &err);
    if (!state || add_prompt(e, &text, (struct tf_str){ "", 0 }, &err) ||
        tf_tokenizer_encode(e->reader.tokenizer, state, &encode,
                            (struct tf_str){ text.data, text.len }, none, &enc,
                            &err))
        cli_die(CLI_FILE, "%s", err.msg);
    w = &enc.windows[0];
    e->prompt_tokens = w->n;
    if (w->n && tf_tokenizer_is_special(e->reader.tokenizer, w->ids[w->n - 1]))
        e->prompt_tokens--;
    tf_encoding_release(&enc);
    tf_tok_state_free(state);
    tf_buf_release(&text);
}

static void choose_layer(struct encoder *e)
{
    int64_t layers = (int64_t)e->reader.model->stack.spec->layers;

    e->layers = SIZE_MAX;
    if (!layer_given)
        return;
    if (layer < -layers - 1 || layer > layers)
        cli_usage("--layer: the model has %lld layers", (long long)layers);
    if (layer < 0)
        layer += layers + 1;
    if (layer < layers)
        e->layers = (size_t)layer;
}

/* The folder's max_seq_length stands before what the tokenizer says. */
static void choose_length(struct encoder *e)
{
    size_t positions = tf_model_max_tokens(e->reader.model);
    size_t length = e->embedder.max_length;

    if (length && !cli.max_length && !cli.no_truncation)
        e->reader.max_tokens = length < positions ? length : positions;
}

static void open_model(struct encoder *e)
{
    static const int pools[] = { [POOL_MEAN] = TF_EMBED_MEAN,
                                 [POOL_CLS] = TF_EMBED_CLS,
                                 [POOL_LAST] = TF_EMBED_LAST,
                                 [POOL_NONE] = TF_EMBED_TOKENS };
    struct tf_embed_opts fit = {
        .pool = pooling_given ? pools[pooling] : -1,
        .normalize = normalize      ? 1
                     : no_normalize ? 0
                                    : -1,
        .dim = (size_t)dim,
    };
    struct tf_err err;

    if (!cli.model)
        cli_usage("no model is named: -m MODEL");
    if (tf_embedder_open(&e->embedder,
                         cli_model_path(cli.model, CLI_NEED_MODEL), &err))
        cli_die(CLI_FILE, "%s", err.msg);
    cli_reader_open(&e->reader, e->embedder.base, TF_TASK_NONE);
    if (e->reader.model->encoder)
        cli_die(CLI_FILE,
                "%s: texts can't be embedded by a model with an "
                "encoder and a decoder",
                cli.model);
    if (tf_embedder_fit(&e->embedder, &fit, e->reader.model->stack.spec->width,
                        &err))
        cli_die(CLI_FILE, "%s: %s", cli.model, err.msg);
    choose_layer(e);
    choose_length(e);
    choose_prompt(e);
    if (similar_file)
        read_similar(e);
}

static void close_model(struct encoder *e)
{
    tf_embedder_release(&e->embedder);
    tf_similar_release(&e->similar);
    free(e->nearest);
    free(e->skip);
    cli_reader_close(&e->reader);
}

int main(int argc, char **argv)
{
    static const char *members[] = { "embedding", NULL };
    static const struct cli_tool tool = {
        .name = "tf-embed",
        .summary = "turn texts into vectors",
        .operands = "[FILE ...]",
        .opts = opts,
        .shared = CLI_RECORDS | CLI_MODEL,
        .members = members,
        .data_size = sizeof(struct text),
        .data_release = release,
        .prepare = prepare,
        .run = run,
    };
    char **files = cli_parse(&tool, argc, argv);
    struct encoder e = { .layers = 0 };
    int status;

    if (normalize && no_normalize)
        cli_usage("--normalize and --no-normalize exclude each other");
    if (similar_file && cli.format == CLI_RAW)
        cli_usage("--format f32 prints vectors, --similar neighbours");
    if (similar_file && pooling_given && pooling == POOL_NONE)
        cli_usage("--similar needs one vector a text, not --pooling none");
    if (similar_file)
        members[0] = "neighbours";
    open_model(&e);
    status = cli_each(&tool, files, &e);
    close_model(&e);
    return cli_finish(status);
}
