/* The windows of an encoding as members of a record, padded when asked. */
#ifndef WINDOW_JSON_H
#define WINDOW_JSON_H

#include "cmd/cli.h"
#include "text/tokenizer.h"

struct window_json {
    const struct tf_tokenizer *tok;
    bool tokens, offsets, special_mask, words; /* what to print besides */
    bool pad_left;
};

/* Print a window that is filled up to `length` tokens, if it has fewer. */
void window_json_put(const struct window_json *print, struct cli_item *item,
                     const struct tf_window *w, size_t length);
#endif
