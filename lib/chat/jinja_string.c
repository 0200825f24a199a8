/* Strings: search, parts, case. */
#include "chat/jinja_string.h"

#include <string.h>
#include <utf8proc.h>
#include "text/unicode.h"
#include "text/utf8.h"

size_t tf_js_find(struct tf_jinja_run *r, struct tf_str in, size_t from,
                  struct tf_str what)
{
    const char *p;

    if (!what.len)
        return from <= in.len ? from : TF_JS_NOWHERE;
    for (; from + what.len <= in.len && tf_jv_step(r, 1 + what.len / 16);
         from++) {
        p = memchr(in.s + from, what.s[0], in.len - what.len + 1 - from);
        if (!p)
            break;
        from = (size_t)(p - in.s);
        if (!memcmp(p, what.s, what.len))
            return from;
    }
    return TF_JS_NOWHERE;
}

size_t tf_js_find_last(struct tf_jinja_run *r, struct tf_str in,
                       struct tf_str what)
{
    size_t i;

    if (!what.len)
        return in.len;
    for (i = in.len; i >= what.len && tf_jv_step(r, 1 + what.len / 16); i--)
        if (!memcmp(in.s + i - what.len, what.s, what.len))
            return i - what.len;
    return TF_JS_NOWHERE;
}

/* What str.isspace says: also the separators of files, groups, .... */
static bool is_space(uint32_t c)
{
    return (tf_unicode_flags(c) & TF_U_SPACE) || (c >= 0x1C && c <= 0x1F);
}

static bool is_one_of(uint32_t c, struct tf_jv chars)
{
    size_t i, len;

    if (chars.type != TF_JV_STRING)
        return is_space(c);
    for (i = 0; i < chars.u.s.len; i += len)
        if (tf_utf8_get(chars.u.s.s + i, &len) == c)
            return true;
    return false;
}

struct tf_str tf_js_strip(struct tf_jinja_run *r, struct tf_str s,
                          struct tf_jv chars, bool left, bool right)
{
    size_t work = chars.type == TF_JV_STRING ? 1 + chars.u.s.len / 8 : 1;
    size_t i, len;

    while (left && s.len && tf_jv_step(r, work) &&
           is_one_of(tf_utf8_get(s.s, &len), chars)) {
        s.s += len;
        s.len -= len;
    }
    while (right && s.len && tf_jv_step(r, work)) {
        i = tf_utf8_before(s.s, s.len);
        if (!is_one_of(tf_utf8_get(s.s + i, &len), chars))
            break;
        s.len = i;
    }
    return s;
}

static void add_part(struct tf_jinja_run *r, struct tf_jv list, struct tf_str s,
                     size_t from, size_t to)
{
    tf_jv_append(r, list, tf_jv_str((struct tf_str){ s.s + from, to - from }));
}

struct tf_jv tf_js_split(struct tf_jinja_run *r, struct tf_str s,
                         struct tf_str by, int64_t limit)
{
    struct tf_jv list = tf_jv_list(r, false);
    size_t at = 0, next;

    if (!by.len)
        return tf_jv_fail(r, "empty separator");
    while (limit-- && (next = tf_js_find(r, s, at, by)) != TF_JS_NOWHERE) {
        add_part(r, list, s, at, next);
        at = next + by.len;
    }
    add_part(r, list, s, at, s.len);
    return list;
}

static struct tf_jv reversed(struct tf_jinja_run *r, struct tf_jv list)
{
    struct tf_jv out = tf_jv_list(r, false);
    size_t i;

    for (i = list.u.list->count; i; i--)
        tf_jv_append(r, out, list.u.list->items[i - 1]);
    return out;
}

struct tf_jv tf_js_split_last(struct tf_jinja_run *r, struct tf_str s,
                              struct tf_str by, int64_t limit)
{
    struct tf_jv list = tf_jv_list(r, false);
    size_t at;

    if (!by.len)
        return tf_jv_fail(r, "empty separator");
    while (limit-- && (at = tf_js_find_last(r, s, by)) != TF_JS_NOWHERE) {
        add_part(r, list, s, at + by.len, s.len);
        s.len = at;
    }
    add_part(r, list, s, 0, s.len);
    return reversed(r, list);
}

struct tf_jv tf_js_split_blanks(struct tf_jinja_run *r, struct tf_str s,
                                int64_t limit)
{
    struct tf_jv list = tf_jv_list(r, false), none = tf_jv_none();
    size_t i, len;

    for (;;) {
        s = tf_js_strip(r, s, none, true, false);
        if (!s.len || r->failed)
            return list;
        for (i = 0; i < s.len && !is_space(tf_utf8_get(s.s + i, &len));
             i += len)
            ;
        if (!limit--)
            i = s.len;
        add_part(r, list, s, 0, i);
        tf_jv_step(r, 1 + i / 16);
        s.s += i;
        s.len -= i;
    }
}

struct tf_jv tf_js_split_blanks_last(struct tf_jinja_run *r, struct tf_str s,
                                     int64_t limit)
{
    struct tf_jv list = tf_jv_list(r, false), none = tf_jv_none();
    size_t i, before, len;

    for (;;) {
        s = tf_js_strip(r, s, none, false, true);
        if (!s.len || r->failed)
            return reversed(r, list);
        for (i = s.len; i; i = before) {
            before = tf_utf8_before(s.s, i);
            if (is_space(tf_utf8_get(s.s + before, &len)))
                break;
        }
        if (!limit--)
            i = 0;
        add_part(r, list, s, i, s.len);
        tf_jv_step(r, 1 + (s.len - i) / 16);
        s.len = i;
    }
}

