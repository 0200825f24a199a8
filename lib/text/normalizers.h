/* Inside normalize*.c: what a normalizer is made of. */
#ifndef TF_TEXT_NORMALIZERS_H
#define TF_TEXT_NORMALIZERS_H

#include "text/component.h"
#include "text/charsmap.h"
#include "text/normalize.h"
#include "text/pattern.h"
#include "text/rewrite.h"
#include "text/unicode.h"

typedef void tf_normalizer_run(const struct tf_normalizer *n,
                               struct tf_pretext *pre, bool origins);

struct tf_normalizer {
    tf_normalizer_run *run;
    bool clean_text, handle_chinese_chars, strip_accents, lowercase;
    bool strip_left, strip_right;
    struct tf_pattern pattern;  /* of Replace */
    struct tf_str text;         /* what Replace and Prepend put; owned */
    struct tf_charsmap *map;    /* of Precompiled */
    struct tf_components items; /* of Sequence */
    /* of BertNormalizer: what becomes of each ASCII character; 0xFF: gone */
    unsigned char ascii[128];
};

void tf_normalize_bert_prepare(struct tf_normalizer *n);
tf_normalizer_run tf_normalize_bert;
tf_normalizer_run tf_normalize_strip;
tf_normalizer_run tf_normalize_accents;
tf_normalizer_run tf_normalize_nfc;
tf_normalizer_run tf_normalize_nfd;
tf_normalizer_run tf_normalize_nfkc;
tf_normalizer_run tf_normalize_nfkd;
tf_normalizer_run tf_normalize_lowercase;
tf_normalizer_run tf_normalize_nmt;
tf_normalizer_run tf_normalize_precompiled;
tf_normalizer_run tf_normalize_replace;
tf_normalizer_run tf_normalize_prepend;
tf_normalizer_run tf_normalize_byte_level;

/* Keep the characters that have none of the flags `gone`. */
void tf_normalize_filter(struct tf_pretext *pre, bool origins, uint32_t gone);
#endif
