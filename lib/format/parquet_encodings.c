#include <string.h>
#include "format/parquet_parts.h"
#include "format/thrift.h"

static int cut(struct tf_err *err)
{
    return tf_fail(err, "the values are cut short");
}

static int varint(struct pq_bytes *in, uint64_t *v, struct tf_err *err)
{
    struct tf_thrift t = { in->p, in->end, false };

    *v = tf_thrift_varint(&t);
    in->p = t.p;
    return t.bad ? cut(err) : 0;
}

/* Number i of packed ones, `bits` wide (at most 64), the low bits first. */
static uint64_t packed(const unsigned char *p, const unsigned char *end,
                       size_t i, unsigned bits)
{
    size_t at = i * bits, byte = at / 8;
    unsigned shift = (unsigned)(at % 8);
    uint64_t v = 0, mask = bits < 64 ? ((uint64_t)1 << bits) - 1 : UINT64_MAX;

    if (!bits)
        return 0;
    p += byte;
    if (end - p >= 8) {
        v = tf_load_le64(p) >> shift;
        if (shift + bits > 64)
            v |= (uint64_t)p[8] << (64 - shift);
        return v & mask;
    }
    for (unsigned k = 0; k < shift + bits; k += 8)
        if (k < shift)
            v |= (uint64_t)*p++ >> (shift - k);
        else
            v |= (uint64_t)*p++ << (k - shift);
    return v & mask;
}

/* A run is a varint: its low bit says whether groups of eight packed numbers
 * follow, or one number that stands for all. */
int pq_decode_hybrid(struct pq_bytes *in, unsigned bits, size_t n,
                     uint32_t *out, struct tf_err *err)
{
    size_t width = (bits + 7) / 8;

    while (n) {
        uint64_t head, count;

        if (varint(in, &head, err))
            return -1;
        if (head & 1) {
            /* the last group may end with the numbers that count */
            size_t bytes, most;

            count = head >> 1 < n / 8 + 1 ? (head >> 1) * 8 : n;
            count = count < n ? count : n;
            bytes = ((size_t)count + 7) / 8 * bits;
            most = (size_t)(in->end - in->p);
            if (((size_t)count * bits + 7) / 8 > most)
                return cut(err);
            for (size_t i = 0; i < count; i++)
                *out++ = (uint32_t)packed(in->p, in->end, i, bits);
            in->p += bytes < most ? bytes : most;
        } else {
            uint32_t v = 0;

            count = head >> 1 < n ? head >> 1 : n;
            if (width > (size_t)(in->end - in->p))
                return cut(err);
            for (size_t k = 0; k < width; k++)
                v |= (uint32_t)*in->p++ << (8 * k);
            for (uint64_t i = 0; i < count; i++)
                *out++ = v;
        }
        if (!count)
            return tf_fail(err, "a run of no values");
        n -= count;
    }
    return 0;
}

struct delta {
    uint64_t block, minis, total;
    uint64_t last;
};

static int delta_head(struct pq_bytes *in, struct delta *d, size_t n,
                      struct tf_err *err)
{
    uint64_t first;

    if (varint(in, &d->block, err) || varint(in, &d->minis, err) ||
        varint(in, &d->total, err) || varint(in, &first, err))
        return -1;
    if (!d->block || d->block > 1 << 20 || !d->minis || d->minis > 4096 ||
        d->block % d->minis || d->block / d->minis % 8)
        return tf_fail(err, "blocks of differences that can't be");
    if (d->total != n)
        return tf_fail(err, "%llu values where %zu should be",
                       (unsigned long long)d->total, n);
    d->last = (uint64_t)tf_zigzag(first);
    return 0;
}

/* One miniblock of differences above `least`; the last may be cut. */
static int delta_mini(struct pq_bytes *in, struct delta *d, unsigned bits,
                      uint64_t least, size_t n, int64_t *out,
                      struct tf_err *err)
{
    size_t size = (size_t)(d->block / d->minis);
    size_t bytes = size / 8 * bits, count = n < size ? n : size;

    if (bits > 64 ||
        ((uint64_t)count * bits + 7) / 8 > (uint64_t)(in->end - in->p))
        return cut(err);
    for (size_t i = 0; i < count; i++) {
        d->last += least + packed(in->p, in->end, i, bits);
        out[i] = (int64_t)d->last;
    }
    in->p +=
        bytes < (size_t)(in->end - in->p) ? bytes : (size_t)(in->end - in->p);
    return 0;
}

int pq_decode_delta(struct pq_bytes *in, size_t n, int64_t *out,
                    struct tf_err *err)
{
    struct delta d;
    size_t done = 1;

    if (delta_head(in, &d, n, err))
        return -1;
    if (n)
        out[0] = (int64_t)d.last;
    while (done < n) {
        const unsigned char *widths;
        size_t size = (size_t)(d.block / d.minis);
        uint64_t least;

        if (varint(in, &least, err))
            return -1;
        least = (uint64_t)tf_zigzag(least);
        widths = in->p;
        if (d.minis > (uint64_t)(in->end - in->p))
            return cut(err);
        in->p += d.minis;
        for (size_t k = 0; k < d.minis && done < n; k++) {
            size_t count = n - done < size ? n - done : size;

            if (delta_mini(in, &d, widths[k], least, count, out + done, err))
                return -1;
            done += count;
        }
    }
    return 0;
}
