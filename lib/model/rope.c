#include "model/rope.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "model/config.h"

#define PI 3.14159265358979323846

/* What the frequencies of one kind of layer are made of. */
struct scaling {
    const struct tf_stack_spec *spec;
    json_t *json; /* rope_parameters or rope_scaling, or NULL */
    double theta;
    size_t dims;
    size_t length;   /* of the longest sequence */
    double factor;   /* 0: not given */
    double original; /* positions before scaling */
    float attention; /* factor of cos and sin */
};

static double number(json_t *object, const char *key, double fallback)
{
    json_t *v = tf_config_get(object, key);

    return json_is_number(v) ? json_number_value(v) : fallback;
}

static const char *kind_of(json_t *json)
{
    const char *kind = json_string_value(tf_config_get(json, "rope_type|type"));

    return kind ? kind : "default";
}

static float frequency(const struct scaling *s, double theta, size_t i)
{
    float exponent = (float)(2 * i) / (float)s->dims;

    return 1 / (float)pow(theta, exponent);
}

static int plain(struct scaling *s, float *freq, struct tf_err *err)
{
    (void)err;
    for (size_t i = 0; i < s->dims / 2; i++)
        freq[i] = frequency(s, s->theta, i);
    return 0;
}

static int linear(struct scaling *s, float *freq, struct tf_err *err)
{
    plain(s, freq, err);
    for (size_t i = 0; i < s->dims / 2; i++)
        freq[i] /= (float)s->factor;
    return 0;
}

/* The base grows with the sequence (NTK-aware scaling), or by a given alpha
 * (HunYuan). */
static int dynamic(struct scaling *s, float *freq, struct tf_err *err)
{
    double most = (double)s->spec->max_positions;
    double n = (double)s->length > most ? (double)s->length : most;
    double dims = (double)s->dims, alpha = number(s->json, "alpha", 0);
    double grown = s->factor * n / most - (s->factor - 1), theta;

    if (s->dims <= 2)
        return tf_fail(err, "dynamic scaling of %zu dims", s->dims);
    if (alpha > 0)
        grown = alpha;
    theta = s->theta * pow(grown, dims / (dims - 2));
    for (size_t i = 0; i < s->dims / 2; i++)
        freq[i] = frequency(s, theta, i);
    return 0;
}

/* Slow dims are slowed down by the factor, fast ones stay, those between are
 * blended (Llama 3.1). */
static int llama3(struct scaling *s, float *freq, struct tf_err *err)
{
    double low = number(s->json, "low_freq_factor", 1);
    double high = number(s->json, "high_freq_factor", 4);

    if (high <= low || low <= 0)
        return tf_fail(err, "frequency factors %g and %g", low, high);
    plain(s, freq, err);
    for (size_t i = 0; i < s->dims / 2; i++) {
        double wave = 2 * PI / (double)freq[i], smooth;

        if (wave < s->original / high)
            continue;
        if (wave > s->original / low) {
            freq[i] = (float)((double)freq[i] / s->factor);
            continue;
        }
        smooth = (s->original / wave - low) / (high - low);
        freq[i] = (float)((1 - smooth) * (double)freq[i] / s->factor +
                          smooth * (double)freq[i]);
    }
    return 0;
}

static double yarn_mscale(double scale, double mscale)
{
    return scale <= 1 ? 1 : 0.1 * mscale * log(scale) + 1;
}

/* YaRN (Peng et al. 2023): dims that turn often stay, those that turn seldom
 * are slowed down, with a ramp between. */
static int yarn(struct scaling *s, float *freq, struct tf_err *err)
{
    double mscale = number(s->json, "mscale", 0);
    double all = number(s->json, "mscale_all_dim", 0);
    double turns[2] = { number(s->json, "beta_fast", 0),
                        number(s->json, "beta_slow", 0) };
    double dims = (double)s->dims, at[2], inferred;
    json_t *truncate = tf_config_get(s->json, "truncate");

    if (s->theta <= 1)
        return tf_fail(err, "a theta of %g", s->theta);
    inferred = mscale > 0 && all > 0 ? yarn_mscale(s->factor, mscale) /
                                           yarn_mscale(s->factor, all)
                                     : yarn_mscale(s->factor, 1);
    s->attention = (float)number(s->json, "attention_factor", inferred);
    for (int i = 0; i < 2; i++) {
        double n = turns[i] > 0 ? turns[i] : i ? 1 : 32;

        at[i] = dims * log(s->original / (n * 2 * PI)) / (2 * log(s->theta));
        if (!json_is_false(truncate))
            at[i] = i ? ceil(at[i]) : floor(at[i]);
    }
    at[0] = fmax(at[0], 0);
    at[1] = fmin(at[1], dims - 1);
    if (at[0] == at[1])
        at[1] += 0.001;
    for (size_t i = 0; i < s->dims / 2; i++) {
        float fast = frequency(s, s->theta, i);
        float slow = (float)((double)fast / s->factor);
        double ramp = ((double)i - at[0]) / (at[1] - at[0]);
        float stay = (float)(1 - fmin(fmax(ramp, 0), 1));

        freq[i] = slow * (1 - stay) + fast * stay;
    }
    return 0;
}

/* A factor for each dim, of one list for short and one for long sequences
 * (LongRoPE, Ding et al. 2024). */
