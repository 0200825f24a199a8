#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "format/parquet_parts.h"

#define TEXT_MAX ((uint64_t)1 << 31) /* bytes of the strings of one page */

static int cut(struct tf_err *err)
{
    return tf_fail(err, "the values are cut short");
}

int pq_values_room(struct pq_values *v, size_t n, struct tf_err *err)
{
    size_t cap = v->count + n;

    if (cap <= v->cap)
        return 0;
    if (cap < 2 * v->cap)
        cap = 2 * v->cap;
    if (v->width) {
        unsigned char *bytes = tf_grow(v->bytes, cap, v->width, err);

        if (!bytes)
            return -1;
        v->bytes = bytes;
    } else {
        struct tf_str *strings =
            tf_grow(v->strings, cap, sizeof(*strings), err);

        if (!strings)
            return -1;
        v->strings = strings;
    }
    v->cap = cap;
    return 0;
}

void pq_values_release(struct pq_values *v)
{
    free(v->bytes);
    free(v->strings);
    memset(v, 0, sizeof(*v));
}

static unsigned char *next_bytes(struct pq_values *v)
{
    return v->bytes + v->count * v->width;
}

static int plain_strings(struct pq_values *v, struct pq_bytes in, size_t n,
                         struct tf_err *err)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t len;

        if (in.end - in.p < 4)
            return cut(err);
        len = tf_load_le32(in.p);
        in.p += 4;
        if (len > (size_t)(in.end - in.p))
            return cut(err);
        v->strings[v->count++] = (struct tf_str){ (const char *)in.p, len };
        in.p += len;
    }
    return 0;
}

int pq_decode_plain(struct pq_values *v, enum pq_type type, struct pq_bytes in,
                    size_t n, struct tf_err *err)
{
    size_t left = (size_t)(in.end - in.p);

    if (type == PQ_BOOLEAN ? n / 8 + (n % 8 != 0) > left
                           : n > left / (v->width ? v->width : 4))
        return cut(err);
    if (pq_values_room(v, n, err))
        return -1;
    if (type == PQ_BYTE_ARRAY)
        return plain_strings(v, in, n, err);
    if (type == PQ_BOOLEAN)
        for (size_t i = 0; i < n; i++)
            v->bytes[v->count + i] = in.p[i / 8] >> i % 8 & 1;
    else if (n)
        memcpy(next_bytes(v), in.p, n * v->width);
    v->count += n;
    return 0;
}

/* Numbers that name the dictionary's values. */
static int by_dictionary(struct pq_column *c, struct pq_bytes in, size_t n,
                         struct tf_err *err)
{
    const struct pq_values *d = &c->dictionary;
    struct pq_values *v = &c->values;
    unsigned bits = in.p < in.end ? *in.p++ : 0;
    uint32_t *numbers;
    int failed;

    if (bits > 32)
        return tf_fail(err, "numbers of %u bits", bits);
    numbers = tf_alloc(n, sizeof(*numbers), err);
    failed = !numbers || pq_values_room(v, n, err) ||
             pq_decode_hybrid(&in, bits, n, numbers, err);
    for (size_t i = 0; !failed && i < n; i++) {
        if (numbers[i] >= d->count)
            failed = tf_fail(err, "value %u of a dictionary of %zu", numbers[i],
                             d->count);
        else if (v->width)
            memcpy(next_bytes(v), d->bytes + numbers[i] * v->width, v->width);
        else
            v->strings[v->count] = d->strings[numbers[i]];
        v->count += !failed;
    }
    free(numbers);
    return failed ? -1 : 0;
}

static int by_runs(struct pq_column *c, struct pq_bytes in, size_t n,
                   struct tf_err *err)
{
    struct pq_values *v = &c->values;
    uint32_t *bits, len;
    int failed;

    if (c->node->type != PQ_BOOLEAN || in.end - in.p < 4)
        return cut(err);
    len = tf_load_le32(in.p);
    in.p += 4;
    if (len > (size_t)(in.end - in.p))
        return cut(err);
    in.end = in.p + len;
    bits = tf_alloc(n, sizeof(*bits), err);
    failed = !bits || pq_values_room(v, n, err) ||
             pq_decode_hybrid(&in, 1, n, bits, err);
    for (size_t i = 0; !failed && i < n; i++)
        v->bytes[v->count++] = (unsigned char)bits[i];
    free(bits);
    return failed ? -1 : 0;
}

static int by_delta(struct pq_column *c, struct pq_bytes in, size_t n,
                    struct tf_err *err)
{
    struct pq_values *v = &c->values;
    int64_t *numbers;
    int failed;

