#include "train/labels.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/json.h"
#include "base/mem.h"
#include "nn/ops.h"

#define LABELS_MAX 1000000

static int add_value(struct tf_label_column *c, double v, struct tf_err *err)
{
    if (c->used == c->room) {
        size_t room = c->room ? 2 * c->room : 1024;
        double *values = tf_grow(c->values, room, sizeof(*values), err);

        if (!values)
            return -1;
        c->values = values;
        c->room = room;
    }
    c->values[c->used++] = v;
    return 0;
}

/* One string or number of a label; gives what it is. */
static int read_one(struct tf_label_column *c, struct tf_json *j,
                    enum tf_label_kind *kind, struct tf_err *err)
{
    enum tf_json_type type = tf_json_peek(j);
    struct tf_str s;
    uint32_t number;
    double d;
    bool b;

    if (type == TF_JSON_STRING && tf_json_string(j, &s)) {
        *kind = TF_LABELS_NAMES;
        return tf_names_add(&c->names, s, &number, err) ||
               add_value(c, number, err);
    }
    if (type == TF_JSON_BOOL && tf_json_bool(j, &b)) {
        *kind = TF_LABELS_IDS;
        return add_value(c, b, err);
    }
    if (type == TF_JSON_NUMBER) {
        const char *p = j->p;

        if (tf_json_double(j, &d)) {
            size_t len = (size_t)(j->p - p);
            bool whole = !memchr(p, '.', len) && !memchr(p, 'e', len) &&
                         !memchr(p, 'E', len);

            *kind = whole ? TF_LABELS_IDS : TF_LABELS_NUMBERS;
            return add_value(c, d, err);
        }
    }
    return tf_fail(err, "a label is neither a string, a number nor a list of "
                        "them");
}

static int read_list(struct tf_label_column *c, struct tf_json *j,
                     enum tf_label_kind *kind, struct tf_err *err)
{
    enum tf_label_kind one, all = TF_LABELS_NONE;

    tf_json_array(j);
    while (tf_json_item(j)) {
        if (read_one(c, j, &one, err))
            return -1;
        if (one == TF_LABELS_NUMBERS)
            one = TF_LABELS_IDS;
        if (all != TF_LABELS_NONE && all != one)
            return tf_fail(err, "a list of labels mixes strings and numbers");
        all = one;
    }
    *kind = all == TF_LABELS_IDS     ? TF_LABELS_VECTORS
            : all == TF_LABELS_NAMES ? TF_LABELS_SETS
                                     : TF_LABELS_NONE; /* an empty list */
    return 0;
}

/* The kind of a column that has both. */
static int join_kinds(enum tf_label_kind *all, enum tf_label_kind one,
                      struct tf_err *err)
{
    if (*all == TF_LABELS_NONE || one == TF_LABELS_NONE || *all == one) {
        *all = *all == TF_LABELS_NONE ? one : *all;
        return 0;
    }
    if ((*all == TF_LABELS_IDS && one == TF_LABELS_NUMBERS) ||
        (*all == TF_LABELS_NUMBERS && one == TF_LABELS_IDS)) {
        *all = TF_LABELS_NUMBERS;
        return 0;
    }
    return tf_fail(err, "this label is of another kind than those before");
}

static int read_label(struct tf_label_column *c, struct tf_record *rec,
                      struct tf_str row, const char *column, struct tf_err *err)
{
    enum tf_label_kind kind = TF_LABELS_NONE;
    struct tf_str value;
    struct tf_json j;
    int failed;

    if (tf_record_parse(rec, row.s, row.len, err))
        return -1;
    value = tf_record_get(rec, column);
    if (!value.s)
        return tf_fail(err, "no \"%.100s\"", column);
    tf_json_init(&j, value.s, value.len);
    failed = tf_json_peek(&j) == TF_JSON_ARRAY ? read_list(c, &j, &kind, err)
                                               : read_one(c, &j, &kind, err);
    if (!failed && tf_json_failed(&j, err))
        failed = -1;
    tf_json_release(&j);
    if (!failed && kind == TF_LABELS_NONE)
        kind = c->kind == TF_LABELS_NONE ? TF_LABELS_NONE : TF_LABELS_SETS;
    if (!failed && kind == TF_LABELS_SETS && c->kind == TF_LABELS_VECTORS)
        return tf_fail(err, "an empty list among lists of numbers");
    return failed ? -1 : join_kinds(&c->kind, kind, err);
}

