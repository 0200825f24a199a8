#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include "base/mem.h"
#include "format/parquet_parts.h"
#include "format/thrift.h"

#define COUNT_MAX ((uint64_t)1 << 28) /* values of a column in a row group */

enum { PAGE_DATA, PAGE_INDEX, PAGE_DICTIONARY, PAGE_DATA_2 };

struct page {
    int64_t type, size, packed_size, crc;
    bool has_crc;
    /* of the header that goes with the type */
    int64_t values, encoding, def_encoding, rep_encoding;
    int64_t def_bytes, rep_bytes;
    bool is_packed;
};

static void read_kind(struct page *page, struct tf_thrift *t, int type,
                      bool second)
{
    struct tf_thrift_field f = { 0 };
    /* DataPageHeader and DictionaryPageHeader, or DataPageHeaderV2 */
    int64_t *const first_numbers[] = {
        [1] = &page->values,
        [2] = &page->encoding,
        [3] = &page->def_encoding,
        [4] = &page->rep_encoding,
    };
    int64_t *const second_numbers[] = {
        [1] = &page->values,
        [4] = &page->encoding,
        [5] = &page->def_bytes,
        [6] = &page->rep_bytes,
    };

    if (!tf_thrift_struct(t, type))
        return;
    while (tf_thrift_next(t, &f))
        if (second && f.id >= 1 && f.id <= 6 && second_numbers[f.id])
            *second_numbers[f.id] = tf_thrift_int(t, f.type);
        else if (second && f.id == 7)
            page->is_packed = tf_thrift_bool(t, f.type);
        else if (!second && f.id >= 1 && f.id <= 4 &&
                 (page->type == PAGE_DATA || f.id <= 2))
            *first_numbers[f.id] = tf_thrift_int(t, f.type);
        else
            tf_thrift_skip(t, f.type);
}

static int read_page(struct page *page, struct pq_bytes *in, struct tf_err *err)
{
    struct tf_thrift t = { in->p, in->end, false };
    struct tf_thrift_field f = { 0 };

    *page = (struct page){ .type = -1,
                           .is_packed = true,
                           .def_encoding = PQ_ENC_RLE,
                           .rep_encoding = PQ_ENC_RLE };
    while (tf_thrift_next(&t, &f))
        switch (f.id) {
        case 1:
            page->type = tf_thrift_int(&t, f.type);
            break;
        case 2:
            page->size = tf_thrift_int(&t, f.type);
            break;
        case 3:
            page->packed_size = tf_thrift_int(&t, f.type);
            break;
        case 4:
            page->has_crc = true;
            page->crc = tf_thrift_int(&t, f.type);
            break;
        case 5:
        case 7:
        case 8:
            read_kind(page, &t, f.type, f.id == 8);
            break;
        default:
            tf_thrift_skip(&t, f.type);
        }
    in->p = t.p;
    if (t.bad || page->size < 0 || page->size > INT32_MAX ||
        page->packed_size < 0 || page->packed_size > in->end - in->p ||
        page->values < 0)
        return tf_fail(err, "a page's header is damaged");
    if (page->has_crc &&
        (uint32_t)page->crc !=
            (uint32_t)crc32_z(0, in->p, (size_t)page->packed_size))
        return tf_fail(err, "a page's bytes do not have the sum that it says");
    return 0;
}

int pq_column_keep(struct pq_column *c, char *bytes, struct tf_err *err)
{
    char **pages = tf_grow(c->pages, c->page_count + 1, sizeof(*pages), err);

    if (!pages) {
        free(bytes);
        return -1;
    }
    c->pages = pages;
    pages[c->page_count++] = bytes;
    return 0;
}

/* The page's bytes as they were before compression. */
static int unpack(struct pq_column *c, enum tf_codec codec,
                  struct pq_bytes *bytes, size_t size, struct tf_err *err)
{
    char *out;

