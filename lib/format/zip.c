#include "format/zip.h"

#include <stdlib.h>
#include <string.h>
#include "base/io.h"
#include "base/mem.h"

#define LOCAL_SIG   0x04034b50
#define CENTRAL_SIG 0x02014b50
#define END_SIG     0x06054b50
#define END64_SIG   0x06064b50
#define LOC64_SIG   0x07064b50

#define LOCAL_SIZE   30
#define CENTRAL_SIZE 46
#define END_SIZE     22
#define END64_SIZE   56
#define LOC64_SIZE   20
#define COMMENT_MAX  65535

#define ENCRYPTED 1 /* flag bit */

/* What the end of the archive says of its directory. */
struct directory {
    uint64_t count, size, offset;
};

static const unsigned char *find_end(const unsigned char *data, size_t len)
{
    size_t i, last;

    if (len < END_SIZE)
        return NULL;
    last = len - END_SIZE;
    for (i = 0; i <= last && i <= COMMENT_MAX; i++)
        if (tf_load_le32(data + last - i) == END_SIG)
            return data + last - i;
    return NULL;
}

static int read_end(struct directory *dir, const unsigned char *data,
                    size_t len, struct tf_err *err)
{
    const unsigned char *end = find_end(data, len), *p;
    uint64_t at;

    if (!end)
        return tf_fail(err, "zip: no directory at the end: the file is cut "
                            "off or no zip archive");
    dir->count = tf_load_le16(end + 10);
    dir->size = tf_load_le32(end + 12);
    dir->offset = tf_load_le32(end + 16);
    if (end - data >= LOC64_SIZE &&
        tf_load_le32(end - LOC64_SIZE) == LOC64_SIG) {
        at = tf_load_le64(end - LOC64_SIZE + 8);
        if (at > len || len - at < END64_SIZE)
            return tf_fail(err, "zip: the ZIP64 record lies outside the file");
        p = data + at;
        if (tf_load_le32(p) != END64_SIG)
            return tf_fail(err, "zip: no ZIP64 record where one should be");
        dir->count = tf_load_le64(p + 32);
        dir->size = tf_load_le64(p + 40);
        dir->offset = tf_load_le64(p + 48);
    }
    if (dir->offset > len || dir->size > len - dir->offset ||
        dir->count > dir->size / CENTRAL_SIZE || dir->count >= UINT32_MAX)
        return tf_fail(err, "zip: the directory lies outside the file");
    return 0;
}

/* Values too large for 32 bits stand in the ZIP64 extra field, in this order:
 * the size, the packed size, the offset; only those that are 0xffffffff. */
static void read_zip64(const unsigned char *extra, size_t len, uint64_t v[3])
{
    size_t n, at, i;

    while (len >= 4) {
        n = tf_load_le16(extra + 2);
        if (n > len - 4)
            return;
        if (tf_load_le16(extra) == 1) {
            for (i = 0, at = 4; i < 3; i++)
                if (v[i] == UINT32_MAX && at + 8 <= n + 4) {
                    v[i] = tf_load_le64(extra + at);
                    at += 8;
                }
            return;
        }
        extra += 4 + n;
        len -= 4 + n;
    }
}

/* One entry of the directory at *p, with `room` bytes left; moves *p past it.
 */
static int read_member(struct tf_zip_member *m, const unsigned char *data,
                       size_t len, const unsigned char **entry, size_t room,
                       struct tf_err *err)
{
    const unsigned char *p = *entry;
    size_t name, extra, total;
    uint64_t v[3], begin;

    if (room < CENTRAL_SIZE || tf_load_le32(p) != CENTRAL_SIG)
        return tf_fail(err, "zip: malformed directory");
    name = tf_load_le16(p + 28);
    extra = tf_load_le16(p + 30);
    total = CENTRAL_SIZE + name + extra + tf_load_le16(p + 32);
    if (total > room)
        return tf_fail(err, "zip: malformed directory");
    m->name = (struct tf_str){ (const char *)p + CENTRAL_SIZE, name };
    v[0] = tf_load_le32(p + 24);
    v[1] = tf_load_le32(p + 20);
    v[2] = tf_load_le32(p + 42);
    read_zip64(p + CENTRAL_SIZE + name, extra, v);
    if (tf_load_le16(p + 10) != 0 || tf_load_le16(p + 8) & ENCRYPTED ||
        v[0] != v[1])
        return tf_fail(err, "zip: %.*s is compressed or encrypted",
                       (int)(name < 100 ? name : 100), m->name.s);
    if (v[2] > len || len - v[2] < LOCAL_SIZE ||
        tf_load_le32(data + v[2]) != LOCAL_SIG)
        return tf_fail(err, "zip: a member lies outside the file");
    begin = v[2] + LOCAL_SIZE + tf_load_le16(data + v[2] + 26) +
            tf_load_le16(data + v[2] + 28);
    if (begin > len || v[0] > len - begin)
        return tf_fail(err, "zip: a member lies outside the file");
    m->data = data + begin;
    m->size = v[0];
    *entry = p + total;
    return 0;
}

int tf_zip_open(struct tf_zip *zip, const unsigned char *data, size_t len,
                struct tf_err *err)
{
    struct tf_zip_member *m;
    struct directory dir = { 0 };
    const unsigned char *p, *end;

    *zip = (struct tf_zip){ 0 };
    if (read_end(&dir, data, len, err))
        return -1;
    zip->members = tf_alloc(dir.count, sizeof(*zip->members), err);
    if (!zip->members || tf_strmap_reserve(&zip->by_name, dir.count, err))
        goto fail;
    p = data + dir.offset;
    end = p + dir.size;
    for (; zip->count < dir.count; zip->count++) {
        m = &zip->members[zip->count];
        if (read_member(m, data, len, &p, (size_t)(end - p), err) ||
            tf_strmap_set(&zip->by_name, m->name.s, m->name.len,
                          (uint32_t)zip->count, err))
            goto fail;
    }
    return 0;
fail:
    tf_zip_close(zip);
    return -1;
}

void tf_zip_close(struct tf_zip *zip)
{
    free(zip->members);
    tf_strmap_release(&zip->by_name);
    *zip = (struct tf_zip){ 0 };
}

const struct tf_zip_member *tf_zip_find(const struct tf_zip *zip,
                                        struct tf_str name)
{
    uint32_t i = tf_strmap_get(&zip->by_name, name.s, name.len);

    return i == TF_STRMAP_NONE ? NULL : &zip->members[i];
}
