#include "train/answers.h"

#include <stdlib.h>
#include <string.h>
#include "base/mem.h"

static int wrong(struct tf_err *err)
{
    return tf_fail(err, "the answers are neither a string, a list of strings "
                        "nor {\"text\": [...], \"answer_start\": [...]}");
}

/* Item i of a list; of anything else the thing itself. */
static json_t *item(json_t *v, size_t i)
{
    return json_is_array(v) ? json_array_get(v, i) : v;
}

static int read_start(struct tf_answers *a, json_t *v, struct tf_err *err)
{
    json_t *first = item(v, 0);

    if (!first)
        return 0;
    if (!json_is_integer(first) || json_integer_value(first) < 0)
        return tf_fail(err, "answer_start is no place in a text");
    a->start = json_integer_value(first);
    return 0;
}

/* All texts of `v`, a string or a list. */
static int read_texts(struct tf_answers *a, json_t *v, struct tf_err *err)
{
    size_t n = json_is_array(v) ? json_array_size(v) : 1;

    if (json_is_null(v))
        return 0;
    a->v = tf_alloc(n, sizeof(a->v[0]), err);
    if (!a->v)
        return -1;
    for (; a->count < n; a->count++) {
        json_t *text = item(v, a->count);

        if (json_is_object(text)) {
            if (!a->count &&
                read_start(a, json_object_get(text, "answer_start"), err))
                return -1;
            text = json_object_get(text, "text");
        }
        if (!json_is_string(text))
            return wrong(err);
        a->v[a->count] = (struct tf_str){ json_string_value(text),
                                          json_string_length(text) };
    }
    return 0;
}

int tf_answers_read(struct tf_answers *a, struct tf_str value,
                    struct tf_err *err)
{
    json_t *texts;

    *a = (struct tf_answers){ .start = -1 };
    if (!value.s)
        return 0;
    a->json =
        json_loadb(value.s, value.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    if (!a->json)
        return wrong(err);
    if (!json_is_object(a->json))
        return read_texts(a, a->json, err);
    texts = json_object_get(a->json, "text");
    return !texts ? wrong(err)
                  : read_texts(a, texts, err) ||
                        read_start(a, json_object_get(a->json, "answer_start"),
                                   err);
}

void tf_answers_release(struct tf_answers *a)
{
    json_decref(a->json);
    free(a->v);
    *a = (struct tf_answers){ .start = -1 };
}