static int longrope(struct scaling *s, float *freq, struct tf_err *err)
{
    bool far = (double)s->length > s->original;
    double scale = number(s->json, far ? "long_mscale" : "short_mscale", 0);
    /* PhimoeRotaryEmbedding, whose scalings have these, takes the short ones
     * for every length */
    const char *key = far && !scale ? "long_factor" : "short_factor";
    json_t *list = tf_config_get(s->json, key);
    double inferred = 1;

    if (json_array_size(list) != s->dims / 2)
        return tf_fail(err, "%s has %zu numbers for %zu dims", key,
                       json_array_size(list), s->dims / 2);
    if (s->factor > 1 && s->original > 1)
        inferred = sqrt(1 + log(s->factor) / log(s->original));
    s->attention = (float)number(s->json, "attention_factor", inferred);
    if (scale)
        s->attention = (float)scale;
    for (size_t i = 0; i < s->dims / 2; i++) {
        float stretch = (float)json_number_value(json_array_get(list, i));

        if (!(stretch > 0))
            return tf_fail(err, "%s: %g", key, (double)stretch);
        freq[i] = frequency(s, s->theta, i) / stretch;
    }
    return 0;
}

static const struct kind {
    const char *name;
    int (*fill)(struct scaling *s, float *freq, struct tf_err *err);
    bool needs_factor, by_length;
} kinds[] = {
    { "default", plain, false, false },   { "mrope", plain, false, false },
    { "linear", linear, true, false },    { "dynamic", dynamic, true, true },
    { "llama3", llama3, true, false },    { "yarn", yarn, true, false },
    { "longrope", longrope, true, true }, { "su", longrope, true, true },
};

static const struct kind *find_kind(const char *name)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (!strcmp(kinds[i].name, name))
            return &kinds[i];
    return NULL;
}

bool tf_rope_by_length(const struct tf_stack_spec *spec)
{
    const struct kind *global = find_kind(kind_of(spec->rotary_scaling));
    const struct kind *local = find_kind(kind_of(spec->local_rotary_scaling));

    return spec->rotary &&
           ((global && global->by_length) || (local && local->by_length));
}

static int fill_frequencies(struct scaling *s, float *freq, struct tf_err *err)
{
    const char *name = kind_of(s->json);
    const struct kind *kind = find_kind(name);
    double most = (double)s->spec->max_positions;

    if (!kind)
        return tf_fail(err, "rope_type \"%.60s\" is not supported", name);
    s->original = (double)s->spec->rotary_original;
    if (!s->spec->rotary_original)
        s->original = number(s->json, "original_max_position_embeddings", most);
    s->factor = number(s->json, "factor", 0);
    if (!(s->factor > 0) && s->original > 0)
        s->factor = most / s->original;
    if (kind->needs_factor &&
        (!(s->factor > 0) || !(s->original > 0) || !(most > 0)))
        return tf_fail(err, "rope_type \"%s\" with a factor of %g from %g on",
                       name, s->factor, s->original);
    return kind->fill(s, freq, err);
}

/* `way`: 1, or -1 to turn backwards. */
static int fill_table(struct tf_rope *rope, const float *freq, float attention,
                      float way, size_t tokens, struct tf_err *err)
{
    size_t half = rope->dims / 2;
    float *cosines = tf_alloc(tokens, half * sizeof(float), err);
    float *sines = cosines ? tf_alloc(tokens, half * sizeof(float), err) : NULL;

    rope->cos = cosines;
    rope->sin = sines;
    if (!sines)
        return -1;
    for (size_t t = 0; t < tokens; t++)
        for (size_t i = 0; i < half; i++) {
            float angle = (float)t * freq[i];

            cosines[t * half + i] = cosf(angle) * attention;
            sines[t * half + i] = sinf(angle) * attention * way;
        }
    return 0;
}

int tf_rope_build(struct tf_rope *rope, const struct tf_stack_spec *spec,
                  bool local, size_t tokens, size_t length, struct tf_err *err)
{
    struct scaling s = { .spec = spec, .attention = 1, .length = length };
    float *freq;
    int failed;

    if (!spec->rotary || (local && !spec->window))
        return 0;
    s.json = local ? spec->local_rotary_scaling : spec->rotary_scaling;
    s.theta = local ? spec->local_rotary_theta : spec->rotary_theta;
    s.dims = spec->rotary_dims;
    freq = tf_alloc(s.dims / 2, sizeof(*freq), err);
    if (!freq)
        return -1;
    rope->first = spec->latent_rank ? spec->unrotated_size : 0;
    rope->dims = s.dims;
    rope->interleaved = spec->rotary_interleaved;
    failed = fill_frequencies(&s, freq, err) ||
             fill_table(rope, freq, s.attention,
                        spec->rotary_backwards ? -1 : 1, tokens, err);
    free(freq);
    return failed ? -1 : 0;
}

size_t tf_rope_original(const struct tf_stack_spec *spec)
{
    double n =
        number(spec->rotary_scaling, "original_max_position_embeddings", 0);

    if (spec->rotary_original)
        return spec->rotary_original;
    return n > 0 && n < INT32_MAX ? (size_t)n : 0;
}

double tf_rope_score_scale(const struct tf_stack_spec *spec)
{
    double all = number(spec->rotary_scaling, "mscale_all_dim", 0), scale;

    if (!all || !strcmp(kind_of(spec->rotary_scaling), "default"))
        return 1;
    scale = yarn_mscale(number(spec->rotary_scaling, "factor", 1), all);
    return scale * scale;
}

int tf_rope_stretch(const struct tf_stack_spec *spec, float *stretch,
                    struct tf_err *err)
{
    struct scaling s = { .spec = spec,
                         .json = spec->rotary_scaling,
                         .theta = spec->rotary_theta,
                         .dims = spec->rotary_dims };

    if (fill_frequencies(&s, stretch, err))
        return -1;
    for (size_t i = 0; i < s.dims / 2; i++)
        stretch[i] = frequency(&s, s.theta, i) / stretch[i];
    return 0;
}

void tf_rope_release(struct tf_rope *rope)
{
    free((void *)(uintptr_t)rope->cos);
    free((void *)(uintptr_t)rope->sin);
    memset(rope, 0, sizeof(*rope));
}
