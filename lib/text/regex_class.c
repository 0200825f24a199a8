/*
 * A class is written as simple contents where they can stand between brackets,
 * else as an alternation: PCRE2 knows no class within a class and no &&.
 */
#include "text/regex_class.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdio.h>
#include <string.h>
#include "text/regex.h"
#include "text/unicode.h"
#include "text/utf8.h"

#define SPACE                                                                  \
    "\\x{9}-\\x{D}\\x{20}\\x{85}\\x{A0}\\x{1680}\\x{2000}-\\x{200A}"           \
    "\\x{2028}\\x{2029}\\x{202F}\\x{205F}\\x{3000}"
#define NO_SPACE                                                               \
    "\\x{0}-\\x{8}\\x{E}-\\x{1F}\\x{21}-\\x{84}\\x{86}-\\x{9F}"                \
    "\\x{A1}-\\x{167F}\\x{1681}-\\x{1FFF}\\x{200B}-\\x{2027}"                  \
    "\\x{202A}-\\x{202E}\\x{2030}-\\x{205E}\\x{2060}-\\x{2FFF}"                \
    "\\x{3001}-\\x{10FFFF}"
#define WORD                                                                   \
    "\\p{L}\\p{M}\\p{Nd}\\p{Nl}\\p{Pc}"                                        \
    "\\x{24B6}-\\x{24E9}\\x{1F130}-\\x{1F149}\\x{1F150}-\\x{1F169}"            \
    "\\x{1F170}-\\x{1F189}"
/* those that are words outside of brackets only */
#define LATIN_WORD "\\xB2\\xB3\\xB9\\xBC-\\xBE"
/* marks of Unicode 15 and 16 that are alphabetic */
#define ALPHABETIC                                                             \
    "\\p{Alphabetic}\\x{897}\\x{CF3}\\x{10D69}\\x{10EFC}\\x{11241}"            \
    "\\x{113B8}-\\x{113C0}\\x{113C2}\\x{113C5}\\x{113C7}-\\x{113CA}"           \
    "\\x{113CC}-\\x{113CD}\\x{11F00}-\\x{11F01}\\x{11F03}"                     \
    "\\x{11F34}-\\x{11F3A}\\x{11F3E}-\\x{11F40}\\x{1611E}-\\x{1612E}"          \
    "\\x{1E08F}"

/* in the order of utf8proc_category_t */
static const char categories[] = "CnLuLlLtLmLoMnMcMeNdNlNoPcPdPsPePiPfPoSmScSk"
                                 "SoZsZlZpCcCfCsCo";

/*
 * Sets by their names in lower case without blanks, _ and -: what PCRE2 calls
 * them, and the categories (one or two letters each, by commas) whose new
 * characters it may not know. The first are escapes.
 */
static const struct named {
    const char *name, *contents, *news;
} sets[] = {
    { "\\s", SPACE, "" },
    { "\\d", "\\p{Nd}", "Nd" },
    { "\\h", "0-9A-Fa-f", "" },
    { "\\w", WORD, "L,M,Nd,Nl,Pc" },
    { "word", WORD, "L,M,Nd,Nl,Pc" },
    { "alpha", ALPHABETIC, "L,Nl" },
    { "alphabetic", ALPHABETIC, "L,Nl" },
    { "alnum", ALPHABETIC "\\p{Nd}", "L,Nl,Nd" },
    { "upper", "\\p{Uppercase}", "Lu" },
    { "uppercase", "\\p{Uppercase}", "Lu" },
    { "lower", "\\p{Lowercase}\\x{1E030}-\\x{1E06D}", "Ll" },
    { "lowercase", "\\p{Lowercase}\\x{1E030}-\\x{1E06D}", "Ll" },
    { "punct", "\\p{P}", "P" },
    { "graph", "\\p{L}\\p{M}\\p{N}\\p{P}\\p{S}\\p{Cf}\\p{Co}", "L,M,N,P,S,Cf" },
    { "print", "\\p{L}\\p{M}\\p{N}\\p{P}\\p{S}\\p{Cf}\\p{Co}\\p{Zs}",
      "L,M,N,P,S,Cf" },
    { "space", SPACE, "" },
    { "whitespace", SPACE, "" },
    { "blank", "\\x{9}\\p{Zs}", "" },
    { "cntrl", "\\p{Cc}", "" },
    { "digit", "\\p{Nd}", "Nd" },
    { "xdigit", "0-9A-Fa-f", "" },
    { "ascii", "\\x{0}-\\x{7F}", "" },
    { "any", "\\x{0}-\\x{10FFFF}", "" },
    { "assigned",
      "\\p{L}\\p{M}\\p{N}\\p{P}\\p{S}\\p{Z}\\p{Cc}\\p{Cf}\\p{Co}\\p{Cs}",
      "L,M,N,P,S,Cf" },
    { "lc", "\\p{Lu}\\p{Ll}\\p{Lt}", "Lu,Ll,Lt" },
    { "casedletter", "\\p{Lu}\\p{Ll}\\p{Lt}", "Lu,Ll,Lt" },
    { "han", "\\p{sc:Han}\\x{2B739}\\x{2EBF0}-\\x{2EE5D}\\x{31350}-\\x{323AF}",
      "" },
};