    if (c->node->type != PQ_INT32 && c->node->type != PQ_INT64)
        return tf_fail(err, "differences of what is no whole number");
    numbers = tf_alloc(n, sizeof(*numbers), err);
    failed = !numbers || pq_values_room(v, n, err) ||
             pq_decode_delta(&in, n, numbers, err);
    for (size_t i = 0; !failed && i < n; i++) {
        for (size_t k = 0; k < v->width; k++)
            next_bytes(v)[k] = (unsigned char)((uint64_t)numbers[i] >> (8 * k));
        v->count++;
    }
    free(numbers);
    return failed ? -1 : 0;
}

/* Lengths first, then all bytes; with prefixes, the lengths of what each shares
 * with the one before it come before these. */
static int by_lengths(struct pq_column *c, struct pq_bytes in, size_t n,
                      int64_t *shared, int64_t *lengths, struct tf_err *err)
{
    struct pq_values *v = &c->values;
    bool prefixes = shared != NULL;
    uint64_t total = 0;
    char *text, *p;
    size_t last = 0;

    if ((prefixes && pq_decode_delta(&in, n, shared, err)) ||
        pq_decode_delta(&in, n, lengths, err) || pq_values_room(v, n, err))
        return -1;
    for (size_t i = 0; i < n; i++) {
        int64_t before = prefixes ? shared[i] : 0;

        if (lengths[i] < 0 || lengths[i] > in.end - in.p || before < 0 ||
            (uint64_t)before > last)
            return tf_fail(err, "a string's length can't be");
        last = (size_t)before + (size_t)lengths[i];
        total += last;
        if (total > TEXT_MAX)
            return tf_fail(err, "a page of more than %llu bytes",
                           (unsigned long long)TEXT_MAX);
        if (v->width && last != v->width)
            return tf_fail(err, "%zu bytes where %zu should be", last,
                           v->width);
    }
    if (!(text = malloc(total + 1)))
        return tf_no_memory(err, (size_t)total);
    if (pq_column_keep(c, text, err))
        return -1;
    p = text;
    for (size_t i = 0; i < n; i++) {
        size_t before = prefixes ? (size_t)shared[i] : 0;
        size_t len = (size_t)lengths[i];

        if (len > (size_t)(in.end - in.p))
            return cut(err);
        /* what it shares stands right before it */
        if (before)
            memcpy(p,
                   p - (i ? (size_t)lengths[i - 1] : 0) -
                       (i ? (size_t)shared[i - 1] : 0),
                   before);
        if (len)
            memcpy(p + before, in.p, len);
        in.p += len;
        if (v->width)
            memcpy(next_bytes(v), p, v->width);
        else
            v->strings[v->count] = (struct tf_str){ p, before + len };
        v->count++;
        p += before + len;
    }
    return 0;
}

static int by_split(struct pq_column *c, struct pq_bytes in, size_t n,
                    struct tf_err *err)
{
    struct pq_values *v = &c->values;

    if (c->node->type == PQ_BYTE_ARRAY || c->node->type == PQ_BOOLEAN)
        return tf_fail(err, "split bytes of values without a width");
    if (n > (size_t)(in.end - in.p) / v->width)
        return cut(err);
    if (pq_values_room(v, n, err))
        return -1;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < v->width; k++)
            next_bytes(v)[i * v->width + k] = in.p[k * n + i];
    v->count += n;
    return 0;
}

int pq_decode_values(struct pq_column *c, int encoding, struct pq_bytes in,
                     size_t n, struct tf_err *err)
{
    bool bytes = c->node->type == PQ_BYTE_ARRAY || c->node->type == PQ_FIXED;
    bool prefixes = encoding == PQ_ENC_DELTA_BYTE_ARRAY;
    int64_t *lengths;
    int failed;

    switch (encoding) {
    case PQ_ENC_PLAIN:
        return pq_decode_plain(&c->values, c->node->type, in, n, err);
    case PQ_ENC_PLAIN_DICTIONARY:
    case PQ_ENC_RLE_DICTIONARY:
        return by_dictionary(c, in, n, err);
    case PQ_ENC_RLE:
        return by_runs(c, in, n, err);
    case PQ_ENC_DELTA_BINARY_PACKED:
        return by_delta(c, in, n, err);
    case PQ_ENC_DELTA_LENGTH_BYTE_ARRAY:
    case PQ_ENC_DELTA_BYTE_ARRAY:
        if (!bytes)
            return tf_fail(err, "strings where numbers should be");
        lengths = tf_alloc(n, 2 * sizeof(*lengths), err);
        failed = !lengths || by_lengths(c, in, n, prefixes ? lengths + n : NULL,
                                        lengths, err);
        free(lengths);
        return failed ? -1 : 0;
    case PQ_ENC_BYTE_STREAM_SPLIT:
        return by_split(c, in, n, err);
    }
    return tf_fail(err, "an unknown encoding, %d", encoding);
}
