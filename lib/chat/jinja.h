/*
 * Templates in Jinja (the syntax and meaning of Jinja2 3.1, sandboxed, with
 * trim_blocks, lstrip_blocks and loop controls, as Transformers runs chat
 * templates): all statements but inheritance, includes and imports; Python's
 * values, operators, and the methods of strings, lists and dictionaries.
 * Templates come from strangers: time, memory, depth and ranges are limited.
 */
#ifndef TF_CHAT_JINJA_H
#define TF_CHAT_JINJA_H

#include "base/buf.h"
#include "base/err.h"

struct tf_jinja;

/* Parse a template (valid UTF-8, copied). On failure returns NULL and says in
 * `err` what is wrong in which line. */
struct tf_jinja *tf_jinja_new(struct tf_str source, struct tf_err *err);
void tf_jinja_free(struct tf_jinja *t); /* NULL is allowed */

/* A variable that the template sees; its value as JSON. */
struct tf_jinja_var {
    struct tf_str name, json;
};

/* Places in a text, [begin, end) in bytes, in order. Zeroed memory is empty. */
struct tf_jinja_spans {
    size_t (*v)[2]; /* free() releases */
    size_t count, cap;
};

/* Append what the template makes of its variables. Fails with the template's
 * own message where it raises one. `generated`, if not NULL, gets the places in
 * `out` of what {% generation %} blocks print. Thread safe. */
int tf_jinja_render(const struct tf_jinja *t, const struct tf_jinja_var *vars,
                    size_t n, struct tf_buf *out,
                    struct tf_jinja_spans *generated, struct tf_err *err);
int tf_jinja_span(struct tf_jinja_spans *s, size_t begin, size_t end,
                  struct tf_err *err);
#endif