/* Lists of ids whose names the data has become lists of names: they are no
 * vectors of 0 and 1. */
static int name_ids(struct tf_label_column *c, json_t *classes,
                    struct tf_err *err)
{
    size_t n = json_array_size(classes);

    if (!n || c->kind != TF_LABELS_VECTORS)
        return 0;
    for (size_t i = 0; i < c->used; i++)
        if (c->values[i] < 0 || c->values[i] >= (double)n ||
            c->values[i] != floor(c->values[i]))
            return tf_fail(err, "%g is not the id of one of %zu classes",
                           c->values[i], n);
    for (size_t i = 0; i < n; i++) {
        const char *name = json_string_value(json_array_get(classes, i));
        uint32_t number;

        if (tf_names_add(&c->names, (struct tf_str){ name, strlen(name) },
                         &number, err))
            return -1;
        if (number != i)
            return tf_fail(err, "class \"%.100s\" is there twice", name);
    }
    c->kind = TF_LABELS_SETS;
    return 0;
}

int tf_label_column_read(struct tf_label_column *c, const struct tf_table *t,
                         const char *column, struct tf_err *err)
{
    struct tf_record rec = { 0 };

    c->start = tf_alloc(t->count + 1, sizeof(c->start[0]), err);
    if (!c->start)
        return -1;
    for (; c->count < t->count; c->count++) {
        if (read_label(c, &rec, tf_table_row(t, c->count), column, err)) {
            tf_table_err_at(t, c->count, err);
            break;
        }
        c->start[c->count + 1] = c->used;
    }
    tf_record_release(&rec);
    return c->count < t->count || name_ids(c, tf_table_classes(t, column), err)
               ? -1
               : 0;
}

void tf_label_column_release(struct tf_label_column *c)
{
    tf_names_release(&c->names);
    free(c->values);
    free(c->start);
    memset(c, 0, sizeof(*c));
}

static int make_names(struct tf_labels *l, size_t n, struct tf_err *err)
{
    l->names = tf_alloc(n, sizeof(l->names[0]), err);
    l->count = l->names ? n : 0;
    return l->names ? 0 : -1;
}

static int set_name(struct tf_labels *l, size_t i, const char *name,
                    struct tf_err *err)
{
    l->names[i] = tf_strndup(name, strlen(name), err);
    return l->names[i] ? 0 : -1;
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool is_among(const struct tf_names *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++)
        if (!strcmp(names->v[i], name))
            return true;
    return false;
}

/* A model that has just these has them in the order of its head. */
static bool knows_all(const struct tf_config *model,
                      const struct tf_names *names)
{
    bool all = model->label_count == names->count;

    for (size_t i = 0; all && i < names->count; i++)
        all = is_among(names, model->labels[i]);
    return all;
}

static int take_found(struct tf_labels *l, const struct tf_names *names,
                      const struct tf_config *model, struct tf_err *err)
{
    bool known = knows_all(model, names);

    if (make_names(l, names->count, err))
        return -1;
    for (size_t i = 0; i < names->count; i++)
        if (set_name(l, i, known ? model->labels[i] : names->v[i], err))
            return -1;
    if (!known)
        qsort(l->names, l->count, sizeof(l->names[0]), by_bytes);
    return 0;
}

static int take_given(struct tf_labels *l, json_t *given, struct tf_err *err)
{
    if (make_names(l, json_array_size(given), err))
        return -1;
    for (size_t i = 0; i < l->count; i++)
        if (set_name(l, i, json_string_value(json_array_get(given, i)), err))
            return -1;
    return 0;
}

/* n names for outputs that have only numbers. */
static int take_numbered(struct tf_labels *l, size_t n,
                         const struct tf_config *model, struct tf_err *err)
{
    if (make_names(l, n, err))
        return -1;
    for (size_t i = 0; i < n; i++) {
        char name[32];

        snprintf(name, sizeof(name), "LABEL_%zu", i);
        if (set_name(l, i, model->label_count == n ? model->labels[i] : name,
                     err))
            return -1;
    }
    return 0;
}