    if (codec == TF_CODEC_NONE)
        return 0;
    if (!(out = malloc(size + 1)))
        return tf_no_memory(err, size);
    if (tf_decompress(codec, bytes->p, (size_t)(bytes->end - bytes->p), out,
                      size, err)) {
        free(out);
        return -1;
    }
    bytes->p = (const unsigned char *)out;
    bytes->end = bytes->p + size;
    return pq_column_keep(c, out, err);
}

static int room_for_levels(struct pq_column *c, size_t n, struct tf_err *err)
{
    size_t cap = c->count + n + 1;
    uint8_t **levels[] = { c->node->def ? &c->def : NULL,
                           c->node->rep ? &c->rep : NULL };

    if (cap <= c->cap)
        return 0;
    cap = cap < 2 * c->cap ? 2 * c->cap : cap;
    for (int i = 0; i < 2; i++) {
        uint8_t *grown;

        if (!levels[i])
            continue;
        if (!(grown = tf_grow(*levels[i], cap, 1, err)))
            return -1;
        *levels[i] = grown;
    }
    c->cap = cap;
    return 0;
}

static unsigned bits_for(unsigned most)
{
    unsigned bits = 0;

    for (; most; most >>= 1)
        bits++;
    return bits;
}

/* Levels of n values, up to `most`, from all of `in`. */
static int read_levels(struct pq_bytes in, unsigned most, size_t n,
                       uint8_t *out, struct tf_err *err)
{
    uint32_t *levels = tf_alloc(n, sizeof(*levels), err);
    int failed =
        !levels || pq_decode_hybrid(&in, bits_for(most), n, levels, err);

    for (size_t i = 0; !failed && i < n; i++) {
        if (levels[i] > most)
            failed = tf_fail(err, "a level of %u, above %u", levels[i], most);
        out[i] = (uint8_t)levels[i];
    }
    free(levels);
    return failed ? -1 : 0;
}

/* Take `len` bytes off the front. */
static int take(struct pq_bytes *in, uint64_t len, struct pq_bytes *out,
                struct tf_err *err)
{
    if (len > (uint64_t)(in->end - in->p))
        return tf_fail(err, "a page is cut short");
    *out = (struct pq_bytes){ in->p, in->p + len };
    in->p += len;
    return 0;
}

/* Of the first kind of page: their length in bytes comes before them. */
static int take_counted(struct pq_bytes *in, struct pq_bytes *out,
                        struct tf_err *err)
{
    struct pq_bytes head;

    if (take(in, 4, &head, err))
        return -1;
    return take(in, tf_load_le32(head.p), out, err);
}

static int read_values(struct pq_column *c, const struct page *page,
                       struct pq_bytes in, struct tf_err *err)
{
    size_t n = (size_t)page->values, present = n;

    if (c->node->def) {
        present = 0;
        for (size_t i = 0; i < n; i++)
            present += c->def[c->count + i] == c->node->def;
    }
    if (pq_decode_values(c, (int)page->encoding, in, present, err))
        return -1;
    c->count += n;
    return 0;
}

static int data_page(struct pq_column *c, const struct page *page,
                     enum tf_codec codec, struct pq_bytes in,
                     struct tf_err *err)
{
    const struct pq_node *node = c->node;
    size_t n = (size_t)page->values;
    struct pq_bytes levels;

    if ((node->rep && page->rep_encoding != PQ_ENC_RLE) ||
        (node->def && page->def_encoding != PQ_ENC_RLE))
        return tf_fail(err, "levels as bits, an old encoding that is not "
                            "supported");
    if (room_for_levels(c, n, err) ||
        unpack(c, codec, &in, (size_t)page->size, err))
        return -1;
    if (node->rep &&
        (take_counted(&in, &levels, err) ||
         read_levels(levels, node->rep, n, c->rep + c->count, err)))
        return -1;
    if (node->def &&
        (take_counted(&in, &levels, err) ||
         read_levels(levels, node->def, n, c->def + c->count, err)))
        return -1;
    return read_values(c, page, in, err);
}

/* The second kind: levels are not compressed. */
static int data_page_2(struct pq_column *c, const struct page *page,
                       enum tf_codec codec, struct pq_bytes in,
                       struct tf_err *err)
{
    const struct pq_node *node = c->node;
    size_t n = (size_t)page->values;
    struct pq_bytes rep, def;

