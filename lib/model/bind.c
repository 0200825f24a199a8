#include "model/bind.h"

#include <stdio.h>
#include <string.h>
#include "base/io.h"
#include "kernel/gemm_int8.h"
#include "kernel/kernel.h"
#include "model/adapter.h"
#include "model/bind_int8.h"
#include "model/packed.h"

/* A tensor of the adapter's file stands in for the model's own: a module that
 * was trained and saved whole, or a bias. A layer with an adapter of its own is
 * called "base_layer" there. */
static const struct tf_tensor *
try_adapter(struct tf_bind *bind, const char *module, const char *suffix)
{
    const struct tf_tensor *t =
        tf_adapters_find(bind->adapters, module, suffix);
    char inner[TF_NAME_MAX];

    if (t || !*suffix)
        return t;
    snprintf(inner, sizeof(inner), ".base_layer%.100s", suffix);
    return tf_adapters_find(bind->adapters, module, inner);
}

static const struct tf_tensor *try_name(struct tf_bind *bind, const char *name)
{
    size_t i = tf_weights_index(bind->weights, name);

    if (i == SIZE_MAX)
        return NULL;
    if (bind->used[i] == TF_ROLE_UNUSED)
        bind->used[i] = TF_ROLE_OTHER;
    return tf_weights_at(bind->weights, i, &name);
}

/* `module` with the suffix or its old name; `name` gets the one tried last. */
static const struct tf_tensor *try_spellings(struct tf_bind *bind,
                                             const char *module,
                                             const char *suffix, char *name,
                                             size_t size)
{
    const char *old = !strcmp(suffix, ".weight") ? ".gamma"
                      : !strcmp(suffix, ".bias") ? ".beta"
                                                 : NULL;
    const struct tf_tensor *t = NULL;

    for (int i = 0; !t && i < (old ? 2 : 1); i++) {
        snprintf(name, size, "%.480s%.20s", module, i ? old : suffix);
        t = try_name(bind, name);
    }
    return t;
}

const struct tf_tensor *tf_bind_find(struct tf_bind *bind, const char *pattern,
                                     struct tf_place at, const char *suffix,
                                     char *name, size_t size)
{
    const struct tf_tensor *t = NULL, *over = NULL;
    struct tf_spelling s;

    tf_spelling_init(&s, pattern, bind->prefix, at);
    while (bind->adapters && !over && tf_spelling_next(&s))
        over = try_adapter(bind, s.name, suffix);
    if (over)
        snprintf(name, size, "the adapter's %s%s", s.name, suffix);
    tf_spelling_init(&s, pattern, bind->prefix, at);
    while (!t && tf_spelling_next(&s)) {
        char tried[TF_NAME_MAX];

        t = try_spellings(bind, s.name, suffix, tried, sizeof(tried));
        if (t && !over)
            snprintf(name, size, "%s", tried);
    }
    if (!t && !over) {
        tf_spelling_init(&s, pattern, bind->prefix, at);
        tf_spelling_next(&s);
        snprintf(name, size, "%s%s", s.name, suffix);
    }
    return over ? over : t;
}

static int wrong_shape(const struct tf_tensor *t, const char *name,
                       const size_t *dim, size_t ndim, struct tf_err *err)
{
    char found[128] = "", wanted[64] = "";
    size_t len = 0;

    for (size_t i = 0; i < t->ndim && len < sizeof(found); i++)
        len += (size_t)snprintf(found + len, sizeof(found) - len, "%s%zu",
                                i ? ", " : "", t->dim[i]);
    len = 0;
    for (size_t i = 0; i < ndim && len < sizeof(wanted); i++)
        len += (size_t)snprintf(wanted + len, sizeof(wanted) - len, "%s%zu",
                                i ? ", " : "", dim[i]);
    return tf_fail(err,
                   "%.200s: its shape is [%s], but by config.json it is [%s]",
                   name, found, wanted);
}

/* Where `name` begins after one of the prefixes and a dot; NULL: it does not.
 */
static bool has_prefix(const struct tf_bind *bind, const char *name)
{
    const char *p = bind->prefix;

    while (p && *p) {
        size_t n = strcspn(p, "|");

        if (!strncmp(name, p, n) && name[n] == '.')
            return true;
        p += n + (p[n] == '|');
    }
    return false;
}

