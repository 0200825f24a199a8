#include "text/words.h"

#include <stdint.h>
#include <string.h>
#include "text/unicode.h"
#include "text/utf8.h"

#define LETTER TF_U_LETTER
#define NUMBER TF_U_NUMBER
#define MARK   TF_U_MARK
#define SPACE  TF_U_SPACE
#define UPPER  TF_U_UPPER
#define LOWER  TF_U_LOWER
#define SIGN   (TF_U_PUNCTUATION | TF_U_SYMBOL)

typedef size_t tf_words_rule(const struct tf_words *k, const char *s, size_t at,
                             size_t end);

struct tf_words {
    const char *pattern;
    tf_words_rule *rule;
    uint32_t letters;  /* what words are made of */
    size_t digits;     /* in a number at most; 0: any number of them */
    bool contractions; /* of o200k: 's and the like end a word */
    bool slash;        /* of o200k: a slash may follow signs like a newline */
};

/* The flags of the character at s[at]; 0 at the end. */
static inline uint32_t look(const char *s, size_t at, size_t end, size_t *len)
{
    if (at == end) {
        *len = 0;
        return 0;
    }
    return tf_unicode_flags(tf_utf8_get(s + at, len));
}

/* The end of the characters that have one of the flags. */
static size_t run_of(const char *s, size_t at, size_t end, uint32_t flags)
{
    const uint32_t *ascii = tf_unicode_ascii();
    size_t len;

    while (at < end) {
        if ((unsigned char)s[at] < 0x80) {
            if (!(ascii[(unsigned char)s[at]] & flags))
                break;
            at++;
        } else {
            if (!(look(s, at, end, &len) & flags))
                break;
            at += len;
        }
    }
    return at;
}

/* The end of the characters that have none of the flags. */
static size_t run_without(const char *s, size_t at, size_t end, uint32_t flags)
{
    size_t len;

    while (at < end && !(look(s, at, end, &len) & flags))
        at += len;
    return at;
}

static size_t digits(const struct tf_words *k, const char *s, size_t at,
                     size_t end)
{
    size_t n, len;

    for (n = 0; at < end && (!k->digits || n < k->digits); n++) {
        if (!(look(s, at, end, &len) & NUMBER))
            break;
        at += len;
    }
    return at;
}

static bool is_newline(char c)
{
    return c == '\r' || c == '\n';
}

static size_t newlines(const struct tf_words *k, const char *s, size_t at,
                       size_t end)
{
    while (at < end && (is_newline(s[at]) || (k->slash && s[at] == '/')))
        at++;
    return at;
}

/*
 * White space at `at`: up to its last newline if those count, else all of it
 * at the end of the text, else all but its last character, which goes with
 * what follows, unless it is alone.
 */
static size_t blanks(const char *s, size_t at, size_t end, bool lines)
{
    size_t last = at, i = at, len, line = 0;

    while (i < end && (look(s, i, end, &len) & SPACE)) {
        if (lines && is_newline(s[i]))
            line = i + len;
        last = i;
        i += len;
    }
    if (line)
        return line;
    return i == end || last == at ? i : last;
}

/* 's 't 're 've 'm 'll 'd; the end of it, or `at`. */
static size_t contraction(const char *s, size_t at, size_t end, bool any_case)
{
    static const char two[][3] = { "re", "ve", "ll" };
    size_t left = end - at, i;
    char a, b, fold = any_case ? 0x20 : 0;

    if (left < 2 || s[at] != '\'')
        return at;
    a = s[at + 1] | fold;
    if (a == 's' || a == 't' || a == 'm' || a == 'd')
        return at + 2;
    if (left < 3)
        return at;
    b = s[at + 2] | fold;
    for (i = 0; i < 3; i++)
        if (a == two[i][0] && b == two[i][1])
            return at + 3;
    if (any_case && !memcmp(s + at + 1, "\xC5\xBF", 2)) /* long s */
        return at + 3;
    return at;
}

static size_t gpt2(const struct tf_words *k, const char *s, size_t at,
                   size_t end)
{
    size_t len, first = contraction(s, at, end, false);
    uint32_t f;

    if (first > at)
        return first;
    first = at + (s[at] == ' ');
    f = look(s, first, end, &len);
    if (f & LETTER)
        return run_of(s, first + len, end, LETTER);
    if (f & NUMBER)
        return digits(k, s, first, end);
    if (len && !(f & SPACE))
        return run_without(s, first + len, end, SPACE | LETTER | NUMBER);
    return blanks(s, at, end, false);
}

/* CLIP: as GPT-2 without spaces. */
static size_t clip(const struct tf_words *k, const char *s, size_t at,
                   size_t end)
{
    size_t len;

    if (look(s, at, end, &len) & SPACE)
        return at;
    return gpt2(k, s, at, end);
}

/* " ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+" */
static size_t signs_or_blanks(const struct tf_words *k, const char *s,
                              size_t at, size_t end)
{
    const uint32_t not = SPACE | NUMBER | k->letters;
    size_t len, first = at + (s[at] == ' ');
    uint32_t f = look(s, first, end, &len);

    if (len && !(f & not ))
        return newlines(k, s, run_without(s, first + len, end, not ), end);
    return blanks(s, at, end, true);
}

