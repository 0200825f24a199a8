#include "train/judge.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/json.h"
#include "base/mem.h"

static const struct {
    const char *prediction, *reference, *groups;
} defaults[TF_JUDGE_TASKS] = {
    [TF_JUDGE_CLASSIFICATION] = { "pred_label|pred_labels", "label|labels",
                                  "labels" },
    [TF_JUDGE_REGRESSION] = { "pred_score", "label|score", NULL },
    [TF_JUDGE_QUESTION_ANSWERING] = { "pred_answer|answer", "answers", NULL },
    [TF_JUDGE_TOKEN_CLASSIFICATION] = { "pred_entities|pred_tags",
                                        "entities|tags|ner_tags", "entities" },
    [TF_JUDGE_GENERATION] = { "pred_generated_text|generated_text",
                              "reference|references|target|summary", NULL },
};

/* Strings of one record, copied out of its JSON. Zeroed memory is empty. */
struct strings {
    struct tf_buf text;
    struct part {
        size_t begin, len; /* in text */
        double score;      /* of {label, score}, else NaN */
    } * parts;
    size_t count, cap;
    struct tf_str *v; /* [cap]: valid once all are read */
};

struct spans {
    struct tf_entity *v;
    size_t count, cap;
};

struct tf_judge {
    struct tf_judge_opts opts;
    uint64_t n;
    struct tf_label_metrics labels;
    struct tf_regression_metrics numbers;
    struct tf_squad_metrics answers;
    struct tf_entity_metrics entities;
    struct tf_text_metrics texts;
    struct strings references, predictions; /* of the record at hand */
    struct spans true_spans, found_spans;
};

struct tf_judge *tf_judge_new(const struct tf_judge_opts *opts,
                              struct tf_err *err)
{
    struct tf_judge *j = tf_alloc(1, sizeof(*j), err);

    if (!j)
        return NULL;
    j->opts = *opts;
    if (!j->opts.prediction)
        j->opts.prediction = defaults[opts->task].prediction;
    if (!j->opts.reference)
        j->opts.reference = defaults[opts->task].reference;
    return j;
}

static void release_strings(struct strings *s)
{
    tf_buf_release(&s->text);
    free(s->parts);
    free(s->v);
}

void tf_judge_free(struct tf_judge *j)
{
    if (!j)
        return;
    tf_label_metrics_release(&j->labels);
    tf_regression_metrics_release(&j->numbers);
    tf_entity_metrics_release(&j->entities);
    release_strings(&j->references);
    release_strings(&j->predictions);
    free(j->true_spans.v);
    free(j->found_spans.v);
    free(j);
}

const char *tf_judge_prediction(const struct tf_judge *j)
{
    return j->opts.prediction;
}

const char *tf_judge_reference(const struct tf_judge *j)
{
    return j->opts.reference;
}

/* The value of the first member of "a|b" that the record has. */
static struct tf_str find(const struct tf_record *rec, const char *names)
{
    size_t i, len;

    for (; *names; names += len + (names[len] == '|')) {
        len = strcspn(names, "|");
        for (i = rec->count; i-- > 0;)
            if (rec->members[i].name.len == len &&
                !memcmp(rec->members[i].name.s, names, len))
                return rec->members[i].value;
    }
    return (struct tf_str){ 0 };
}

static int bad(struct tf_err *err, const char *name, const char *must)
{
    return tf_fail_code(err, "bad_field", "\"%s\" is not %s", name, must);
}

static int add_part(struct strings *s, struct tf_str text, double score,
                    struct tf_err *err)
{
    struct part *parts;
    size_t cap;

    if (s->count == s->cap) {
        cap = s->cap ? 2 * s->cap : 16;
        if (!(parts = tf_grow(s->parts, cap, sizeof(*parts), err)))
            return -1;
        s->parts = parts;
        s->cap = cap;
    }
    s->parts[s->count++] = (struct part){ s->text.len, text.len, score };
    tf_buf_add(&s->text, text.s, text.len);
    return s->text.failed ? tf_no_memory(err, s->text.len) : 0;
}

/* A string as it reads, a number or boolean as it is spelled. False: neither.
 */