/* A name of the files as Transformers saves it: with the prefix that a bare
 * base model leaves out, and without the old words. */
static void saved_name(const struct tf_bind *bind, const char *name, char *out,
                       size_t size)
{
    const char *prefix = bind->prefix ? bind->prefix : "";
    size_t n = strcspn(prefix, "|"), len = strlen(name);
    const char *suffix = "";

    if (!bind->inside || bind->bare || has_prefix(bind, name))
        n = 0;
    if (len > 6 && !strcmp(name + len - 6, ".gamma")) {
        len -= 6;
        suffix = ".weight";
    } else if (len > 5 && !strcmp(name + len - 5, ".beta")) {
        len -= 5;
        suffix = ".bias";
    }
    snprintf(out, size, "%.*s%s%.*s%s", (int)n, prefix, n ? "." : "", (int)len,
             name, suffix);
}

/* Cut a suffix off; returns it, or "". */
static const char *cut_suffix(char *name)
{
    static const char *const suffixes[] = { ".weight", ".bias" };
    size_t len = strlen(name);

    for (size_t i = 0; i < 2; i++) {
        size_t n = strlen(suffixes[i]);

        if (len > n && !strcmp(name + len - n, suffixes[i])) {
            name[len - n] = 0;
            return suffixes[i];
        }
    }
    return "";
}

const char *tf_bind_module(const struct tf_bind *bind, const char *pattern,
                           struct tf_place at, const char *name,
                           char module[TF_NAME_MAX])
{
    const char *other = bind->gguf ? strchr(pattern, '|') : NULL;
    const char *suffix;

    saved_name(bind, name, module, TF_NAME_MAX);
    suffix = cut_suffix(module);
    if (other)
        tf_spell(module, other + 1, strcspn(other + 1, "|"), at);
    return suffix;
}

int tf_bind_adopt(struct tf_bind *bind, struct tf_tensor *t,
                  const char *pattern, struct tf_place at, const char *name,
                  bool norm, bool *adopted, struct tf_err *err)
{
    struct tf_parameters *p = bind->params;
    size_t before = p ? p->count : 0;
    size_t source = tf_weights_index(bind->weights, name);
    char saved[TF_NAME_MAX], module[TF_NAME_MAX];
    const char *suffix = tf_bind_module(bind, pattern, at, name, module);
    const char *own;

    *adopted = p != NULL;
    if (!p)
        return 0;
    /* a new one may have the name of one that did not fit */
    if (source != SIZE_MAX &&
        tf_weights_at(bind->weights, source, &own)->data != t->data)
        source = SIZE_MAX;
    if (bind->adapters &&
        tf_adapters_train(bind->adapters, module, suffix,
                          bind->fresh && source == SIZE_MAX, adopted, err))
        return -1;
    if (!*adopted)
        return 0;
    if (bind->adapters)
        tf_adapters_name(bind->adapters, module, suffix, saved);
    else
        saved_name(bind, name, saved, sizeof(saved));
    if (tf_parameters_add(p, t, saved, source, err))
        return -1;
    if (p->count > before) {
        p->v[before].norm = norm;
        p->v[before].fresh = bind->fresh && source == SIZE_MAX;
    }
    return 0;
}

int tf_bind_adopt_taps(struct tf_bind *bind, struct tf_tensor *t,
                       const char *pattern, struct tf_place at,
                       const char *name, size_t taps, struct tf_err *err)
{
    struct tf_parameters *p = bind->params;
    size_t before = p->count;
    bool adopted;

    if (tf_bind_adopt(bind, t, pattern, at, name, false, &adopted, err))
        return -1;
    if (p->count > before)
        p->v[before].taps = taps;
    return 0;
}

static bool is_float(enum tf_dtype dtype)
{
    return dtype == TF_F32 || dtype == TF_F16 || dtype == TF_BF16 ||
           dtype == TF_F64 || tf_dtype_info(dtype)->block > 1;
}

/* Only the first dim is not the one wanted: another set of labels. */
static bool other_rows(const struct tf_tensor *t, const size_t *dim,
                       size_t ndim)
{
    if (t->ndim != ndim || t->dim[0] == dim[0])
        return false;
    for (size_t i = 1; i < ndim; i++)
        if (t->dim[i] != dim[i])
            return false;
    return true;
}