/* In lists of ids, one a token, -100 is none. */
static bool ignored(const struct tf_label_column *c, size_t i)
{
    return c->kind == TF_LABELS_VECTORS && c->values[i] == TF_IGNORE;
}

/* How many classes a column of ids has: they must all be there. */
static int count_ids(const struct tf_label_column *c, size_t *n,
                     struct tf_err *err)
{
    double most = 0;
    size_t missing = 0;
    uint8_t *seen;

    for (size_t i = 0; i < c->used; i++) {
        if (ignored(c, i))
            continue;
        if (c->values[i] < 0 || c->values[i] >= LABELS_MAX)
            return tf_fail(err,
                           "class ids begin at 0, but there is %g; name "
                           "the labels with labels:",
                           c->values[i]);
        most = fmax(most, c->values[i]);
    }
    *n = (size_t)most + 1;
    seen = tf_alloc(*n, 1, err);
    if (!seen)
        return -1;
    for (size_t i = 0; i < c->used; i++)
        if (!ignored(c, i))
            seen[(size_t)c->values[i]] = 1;
    while (missing < *n && seen[missing])
        missing++;
    free(seen);
    if (missing < *n)
        return tf_fail(err,
                       "class ids go to %zu but %zu is not among them; "
                       "name all of them with labels:",
                       *n - 1, missing);
    return 0;
}

static enum tf_problem problem_of(enum tf_label_kind kind)
{
    if (kind == TF_LABELS_NUMBERS)
        return TF_REGRESSION;
    return kind == TF_LABELS_SETS || kind == TF_LABELS_VECTORS
               ? TF_MULTI_LABEL
               : TF_SINGLE_LABEL;
}

/* Can labels of this kind be trained so? */
static int check_problem(enum tf_problem problem, enum tf_label_kind kind,
                         struct tf_err *err)
{
    bool numbers = kind == TF_LABELS_NUMBERS || kind == TF_LABELS_IDS;

    if (problem == TF_REGRESSION && !numbers && kind != TF_LABELS_VECTORS)
        return tf_fail(err, "regression needs numbers as labels");
    if (problem == TF_SINGLE_LABEL && kind != TF_LABELS_NAMES &&
        kind != TF_LABELS_IDS)
        return tf_fail(err, "single_label_classification needs a string or a "
                            "whole number as label");
    if (problem == TF_MULTI_LABEL && numbers)
        return tf_fail(err, "multi_label_classification needs lists as labels");
    return 0;
}

int tf_labels_find(struct tf_labels *l, const struct tf_label_column *c,
                   json_t *given, enum tf_problem problem,
                   const struct tf_config *model, struct tf_err *err)
{
    size_t n = c->count ? c->start[1] : 0;

    memset(l, 0, sizeof(*l));
    if (c->kind == TF_LABELS_NONE)
        return tf_fail(err, "there are no labels");
    l->problem = problem != TF_PROBLEM_NONE ? problem : problem_of(c->kind);
    if (check_problem(l->problem, c->kind, err))
        return -1;
    if (given)
        return take_given(l, given, err);
    if (c->kind == TF_LABELS_NAMES || c->kind == TF_LABELS_SETS)
        return take_found(l, &c->names, model, err);
    if (l->problem == TF_SINGLE_LABEL && count_ids(c, &n, err))
        return -1;
    return take_numbered(l, n, model, err);
}

int tf_labels_find_tags(struct tf_labels *l, const struct tf_label_column *c,
                        json_t *given, const struct tf_config *model,
                        struct tf_err *err)
{
    size_t n;

    memset(l, 0, sizeof(*l));
    if (c->kind != TF_LABELS_SETS && c->kind != TF_LABELS_VECTORS)
        return tf_fail(err, "token-classification needs lists of strings or "
                            "of whole numbers as labels, one a word");
    if (given)
        return take_given(l, given, err);
    if (c->kind == TF_LABELS_SETS)
        return take_found(l, &c->names, model, err);
    return count_ids(c, &n, err) || take_numbered(l, n, model, err) ? -1 : 0;
}

