/* What Replace and Split look for: a string or a regular expression. */
#ifndef TF_TEXT_PATTERN_H
#define TF_TEXT_PATTERN_H

#include "base/err.h"
#include "base/json.h"
#include "text/regex.h"

/* Zeroed memory is no pattern. */
struct tf_pattern {
    struct tf_str string; /* as it was read; owned */
    bool is_regex;
    struct tf_regex *regex; /* once compiled */
};

/* Read {"String": s} or {"Regex": r}. On failure `p` is still to be released.
 * Errors of JSON stay in `j`. */
int tf_pattern_read(struct tf_json *j, struct tf_pattern *p,
                    struct tf_err *err);
/* Make it ready to be searched for. */
int tf_pattern_compile(struct tf_pattern *p, struct tf_err *err);
void tf_pattern_release(struct tf_pattern *p);

/* All matches in a text, one after the other, as Oniguruma's find_iter. */
struct tf_matches {
    const struct tf_pattern *pattern;
    struct tf_pretext *pre;
    struct tf_str s;
    size_t from;
    size_t last; /* where the last match ended, or SIZE_MAX */
};

bool tf_matches_next(struct tf_matches *m, size_t *start, size_t *end);
#endif