/* A tensor that the files have not. */
static const struct tf_tensor *make_new(struct tf_bind *bind,
                                        const char *pattern, struct tf_place at,
                                        const char *suffix, const size_t *dim,
                                        size_t ndim, char name[TF_BIND_NAME],
                                        struct tf_err *err)
{
    char stem[TF_BIND_NAME], saved[TF_BIND_NAME];

    tf_spell(stem, pattern, strcspn(pattern, "|"), at);
    snprintf(name, TF_BIND_NAME, "%.480s%.16s", stem, suffix);
    /* an encoder's and a decoder's table of tokens are one */
    saved_name(bind, name, saved, sizeof(saved));
    for (size_t i = 0; i < bind->params->count; i++)
        if (!strcmp(bind->params->v[i].name, saved))
            return bind->params->v[i].tensor;
    return tf_parameters_new(bind->params, dim, ndim,
                             !strcmp(suffix, ".weight"), err);
}

const struct tf_tensor *tf_bind_shaped(struct tf_bind *bind,
                                       const char *pattern, struct tf_place at,
                                       const char *suffix, const size_t *dim,
                                       size_t ndim, char name[TF_BIND_NAME],
                                       struct tf_err *err)
{
    const struct tf_tensor *t =
        tf_bind_find(bind, pattern, at, suffix, name, TF_BIND_NAME);
    size_t skip = 0;
    bool same;

    if (bind->fresh && (!t || other_rows(t, dim, ndim)))
        return make_new(bind, pattern, at, suffix, dim, ndim, name, err);
    if (!t) {
        tf_fail(err, "tensor \"%.300s\" is missing", name);
        return NULL;
    }
    while (ndim == 1 && skip + 1 < t->ndim && t->dim[skip] == 1)
        skip++;
    same = t->ndim - skip == ndim;
    for (size_t i = 0; same && i < ndim; i++)
        same = t->dim[skip + i] == dim[i];
    /* a GGUF has matrices of one row as vectors */
    if (ndim == 2 && dim[0] == 1 && t->ndim == 1)
        same = t->dim[0] == dim[1];
    if (same && is_float(t->dtype))
        return t;
    if (!same)
        wrong_shape(t, name, dim, ndim, err);
    else
        tf_fail(err, "%.200s: weights of type %s are not supported", name,
                tf_dtype_info(t->dtype)->name);
    return NULL;
}

bool tf_bind_has(struct tf_bind *bind, const char *pattern, const char *suffix)
{
    char name[TF_BIND_NAME];
    struct tf_place none = { 0 };

    return pattern &&
           tf_bind_find(bind, pattern, none, suffix, name, sizeof(name));
}

static bool aligned(const struct tf_tensor *t)
{
    const struct tf_dtype_info *info = tf_dtype_info(t->dtype);

    return info->block > 1 || (uintptr_t)t->data % info->bytes == 0;
}

static int unpack(struct tf_bind *bind, struct tf_tensor *t, struct tf_err *err)
{
    size_t n = tf_tensor_count(t);
    float *copy = tf_arena_alloc(bind->memory, n, sizeof(float));

    if (!copy)
        return tf_no_memory(err, n * sizeof(float));
    tf_dtype_info(t->dtype)->unpack(copy, t->data, n);
    t->data = copy;
    t->dtype = TF_F32;
    return 0;
}

/* Bring a matrix to a 16-bit type, row by row. */
static int narrow(struct tf_bind *bind, struct tf_tensor *t, struct tf_err *err)
{
    const struct tf_dtype_info *info = tf_dtype_info(t->dtype);
    size_t rows = tf_tensor_rows(t), cols = t->ld;
    size_t row_bytes = cols / info->block * info->bytes;
    uint16_t *copy = tf_arena_alloc(bind->memory, rows * cols, sizeof(*copy));
    struct tf_arena_mark mark = tf_arena_mark(bind->memory);
    float *row = tf_arena_alloc(bind->memory, cols, sizeof(*row));

    if (!copy || !row)
        return tf_no_memory(err, rows * cols * sizeof(*copy));
    for (size_t i = 0; i < rows; i++) {
        info->unpack(row, (const char *)t->data + i * row_bytes, cols);
        tf_pack_floats(bind->dtype, copy + i * cols, row, cols);
    }
    tf_arena_rewind(bind->memory, mark);
    tf_map_forget(t->data, rows * row_bytes);
    t->data = copy;
    t->dtype = bind->dtype;
    return 0;
}

