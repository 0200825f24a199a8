#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "convert/findings.h"
#include "format/weights.h"

struct comparing {
    const struct tf_weights *a, *b;
    struct tf_findings findings;
};

static json_t *shape_of(const struct tf_tensor *t)
{
    json_t *shape = json_array();

    for (size_t i = 0; i < t->ndim; i++)
        json_array_append_new(shape, json_integer((json_int_t)t->dim[i]));
    return shape;
}

struct distance {
    double most;
    bool no_number; /* a NaN, or two different infinities */
    size_t different;
};

static void add_row(struct distance *d, const float *x, const float *y,
                    size_t n)
{
    for (size_t i = 0; i < n; i++) {
        double by = fabs((double)x[i] - (double)y[i]);

        if (x[i] == y[i] || (isnan(x[i]) && isnan(y[i])))
            continue;
        d->different++;
        if (!isfinite(by))
            d->no_number = true;
        else if (by > d->most)
            d->most = by;
    }
}

/* Number by number as float32, a row at a time. */
static int measure(const struct tf_tensor *a, const struct tf_tensor *b,
                   struct distance *d, struct tf_err *err)
{
    const struct tf_dtype_info *ia = tf_dtype_info(a->dtype);
    const struct tf_dtype_info *ib = tf_dtype_info(b->dtype);
    size_t rows = tf_tensor_rows(a);
    size_t cols = rows ? tf_tensor_count(a) / rows : 0;
    float *x = tf_alloc(cols, 2 * sizeof(*x), err), *y = x + cols;

    if (!x)
        return -1;
    for (size_t r = 0; r < rows; r++) {
        ia->unpack(x, (char *)a->data + r * (cols / ia->block * ia->bytes),
                   cols);
        ib->unpack(y, (char *)b->data + r * (cols / ib->block * ib->bytes),
                   cols);
        add_row(d, x, y, cols);
    }
    free(x);
    return 0;
}

static int compare(struct comparing *c, const char *name,
                   const struct tf_tensor *a, const struct tf_tensor *b,
                   struct tf_err *err)
{
    size_t bytes = tf_tensor_bytes(a);
    struct distance d = { 0 };
    json_t *finding;

    if (a->ndim != b->ndim ||
        memcmp(a->dim, b->dim, a->ndim * sizeof(a->dim[0])))
        return tf_findings_add(&c->findings,
                               json_pack("{s:s, s:[o,o]}", "tensor", name,
                                         "shape", shape_of(a), shape_of(b)),
                               err);
    if (a->dtype == b->dtype && (!bytes || !memcmp(a->data, b->data, bytes)))
        return 0;
    if (measure(a, b, &d, err))
        return -1;
    finding = json_pack("{s:s}", "tensor", name);
    if (a->dtype != b->dtype)
        json_object_set_new(finding, "dtype",
                            json_pack("[s,s]", tf_dtype_info(a->dtype)->name,
                                      tf_dtype_info(b->dtype)->name));
    json_object_set_new(finding, "max_abs_diff",
                        d.no_number ? json_null() : json_real(d.most));
    json_object_set_new(finding, "different",
                        json_integer((json_int_t)d.different));
    json_object_set_new(finding, "of",
                        json_integer((json_int_t)tf_tensor_count(a)));
    return tf_findings_add(&c->findings, finding, err);
}

static int compare_all(struct comparing *c, struct tf_err *err)
{
    const struct tf_tensor *t, *other;
    const char *name;

    for (size_t i = 0; i < tf_weights_count(c->a); i++) {
        t = tf_weights_at(c->a, i, &name);
        other = tf_weights_find(c->b, name);
        if (other
                ? compare(c, name, t, other, err)
                : tf_findings_add(
                      &c->findings,
                      json_pack("{s:s, s:s}", "tensor", name, "in", "a"), err))
            return -1;
    }
    for (size_t i = 0; i < tf_weights_count(c->b); i++) {
        tf_weights_at(c->b, i, &name);
        if (!tf_weights_find(c->a, name) &&
            tf_findings_add(&c->findings,
                            json_pack("{s:s, s:s}", "tensor", name, "in", "b"),
                            err))
            return -1;
    }
    return 0;
}

long tf_diff(const char *a, const char *b, tf_finding_fn *found, void *arg,
             struct tf_err *err)
{
    struct comparing c = { .findings = { found, arg, 0 } };
    struct tf_weights *wa = tf_weights_open(a, err);
    struct tf_weights *wb = wa ? tf_weights_open(b, err) : NULL;
    int failed;

    c.a = wa;
    c.b = wb;
    failed = !wb || compare_all(&c, err);
    tf_weights_close(wa);
    tf_weights_close(wb);
    return failed ? -1 : c.findings.count;
}
