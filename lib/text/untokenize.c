#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "text/pipeline.h"

/* PreTrainedTokenizerBase.clean_up_tokenization: in this order. */
static const char *const clean_ups[][2] = {
    { " .", "." },     { " ?", "?" },     { " !", "!" },   { " ,", "," },
    { " ' ", "'" },    { " n't", "n't" }, { " 'm", "'m" }, { " 's", "'s" },
    { " 've", "'ve" }, { " 're", "'re" },
};

/* Replace in the bytes from `from` on; never by more. */
static void replace(struct tf_buf *b, size_t from, const char *what,
                    const char *by)
{
    size_t n = strlen(what), m = strlen(by), at = from, put = from;

    while (at < b->len) {
        if (b->len - at >= n && !memcmp(b->data + at, what, n)) {
            memcpy(b->data + put, by, m);
            at += n;
            put += m;
        } else {
            b->data[put++] = b->data[at++];
        }
    }
    b->len = put;
}

int tf_tokenizer_decode(const struct tf_tokenizer *tok, const int32_t *ids,
                        size_t n, bool skip_special, struct tf_buf *out,
                        struct tf_err *err)
{
    struct tf_str *tokens = tf_alloc(n, sizeof(*tokens), err);
    size_t i, count = 0, from = out->len;
    int failed;

    if (!tokens)
        return -1;
    for (i = 0; i < n; i++) {
        tokens[count] = tf_tokenizer_token(tok, ids[i]);
        if (!tokens[count].s ||
            (skip_special && tf_tokenizer_is_special(tok, ids[i])))
            continue;
        count++;
    }
    failed = tf_decode(tok->decoder, tokens, count, out, err);
    free(tokens);
    if (failed)
        return -1;
    for (i = 0; i < sizeof(clean_ups) / sizeof(*clean_ups) && tok->cleans_up;
         i++)
        replace(out, from, clean_ups[i][0], clean_ups[i][1]);
    return 0;
}

int tf_tokenizer_join(const struct tf_tokenizer *tok,
                      const struct tf_str *tokens, size_t n, struct tf_buf *out,
                      struct tf_err *err)
{
    return tf_decode(tok->decoder, tokens, n, out, err);
}
