#include <string.h>
#include "text/model.h"
#include "text/utf8.h"

static size_t count_chars(struct tf_str s)
{
    size_t i, n = 0;

    for (i = 0; i < s.len; i++)
        n += ((unsigned char)s.s[i] & 0xC0) != 0x80;
    return n;
}

static int unknown(const struct tf_model *m, struct tf_str piece,
                   struct tf_tokens *out, struct tf_err *err)
{
    if (m->unk < 0)
        return tf_fail_code(err, "bad_field",
                            "no token fits \"%.*s\", and the unknown token "
                            "\"%s\" is not in the vocabulary",
                            piece.len < 60 ? (int)piece.len : 60, piece.s,
                            m->unk_token);
    if (tf_tokens_room(out, 1, err))
        return -1;
    tf_tokens_put(out, m->unk, 0, piece.len);
    return 0;
}

/*
 * The longest token first, again and again (Song et al. 2021, "Fast WordPiece
 * tokenization", section 2). Behind the first one, tokens are spelled with a
 * prefix: it is written over bytes of the word that are done with.
 */
int tf_wordpiece_tokenize(const struct tf_model *m, struct tf_scratch *s,
                          struct tf_str piece, struct tf_tokens *out,
                          struct tf_err *err)
{
    size_t prefix = strlen(m->prefix), start, end, from = out->n, reach;
    struct tf_str part;
    char *word;
    int32_t id;

    if (piece.len > m->max_chars && count_chars(piece) > m->max_chars)
        return unknown(m, piece, out, err);
    if (tf_tokens_room(out, piece.len, err))
        return -1;
    tf_buf_reset(&s->bytes);
    word = tf_buf_room(&s->bytes, prefix + piece.len);
    if (!word)
        return tf_no_memory(err, prefix + piece.len);
    word += prefix;
    memcpy(word, piece.s, piece.len);
    for (start = 0; start < piece.len; start = end) {
        part.s = word + start;
        reach = m->vocab.longest;
        if (start) {
            part.s -= prefix;
            memcpy(word + start - prefix, m->prefix, prefix);
            reach = reach > prefix ? reach - prefix : 0;
        }
        end = piece.len;
        if (end - start > reach)
            for (end = start + reach;
                 end > start && ((unsigned char)word[end] & 0xC0) == 0x80;)
                end--;
        for (id = -1; end > start; end = tf_utf8_before(word, end)) {
            part.len = (size_t)(word + end - part.s);
            id = tf_vocab_find(&m->vocab, part);
            if (id >= 0)
                break;
        }
        if (id < 0) {
            out->n = from;
            return unknown(m, piece, out, err);
        }
        tf_tokens_put(out, id, start, end);
    }
    return 0;
}
