#include "text/unicode.h"

#include <pthread.h>
#include <stdlib.h>
#include "text/unicode_versions.h"

#define CATEGORY(x) (1u << UTF8PROC_CATEGORY_##x)
#define LETTERS                                                                \
    (CATEGORY(LU) | CATEGORY(LL) | CATEGORY(LT) | CATEGORY(LM) | CATEGORY(LO))
#define MARKS   (CATEGORY(MN) | CATEGORY(MC) | CATEGORY(ME))
#define NUMBERS (CATEGORY(ND) | CATEGORY(NL) | CATEGORY(NO))
#define SYMBOLS (CATEGORY(SM) | CATEGORY(SC) | CATEGORY(SK) | CATEGORY(SO))
#define OTHERS  (CATEGORY(CC) | CATEGORY(CF) | CATEGORY(CO))
#define PUNCTUATION                                                            \
    (CATEGORY(PC) | CATEGORY(PD) | CATEGORY(PS) | CATEGORY(PE) |               \
     CATEGORY(PI) | CATEGORY(PF) | CATEGORY(PO))

_Atomic(const uint32_t *) tf_unicode_block[0x1100];

static bool among(const struct tf_unicode_pair *t, size_t n, uint32_t c)
{
    size_t low = 0;

    while (low < n) {
        size_t middle = low + (n - low) / 2;

        if (c < t[middle].first)
            n = middle;
        else if (c > t[middle].last)
            low = middle + 1;
        else
            return true;
    }
    return false;
}

/* The category in Unicode 16 if it came after 14, else -1. */
static int new_category(uint32_t c)
{
    size_t low = 0, n = tf_unicode_new_count;

    while (low < n) {
        size_t middle = low + (n - low) / 2;

        if (c < tf_unicode_new[middle].first)
            n = middle;
        else if (c > tf_unicode_new[middle].last)
            low = middle + 1;
        else
            return tf_unicode_new[middle].category;
    }
    return -1;
}

/* Unknown to the normalization forms: Unicode 9. */
static bool after_9(uint32_t c)
{
    return new_category(c) >= 0 ||
           among(tf_unicode_after_9, tf_unicode_after_9_count, c);
}

static bool is_space(uint32_t c)
{
    return (c >= 0x09 && c <= 0x0D) || c == 0x20 || c == 0x85 || c == 0xA0 ||
           c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 ||
           c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

/* Alphabetic symbols: circled and squared letters. */
static bool is_lettered(uint32_t c)
{
    return (c >= 0x24B6 && c <= 0x24E9) || (c >= 0x1F130 && c <= 0x1F149) ||
           (c >= 0x1F150 && c <= 0x1F169) || (c >= 0x1F170 && c <= 0x1F189);
}

static bool is_han(uint32_t c)
{
    return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) ||
           (c >= 0x20000 && c <= 0x2A6DF) || (c >= 0x2A700 && c <= 0x2B73F) ||
           (c >= 0x2B740 && c <= 0x2B81F) || (c >= 0x2B920 && c <= 0x2CEAF) ||
           (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x2F800 && c <= 0x2FA1F);
}

/* Of a category bit. */
static uint32_t general_flags(uint32_t c, uint32_t k)
{
    uint32_t f = 0;

    if (k & LETTERS)
        f |= TF_U_LETTER | TF_U_WORD;
    if (k & (CATEGORY(LU) | CATEGORY(LT)))
        f |= TF_U_UPPER;
    if (k & CATEGORY(LL))
        f |= TF_U_LOWER;
    if (k & MARKS)
        f |= TF_U_MARK | TF_U_WORD;
    if (k & NUMBERS)
        f |= TF_U_NUMBER | TF_U_NUMERIC;
    if (k & (CATEGORY(ND) | CATEGORY(NL) | CATEGORY(PC)))
        f |= TF_U_WORD;
    if (k & PUNCTUATION)
        f |= TF_U_PUNCTUATION;
    if (k & SYMBOLS)
        f |= TF_U_SYMBOL;
    if (is_space(c))
        f |= TF_U_SPACE;
    if (is_lettered(c) || c == 0x200C || c == 0x200D) /* the joiners */
        f |= TF_U_WORD;
    if ((c >= 0x11DE0 && c <= 0x11DE9) || (c >= 0x16FF4 && c <= 0x16FF6))
        f |= TF_U_NUMERIC; /* of Unicode 17 */
    return f;
}

/* The category bit of c in Unicode 16. */
static uint32_t category_of(uint32_t c)
{
    int category = new_category(c);

    if (category < 0)
        category = utf8proc_get_property((utf8proc_int32_t)c)->category;
    return 1u << category;
}

/* Unknown to the unicode_categories crate: Unicode 8. */
static bool after_8(uint32_t c)
{
    return new_category(c) >= 0 ||
           among(tf_unicode_after_8, tf_unicode_after_8_count, c);
}

static bool is_bert_mark(uint32_t c)
{
    if (c == 0x1734 || c == 0x1171E) /* Mn then */
        return true;
    return category_of(c) == CATEGORY(MN) && !after_8(c) && c != 0x111C9;
}

static uint32_t bert_flags(uint32_t c, uint32_t k)
{
    uint32_t f = 0, d[TF_DECOMPOSED_MAX];
    bool known = !after_8(c);
    size_t n;

    if (c == 0xFFFD || (known && (k & OTHERS)))
        if (c != '\t' && c != '\n' && c != '\r')
            f |= TF_U_BERT_GONE;
    if (is_bert_mark(c))
        f |= TF_U_BERT_MARK;
    /* the two were P then */
    if ((known && (k & PUNCTUATION)) || c == 0x166D || c == 0x111C9)
        f |= TF_U_BERT_PUNCT;
    if (c < 0x80 && (k & SYMBOLS))
        f |= TF_U_BERT_PUNCT;
    if (is_han(c))
        f |= TF_U_BERT_HAN;
    n = tf_unicode_decompose(c, false, d);
    while (n--)
        if (tf_unicode_combining(d[n]) && !is_bert_mark(d[n]))
            f |= TF_U_BERT_HARD;
    return f;
}