static bool ends_line(uint32_t c)
{
    return (c >= 0x0A && c <= 0x0D) || (c >= 0x1C && c <= 0x1E) || c == 0x85 ||
           c == 0x2028 || c == 0x2029;
}

struct tf_jv tf_js_lines(struct tf_jinja_run *r, struct tf_str s, bool ends)
{
    struct tf_jv list = tf_jv_list(r, false);
    size_t i, begin = 0, len, end;
    uint32_t c;

    for (i = 0; i < s.len && !r->failed; i += len) {
        c = tf_utf8_get(s.s + i, &len);
        if (!ends_line(c))
            continue;
        end = i;
        if (c == '\r' && i + 1 < s.len && s.s[i + 1] == '\n')
            len = 2;
        add_part(r, list, s, begin, ends ? i + len : end);
        begin = i + len;
    }
    if (begin < s.len)
        add_part(r, list, s, begin, s.len);
    tf_jv_step(r, 1 + s.len / 16);
    return list;
}

struct tf_jv tf_js_replace(struct tf_jinja_run *r, struct tf_str s,
                           struct tf_str old, struct tf_str new, int64_t limit)
{
    struct tf_buf b = TF_BUF_INIT;
    size_t at = 0, next, len;

    for (; limit && tf_jv_step(r, 1 + new.len / 16); limit--) {
        next = tf_js_find(r, s, at, old);
        if (next == TF_JS_NOWHERE)
            break;
        tf_buf_add(&b, s.s + at, next - at);
        tf_buf_add(&b, new.s, new.len);
        at = next + old.len;
        if (old.len)
            continue;
        /* between all characters */
        if (at == s.len) {
            at++;
            break;
        }
        len = tf_utf8_len((unsigned char)s.s[at]);
        tf_buf_add(&b, s.s + at, len);
        at += len;
    }
    if (at < s.len)
        tf_buf_add(&b, s.s + at, s.len - at);
    return tf_jv_take(r, &b);
}

static void put(struct tf_buf *b, uint32_t c)
{
    char *p = tf_buf_room(b, 4);

    if (p)
        b->len += tf_utf8_put(p, c);
}

static void put_upper(struct tf_buf *b, uint32_t c)
{
    if (c == 0xDF)
        tf_buf_adds(b, "SS");
    else
        put(b, (uint32_t)utf8proc_toupper((utf8proc_int32_t)c));
}

static void put_title(struct tf_buf *b, uint32_t c)
{
    if (c == 0xDF)
        tf_buf_adds(b, "Ss");
    else
        put(b, (uint32_t)utf8proc_totitle((utf8proc_int32_t)c));
}

static bool is_cased(uint32_t c)
{
    return tf_unicode_flags(c) & (TF_U_UPPER | TF_U_LOWER);
}

/* Characters that a word goes on through, as far as case is concerned. */
static bool is_passed_over(uint32_t c)
{
    return c == '\'' || c == '.' || c == ':' || c == 0xB7 || c == 0x2019 ||
           (tf_unicode_flags(c) & TF_U_MARK);
}

/* Is the capital sigma at i the last letter of a word? */
static bool is_final(struct tf_str s, size_t i)
{
    size_t k = i, len = 0;
    uint32_t c = 0;

    do {
        if (!k)
            return false;
        k = tf_utf8_before(s.s, k);
        c = tf_utf8_get(s.s + k, &len);
    } while (is_passed_over(c));
    if (!is_cased(c))
        return false;
    for (k = i + 2; k < s.len; k += len) {
        c = tf_utf8_get(s.s + k, &len);
        if (!is_passed_over(c))
            return !is_cased(c);
    }
    return true;
}

static void put_lower(struct tf_buf *b, struct tf_str s, size_t i, uint32_t c)
{
    uint32_t lower[2];
    size_t k, n;

    if (c == 0x3A3) {
        put(b, is_final(s, i) ? 0x3C2 : 0x3C3);
        return;
    }
    n = tf_unicode_lower(c, lower);
    for (k = 0; k < n; k++)
        put(b, lower[k]);
}

struct tf_jv tf_js_case(struct tf_jinja_run *r, struct tf_str s,
                        enum tf_js_case how)
{
    struct tf_buf b = TF_BUF_INIT;
    bool within = false; /* a word, or the string */
    size_t i, len;
    uint32_t c;

    for (i = 0; i < s.len && tf_jv_step(r, 1); i += len) {
        c = tf_utf8_get(s.s + i, &len);
        if (how == TF_JS_UPPER)
            put_upper(&b, c);
        else if (how == TF_JS_LOWER || within)
            put_lower(&b, s, i, c);
        else
            put_title(&b, c);
        within = how == TF_JS_TITLE ? is_cased(c) : true;
    }
    return tf_jv_take(r, &b);
}

bool tf_js_cased(struct tf_jv v, uint32_t not_this)
{
    size_t i, len;
    bool any = false;

    if (v.type != TF_JV_STRING)
        return false;
    for (i = 0; i < v.u.s.len; i += len) {
        uint32_t f = tf_unicode_flags(tf_utf8_get(v.u.s.s + i, &len));

        if (f & not_this)
            return false;
        any = any || (f & (TF_U_UPPER | TF_U_LOWER));
    }
    return any;
}

bool tf_js_all(struct tf_str s, uint32_t flags)
{
    size_t i, len;
    uint32_t c;

    for (i = 0; i < s.len; i += len) {
        c = tf_utf8_get(s.s + i, &len);
        if (!(tf_unicode_flags(c) & flags) &&
            !((flags & TF_U_SPACE) && is_space(c)))
            return false;
    }
    return s.len > 0;
}
