#include "base/jsonl.h"
#include "format/column_json.h"
#include "format/parquet_parts.h"

#define UNIX_EPOCH 2440588 /* as a Julian day */

static void put_unsigned(struct tf_buf *out, uint64_t v)
{
    tf_buf_addf(out, "%llu", (unsigned long long)v);
}

static void put_int(struct tf_buf *out, const struct pq_node *node, int64_t v)
{
    unsigned char bytes[8];

    if (node->meaning == PQ_DECIMAL) {
        for (int i = 0; i < 8; i++)
            bytes[i] = (unsigned char)((uint64_t)v >> (56 - 8 * i));
        tf_put_decimal(out, bytes, 8, node->scale);
    } else if (node->meaning == PQ_UNSIGNED) {
        put_unsigned(out, node->type == PQ_INT32 ? (uint32_t)v : (uint64_t)v);
    } else {
        tf_put_int(out, v);
    }
}

/* Nanoseconds of the day, then the Julian day: as nanoseconds since 1970. */
static void put_int96(struct tf_buf *out, const unsigned char *p)
{
    uint64_t day = tf_load_le32(p + 8);

    tf_put_int(
        out, (int64_t)((day - UNIX_EPOCH) * 86400000000000u + tf_load_le64(p)));
}

void pq_put_value(struct tf_buf *out, const struct pq_node *node,
                  const struct pq_values *v, size_t i)
{
    struct tf_str s;
    const unsigned char *p;

    if (node->type == PQ_BYTE_ARRAY)
        s = v->strings[i];
    else
        s = (struct tf_str){ (char *)v->bytes + i * v->width, v->width };
    p = (const unsigned char *)s.s;
    switch (node->type) {
    case PQ_BOOLEAN:
        tf_buf_adds(out, *p ? "true" : "false");
        break;
    case PQ_INT32:
        put_int(out, node, (int32_t)tf_load_le32(p));
        break;
    case PQ_INT64:
        put_int(out, node, (int64_t)tf_load_le64(p));
        break;
    case PQ_INT96:
        put_int96(out, p);
        break;
    case PQ_FLOAT:
    case PQ_DOUBLE:
        tf_put_binary_float(out, p, v->width);
        break;
    default:
        if (node->meaning == PQ_DECIMAL)
            tf_put_decimal(out, p, s.len, node->scale);
        else if (node->meaning == PQ_FLOAT16)
            tf_put_binary_float(out, p, v->width);
        else
            tf_put_bytes_text(out, s);
    }
}
