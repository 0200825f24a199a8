#include "task/generation.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/io.h"
#include "base/json.h"
#include "model/config.h"

#define CONFIG_MAX (64 << 20) /* bytes */

enum field_type {
    BOOL,
    INT,
    DOUBLE,
    ID,
    IDS,
    BAD_WORDS,
    BIASES,
    STOPPING,
    DECAY
};

#define FIELD(name, type)                                                      \
    {                                                                          \
#name, type, offsetof(struct tf_generation, name)                      \
    }
#define MEMBER(name, type, member)                                             \
    {                                                                          \
        name, type, offsetof(struct tf_generation, member)                     \
    }

static const struct field {
    const char *name;
    enum field_type type;
    size_t at;
} fields[] = {
    FIELD(max_length, INT),
    FIELD(max_new_tokens, INT),
    FIELD(min_length, INT),
    FIELD(min_new_tokens, INT),
    FIELD(do_sample, BOOL),
    FIELD(num_beams, INT),
    FIELD(num_return_sequences, INT),
    FIELD(early_stopping, STOPPING),
    FIELD(length_penalty, DOUBLE),
    FIELD(repetition_penalty, DOUBLE),
    FIELD(encoder_repetition_penalty, DOUBLE),
    FIELD(guidance_scale, DOUBLE),
    FIELD(no_repeat_ngram_size, INT),
    FIELD(encoder_no_repeat_ngram_size, INT),
    MEMBER("bad_words_ids", BAD_WORDS, bad_words),
    MEMBER("sequence_bias", BIASES, biases),
    FIELD(suppress_tokens, IDS),
    FIELD(begin_suppress_tokens, IDS),
    MEMBER("exponential_decay_length_penalty", DECAY, exponential_decay_start),
    FIELD(remove_invalid_values, BOOL),
    FIELD(renormalize_logits, BOOL),
    FIELD(temperature, DOUBLE),
    FIELD(top_p, DOUBLE),
    FIELD(typical_p, DOUBLE),
    FIELD(epsilon_cutoff, DOUBLE),
    FIELD(eta_cutoff, DOUBLE),
    FIELD(min_p, DOUBLE),
    FIELD(top_h, DOUBLE),
    FIELD(top_k, INT),
    MEMBER("eos_token_id", IDS, eos),
    MEMBER("forced_eos_token_id", IDS, forced_eos),
    MEMBER("bos_token_id", ID, bos),
    MEMBER("pad_token_id", ID, pad),
    MEMBER("decoder_start_token_id", ID, decoder_start),
    MEMBER("forced_bos_token_id", ID, forced_bos),
};

void tf_generation_init(struct tf_generation *g)
{
    *g = (struct tf_generation){
        .num_beams = 1,
        .num_return_sequences = 1,
        .length_penalty = 1,
        .repetition_penalty = 1,
        .encoder_repetition_penalty = 1,
        .guidance_scale = 1,
        .temperature = 1,
        .top_p = 1,
        .typical_p = 1,
        .top_k = 50,
        .bos = -1,
        .pad = -1,
        .decoder_start = -1,
        .forced_bos = -1,
    };
    tf_arena_init(&g->arena);
}

void tf_generation_release(struct tf_generation *g)
{
    tf_arena_release(&g->arena);
}

static bool read_id(struct tf_json *j, int32_t *id)
{
    int64_t v;

    if (!tf_json_int(j, &v))
        return false;
    if (v < -1 || v > INT32_MAX)
        return tf_json_bad(j, "a token id out of range");
    *id = (int32_t)v;
    return true;
}

/* Make room for one more of n items of an arena's array, doubling at powers of
 * two; NULL when there is no memory. */
static void *grow(struct tf_arena *a, void *v, size_t n, size_t size)
{
    void *grown;

    if (n & (n - 1))
        return v;
    grown = tf_arena_alloc(a, n ? 2 * n : 1, size);
    if (grown && n)
        memcpy(grown, v, n * size);
    return grown;
}

static bool read_ids(struct tf_generation *g, struct tf_json *j,
                     struct tf_ids *out)
{
    struct tf_ids ids = { 0 };
    bool list = tf_json_peek(j) == TF_JSON_ARRAY;
    int32_t *v;

