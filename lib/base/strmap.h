/* A hash map from byte strings to 32-bit numbers. */
#ifndef TF_BASE_STRMAP_H
#define TF_BASE_STRMAP_H

#include <stddef.h>
#include <stdint.h>
#include "base/err.h"

#define TF_STRMAP_NONE UINT32_MAX

/*
 * Keys are borrowed: they live as long as the map. Zeroed memory is an empty
 * map. Reading is safe from many threads, writing is not.
 */
struct tf_strmap {
    struct tf_strmap_slot *slots;
    size_t count, cap; /* cap: a power of two, or 0 */
};

/* Room for n keys without another allocation. */
int tf_strmap_reserve(struct tf_strmap *m, size_t n, struct tf_err *err);
/* Set key to value (not TF_STRMAP_NONE), replacing an older value. */
int tf_strmap_set(struct tf_strmap *m, const char *key, size_t len,
                  uint32_t value, struct tf_err *err);
/* The value, or TF_STRMAP_NONE. */
uint32_t tf_strmap_get(const struct tf_strmap *m, const char *key, size_t len);
void tf_strmap_release(struct tf_strmap *m);

/* The hash the map uses, for tables of one's own. */
uint64_t tf_hash(const void *p, size_t len);
#endif
