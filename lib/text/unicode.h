/*
 * Properties of characters as the `tokenizers` library (0.23) knows them. Its
 * parts know different Unicode versions, and results depend on which: Oniguruma
 * and the regex crate 16, Rust's own char 17, its normalization forms 9, the
 * categories of BertNormalizer and Punctuation 8. The base is utf8proc.
 */
#ifndef TF_TEXT_UNICODE_H
#define TF_TEXT_UNICODE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    /* general categories of Unicode 16 */
    TF_U_LETTER = 1 << 0,      /* L */
    TF_U_UPPER = 1 << 1,       /* Lu, Lt */
    TF_U_LOWER = 1 << 2,       /* Ll */
    TF_U_MARK = 1 << 3,        /* M */
    TF_U_NUMBER = 1 << 4,      /* N */
    TF_U_PUNCTUATION = 1 << 5, /* P */
    TF_U_SYMBOL = 1 << 6,      /* S */
    TF_U_SPACE = 1 << 7,       /* White_Space */
    TF_U_WORD = 1 << 8,        /* \w of the regex crate */
    TF_U_NUMERIC = 1 << 9,     /* char::is_numeric */
    /* BertNormalizer, Punctuation */
    TF_U_BERT_GONE = 1 << 10,  /* what clean_text removes */
    TF_U_BERT_MARK = 1 << 11,  /* Mn */
    TF_U_BERT_PUNCT = 1 << 12, /* P and ASCII punctuation */
    TF_U_BERT_HAN = 1 << 13,   /* what handle_chinese_chars sets apart */
    TF_U_BERT_HARD = 1 << 14,  /* strip_accents leaves a part that reorders */
    /* normalization forms */
    TF_U_ACCENT = 1 << 15,   /* M, for StripAccents */
    TF_U_REORDERS = 1 << 16, /* combining class is not 0 */
    TF_U_BACKWARD = 1 << 17, /* may join or reorder with what is before it */
    TF_U_NFD = 1 << 18,      /* each form changes it when it stands alone */
    TF_U_NFKD = 1 << 19,
    TF_U_NFC = 1 << 20,
    TF_U_NFKC = 1 << 21,
    TF_U_LOWERS = 1 << 22, /* char::to_lowercase changes it */
};

extern _Atomic(const uint32_t *) tf_unicode_block[0x1100];
uint32_t tf_unicode_flags_slow(uint32_t c);

/* The flags of a character (at most 10FFFF). */
static inline uint32_t tf_unicode_flags(uint32_t c)
{
    const uint32_t *block =
        atomic_load_explicit(&tf_unicode_block[c >> 8], memory_order_acquire);

    return block ? block[c & 0xFF] : tf_unicode_flags_slow(c);
}

/* The flags of the ASCII characters. */
const uint32_t *tf_unicode_ascii(void);

/* Rust's char::to_lowercase: one character, or two for U+0130. Returns how
 * many stand in `out`. */
size_t tf_unicode_lower(uint32_t c, uint32_t out[2]);

#define TF_DECOMPOSED_MAX 18

/* The full decomposition of Unicode 9; returns how many stand in `out`. */
size_t tf_unicode_decompose(uint32_t c, bool compatible,
                            uint32_t out[TF_DECOMPOSED_MAX]);
/* The canonical combining class of Unicode 9. */
int tf_unicode_combining(uint32_t c);
/* The primary composite of a and b in Unicode 9, or 0. */
uint32_t tf_unicode_compose(uint32_t a, uint32_t b);

/* A range of characters assigned after Unicode 14, with its general category
 * in 16, as utf8proc_category_t: CN if it came later still. */
struct tf_unicode_range {
    uint32_t first, last;
    int category;
};

/* All of them, in order: so that it does not matter which Unicode version
 * utf8proc and PCRE2 are of, from 14 on. */
extern const struct tf_unicode_range tf_unicode_new[];
extern const size_t tf_unicode_new_count;
#endif
