/*
 * The post-processors of tokenizer.json ("post_processor"): which special
 * tokens stand around the texts. What a file asks for is worked out once, into
 * the parts of a finished encoding.
 */
#ifndef TF_TEXT_POSTPROCESS_H
#define TF_TEXT_POSTPROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"
#include "base/json.h"

#define TF_TRIMS_MAX 4

/* A text, or one special token. */
struct tf_part {
    int32_t id;   /* of the special token; -1: a text */
    int sequence; /* of a text: 0 the first, 1 the second */
    int group;    /* parts that a further processor takes for one */
    uint8_t type;
    uint8_t overflow_type; /* of a text's overflow windows, as `tokenizers` */
    uint8_t trims;         /* how often the offsets lose their spaces */
    /* For each time: does a space that the tokenizer put before the text stay,
     * and is this part where that one would be? */
    struct {
        bool prefix_space, first;
    } trim[TF_TRIMS_MAX];
};

struct tf_layout {
    struct tf_part *parts;
    size_t count;
};

struct tf_postprocessor {
    struct tf_layout layout[2][2]; /* [a pair?][with special tokens?] */
    size_t added[2];               /* special tokens: [a pair?] */
    bool trims;                    /* some part has trims */
};

/* Read a post-processor, or null, at the cursor. On failure, too, release. */
int tf_postprocessor_read(struct tf_postprocessor *p, struct tf_json *j,
                          struct tf_err *err);
void tf_postprocessor_release(struct tf_postprocessor *p);
#endif
