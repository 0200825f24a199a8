#include "model/arch_fields.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "model/config.h"

#define DEPTH_MAX 16 /* of ?: in one value */

/* Does s match the n bytes of `word`, '*' at its ends standing for anything? */
static bool matches(const char *s, const char *word, size_t n)
{
    bool open_start = n && word[0] == '*';
    bool open_end = n > 1 && word[n - 1] == '*';
    size_t len = strlen(s);

    word += open_start;
    n -= (size_t)open_start + (size_t)open_end;
    if (n > len)
        return false;
    for (size_t at = 0; at + n <= len; at++) {
        bool fits = (open_start || at == 0) && (open_end || at + n == len);

        if (fits && !memcmp(s + at, word, n))
            return true;
    }
    return false;
}

static bool equals(json_t *v, const char *word, size_t n)
{
    json_t *item;
    size_t i;
    char *text;
    bool same;

    if (json_is_string(v))
        return matches(json_string_value(v), word, n);
    json_array_foreach (v, i, item) {
        if (equals(item, word, n))
            return true;
    }
    if (json_is_array(v) || !v)
        return false;
    text = json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT);
    same = text && matches(text, word, n);
    free(text);
    return same;
}

static bool truth(json_t *v)
{
    if (json_is_string(v))
        return json_string_length(v) > 0;
    if (json_is_number(v))
        return json_number_value(v) != 0;
    return json_is_true(v) || json_is_array(v) || json_is_object(v);
}

/*
 * The config's member that keys[0, n) name; else the defaults', of those that
 * the config does not set to null.
 */
static json_t *look_up(const char *keys, size_t n, json_t *config,
                       json_t *defaults)
{
    char *copy = malloc(n + 1), *key = copy;
    json_t *v;

    if (!copy)
        return NULL;
    memcpy(copy, keys, n);
    copy[n] = 0;
    v = tf_config_get(config, copy);
    while (!v && key) {
        char *next = strchr(key, '|');

        if (next)
            *next++ = 0;
        if (!json_object_get(config, key))
            v = tf_config_get(defaults, key);
        key = next;
    }
    free(copy);
    return v;
}

static json_t *evaluate(const char *s, size_t n, json_t *config,
                        json_t *defaults, int depth)
{
    const char *end = s + n, *ask, *word, *colon;
    json_t *v;
    bool yes;

    if (!n || *s != '$')
        return json_stringn(s, n);
    if (depth == DEPTH_MAX)
        return NULL;
    s++;
    ask = memchr(s, '?', (size_t)(end - s));
    if (!ask)
        return json_incref(look_up(s, (size_t)(end - s), config, defaults));
    word = memchr(s, '=', (size_t)(ask - s));
    v = look_up(s, (size_t)((word ? word : ask) - s), config, defaults);
    yes = word ? equals(v, word + 1, (size_t)(ask - word - 1)) : truth(v);
    ask++;
    colon = memchr(ask, ':', (size_t)(end - ask));
    if (!colon)
        colon = end;
    if (yes)
        return evaluate(ask, (size_t)(colon - ask), config, defaults,
                        depth + 1);
    if (colon == end)
        return NULL;
    colon++;
    return evaluate(colon, (size_t)(end - colon), config, defaults, depth + 1);
}

json_t *tf_value(json_t *value, const char *fallback, json_t *config,
                 json_t *defaults)
{
    json_t *v = NULL;

    if (json_is_string(value))
        v = evaluate(json_string_value(value), json_string_length(value),
                     config, defaults, 0);
    else if (value && !json_is_null(value))
        v = json_incref(value);
    if (!v && fallback)
        v = evaluate(fallback, strlen(fallback), config, defaults, 0);
    return v;
}