/* Does c come back when its decomposition is composed? */
static bool recomposes(uint32_t c, const uint32_t *d, size_t n)
{
    uint32_t whole = d[0];
    size_t i;

    for (i = 1; i < n && whole; i++)
        whole = tf_unicode_compose(whole, d[i]);
    return whole == c;
}

static uint32_t form_flags(uint32_t c, uint32_t k)
{
    uint32_t f = 0, d[TF_DECOMPOSED_MAX];
    bool compatible;
    size_t n;

    if ((!after_9(c) && (k & MARKS)) || c == 0x1CF2 || c == 0x1CF3)
        f |= TF_U_ACCENT;
    if (tf_unicode_combining(c))
        f |= TF_U_REORDERS | TF_U_BACKWARD;
    for (compatible = false;; compatible = true) {
        n = tf_unicode_decompose(c, compatible, d);
        if (n != 1 || d[0] != c)
            f |= compatible ? TF_U_NFKD : TF_U_NFD;
        if (!recomposes(c, d, n))
            f |= compatible ? TF_U_NFKC : TF_U_NFC;
        if (tf_unicode_combining(d[0]) ||
            among(tf_unicode_backward, tf_unicode_backward_count, d[0]))
            f |= TF_U_BACKWARD;
        if (compatible)
            break;
    }
    if (tf_unicode_lower(c, d) != 1 || d[0] != c)
        f |= TF_U_LOWERS;
    return f;
}

static uint32_t flags_of(uint32_t c)
{
    uint32_t k = category_of(c);

    return general_flags(c, k) | bert_flags(c, k) | form_flags(c, k);
}

/* Fill the block of c. Two threads may do so at once: one of them wins. */
uint32_t tf_unicode_flags_slow(uint32_t c)
{
    uint32_t *block = malloc(256 * sizeof(*block));
    const uint32_t *none = NULL;
    uint32_t first = c & ~(uint32_t)0xFF, i;

    if (!block)
        return flags_of(c); /* slow, but right */
    for (i = 0; i < 256; i++)
        block[i] = flags_of(first + i);
    i = block[c & 0xFF];
    if (!atomic_compare_exchange_strong(&tf_unicode_block[c >> 8], &none,
                                        block))
        free(block);
    return i;
}

static uint32_t ascii_flags[128];

static void fill_ascii(void)
{
    uint32_t c;

    for (c = 0; c < 128; c++)
        ascii_flags[c] = flags_of(c);
}

const uint32_t *tf_unicode_ascii(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, fill_ascii);
    return ascii_flags;
}

size_t tf_unicode_lower(uint32_t c, uint32_t out[2])
{
    /* capitals that came after Unicode 14 and their distance */
    static const struct {
        uint32_t first, last;
        int32_t distance;
    } after[] = {
        { 0x1C89, 0x1C89, 1 },      { 0xA7CB, 0xA7CB, 0x264 - 0xA7CB },
        { 0xA7CC, 0xA7CC, 1 },      { 0xA7CE, 0xA7CE, 1 },
        { 0xA7D2, 0xA7D2, 1 },      { 0xA7D4, 0xA7D4, 1 },
        { 0xA7DA, 0xA7DA, 1 },      { 0xA7DC, 0xA7DC, 0x19B - 0xA7DC },
        { 0x10D50, 0x10D65, 0x20 }, { 0x16EA0, 0x16EB8, 0x1B },
    };
    size_t i;

    if (c == 0x130) {
        out[0] = 'i';
        out[1] = 0x307;
        return 2;
    }
    out[0] = (uint32_t)utf8proc_tolower((utf8proc_int32_t)c);
    for (i = 0; i < sizeof(after) / sizeof(after[0]); i++)
        if (c >= after[i].first && c <= after[i].last)
            out[0] = (uint32_t)((int32_t)c + after[i].distance);
    return 1;
}

size_t tf_unicode_decompose(uint32_t c, bool compatible,
                            uint32_t out[TF_DECOMPOSED_MAX])
{
    utf8proc_option_t how = UTF8PROC_DECOMPOSE;
    utf8proc_ssize_t n = 0;
    int boundclass = 0;

    if (compatible)
        how |= UTF8PROC_COMPAT;
    if (c >= 0x80 && !after_9(c))
        n = utf8proc_decompose_char((utf8proc_int32_t)c,
                                    (utf8proc_int32_t *)out, TF_DECOMPOSED_MAX,
                                    how, &boundclass);
    if (n <= 0 || n > TF_DECOMPOSED_MAX) {
        out[0] = c;
        n = 1;
    }
    return (size_t)n;
}

int tf_unicode_combining(uint32_t c)
{
    if (c < 0x300 || after_9(c))
        return 0;
    return (int)utf8proc_get_property((utf8proc_int32_t)c)->combining_class;
}

uint32_t tf_unicode_compose(uint32_t a, uint32_t b)
{
    utf8proc_int32_t pair[2];

    if (after_9(a) || after_9(b))
        return 0;
    pair[0] = (utf8proc_int32_t)a;
    pair[1] = (utf8proc_int32_t)b;
    if (utf8proc_normalize_utf32(pair, 2, UTF8PROC_COMPOSE | UTF8PROC_STABLE) !=
        1)
        return 0;
    return (uint32_t)pair[0];
}
