#include "text/pattern.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "text/utf8.h"

static int read_text(struct tf_json *j, struct tf_pattern *p,
                     struct tf_err *err)
{
    struct tf_str s;
    char *copy;

    if (!tf_json_string(j, &s))
        return 0; /* the cursor says why */
    copy = tf_strndup(s.s, s.len, err);
    if (!copy)
        return -1;
    free((char *)p->string.s);
    p->string.s = copy;
    p->string.len = s.len;
    return 0;
}

int tf_pattern_read(struct tf_json *j, struct tf_pattern *p, struct tf_err *err)
{
    struct tf_str key;

    if (tf_json_object(j))
        while (tf_json_key(j, &key)) {
            p->is_regex = tf_str_is(key, "Regex");
            if (!p->is_regex && !tf_str_is(key, "String"))
                return tf_fail(err,
                               "unknown pattern \"%.*s\": String and Regex "
                               "are known",
                               (int)key.len, key.s);
            if (read_text(j, p, err))
                return -1;
        }
    if (!p->string.s)
        tf_json_bad(j, "a pattern must hold String or Regex");
    return 0;
}

int tf_pattern_compile(struct tf_pattern *p, struct tf_err *err)
{
    /* an empty string matches between all characters */
    if (!p->is_regex && p->string.len)
        return 0;
    p->regex = tf_regex_new(p->string, err);
    return p->regex ? 0 : -1;
}

void tf_pattern_release(struct tf_pattern *p)
{
    free((char *)p->string.s);
    tf_regex_free(p->regex);
    memset(p, 0, sizeof(*p));
}

static bool find_string(struct tf_str what, struct tf_str s, size_t from,
                        size_t *start, size_t *end)
{
    const char *at = s.s + from, *stop = s.s + s.len;

    while ((size_t)(stop - at) >= what.len) {
        at = memchr(at, what.s[0], (size_t)(stop - at) - what.len + 1);
        if (!at)
            return false;
        if (!memcmp(at, what.s, what.len)) {
            *start = (size_t)(at - s.s);
            *end = *start + what.len;
            return true;
        }
        at++;
    }
    return false;
}

bool tf_matches_next(struct tf_matches *m, size_t *start, size_t *end)
{
    const struct tf_pattern *p = m->pattern;

    while (m->from <= m->s.len) {
        if (p->regex
                ? !tf_regex_find(p->regex, m->pre, m->s, m->from, start, end)
                : !find_string(p->string, m->s, m->from, start, end))
            return false;
        if (*start < *end || *end != m->last) {
            m->from = m->last = *end;
            return true;
        }
        /* an empty match right after the last one does not count */
        m->from += m->from < m->s.len
                       ? tf_utf8_len((unsigned char)m->s.s[m->from])
                       : 1;
    }
    return false;
}