static size_t cl100k(const struct tf_words *k, const char *s, size_t at,
                     size_t end)
{
    size_t len, next_len, e = contraction(s, at, end, true);
    uint32_t f;

    if (e > at)
        return e;
    f = look(s, at, end, &len);
    if (f & k->letters)
        return run_of(s, at + len, end, k->letters);
    if (f & NUMBER)
        return digits(k, s, at, end);
    /* one character of any other kind may begin a word */
    if (!is_newline(s[at]) && (look(s, at + len, end, &next_len) & k->letters))
        return run_of(s, at + len + next_len, end, k->letters);
    return signs_or_blanks(k, s, at, end);
}

/*
 * Capitals, then small letters, at `at`; other letters and marks are both. A
 * word without small letters ends with its last letter that is no capital;
 * *capitals: it has none of those either. `at`: there is no letter.
 */
static size_t cased(const char *s, size_t at, size_t end, bool *capitals)
{
    size_t i = at, len, both = at;
    uint32_t f;

    while ((f = look(s, i, end, &len)) & (LETTER | MARK) && !(f & LOWER)) {
        i += len;
        if (!(f & UPPER))
            both = i;
    }
    *capitals = both == at && !(f & LOWER);
    if (!(f & LOWER))
        return both > at ? both : i;
    while ((f = look(s, i, end, &len)) & (LETTER | MARK) && !(f & UPPER))
        i += len;
    return i;
}

/* A word with the one character that may stand before it; `at`: none. */
static size_t cased_word(const char *s, size_t at, size_t end)
{
    size_t len, first = at, e;
    uint32_t f = look(s, at, end, &len);
    bool capitals;

    if ((f & NUMBER) || is_newline(s[at]))
        return at;
    if (!(f & LETTER))
        first = at + len;
    e = cased(s, first, end, &capitals);
    /* a mark alone is a word, rather than the start of one in capitals */
    if ((f & MARK) && capitals)
        return first;
    return e == first && first > at ? at : e;
}

static size_t o200k(const struct tf_words *k, const char *s, size_t at,
                    size_t end)
{
    size_t e = cased_word(s, at, end);

    if (e > at)
        return k->contractions ? contraction(s, e, end, true) : e;
    e = digits(k, s, at, end);
    return e > at ? e : signs_or_blanks(k, s, at, end);
}

static bool is_ascii_letter(char c)
{
    return (unsigned char)((c | 0x20) - 'a') < 26;
}

/* Numbers and Han are split off before; other characters may match nothing. */
static size_t deepseek(const struct tf_words *k, const char *s, size_t at,
                       size_t end)
{
    size_t len, next_len, first;
    uint32_t f = look(s, at, end, &len),
             next = look(s, at + len, end, &next_len);

    if (len == 1 && (f & SIGN) && next_len && is_ascii_letter(s[at + 1])) {
        for (at += 2; at < end && is_ascii_letter(s[at]); at++)
            ;
        return at;
    }
    if (f & k->letters)
        return run_of(s, at, end, k->letters);
    if (!(f & SIGN) && !is_newline(s[at]) && (next & k->letters))
        return run_of(s, at + len, end, k->letters);
    first = at + (s[at] == ' ');
    if (look(s, first, end, &len) & SIGN)
        return newlines(k, s, run_of(s, first, end, SIGN), end);
    return f & SPACE ? blanks(s, at, end, true) : at;
}

#define CASED(contractions)                                                    \
    "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*"              \
    "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+" contractions                              \
    "|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+"             \
    "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*" contractions
#define ANY_CASE "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
#define WORD     "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+"
#define SIGNS    "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*"
#define BLANKS   "|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"

static const struct tf_words all[] = {
    /* GPT-2 (it stays the first), RoBERTa, GPT-NeoX, OPT, ModernBERT ... */
    { "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+"
      "|\\s+(?!\\S)|\\s+",
      gpt2, LETTER, 0, false, false },
    /* CLIP */
    { "'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+", clip,
      LETTER, 1, false, false },
    /* Llama 3, Phi-4, OLMo 2 */
    { ANY_CASE WORD "|\\p{N}{1,3}" SIGNS BLANKS, cl100k, LETTER, 3, false,
      false },
    /* Qwen 2, 2.5, 3 */
    { ANY_CASE WORD "|\\p{N}" SIGNS BLANKS, cl100k, LETTER, 1, false, false },
    /* Qwen 3.5 */
    { ANY_CASE "|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|\\p{N}"
               "| ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*" BLANKS,
      cl100k, LETTER | MARK, 1, false, false },
    /* GPT-4o, gpt-oss, Llama 4 */
    { CASED(ANY_CASE "?") "|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*" BLANKS,
      o200k, LETTER, 3, true, true },
    /* Mistral's Tekken */
    { CASED("") "|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*" BLANKS, o200k, LETTER,
      1, false, true },
    /* DeepSeek V3, R1 */
    { "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+"
      "|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\\r\\n]*" BLANKS,
      deepseek, LETTER | MARK, 0, false, false },
};

#define COUNT (sizeof(all) / sizeof(all[0]))

const struct tf_words *tf_words_find(struct tf_str pattern)
{
    size_t i;

    for (i = 0; i < COUNT; i++)
        if (tf_str_is(pattern, all[i].pattern))
            return &all[i];
    return NULL;
}

const struct tf_words *tf_words_gpt2(void)
{
    return &all[0];
}

const char *tf_words_pattern(size_t i)
{
    return i < COUNT ? all[i].pattern : NULL;
}

size_t tf_words_match(const struct tf_words *k, const char *s, size_t at,
                      size_t end)
{
    return k->rule(k, s, at, end);
}
