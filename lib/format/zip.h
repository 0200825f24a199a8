/*
 * Read a zip archive whose members are stored, not compressed, in place
 * (PKWARE's APPNOTE, with ZIP64): torch.save writes such files.
 */
#ifndef TF_FORMAT_ZIP_H
#define TF_FORMAT_ZIP_H

#include <stddef.h>
#include "base/buf.h"
#include "base/err.h"
#include "base/strmap.h"

struct tf_zip_member {
    struct tf_str name;
    const unsigned char *data;
    size_t size;
};

struct tf_zip {
    struct tf_zip_member *members;
    size_t count;
    struct tf_strmap by_name;
};

/* List the archive in data, which must outlive `zip`. Every place is checked
 * to lie inside; a compressed or encrypted member is an error. */
int tf_zip_open(struct tf_zip *zip, const unsigned char *data, size_t len,
                struct tf_err *err);
void tf_zip_close(struct tf_zip *zip);
const struct tf_zip_member *tf_zip_find(const struct tf_zip *zip,
                                        struct tf_str name);
#endif
