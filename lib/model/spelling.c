#include "model/spelling.h"

#include <stdio.h>
#include <string.h>

void tf_spell(char out[TF_NAME_MAX], const char *pattern, size_t n,
              struct tf_place at)
{
    const size_t size = TF_NAME_MAX;
    size_t len = 0;

    for (size_t i = 0; i < n && len + 1 < size;) {
        const char *p = pattern + i;
        const char *close = *p == '{' ? memchr(p, '}', n - i) : NULL;

        if (!close) {
            out[len++] = *p;
            i++;
            continue;
        }
        len += (size_t)snprintf(out + len, size - len, "%zu",
                                p[1] == 'i'                  ? at.inner
                                : p[1] == 'e' || p[1] == 'h' ? at.part
                                                             : at.layer);
        if (len >= size)
            len = size - 1;
        i += (size_t)(close - p) + 1;
    }
    out[len] = 0;
}

void tf_spelling_init(struct tf_spelling *s, const char *pattern,
                      const char *prefix, struct tf_place at)
{
    *s = (struct tf_spelling){ .pattern = pattern, .at = at };
    s->prefixes = prefix ? prefix : "";
}

bool tf_spelling_next(struct tf_spelling *s)
{
    size_t n;

    if (!s->prefix) {
        if (!s->pattern)
            return false;
        n = strcspn(s->pattern, "|");
        tf_spell(s->stem, s->pattern, n, s->at);
        s->pattern = s->pattern[n] ? s->pattern + n + 1 : NULL;
        s->prefix = s->prefixes;
    }
    n = strcspn(s->prefix, "|");
    snprintf(s->name, sizeof(s->name), "%.*s%s%s", (int)(n < 200 ? n : 200),
             s->prefix, n ? "." : "", s->stem);
    s->prefix = n ? s->prefix + n + (s->prefix[n] == '|') : NULL;
    return true;
}