static bool scalar(struct tf_json *j, struct tf_str *out)
{
    switch (tf_json_peek(j)) {
    case TF_JSON_STRING:
        return tf_json_string(j, out);
    case TF_JSON_NUMBER:
    case TF_JSON_BOOL:
        return tf_json_skip(j, out);
    default:
        return false;
    }
}

/* {"label": ..., "score": ...} */
static int read_scored(struct tf_json *j, struct strings *s, struct tf_err *err)
{
    struct tf_str key, text = { 0 };
    double score = (double)NAN;
    size_t at = s->count;

    tf_json_object(j);
    while (tf_json_key(j, &key)) {
        if (tf_str_is(key, "label") && at == s->count) {
            if (!scalar(j, &text))
                return 1;
            if (add_part(s, text, score, err))
                return -1;
        } else if (tf_str_is(key, "score")) {
            if (!tf_json_double(j, &score))
                return 1;
        } else {
            tf_json_skip(j, NULL);
        }
    }
    if (at == s->count)
        return 1;
    s->parts[at].score = score;
    return 0;
}

/* Read a scalar, or a list of scalars and {label, score}; `*list` says which.
 * SQuAD's {"text": [...]} is its list. Returns 0, 1 for another form, -1. */
static int read_strings(struct tf_json *j, struct strings *s, bool *list,
                        struct tf_err *err)
{
    struct tf_str text, key;
    int failed = 1;

    *list = tf_json_peek(j) == TF_JSON_ARRAY;
    if (*list) {
        tf_json_array(j);
        for (failed = 0; !failed && tf_json_item(j);) {
            if (tf_json_peek(j) == TF_JSON_OBJECT)
                failed = read_scored(j, s, err);
            else if (!scalar(j, &text))
                failed = 1;
            else
                failed = add_part(s, text, (double)NAN, err);
        }
    } else if (tf_json_peek(j) == TF_JSON_OBJECT) {
        tf_json_object(j);
        while (tf_json_key(j, &key))
            if (tf_str_is(key, "text") && failed == 1)
                failed = read_strings(j, s, list, err);
            else
                tf_json_skip(j, NULL);
    } else if (tf_json_peek(j) == TF_JSON_NULL) {
        *list = true;
        return tf_json_null(j) ? 0 : 1;
    } else if (scalar(j, &text)) {
        failed = add_part(s, text, (double)NAN, err);
    }
    return failed;
}

/* All strings of one value; `must` says what it should have been. */
static int strings_of(struct strings *s, struct tf_str value, const char *name,
                      const char *must, bool *list, struct tf_err *err)
{
    struct tf_json j;
    struct tf_str *v;
    size_t i;
    int failed;

    tf_buf_reset(&s->text);
    s->count = 0;
    tf_json_init(&j, value.s, value.len);
    failed = read_strings(&j, s, list, err);
    tf_json_release(&j);
    if (failed)
        return failed < 0 ? -1 : bad(err, name, must);
    if (!(v = tf_grow(s->v, s->count + 1, sizeof(*v), err)))
        return -1;
    s->v = v;
    for (i = 0; i < s->count; i++)
        v[i] = (struct tf_str){ s->text.data + s->parts[i].begin,
                                s->parts[i].len };
    return 0;
}

/* Leave out the labels of a multi-label prediction whose score is too low. */
static void apply_threshold(struct strings *s, double threshold)
{
    size_t i, n = 0;

    for (i = 0; i < s->count; i++)
        if (!(s->parts[i].score < threshold)) {
            s->parts[n] = s->parts[i];
            s->v[n++] = s->v[i];
        }
    s->count = n;
}

static int add_labels(struct tf_judge *j, struct tf_str ref, struct tf_str pred,
                      struct tf_err *err)
{
    const char *must = "a label or a list of labels";
    struct strings *r = &j->references, *p = &j->predictions;
    bool many, list;

    if (strings_of(r, ref, j->opts.reference, must, &many, err) ||
        strings_of(p, pred, j->opts.prediction, must, &list, err))
        return -1;
    if (many)
        apply_threshold(p, j->opts.threshold);
    else if (!p->count)
        return bad(err, j->opts.prediction, "a label: the list is empty");
    return tf_label_metrics_add(&j->labels, r->v, r->count, p->v,
                                many ? p->count : 1, err);
}

static int number_of(struct tf_str value, const char *name, double *out,
                     struct tf_err *err)
{
    struct tf_json j;
    bool ok;

