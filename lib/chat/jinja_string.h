/* Inside jinja_*.c: what Python's str can do. */
#ifndef TF_CHAT_JINJA_STRING_H
#define TF_CHAT_JINJA_STRING_H

#include "chat/jinja_value.h"

#define TF_JS_NOWHERE SIZE_MAX

/* Where `what` begins in `in`, at `from` or later; or TF_JS_NOWHERE. */
size_t tf_js_find(struct tf_jinja_run *r, struct tf_str in, size_t from,
                  struct tf_str what);
/* The last place of `what` in `in`. */
size_t tf_js_find_last(struct tf_jinja_run *r, struct tf_str in,
                       struct tf_str what);

/* Without the characters of `chars` (none: white space) at its ends. */
struct tf_str tf_js_strip(struct tf_jinja_run *r, struct tf_str s,
                          struct tf_jv chars, bool left, bool right);
/* A list; a negative limit is none. */
struct tf_jv tf_js_split(struct tf_jinja_run *r, struct tf_str s,
                         struct tf_str by, int64_t limit);
struct tf_jv tf_js_split_last(struct tf_jinja_run *r, struct tf_str s,
                              struct tf_str by, int64_t limit);
struct tf_jv tf_js_split_blanks(struct tf_jinja_run *r, struct tf_str s,
                                int64_t limit);
struct tf_jv tf_js_split_blanks_last(struct tf_jinja_run *r, struct tf_str s,
                                     int64_t limit);
struct tf_jv tf_js_lines(struct tf_jinja_run *r, struct tf_str s, bool ends);
struct tf_jv tf_js_replace(struct tf_jinja_run *r, struct tf_str s,
                           struct tf_str old, struct tf_str new, int64_t limit);

enum tf_js_case {
    TF_JS_UPPER,
    TF_JS_LOWER,
    TF_JS_TITLE,      /* every word */
    TF_JS_CAPITALIZE, /* the first character */
};
struct tf_jv tf_js_case(struct tf_jinja_run *r, struct tf_str s,
                        enum tf_js_case how);
/* Has it a cased letter, and none with the flags `not_this`? */
bool tf_js_cased(struct tf_jv v, uint32_t not_this);
/* Has it characters, all of them with one of the flags? */
bool tf_js_all(struct tf_str s, uint32_t flags);
#endif
