#include "train/tensorboard.h"

#include "base/buf.h"
#include "base/io.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

/* Fields of the messages, with their wire types below. */
enum {
    EVENT_WALL_TIME = 1,
    EVENT_STEP = 2,
    EVENT_FILE_VERSION = 3,
    EVENT_SUMMARY = 5,
    SUMMARY_VALUE = 1,
    VALUE_TAG = 1,
    VALUE_SIMPLE = 2,
    VALUE_TENSOR = 8,
    VALUE_METADATA = 9,
    METADATA_PLUGIN = 1,
    PLUGIN_NAME = 1,
    TENSOR_DTYPE = 1,
    TENSOR_SHAPE = 2,
    TENSOR_STRINGS = 8,
    SHAPE_DIM = 2,
    DIM_SIZE = 1,

    DT_STRING = 7
};

enum wire { VARINT, FIXED64, BYTES, FIXED32 = 5 };

struct tf_events {
    int fd;
    char *path;
    off_t size; /* of whole records */
    struct tf_buf event, summary, value, inner, record;
};

uint32_t tf_crc32c(const void *p, size_t n)
{
    const unsigned char *byte = p;
    uint32_t crc = 0xffffffff;
    int bit;

    while (n--) {
        crc ^= *byte++;
        for (bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
    }
    return ~crc;
}

/* TFRecord's checksum: rotated and shifted, so that the checksum of data that
 * holds checksums is none of them. */
static uint32_t masked_crc(const void *p, size_t n)
{
    uint32_t crc = tf_crc32c(p, n);

    return (crc >> 15 | crc << 17) + 0xa282ead8;
}

static void put_little(struct tf_buf *b, uint64_t v, int bytes)
{
    for (; bytes > 0; bytes--, v >>= 8)
        tf_buf_addc(b, (char)(v & 0xff));
}

static void put_varint(struct tf_buf *b, uint64_t v)
{
    for (; v >= 0x80; v >>= 7)
        tf_buf_addc(b, (char)(v | 0x80));
    tf_buf_addc(b, (char)v);
}

static void put_key(struct tf_buf *b, int field, enum wire wire)
{
    put_varint(b, (uint64_t)(field << 3) | wire);
}

static void put_number(struct tf_buf *b, int field, int64_t v)
{
    put_key(b, field, VARINT);
    put_varint(b, (uint64_t)v);
}

static void put_bytes(struct tf_buf *b, int field, const void *p, size_t n)
{
    put_key(b, field, BYTES);
    put_varint(b, n);
    tf_buf_add(b, p, n);
}

static void put_words(struct tf_buf *b, int field, const char *s)
{
    put_bytes(b, field, s, strlen(s));
}

static void put_buf(struct tf_buf *b, int field, const struct tf_buf *part)
{
    put_bytes(b, field, part->data, part->len);
}

static void begin_event(struct tf_events *e, int64_t step)
{
    struct timeval now;
    double seconds;
    uint64_t bits;

    gettimeofday(&now, NULL);
    seconds = (double)now.tv_sec + (double)now.tv_usec * 1e-6;
    memcpy(&bits, &seconds, sizeof(bits));
    tf_buf_reset(&e->event);
    put_key(&e->event, EVENT_WALL_TIME, FIXED64);
    put_little(&e->event, bits, 8);
    if (step)
        put_number(&e->event, EVENT_STEP, step);
}

/* The event as a record, written at once. */
static int write_event(struct tf_events *e, struct tf_err *err)
{
    struct tf_buf *r = &e->record;
    size_t done = 0;
    ssize_t n;

    tf_buf_reset(r);
    put_little(r, e->event.len, 8);
    put_little(r, masked_crc(r->data, r->data ? 8 : 0), 4);
    tf_buf_add(r, e->event.data, e->event.len);
    put_little(r, masked_crc(e->event.data, e->event.len), 4);
    if (r->failed || e->event.failed || e->summary.failed || e->value.failed ||
        e->inner.failed)
        return tf_no_memory(err, e->event.len);
    while (done < r->len) {
        n = write(e->fd, r->data + done, r->len - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            tf_fail(err, "%s: can't write: %s", e->path, strerror(errno));
            if (ftruncate(e->fd, e->size)) {
                /* then the last record is torn: readers pass over it */
            }
            return -1;
        }
        done += (size_t)n;
    }
    e->size += (off_t)r->len;
    return 0;
}

static int write_value(struct tf_events *e, int64_t step, struct tf_err *err)
{
    begin_event(e, step);
    tf_buf_reset(&e->summary);
    put_buf(&e->summary, SUMMARY_VALUE, &e->value);
    put_buf(&e->event, EVENT_SUMMARY, &e->summary);
    return write_event(e, err);
}

int tf_events_scalar(struct tf_events *e, const char *tag, float value,
                     int64_t step, struct tf_err *err)
{
    uint32_t bits;

    memcpy(&bits, &value, sizeof(bits));
    tf_buf_reset(&e->value);
    put_words(&e->value, VALUE_TAG, tag);
    put_key(&e->value, VALUE_SIMPLE, FIXED32);
    put_little(&e->value, bits, 4);
    return write_value(e, step, err);
}

int tf_events_text(struct tf_events *e, const char *tag, const char *text,
                   int64_t step, struct tf_err *err)
{
    /* shape [1], a plugin's name: messages of known bytes */
    static const char shape[] = { SHAPE_DIM << 3 | BYTES, 2,
                                  DIM_SIZE << 3 | VARINT, 1 };
    static const char metadata[] = { METADATA_PLUGIN << 3 | BYTES,
                                     6,
                                     PLUGIN_NAME << 3 | BYTES,
                                     4,
                                     't',
                                     'e',
                                     'x',
                                     't' };

    tf_buf_reset(&e->inner);
    tf_buf_addf(&e->inner, "%s/text_summary", tag);
    tf_buf_reset(&e->value);
    put_buf(&e->value, VALUE_TAG, &e->inner);
    tf_buf_reset(&e->inner);
    put_number(&e->inner, TENSOR_DTYPE, DT_STRING);
    put_bytes(&e->inner, TENSOR_SHAPE, shape, sizeof(shape));
    put_words(&e->inner, TENSOR_STRINGS, text);
    put_buf(&e->value, VALUE_TENSOR, &e->inner);
    put_bytes(&e->value, VALUE_METADATA, metadata, sizeof(metadata));
    return write_value(e, step, err);
}

static void host_name(char *host, size_t size)
{
    if (gethostname(host, size) || !*host)
        snprintf(host, size, "localhost");
    host[size - 1] = 0;
}

char *tf_events_run_name(struct tf_err *err)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    char host[256], name[320];
    time_t now = time(NULL);
    struct tm t;

    if (!localtime_r(&now, &t))
        memset(&t, 0, sizeof(t));
    host_name(host, sizeof(host));
    snprintf(name, sizeof(name), "%.3s%02d_%02d-%02d-%02d_%s",
             months + 3 * t.tm_mon, t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec,
             host);
    return tf_strndup(name, strlen(name), err);
}

