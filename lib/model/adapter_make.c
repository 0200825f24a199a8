#include "model/adapter_make.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include "base/rng.h"
#include "model/stack.h"

/* A parameter [rows][cols] (cols 0: a vector) of zeros, called as PEFT does. */
static struct tf_parameter *make(struct tf_bind *bind, struct tf_tensor *t,
                                 size_t rows, size_t cols, const char *module,
                                 const char *suffix, struct tf_err *err)
{
    struct tf_parameters *p = bind->params;
    size_t n = cols ? rows * cols : rows;
    char name[TF_NAME_MAX];
    float *data = tf_arena_alloc(bind->memory, n, sizeof(*data));

    if (!data) {
        tf_no_memory(err, n * sizeof(*data));
        return NULL;
    }
    memset(data, 0, n * sizeof(*data));
    *t = (struct tf_tensor){ .ndim = cols ? 2 : 1, .dim = { rows, cols } };
    t->ld = cols ? cols : rows;
    t->data = data;
    tf_adapters_name(bind->adapters, module, suffix, name);
    if (tf_parameters_add(p, t, name, SIZE_MAX, err))
        return NULL;
    return &p->v[p->count - 1];
}

/* Uniform in [-bound, bound]. */
static void draw_uniform(struct tf_bind *bind, struct tf_tensor *t,
                         double bound)
{
    size_t n = tf_tensor_count(t);
    float *data = t->data;

    for (size_t i = 0; i < n; i++) {
        uint32_t w[4];

        tf_philox(bind->adapters->seed, bind->params->count, i, w);
        data[i] = (float)((2 * tf_uniform(w[0], w[1]) - 1) * bound);
    }
}

static void draw_normal(struct tf_bind *bind, struct tf_tensor *t, double std)
{
    tf_parameters_draw(bind->adapters->seed, bind->params->count, std, t->data,
                       tf_tensor_count(t));
}

/* PEFT's reset_lora_parameters(); kaiming_uniform_(a=sqrt(5)) is uniform below
 * 1 / sqrt(inputs). */
static void begin(struct tf_bind *bind, struct tf_adapter *a)
{
    size_t rank = a->a.dim[0], in = a->a.dim[1];
    enum tf_lora_init init = bind->adapters->lora.init;

    if (init == TF_LORA_GAUSSIAN)
        draw_normal(bind, &a->a, 1 / (double)rank);
    else
        draw_uniform(bind, &a->a, 1 / sqrt((double)in));
    if (init == TF_LORA_RANDOM) {
        bind->params->count++; /* other numbers than A's */
        draw_uniform(bind, &a->b, 1 / sqrt((double)rank));
        bind->params->count--;
    }
}

static int make_magnitude(struct tf_bind *bind, struct tf_weight *w,
                          struct tf_adapter *a, const char *module,
                          struct tf_err *err)
{
    struct tf_parameter *p = make(bind, &a->magnitude, w->out, 0, module,
                                  ".lora_magnitude_vector", err);

    if (!p)
        return -1;
    p->rows = bind->rows;
    return tf_adapter_norms(NULL, w, a, a->magnitude.data, err);
}

int tf_adapter_make(struct tf_bind *bind, struct tf_weight *w,
                    const char *module, struct tf_err *err)
{
    const struct tf_lora *lora = &bind->adapters->lora;
    struct tf_adapter *a = tf_arena_alloc(bind->memory, 1, sizeof(*a));
    struct tf_parameter *p;
    size_t rank;

    if (!a)
        return tf_no_memory(err, sizeof(*a));
    memset(a, 0, sizeof(*a));
    a->dropout = (float)lora->dropout;
    if (tf_lora_rank(lora, module, &rank, err) ||
        tf_lora_scale(lora, module, rank, &a->scale, err) ||
        !make(bind, &a->a, rank, w->in, module, ".lora_A.weight", err) ||
        !(p = make(bind, &a->b, w->out, rank, module, ".lora_B.weight", err)))
        return -1;
    p->rows = bind->rows;
    begin(bind, a);
    w->adapters = a;
    return lora->dora ? make_magnitude(bind, w, a, module, err) : 0;
}

int tf_adapter_make_tokens(struct tf_bind *bind, struct tf_token_adapter *t,
                           const char *module, const struct tf_tensor *table,
                           struct tf_err *err)
{
    const struct tf_lora *lora = &bind->adapters->lora;
    struct tf_parameter *p;
    size_t rank;

    if (lora->dora)
        return tf_fail(
            err, "%.300s: DoRA of a table of tokens is not supported", module);
    if (tf_lora_rank(lora, module, &rank, err) ||
        tf_lora_scale(lora, module, rank, &t->scale, err) ||
        !(p = make(bind, &t->a, table->dim[0], rank, module,
                   ".lora_embedding_A", err)))
        return -1;
    p->turned = true;
    if (!make(bind, &t->b.w, table->dim[1], rank, module, ".lora_embedding_B",
              err))
        return -1;
    t->b.in = rank;
    t->b.out = table->dim[1];
    draw_normal(bind, &t->b.w, 1);
    return 0;
}