    if (list && !tf_json_array(j))
        return false;
    while (!list || tf_json_item(j)) {
        if (!(v = grow(&g->arena, ids.v, ids.n, sizeof(*v))))
            return tf_json_bad(j, "no memory");
        ids.v = v;
        if (!read_id(j, &v[ids.n++]))
            return false;
        if (!list)
            break;
    }
    *out = ids;
    return true;
}

/* [[id, ...], ...], or with biases [[[id, ...], bias], ...]. */
static bool read_sequences(struct tf_generation *g, struct tf_json *j,
                           bool with_bias, struct tf_sequence_bias **out,
                           size_t *count)
{
    struct tf_sequence_bias *v = NULL, *s;
    double bias = -(double)INFINITY;
    size_t n = 0;

    if (!tf_json_array(j))
        return false;
    while (tf_json_item(j)) {
        if (!(v = grow(&g->arena, v, n, sizeof(*v))))
            return tf_json_bad(j, "no memory");
        s = &v[n++];
        if (with_bias && !(tf_json_array(j) && tf_json_item(j)))
            return tf_json_bad(j, "not a pair of ids and bias");
        if (tf_json_peek(j) != TF_JSON_ARRAY || !read_ids(g, j, &s->ids))
            return tf_json_bad(j, "not a list of token ids");
        if (with_bias &&
            (!tf_json_item(j) || !tf_json_double(j, &bias) || tf_json_item(j)))
            return tf_json_bad(j, "not a pair of ids and bias");
        if (!s->ids.n)
            return tf_json_bad(j, "an empty sequence");
        s->bias = (float)bias;
    }
    *out = v;
    *count = n;
    return true;
}

static bool read_decay(struct tf_generation *g, struct tf_json *j)
{
    return (tf_json_array(j) && tf_json_item(j) &&
            tf_json_int(j, &g->exponential_decay_start) && tf_json_item(j) &&
            tf_json_double(j, &g->exponential_decay_factor) &&
            !tf_json_item(j)) ||
           tf_json_bad(j, "not a pair of start and factor");
}

static bool read_stopping(struct tf_generation *g, struct tf_json *j)
{
    struct tf_str word;
    bool early;

    if (tf_json_peek(j) == TF_JSON_STRING) {
        if (!tf_json_string(j, &word))
            return false;
        if (!tf_str_is(word, "never"))
            return tf_json_bad(j, "neither true, false nor \"never\"");
        g->early_stopping = TF_STOP_NEVER;
        return true;
    }
    if (!tf_json_bool(j, &early))
        return false;
    g->early_stopping = early ? TF_STOP_EARLY : TF_STOP_HEURISTIC;
    return true;
}

static bool read_field(struct tf_generation *g, const struct field *f,
                       struct tf_json *j)
{
    void *at = (char *)g + f->at;

    switch (f->type) {
    case BOOL:
        return tf_json_bool(j, at);
    case INT:
        return tf_json_int(j, at);
    case DOUBLE:
        return tf_json_double(j, at);
    case ID:
        /* some old configs give a list; the first counts */
        if (tf_json_peek(j) == TF_JSON_ARRAY) {
            struct tf_ids ids;

            if (!read_ids(g, j, &ids))
                return false;
            *(int32_t *)at = ids.n ? ids.v[0] : -1;
            return true;
        }
        return read_id(j, at);
    case IDS:
        return read_ids(g, j, at);
    case BAD_WORDS:
        return read_sequences(g, j, false, &g->bad_words, &g->bad_word_count);
    case BIASES:
        return read_sequences(g, j, true, &g->biases, &g->bias_count);
    case STOPPING:
        return read_stopping(g, j);
    case DECAY:
        return read_decay(g, j);
    }
    return false;
}

int tf_generation_read(struct tf_generation *g, const char *json, size_t len,
                       struct tf_err *err)
{
    const size_t n = sizeof(fields) / sizeof(fields[0]);
    const char *where = NULL;
    struct tf_json j;
    struct tf_str key;
    size_t i;
    int failed;

    tf_json_init(&j, json, len);
    if (tf_json_object(&j)) {
        while (tf_json_key(&j, &key)) {
            for (i = 0; i < n && !tf_str_is(key, fields[i].name); i++)
                ;
            if (i == n || tf_json_peek(&j) == TF_JSON_NULL) {
                tf_json_skip(&j, NULL);
            } else if (!read_field(g, &fields[i], &j)) {
                where = fields[i].name;
                break;
            }
        }
        if (!where)
            tf_json_done(&j);
    }
    failed = tf_json_failed(&j, err) ? -1 : 0;
    if (failed && where)
        tf_err_at(err, where);
    tf_json_release(&j);
    return failed ? failed : tf_generation_check(g, err);
}

