#include "train/yaml.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#define DEPTH_MAX 32
#define NODES_MAX 1000000 /* aliases can name a node many times */

struct reading {
    yaml_document_t document;
    size_t nodes;
    struct tf_err *err;
};

static json_t *fail_at(struct reading *r, const yaml_node_t *node,
                       const char *what)
{
    tf_fail(r->err, "line %zu: %s", node->start_mark.line + 1, what);
    return NULL;
}

/* Digits as JSON has them, but a leading '+' or '.' and a trailing '.' too. */
static json_t *as_number(const char *s)
{
    size_t digits = strspn(s + (*s == '-' || *s == '+'), "0123456789");
    const char *rest = s + (*s == '-' || *s == '+') + digits;
    char *end;

    errno = 0;
    if (digits && !*rest) {
        long long v = strtoll(s, &end, 10);

        return errno ? NULL : json_integer(v);
    }
    if (strspn(s, "0123456789.eE+-") != strlen(s) ||
        strspn(s, "eE+-.") == strlen(s))
        return NULL;
    return strtod(s, &end), *end || errno ? NULL : json_real(strtod(s, &end));
}

static json_t *scalar(struct reading *r, const yaml_node_t *node)
{
    const char *s = (const char *)node->data.scalar.value;
    size_t len = node->data.scalar.length;
    json_t *v = NULL;

    if (node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE) {
        if (!len || !strcmp(s, "~") || !strcmp(s, "null") ||
            !strcmp(s, "Null") || !strcmp(s, "NULL"))
            return json_null();
        if (!strcmp(s, "true") || !strcmp(s, "True") || !strcmp(s, "TRUE"))
            return json_true();
        if (!strcmp(s, "false") || !strcmp(s, "False") || !strcmp(s, "FALSE"))
            return json_false();
        v = as_number(s);
    }
    if (!v)
        v = json_stringn(s, len);
    return v ? v : fail_at(r, node, "not UTF-8, or no memory");
}

static json_t *value(struct reading *r, int at, int depth);

static json_t *sequence(struct reading *r, const yaml_node_t *node, int depth)
{
    json_t *list = json_array();
    const yaml_node_item_t *i;

    for (i = node->data.sequence.items.start;
         list && i < node->data.sequence.items.top; i++) {
        json_t *v = value(r, *i, depth);

        if (!v || json_array_append_new(list, v)) {
            json_decref(list);
            return NULL;
        }
    }
    return list ? list : fail_at(r, node, "no memory");
}

/* One pair of a mapping. */
static int member(struct reading *r, json_t *object,
                  const yaml_node_pair_t *pair, int depth)
{
    const yaml_node_t *key = yaml_document_get_node(&r->document, pair->key);
    const char *name;
    json_t *v;

    if (!key || key->type != YAML_SCALAR_NODE) {
        tf_fail(r->err, "a key is not a word");
        return -1;
    }
    name = (const char *)key->data.scalar.value;
    if (json_object_get(object, name)) {
        tf_fail(r->err, "line %zu: \"%.100s\" is given twice",
                key->start_mark.line + 1, name);
        return -1;
    }
    v = value(r, pair->value, depth);
    if (!v)
        return -1;
    if (json_object_set_new(object, name, v)) {
        fail_at(r, key, "not UTF-8, or no memory");
        return -1;
    }
    return 0;
}

static json_t *mapping(struct reading *r, const yaml_node_t *node, int depth)
{
    json_t *object = json_object();
    const yaml_node_pair_t *p;

    for (p = node->data.mapping.pairs.start;
         object && p < node->data.mapping.pairs.top; p++)
        if (member(r, object, p, depth)) {
            json_decref(object);
            return NULL;
        }
    return object ? object : fail_at(r, node, "no memory");
}

static json_t *value(struct reading *r, int at, int depth)
{
    const yaml_node_t *node = yaml_document_get_node(&r->document, at);

    if (!node)
        return json_null();
    if (depth > DEPTH_MAX || ++r->nodes > NODES_MAX)
        return fail_at(r, node, "nested too deeply, or too large");
    switch (node->type) {
    case YAML_SCALAR_NODE:
        return scalar(r, node);
    case YAML_SEQUENCE_NODE:
        return sequence(r, node, depth + 1);
    case YAML_MAPPING_NODE:
        return mapping(r, node, depth + 1);
    default:
        return json_null();
    }
}

json_t *tf_yaml_read(const char *text, size_t len, struct tf_err *err)
{
    struct reading r = { .err = err };
    yaml_parser_t parser;
    json_t *read = NULL;

    if (!yaml_parser_initialize(&parser)) {
        tf_no_memory(err, sizeof(parser));
        return NULL;
    }
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
    if (yaml_parser_load(&parser, &r.document)) {
        if (yaml_document_get_root_node(&r.document))
            read = value(&r, 1, 0);
        else
            read = json_null();
        yaml_document_delete(&r.document);
    } else {
        tf_fail(err, "line %zu: %s", parser.problem_mark.line + 1,
                parser.problem ? parser.problem : "not YAML");
    }
    yaml_parser_delete(&parser);
    return read;
}