static void set_role(struct tf_bind *bind, const char *name, enum tf_role role)
{
    size_t i = tf_weights_index(bind->weights, name);

    if (i != SIZE_MAX)
        bind->used[i] = (uint8_t)role;
}

int tf_bind_settle(struct tf_bind *bind, struct tf_tensor *t,
                   struct tf_err *err)
{
    if (bind->look)
        return 0;
    if (bind->convert && bind->dtype != t->dtype && bind->dtype != TF_F32)
        return narrow(bind, t, err);
    if (t->dtype == TF_F64 || !aligned(t))
        return unpack(bind, t, err);
    return 0;
}

/* What is not trained stays in the file where it can, or becomes int8 (then
 * turned round, if it lies so). */
static int bind_matrix(struct tf_bind *bind, struct tf_tensor *t,
                       const char *pattern, struct tf_place at,
                       const char *name, bool int8, bool turned,
                       struct tf_err *err)
{
    bool adopted;

    if (tf_bind_adopt(bind, t, pattern, at, name, false, &adopted, err))
        return -1;
    if (adopted)
        return 0;
    return int8 ? tf_int8_make(bind, t, turned, err)
                : tf_bind_settle(bind, t, err);
}

/* The same of numbers that are wanted as float32. */
static int adopt_floats(struct tf_bind *bind, struct tf_tensor *t,
                        const char *pattern, struct tf_place at,
                        const char *name, bool norm, struct tf_err *err)
{
    bool adopted;

    if (tf_bind_adopt(bind, t, pattern, at, name, norm, &adopted, err))
        return -1;
    return adopted || (t->dtype == TF_F32 && aligned(t)) ? 0
                                                         : unpack(bind, t, err);
}

int tf_bind_vector(struct tf_bind *bind, struct tf_tensor *t,
                   const char *pattern, struct tf_place at, const char *suffix,
                   size_t n, struct tf_err *err)
{
    char name[TF_BIND_NAME];
    const struct tf_tensor *found =
        tf_bind_shaped(bind, pattern, at, suffix, &n, 1, name, err);

    if (!found)
        return -1;
    *t = *found;
    t->ndim = 1;
    t->dim[0] = n;
    return adopt_floats(bind, t, pattern, at, name, !strcmp(suffix, ".weight"),
                        err);
}

int tf_bind_numbers(struct tf_bind *bind, struct tf_tensor *t,
                    const char *pattern, struct tf_place at, const char *suffix,
                    size_t rows, size_t cols, struct tf_err *err)
{
    size_t dim[2] = { rows, cols };
    char name[TF_BIND_NAME];
    const struct tf_tensor *found =
        tf_bind_shaped(bind, pattern, at, suffix, dim, 2, name, err);

    if (!found)
        return -1;
    *t = *found;
    return adopt_floats(bind, t, pattern, at, name, false, err);
}

/* An int8 table of the files. */
static int read_table(struct tf_bind *bind, struct tf_tensor *t,
                      const struct tf_tensor *found, const char *name,
                      size_t rows, size_t cols, struct tf_err *err)
{
    *t = *found;
    set_role(bind, name, TF_ROLE_TABLE);
    return tf_int8_read(bind, t, name, rows, cols, err);
}

int tf_bind_table(struct tf_bind *bind, struct tf_tensor *t,
                  const char *pattern, size_t rows, size_t cols,
                  struct tf_err *err)
{
    size_t dim[2] = { rows, cols };
    char name[TF_BIND_NAME];
    const struct tf_place at = { 0 };
    const struct tf_tensor *found =
        tf_bind_find(bind, pattern, at, ".weight", name, sizeof(name));

    if (found && tf_int8_is(bind, found, name))
        return read_table(bind, t, found, name, rows, cols, err);
    found = tf_bind_shaped(bind, pattern, at, ".weight", dim, 2, name, err);
    if (!found)
        return -1;
    set_role(bind, name, TF_ROLE_TABLE);
    *t = *found;
    return bind_matrix(bind, t, pattern, at, name, bind->int8_tables, false,
                       err);
}