    if (page->rep_bytes < 0 || page->def_bytes < 0 ||
        page->rep_bytes > page->size ||
        page->def_bytes > page->size - page->rep_bytes)
        return tf_fail(err, "a page's header is damaged");
    if (room_for_levels(c, n, err) ||
        take(&in, (uint64_t)page->rep_bytes, &rep, err) ||
        take(&in, (uint64_t)page->def_bytes, &def, err) ||
        (node->rep && read_levels(rep, node->rep, n, c->rep + c->count, err)) ||
        (node->def && read_levels(def, node->def, n, c->def + c->count, err)))
        return -1;
    /* a page of nulls has no values to decompress */
    if (page->is_packed && in.p < in.end &&
        unpack(c, codec, &in,
               (size_t)(page->size - page->rep_bytes - page->def_bytes), err))
        return -1;
    return read_values(c, page, in, err);
}

static int dictionary_page(struct pq_column *c, const struct page *page,
                           enum tf_codec codec, struct pq_bytes in,
                           struct tf_err *err)
{
    if (c->dictionary.count || c->count)
        return tf_fail(err, "a dictionary that does not come first");
    if (page->encoding != PQ_ENC_PLAIN &&
        page->encoding != PQ_ENC_PLAIN_DICTIONARY)
        return tf_fail(err, "a dictionary in encoding %lld",
                       (long long)page->encoding);
    return unpack(c, codec, &in, (size_t)page->size, err) ||
                   pq_decode_plain(&c->dictionary, c->node->type, in,
                                   (size_t)page->values, err)
               ? -1
               : 0;
}

static int any_page(struct pq_column *c, const struct page *page,
                    const struct pq_place *place, struct pq_bytes in,
                    struct tf_err *err)
{
    size_t kept = c->page_count;
    int failed;

    if (page->type != PAGE_DICTIONARY &&
        (uint64_t)page->values > place->values - c->count)
        return tf_fail(err, "more values than the %llu that it says",
                       (unsigned long long)place->values);
    switch (page->type) {
    case PAGE_DATA:
        failed = data_page(c, page, place->codec, in, err);
        break;
    case PAGE_DATA_2:
        failed = data_page_2(c, page, place->codec, in, err);
        break;
    case PAGE_DICTIONARY:
        failed = dictionary_page(c, page, place->codec, in, err);
        break;
    case PAGE_INDEX:
        return 0;
    default:
        return tf_fail(err, "an unknown kind of page, %lld",
                       (long long)page->type);
    }
    /* only strings point into a page once it is decoded */
    while (c->node->type != PQ_BYTE_ARRAY && c->page_count > kept)
        free(c->pages[--c->page_count]);
    return failed;
}

int pq_column_read(struct pq_column *c, const struct pq_node *node,
                   const struct pq_place *place, struct tf_err *err)
{
    struct pq_bytes in = { place->p, place->end };

    memset(c, 0, sizeof(*c));
    c->node = node;
    c->values.width = c->dictionary.width = node->width;
    if (place->values > COUNT_MAX)
        return tf_fail(err,
                       "a row group of %llu values; at most %llu are "
                       "supported",
                       (unsigned long long)place->values,
                       (unsigned long long)COUNT_MAX);
    while (c->count < place->values && in.p < in.end) {
        struct pq_bytes bytes;
        struct page page;

        if (read_page(&page, &in, err) ||
            take(&in, (uint64_t)page.packed_size, &bytes, err) ||
            any_page(c, &page, place, bytes, err))
            return -1;
    }
    return c->count == place->values
               ? 0
               : tf_fail(err, "%zu values where %llu should be", c->count,
                         (unsigned long long)place->values);
}

void pq_column_release(struct pq_column *c)
{
    free(c->def);
    free(c->rep);
    pq_values_release(&c->values);
    pq_values_release(&c->dictionary);
    for (size_t i = 0; i < c->page_count; i++)
        free(c->pages[i]);
    free(c->pages);
    memset(c, 0, sizeof(*c));
}
