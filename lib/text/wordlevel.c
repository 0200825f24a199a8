#include "text/model.h"

int tf_wordlevel_tokenize(const struct tf_model *m, struct tf_str piece,
                          struct tf_tokens *out, struct tf_err *err)
{
    int32_t id = tf_vocab_find(&m->vocab, piece);

    if (id < 0)
        id = m->unk;
    if (id < 0)
        return tf_fail_code(err, "bad_field",
                            "\"%.*s\" is not in the vocabulary, nor is the "
                            "unknown token \"%s\"",
                            piece.len < 60 ? (int)piece.len : 60, piece.s,
                            m->unk_token);
    if (tf_tokens_room(out, 1, err))
        return -1;
    tf_tokens_put(out, id, 0, piece.len);
    return 0;
}