int tf_generation_open(struct tf_generation *g, const char *dir,
                       struct tf_err *err)
{
    static const char *const names[] = { "generation_config.json",
                                         "config.json" };
    struct tf_buf text = TF_BUF_INIT;
    char *path;
    size_t i;
    int failed = 0;

    for (i = 0; i < 2; i++) {
        path = tf_path(dir, names[i], err);
        if (!path)
            return -1;
        if (!tf_file_exists(path)) {
            free(path);
            continue;
        }
        failed = tf_file_read(path, CONFIG_MAX, &text, err);
        if (!failed) {
            tf_config_blank(text.data, text.len);
            failed = tf_generation_read(g, text.data, text.len, err);
            if (failed)
                tf_err_at(err, path);
        }
        free(path);
        break;
    }
    tf_buf_release(&text);
    return failed ? -1 : 0;
}

/* One rule for a number: its name, whether it holds, and what it must be. */
struct rule {
    const char *name;
    double value;
    bool holds;
    const char *must;
};

int tf_generation_check(const struct tf_generation *g, struct tf_err *err)
{
    const struct rule rules[] = {
        { "max_length", (double)g->max_length, g->max_length >= 0, ">= 1" },
        { "max_new_tokens", (double)g->max_new_tokens, g->max_new_tokens >= 0,
          ">= 1" },
        { "min_length", (double)g->min_length, g->min_length >= 0, ">= 0" },
        { "min_new_tokens", (double)g->min_new_tokens, g->min_new_tokens >= 0,
          ">= 0" },
        { "num_beams", (double)g->num_beams, g->num_beams >= 1, ">= 1" },
        { "num_return_sequences", (double)g->num_return_sequences,
          g->num_return_sequences >= 1, ">= 1" },
        { "temperature", g->temperature, g->temperature > 0,
          "> 0 (for greedy decoding leave out do_sample)" },
        { "top_k", (double)g->top_k, g->top_k >= 0, ">= 0" },
        { "top_p", g->top_p, g->top_p >= 0 && g->top_p <= 1, "in [0, 1]" },
        { "min_p", g->min_p, g->min_p >= 0 && g->min_p <= 1, "in [0, 1]" },
        { "top_h", g->top_h, g->top_h >= 0 && g->top_h <= 1, "in (0, 1]" },
        { "typical_p", g->typical_p, g->typical_p > 0 && g->typical_p <= 1,
          "in (0, 1]" },
        { "epsilon_cutoff", g->epsilon_cutoff,
          g->epsilon_cutoff >= 0 && g->epsilon_cutoff < 1, "in [0, 1)" },
        { "eta_cutoff", g->eta_cutoff, g->eta_cutoff >= 0 && g->eta_cutoff < 1,
          "in [0, 1)" },
        { "repetition_penalty", g->repetition_penalty,
          g->repetition_penalty > 0, "> 0" },
        { "encoder_repetition_penalty", g->encoder_repetition_penalty,
          g->encoder_repetition_penalty > 0, "> 0" },
        { "no_repeat_ngram_size", (double)g->no_repeat_ngram_size,
          g->no_repeat_ngram_size >= 0, ">= 0" },
        { "encoder_no_repeat_ngram_size",
          (double)g->encoder_no_repeat_ngram_size,
          g->encoder_no_repeat_ngram_size >= 0, ">= 0" },
        { "length_penalty", g->length_penalty, isfinite(g->length_penalty),
          "a finite number" },
        { "guidance_scale", g->guidance_scale, isfinite(g->guidance_scale),
          "a finite number" },
    };
    size_t i;

    for (i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
        if (!rules[i].holds)
            return tf_fail(err, "%s is %g; it must be %s", rules[i].name,
                           rules[i].value, rules[i].must);
    if (g->num_return_sequences > 1 && !g->do_sample &&
        g->num_return_sequences > g->num_beams)
        return tf_fail(err,
                       "num_return_sequences is %lld, but without do_sample "
                       "at most num_beams (%lld) different ones exist",
                       (long long)g->num_return_sequences,
                       (long long)g->num_beams);
    return 0;
}
