#include "model/module_match.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>
#include "base/buf.h"
#include "base/mem.h"

#define MATCH_LIMIT 1000000 /* steps of one search */

bool tf_module_is(const char *name, const char *module)
{
    size_t n = strlen(name), all = strlen(module);

    return all >= n && !strcmp(module + all - n, name) &&
           (all == n || module[all - n - 1] == '.');
}

/* 1: all of `s` matches, and *group gets the first group's number (-1: none).
 */
static int match(const char *pattern, const char *s, long *group,
                 struct tf_err *err)
{
    PCRE2_SIZE at, *o;
    int number, found = -1;
    pcre2_code *re =
        pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED,
                      PCRE2_ANCHORED | PCRE2_ENDANCHORED, &number, &at, NULL);
    pcre2_match_context *limits = pcre2_match_context_create(NULL);
    pcre2_match_data *data =
        re ? pcre2_match_data_create_from_pattern(re, NULL) : NULL;

    if (!re) {
        char why[120] = "";

        pcre2_get_error_message(number, (PCRE2_UCHAR *)why, sizeof(why));
        tf_fail(err, "\"%.120s\" is no regular expression: %s", pattern, why);
    } else if (!data || !limits) {
        tf_no_memory(err, 1);
    } else {
        pcre2_set_match_limit(limits, MATCH_LIMIT);
        number = pcre2_match(re, (PCRE2_SPTR)s, strlen(s), 0, 0, data, limits);
        found = number == PCRE2_ERROR_NOMATCH ? 0 : number < 0 ? -1 : 1;
        if (found < 0)
            tf_fail(err, "\"%.120s\" takes too long to search for", pattern);
        o = pcre2_get_ovector_pointer(data);
        if (found > 0 && group) {
            number = pcre2_substring_number_from_name(re, (PCRE2_SPTR) "idx");
            *group = number > 0 ? strtol(s + o[2 * number], NULL, 10) : -1;
        }
    }
    pcre2_match_data_free(data);
    pcre2_match_context_free(limits);
    pcre2_code_free(re);
    return found;
}

int tf_module_matches(const char *pattern, const char *module,
                      struct tf_err *err)
{
    return match(pattern, module, NULL, err);
}

/* The pattern between two pieces of text. */
static int match_in(const char *before, const char *pattern, const char *after,
                    const char *module, long *group, struct tf_err *err)
{
    struct tf_buf b = TF_BUF_INIT;
    int found;

    tf_buf_addf(&b, "%s%s%s", before, pattern, after);
    found = b.failed ? tf_no_memory(err, b.len)
                     : match(tf_buf_cstr(&b), module, group, err);
    tf_buf_release(&b);
    return found;
}

int tf_module_ends(const char *pattern, const char *module, struct tf_err *err)
{
    return match_in("(?:.*\\.)?(?:", pattern, ")", module, NULL, err);
}

static bool has_layer(json_t *layers, long layer)
{
    json_t *v;
    size_t i;

    json_array_foreach (layers, i, v)
        if (json_is_integer(v) && json_integer_value(v) == layer)
            return true;
    return json_is_integer(layers) && json_integer_value(layers) == layer;
}

int tf_module_in_layers(json_t *layers, json_t *pattern, const char *module,
                        struct tf_err *err)
{
    size_t n = json_is_array(pattern) ? json_array_size(pattern) : 1;
    long layer = -1;
    int found = 0;

    if (json_is_array(layers) && !json_array_size(layers))
        return 1;
    if (!pattern || !n ||
        (json_is_string(pattern) && !json_string_length(pattern)))
        found = match(".*?\\.[^.]*\\.(?<idx>\\d+)\\..*", module, &layer, err);
    else
        for (size_t i = 0; i < n && !found; i++)
            found = match_in("(?:|.*?\\.)(?:",
                             json_string_value(json_is_array(pattern)
                                                   ? json_array_get(pattern, i)
                                                   : pattern),
                             ")\\.(?<idx>\\d+)\\..*", module, &layer, err);
    return found > 0 ? has_layer(layers, layer) : found;
}