void tf_labels_release(struct tf_labels *l)
{
    for (size_t i = 0; l->names && i < l->count; i++)
        free(l->names[i]);
    free(l->names);
    memset(l, 0, sizeof(*l));
}

/* For each name of the column its place among the labels, or -1. */
static int32_t *places(const struct tf_labels *l, const struct tf_names *names,
                       struct tf_err *err)
{
    int32_t *place = tf_alloc(names->count, sizeof(*place), err);

    for (size_t i = 0; place && i < names->count; i++) {
        place[i] = -1;
        for (size_t k = 0; k < l->count && place[i] < 0; k++)
            if (!strcmp(names->v[i], l->names[k]))
                place[i] = (int32_t)k;
    }
    return place;
}

struct targets {
    const struct tf_labels *l;
    const struct tf_label_column *c;
    const int32_t *place;
    size_t cols;
    struct tf_err *err;
};

static int unknown(const struct targets *t, double value)
{
    if (t->c->kind == TF_LABELS_NAMES || t->c->kind == TF_LABELS_SETS)
        return tf_fail(t->err, "label \"%.200s\" is not one of the model's",
                       t->c->names.v[(size_t)value]);
    return tf_fail(t->err, "label %g is not one of the model's %zu", value,
                   t->l->count);
}

/* A label's place among the outputs, or -1. */
static int32_t place_of(const struct targets *t, double value)
{
    if (t->c->kind == TF_LABELS_NAMES || t->c->kind == TF_LABELS_SETS)
        return t->place[(size_t)value];
    return value >= 0 && value < (double)t->l->count ? (int32_t)value : -1;
}

static int fill_row(const struct targets *t, size_t i, float *out)
{
    const double *v = t->c->values + t->c->start[i];
    size_t n = t->c->start[i + 1] - t->c->start[i];
    bool sets =
        t->l->problem == TF_MULTI_LABEL && t->c->kind != TF_LABELS_VECTORS;

    if (!sets && n != t->cols)
        return tf_fail(t->err, "%zu numbers as label, not %zu", n, t->cols);
    for (size_t k = 0; k < n; k++) {
        int32_t place = place_of(t, v[k]);

        if (t->l->problem == TF_SINGLE_LABEL || sets) {
            if (place < 0)
                return unknown(t, v[k]);
            out[sets ? place : 0] = sets ? 1 : (float)place;
        } else {
            out[k] = (float)v[k];
        }
    }
    return 0;
}

float *tf_labels_targets(const struct tf_labels *l,
                         const struct tf_label_column *c,
                         const struct tf_table *t, size_t *cols,
                         struct tf_err *err)
{
    int32_t *place = places(l, &c->names, err);
    struct targets all = { l, c, place, l->count, err };
    float *out = NULL;

    if (l->problem == TF_SINGLE_LABEL)
        all.cols = 1;
    *cols = all.cols;
    if (place)
        out = tf_alloc(c->count * all.cols, sizeof(*out), err);
    for (size_t i = 0; out && i < c->count; i++)
        if (fill_row(&all, i, out + i * all.cols)) {
            tf_table_err_at(t, i, err);
            free(out);
            out = NULL;
        }
    free(place);
    return out;
}

int32_t *tf_labels_ids(const struct tf_labels *l,
                       const struct tf_label_column *c,
                       const struct tf_table *t, struct tf_err *err)
{
    int32_t *place = places(l, &c->names, err);
    int32_t *ids = place ? tf_alloc(c->used, sizeof(*ids), err) : NULL;
    struct targets all = { l, c, place, 1, err };

    for (size_t row = 0; ids && row < c->count; row++)
        for (size_t i = c->start[row]; ids && i < c->start[row + 1]; i++) {
            double value = c->values[i];

            ids[i] = ignored(c, i) ? TF_IGNORE : place_of(&all, value);
            if (ids[i] >= 0 ? ids[i] == value || c->kind == TF_LABELS_SETS
                            : ids[i] == TF_IGNORE)
                continue;
            unknown(&all, value);
            tf_table_err_at(t, row, err);
            free(ids);
            ids = NULL;
        }
    free(place);
    return ids;
}