    tf_json_init(&j, value.s, value.len);
    ok = tf_json_peek(&j) == TF_JSON_NUMBER && tf_json_double(&j, out);
    tf_json_release(&j);
    return ok ? 0 : bad(err, name, "a number");
}

static int add_numbers(struct tf_judge *j, struct tf_str ref,
                       struct tf_str pred, struct tf_err *err)
{
    double r, p;

    if (number_of(ref, j->opts.reference, &r, err) ||
        number_of(pred, j->opts.prediction, &p, err))
        return -1;
    return tf_regression_metrics_add(&j->numbers, r, p, err);
}

/* An answer or a generated text against one or more references. */
static int add_texts(struct tf_judge *j, struct tf_str ref, struct tf_str pred,
                     struct tf_err *err)
{
    struct strings *r = &j->references, *p = &j->predictions;
    bool qa = j->opts.task == TF_JUDGE_QUESTION_ANSWERING, list;

    if (strings_of(r, ref, j->opts.reference,
                   qa ? "a string, a list of strings or {\"text\": [...]}"
                      : "a string or a list of strings",
                   &list, err) ||
        strings_of(p, pred, j->opts.prediction, "a string", &list, err))
        return -1;
    if (p->count != 1)
        return bad(err, j->opts.prediction, "a string");
    if (qa)
        return tf_squad_metrics_add(&j->answers, r->v, r->count, p->v[0], err);
    if (!r->count)
        return bad(err, j->opts.reference, "a string: the list is empty");
    return tf_text_metrics_add(&j->texts, r->v, r->count, p->v[0], err);
}

static bool is_type_name(struct tf_str key)
{
    return tf_str_is(key, "entity_group") || tf_str_is(key, "entity") ||
           tf_str_is(key, "label") || tf_str_is(key, "type");
}

/* {"start": n, "end": n, "entity_group": type}; 1 when it is not that. */
static int read_span(struct tf_judge *j, struct tf_json *json,
                     struct tf_entity *e, struct tf_err *err)
{
    struct tf_str key, type;
    int64_t start = -1, end = -1;
    bool typed = false;

    if (!tf_json_object(json))
        return 1;
    while (tf_json_key(json, &key)) {
        if (tf_str_is(key, "start")) {
            tf_json_int(json, &start);
        } else if (tf_str_is(key, "end")) {
            tf_json_int(json, &end);
        } else if (is_type_name(key) && tf_json_string(json, &type)) {
            typed = true;
            if (tf_names_add(&j->entities.types, type, &e->type, err))
                return -1;
        } else {
            tf_json_skip(json, NULL);
        }
    }
    e->start = (size_t)start;
    e->end = (size_t)end;
    return !typed || start < 0 || end < start || tf_json_failed(json, err);
}

static int spans_of(struct tf_judge *j, struct spans *s, struct tf_str value,
                    const char *name, struct tf_err *err)
{
    struct tf_json json;
    struct tf_entity *grown;
    size_t cap;
    int failed;

    s->count = 0;
    tf_json_init(&json, value.s, value.len);
    failed = !tf_json_array(&json);
    while (!failed && tf_json_item(&json)) {
        if (s->count == s->cap) {
            cap = s->cap ? 2 * s->cap : 16;
            if (!(grown = tf_grow(s->v, cap, sizeof(*grown), err))) {
                failed = -1;
                break;
            }
            s->v = grown;
            s->cap = cap;
        }
        failed = read_span(j, &json, &s->v[s->count++], err);
    }
    tf_json_release(&json);
    if (failed > 0)
        return bad(err, name, "a list of tags or of {start, end, entity}");
    return failed;
}

/* Is the value a list that begins with an object, or an empty one? */
static bool has_objects(struct tf_str value)
{
    size_t i;

    for (i = 1; i < value.len && strchr(" \t\r\n", value.s[i]); i++)
        ;
    return value.s[0] == '[' && i < value.len &&
           (value.s[i] == '{' || value.s[i] == ']');
}

static int add_entities(struct tf_judge *j, struct tf_str ref,
                        struct tf_str pred, struct tf_err *err)
{
    struct strings *r = &j->references, *p = &j->predictions;
    const char *must = "a list of tags or of {start, end, entity}";
    bool list;

