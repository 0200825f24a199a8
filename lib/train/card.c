#include "train/card.h"

#include <stdio.h>
#include <string.h>
#include "train/yaml.h"

static const char *next_line(const char *p, const char *end)
{
    const char *stop = memchr(p, '\n', (size_t)(end - p));

    return stop ? stop + 1 : end;
}

static int is_rule(const char *p, const char *end)
{
    return end - p >= 3 && !memcmp(p, "---", 3) &&
           (end - p == 3 || p[3] == '\n' || p[3] == '\r');
}

json_t *tf_card_read(const char *text, size_t len)
{
    const char *end = text + len, *p, *begin;
    json_t *card = NULL;
    struct tf_err err;

    if (len && is_rule(text, end)) {
        begin = p = next_line(text, end);
        while (p < end && !is_rule(p, end))
            p = next_line(p, end);
        card = tf_yaml_read(begin, (size_t)(p - begin), &err);
    }
    if (json_is_object(card))
        return card;
    json_decref(card);
    return json_object();
}

static const char *name_of(json_t *config)
{
    const char *name =
        json_string_value(json_object_get(config, "config_name"));

    return name ? name : "default";
}

json_t *tf_card_config(json_t *card, const char *name)
{
    json_t *configs = json_object_get(card, "configs"), *c, *only = NULL;
    size_t i;

    json_array_foreach (configs, i, c) {
        if (name ? !strcmp(name_of(c), name)
                 : json_is_true(json_object_get(c, "default")) ||
                       !strcmp(name_of(c), "default"))
            return c;
        only = c;
    }
    return !name && json_array_size(configs) == 1 ? only : NULL;
}

json_t *tf_card_files(json_t *config, const char *split)
{
    json_t *files = json_object_get(config, "data_files"), *f;
    size_t i;

    if (json_is_object(files))
        return json_object_get(files, split);
    json_array_foreach (files, i, f) {
        const char *name = json_string_value(json_object_get(f, "split"));

        if (name && !strcmp(name, split))
            return json_object_get(f, "path");
    }
    /* patterns without a split are the training's */
    if (json_is_string(files) || json_is_string(json_array_get(files, 0)))
        return strcmp(split, "train") ? NULL : files;
    return NULL;
}

/* Names as a list, or as {"0": name, "1": name}; new. */
static json_t *names_in_order(json_t *names)
{
    json_t *list, *name;
    char key[24];

    if (json_is_array(names))
        return json_incref(names);
    list = json_array();
    for (size_t i = 0;; i++) {
        snprintf(key, sizeof(key), "%zu", i);
        name = json_object_get(names, key);
        if (!json_is_string(name) && !json_is_number(name))
            return list;
        if (json_array_append(list, name))
            return list;
    }
}

static int all_strings(json_t *list)
{
    size_t i;
    json_t *v;

    json_array_foreach (list, i, v)
        if (!json_is_string(v))
            return 0;
    return json_array_size(list) > 0;
}

/* Set a column's names, which are taken, when they are a list of strings. */
static void set_names(json_t *classes, const char *column, json_t *names)
{
    if (column && all_strings(names))
        json_object_set(classes, column, names);
    json_decref(names);
}

/* "dataset_info", or the member of the list of them, of a configuration. */
static json_t *info_of(json_t *card, const char *config)
{
    json_t *info = json_object_get(card, "dataset_info"), *one;
    size_t i;

    if (!json_is_array(info))
        return info;
    json_array_foreach (info, i, one)
        if (!config || !strcmp(name_of(one), config))
            return one;
    return NULL;
}

json_t *tf_card_classes(json_t *card, const char *config)
{
    json_t *features = json_object_get(info_of(card, config), "features"), *f;
    json_t *classes = json_object();
    size_t i;

    json_array_foreach (features, i, f) {
        static const char *const kinds[] = { "dtype", "sequence", "list" };

        for (int k = 0; k < 3; k++) {
            json_t *label =
                json_object_get(json_object_get(f, kinds[k]), "class_label");

            if (label)
                set_names(classes,
                          json_string_value(json_object_get(f, "name")),
                          names_in_order(json_object_get(label, "names")));
        }
    }
    return classes;
}

json_t *tf_feature_classes(json_t *features)
{
    json_t *classes = json_object(), *f;
    const char *column;

    json_object_foreach (features, column, f) {
        json_t *inner = json_object_get(f, "feature");
        const char *type;

        if (json_is_array(f))
            inner = json_array_get(f, 0);
        if (inner)
            f = inner;
        type = json_string_value(json_object_get(f, "_type"));
        if (type && !strcmp(type, "ClassLabel"))
            set_names(classes, column,
                      names_in_order(json_object_get(f, "names")));
    }
    return classes;
}