static const struct {
    const char *name, *category;
} long_names[] = {
    { "letter", "L" },
    { "uppercaseletter", "Lu" },
    { "lowercaseletter", "Ll" },
    { "titlecaseletter", "Lt" },
    { "modifierletter", "Lm" },
    { "otherletter", "Lo" },
    { "mark", "M" },
    { "combiningmark", "M" },
    { "nonspacingmark", "Mn" },
    { "spacingmark", "Mc" },
    { "enclosingmark", "Me" },
    { "number", "N" },
    { "decimalnumber", "Nd" },
    { "letternumber", "Nl" },
    { "othernumber", "No" },
    { "punctuation", "P" },
    { "connectorpunctuation", "Pc" },
    { "dashpunctuation", "Pd" },
    { "openpunctuation", "Ps" },
    { "closepunctuation", "Pe" },
    { "initialpunctuation", "Pi" },
    { "finalpunctuation", "Pf" },
    { "otherpunctuation", "Po" },
    { "symbol", "S" },
    { "mathsymbol", "Sm" },
    { "currencysymbol", "Sc" },
    { "modifiersymbol", "Sk" },
    { "othersymbol", "So" },
    { "separator", "Z" },
    { "spaceseparator", "Zs" },
    { "lineseparator", "Zl" },
    { "paragraphseparator", "Zp" },
    { "other", "C" },
    { "control", "Cc" },
    { "format", "Cf" },
    { "unassigned", "Cn" },
    { "privateuse", "Co" },
    { "surrogate", "Cs" },
};

/* Is the category (index) among those named, as "L,Nd"? */
static bool category_in(int category, const char *named)
{
    const char *k = categories + 2 * category;

    for (; *named; named += strcspn(named, ","), named += *named == ',')
        if (named[0] == k[0] &&
            (named[1] == k[1] || !named[1] || named[1] == ','))
            return true;
    return false;
}

static void add_news(struct tf_buf *out, const char *named)
{
    size_t i;

    for (i = 0; i < tf_unicode_new_count; i++)
        if (category_in(tf_unicode_new[i].category, named))
            tf_buf_addf(out, "\\x{%X}-\\x{%X}",
                        (unsigned)tf_unicode_new[i].first,
                        (unsigned)tf_unicode_new[i].last);
}

/* A general category by its short or long name, or NULL. */
static const char *category_name(const char *name, char shown[3])
{
    size_t i;

    for (i = 0; i < sizeof(long_names) / sizeof(long_names[0]); i++)
        if (!strcmp(name, long_names[i].name))
            return long_names[i].category;
    if (!name[0] || strlen(name) > 2)
        return NULL;
    shown[0] =
        (char)(name[0] >= 'a' && name[0] <= 'z' ? name[0] - 32 : name[0]);
    shown[1] = name[1];
    shown[2] = 0;
    for (i = 0; categories[i]; i += 2)
        if (categories[i] == shown[0] &&
            (!shown[1] || categories[i + 1] == shown[1]))
            return shown;
    return NULL;
}

/* Does PCRE2 know \p{name}? */
static bool property_known(const char *name)
{
    char text[96];
    pcre2_code *code;
    PCRE2_SIZE at;
    int why;

    snprintf(text, sizeof(text), "\\p{%s}", name);
    code = pcre2_compile((PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED, PCRE2_UTF,
                         &why, &at, NULL);
    pcre2_code_free(code);
    return code != NULL;
}

/* A script, or a binary property. */
static int add_property(struct tf_regex_text *t, const char *name,
                        struct tf_buf *out)
{
    char script[72];

    snprintf(script, sizeof(script), "sc:%s", name);
    if (property_known(script))
        tf_buf_addf(out, "\\p{%s}", script);
    else if (property_known(name))
        tf_buf_addf(out, "\\p{%s}", name);
    else
        return tf_fail(t->err,
                       "regular expression with the property \"%s\", which is "
                       "not known",
                       name);
    return 0;
}

int tf_regex_set(struct tf_regex_text *t, struct tf_str name, bool bracketed,
                 struct tf_buf *out)
{
    const char *category;
    char plain[64], shown[3];
    size_t i, n = 0;

    for (i = 0; i < name.len; i++) {
        char c = name.s[i];

        if (c == ' ' || c == '_' || c == '-')
            continue;
        if (n == sizeof(plain) - 1)
            return tf_regex_bad(t, "the name of a property is too long");
        plain[n++] = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
    }
    plain[n] = 0;
    for (i = 0; i < sizeof(sets) / sizeof(sets[0]); i++)
        if (!strcmp(plain, sets[i].name)) {
            tf_buf_adds(out, sets[i].contents);
            add_news(out, sets[i].news);
            if (!bracketed && !strcmp(sets[i].contents, WORD))
                tf_buf_adds(out, LATIN_WORD);
            return 0;
        }
    category = category_name(plain, shown);
    if (!category)
        return add_property(t, plain, out);
    tf_buf_addf(out, "\\p{%s}", category);
    if (strcmp(category, "C") && strcmp(category, "Cn"))
        add_news(out, category);
    return 0;
}