static int keep_name(struct tf_bind *bind, struct tf_weight *w,
                     const char *name, struct tf_err *err)
{
    size_t len = strlen(name) + 1;
    char *kept = tf_arena_alloc(bind->memory, len, 1);

    if (!kept)
        return tf_no_memory(err, len);
    memcpy(kept, name, len);
    w->name = kept;
    return 0;
}

/* Bring the matrix that was found into the form it is used in. */
static int settle_weight(struct tf_bind *bind, struct tf_weight *w,
                         const char *pattern, struct tf_place at,
                         const char *name, struct tf_err *err)
{
    bool inner = bind->inside && !bind->exact;

    set_role(bind, name,
             !inner          ? TF_ROLE_HEAD
             : w->transposed ? TF_ROLE_TURNED
                             : TF_ROLE_MATRIX);
    return bind_matrix(bind, &w->w, pattern, at, name,
                       bind->int8 && inner && w->in <= TF_INT8_K_MAX,
                       w->transposed, err);
}

/* A matrix that the files hold quantised, if they do: 1, else 0. */
static int find_quantized(struct tf_bind *bind, struct tf_weight *w,
                          const char *pattern, struct tf_place at,
                          char name[TF_BIND_NAME], struct tf_err *err)
{
    const struct tf_tensor *found =
        tf_bind_find(bind, pattern, at, ".weight", name, TF_BIND_NAME);
    int read;

    if (found && tf_int8_is(bind, found, name)) {
        w->w = *found;
        read = tf_int8_read(bind, &w->w, name, w->out, w->in, err) ? -1 : 1;
    } else {
        read =
            tf_packed_read(bind, &w->w, pattern, at, w->out, w->in, name, err);
    }
    if (read > 0)
        w->transposed = false;
    return read;
}

int tf_bind_weight(struct tf_bind *bind, struct tf_weight *w,
                   const char *pattern, struct tf_place at, size_t out,
                   size_t in, bool bias, bool transposed, struct tf_err *err)
{
    size_t dim[2] = { transposed ? in : out, transposed ? out : in };
    char name[TF_BIND_NAME];
    const struct tf_tensor *found;
    int failed;

    w->in = in;
    w->out = out;
    w->transposed = transposed;
    failed = find_quantized(bind, w, pattern, at, name, err);
    if (!failed) {
        found = tf_bind_shaped(bind, pattern, at, ".weight", dim, 2, name, err);
        if (!found)
            return -1;
        w->w = *found;
        failed = keep_name(bind, w, name, err) ||
                 settle_weight(bind, w, pattern, at, name, err);
    } else if (failed > 0) {
        failed = keep_name(bind, w, name, err);
    }
    if (failed || (w->w.scale && tf_int8_finish(bind, w, err)) ||
        (bind->adapters && tf_adapters_attach(bind, w, pattern, at, name, err)))
        return -1;
    failed =
        bias ? tf_bind_vector(bind, &w->bias, pattern, at, ".bias", out, err)
             : 0;
    if (bind->adapters)
        tf_adapters_attach_bias(bind, w);
    return failed;
}

struct tf_tensor *tf_bind_stack(struct tf_bind *bind, const char *pattern,
                                struct tf_place at, const size_t dim[3],
                                char name[TF_BIND_NAME], struct tf_err *err)
{
    const struct tf_tensor *found =
        tf_bind_shaped(bind, pattern, at, "", dim, 3, name, err);
    struct tf_tensor *t;
    bool adopted;

    if (!found)
        return NULL;
    t = tf_arena_alloc(bind->memory, 1, sizeof(*t));
    if (!t) {
        tf_no_memory(err, sizeof(*t));
        return NULL;
    }
    *t = *found;
    return tf_bind_adopt(bind, t, pattern, at, name, false, &adopted, err)
               ? NULL
               : t;
}

int tf_bind_part(struct tf_bind *bind, struct tf_weight *w, const char *name,
                 struct tf_err *err)
{
    set_role(bind, name, TF_ROLE_HEAD);
    if (keep_name(bind, w, name, err))
        return -1;
    return w->w.base ? 0 : tf_bind_settle(bind, &w->w, err);
}