/* Readers take the file with the highest name for the latest; the number at
 * the end makes it new. */
static int open_new(struct tf_events *e, const char *dir, struct tf_err *err)
{
    char host[256], name[384];
    int i;

    host_name(host, sizeof(host));
    for (i = 0; i < 1000; i++) {
        snprintf(name, sizeof(name), "events.out.tfevents.%010lld.%s.%ld.%d",
                 (long long)time(NULL), host, (long)getpid(), i);
        free(e->path);
        e->path = tf_path(dir, name, err);
        if (!e->path)
            return -1;
        e->fd = open(e->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (e->fd >= 0)
            return 0;
        if (errno != EEXIST)
            break;
    }
    return tf_fail(err, "%s: can't write: %s", e->path, strerror(errno));
}

struct tf_events *tf_events_open(const char *dir, struct tf_err *err)
{
    struct tf_events *e;

    if (tf_dir_make(dir, err) || !(e = tf_alloc(1, sizeof(*e), err)))
        return NULL;
    e->fd = -1;
    if (open_new(e, dir, err)) {
        tf_events_close(e);
        return NULL;
    }
    begin_event(e, 0);
    put_words(&e->event, EVENT_FILE_VERSION, "brain.Event:2");
    if (write_event(e, err)) {
        tf_events_close(e);
        return NULL;
    }
    return e;
}

void tf_events_close(struct tf_events *e)
{
    if (!e)
        return;
    if (e->fd >= 0)
        close(e->fd);
    free(e->path);
    tf_buf_release(&e->event);
    tf_buf_release(&e->summary);
    tf_buf_release(&e->value);
    tf_buf_release(&e->inner);
    tf_buf_release(&e->record);
    free(e);
}
