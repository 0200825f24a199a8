#include "text/language.h"

#include <stdio.h>
#include <string.h>

int32_t tf_language_id(const struct tf_tokenizer *tok, const char *code)
{
    static const char *const around[][2] = { { "", "" },
                                             { "__", "__" },
                                             { "<2", ">" } };
    char token[64];
    int32_t id;

    for (size_t i = 0; i < sizeof(around) / sizeof(around[0]); i++) {
        snprintf(token, sizeof(token), "%s%.50s%s", around[i][0], code,
                 around[i][1]);
        id = tf_tokenizer_id(tok, token, strlen(token));
        if (id >= 0 && tf_tokenizer_is_special(tok, id))
            return id;
    }
    return -1;
}

bool tf_language_set(const struct tf_tokenizer *tok, int32_t language,
                     int32_t *ids, size_t n)
{
    const struct tf_tokenizer_info *info = tf_tokenizer_info(tok);

    for (size_t i = 0; i < n; i++) {
        int32_t id;

        if (i >= 2 && i + 2 < n)
            i = n - 2;
        id = ids[i];
        if (tf_tokenizer_is_special(tok, id) && id != info->bos &&
            id != info->eos && id != info->pad && id != info->unk &&
            id != info->cls && id != info->sep && id != info->mask) {
            ids[i] = language;
            return true;
        }
    }
    return false;
}
