#include "cmd/window_json.h"

#include <string.h>

/* Print "V, " into room for 14 bytes. */
static char *put_number(char *p, int64_t v)
{
    char digits[12], *d = digits + sizeof(digits);
    uint64_t u = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
    size_t n;

    do
        *--d = (char)('0' + u % 10);
    while (u /= 10);
    if (v < 0)
        *--d = '-';
    n = (size_t)(digits + sizeof(digits) - d);
    memcpy(p, d, n);
    memcpy(p + n, ", ", 2);
    return p + n + 2;
}

/* Where the tokens of a window stand when it is filled up. */
struct place {
    size_t before, n, after;
};

/* An array: `fill` where the window is filled up, and there the numbers of the
 * one pointer that is not NULL, or 1 when both are. */
static void put_array(struct cli_item *item, const char *name, struct place at,
                      const int32_t *wide, const uint8_t *small, int64_t fill)
{
    char *begin, *p;
    size_t i;

    cli_put(item, name);
    begin = tf_buf_room(&item->out, (at.before + at.n + at.after) * 14 + 2);
    if (!begin)
        return;
    p = begin;
    *p++ = '[';
    for (i = 0; i < at.before; i++)
        p = put_number(p, fill);
    for (i = 0; i < at.n; i++)
        p = put_number(p, wide ? wide[i] : small ? small[i] : 1);
    for (i = 0; i < at.after; i++)
        p = put_number(p, fill);
    if (p > begin + 1)
        p -= 2;
    *p++ = ']';
    item->out.len += (size_t)(p - begin);
}

static void put_separator(struct tf_buf *b, size_t i)
{
    if (i)
        tf_buf_add(b, ", ", 2);
}

static void put_tokens(const struct window_json *print, struct cli_item *item,
                       struct place at, const struct tf_window *w)
{
    struct tf_str pad =
        tf_tokenizer_token(print->tok, tf_tokenizer_info(print->tok)->pad);
    struct tf_str s;
    struct tf_buf *b = &item->out;
    size_t i, all = at.before + at.n + at.after;

    cli_put(item, "tokens");
    tf_buf_addc(b, '[');
    for (i = 0; i < all; i++) {
        put_separator(b, i);
        s = i >= at.before && i - at.before < at.n ? w->tokens[i - at.before]
                                                   : pad;
        tf_put_string(b, s.s, s.len);
    }
    tf_buf_addc(b, ']');
}

static void put_offsets(struct cli_item *item, struct place at,
                        const struct tf_window *w)
{
    static const uint32_t none[2];
    struct tf_buf *b = &item->out;
    size_t i, all = at.before + at.n + at.after;
    const uint32_t *o;

    cli_put(item, "offsets");
    tf_buf_addc(b, '[');
    for (i = 0; i < all; i++) {
        put_separator(b, i);
        o = i >= at.before && i - at.before < at.n ? w->offsets[i - at.before]
                                                   : none;
        tf_buf_addc(b, '[');
        tf_put_int(b, o[0]);
        tf_buf_add(b, ", ", 2);
        tf_put_int(b, o[1]);
        tf_buf_addc(b, ']');
    }
    tf_buf_addc(b, ']');
}

static void put_words(struct cli_item *item, struct place at,
                      const struct tf_window *w)
{
    struct tf_buf *b = &item->out;
    size_t i, all = at.before + at.n + at.after;
    int32_t word;

    cli_put(item, "word_ids");
    tf_buf_addc(b, '[');
    for (i = 0; i < all; i++) {
        put_separator(b, i);
        word = i >= at.before && i - at.before < at.n ? w->words[i - at.before]
                                                      : -1;
        if (word < 0)
            tf_buf_adds(b, "null");
        else
            tf_put_int(b, word);
    }
    tf_buf_addc(b, ']');
}

void window_json_put(const struct window_json *print, struct cli_item *item,
                     const struct tf_window *w, size_t length)
{
    const struct tf_tokenizer_info *info = tf_tokenizer_info(print->tok);
    struct place at = { 0, w->n, 0 };

    if (w->n < length)
        *(print->pad_left ? &at.before : &at.after) = length - w->n;
    put_array(item, "input_ids", at, w->ids, NULL, info->pad);
    put_array(item, "attention_mask", at, NULL, NULL, 0);
    if (info->has_type_ids)
        put_array(item, "token_type_ids", at, NULL, w->type_ids, 0);
    if (print->tokens)
        put_tokens(print, item, at, w);
    if (print->offsets)
        put_offsets(item, at, w);
    if (print->special_mask)
        put_array(item, "special_tokens_mask", at, NULL, w->special, 1);
    if (print->words)
        put_words(item, at, w);
}