    if (has_objects(ref) && has_objects(pred)) {
        if (spans_of(j, &j->true_spans, ref, j->opts.reference, err) ||
            spans_of(j, &j->found_spans, pred, j->opts.prediction, err))
            return -1;
        return tf_entity_metrics_add_spans(
            &j->entities, j->true_spans.v, j->true_spans.count,
            j->found_spans.v, j->found_spans.count, err);
    }
    if (strings_of(r, ref, j->opts.reference, must, &list, err) || !list ||
        strings_of(p, pred, j->opts.prediction, must, &list, err) || !list)
        return list ? -1 : bad(err, j->opts.reference, must);
    if (r->count != p->count)
        return tf_fail_code(err, "bad_field",
                            "%zu tags in \"%s\", %zu in "
                            "\"%s\"",
                            r->count, j->opts.reference, p->count,
                            j->opts.prediction);
    return tf_entity_metrics_add_tags(&j->entities, r->v, p->v, r->count, err);
}

int tf_judge_add(struct tf_judge *j, const struct tf_record *rec,
                 struct tf_err *err)
{
    struct tf_str ref = find(rec, j->opts.reference);
    struct tf_str pred = find(rec, j->opts.prediction);
    int failed = -1;

    if (!ref.s || !pred.s)
        return tf_fail_code(err, "no_field", "no member \"%s\"; --%s names one",
                            ref.s ? j->opts.prediction : j->opts.reference,
                            ref.s ? "prediction" : "reference");
    switch (j->opts.task) {
    case TF_JUDGE_CLASSIFICATION:
        failed = add_labels(j, ref, pred, err);
        break;
    case TF_JUDGE_REGRESSION:
        failed = add_numbers(j, ref, pred, err);
        break;
    case TF_JUDGE_QUESTION_ANSWERING:
    case TF_JUDGE_GENERATION:
        failed = add_texts(j, ref, pred, err);
        break;
    case TF_JUDGE_TOKEN_CLASSIFICATION:
        failed = add_entities(j, ref, pred, err);
        break;
    case TF_JUDGE_TASKS:
        break;
    }
    j->n += !failed;
    return failed;
}

static int results(const struct tf_judge *j, struct tf_metrics *m,
                   struct tf_err *err)
{
    switch (j->opts.task) {
    case TF_JUDGE_CLASSIFICATION:
        return tf_label_metrics_results(&j->labels, m, err);
    case TF_JUDGE_REGRESSION:
        return tf_regression_metrics_results(&j->numbers, m, err);
    case TF_JUDGE_QUESTION_ANSWERING:
        return tf_squad_metrics_results(&j->answers, m, err);
    case TF_JUDGE_TOKEN_CLASSIFICATION:
        return tf_entity_metrics_results(&j->entities, m, err);
    case TF_JUDGE_GENERATION:
        return tf_text_metrics_results(&j->texts, m, err);
    case TF_JUDGE_TASKS:
        break;
    }
    return -1;
}

static void put(struct tf_buf *out, const char *before, const char *name)
{
    tf_buf_adds(out, before);
    tf_put_string(out, name, strlen(name));
    tf_buf_adds(out, ": ");
}

int tf_judge_results(const struct tf_judge *j, struct tf_buf *out,
                     struct tf_err *err)
{
    struct tf_metrics m = { 0 };
    const char *group = NULL;
    size_t i;
    int failed = results(j, &m, err);

    tf_buf_adds(out, "{");
    for (i = 0; !failed && i < m.count && !m.v[i].group; i++) {
        put(out, i ? ", " : "", m.v[i].name);
        tf_put_double(out, m.v[i].value);
    }
    put(out, i ? ", " : "", "n");
    tf_put_int(out, (int64_t)j->n);
    for (; !failed && i < m.count; i++) {
        if (!group)
            put(out, ", ", defaults[j->opts.task].groups);
        if (m.v[i].group != group) {
            put(out, group ? "}, " : "{", m.v[i].group);
            tf_buf_adds(out, "{");
        }
        put(out, m.v[i].group != group ? "" : ", ", m.v[i].name);
        tf_put_double(out, m.v[i].value);
        group = m.v[i].group;
    }
    tf_buf_adds(out, group ? "}}}" : "}");
    tf_metrics_release(&m);
    if (!failed && out->failed)
        failed = tf_no_memory(err, out->len);
    return failed;
}
