/* Oniguruma's Ruby syntax, token by token, into PCRE2's. */
#include <stdio.h>
#include <string.h>
#include "text/regex.h"
#include "text/regex_class.h"
#include "text/utf8.h"

#define DEPTH_MAX 200

struct translation {
    struct tf_regex_text t;
    struct tf_buf *out;
    size_t atom; /* where what a quantifier would refer to begins */
    bool quantifiable;
    size_t depth;
    struct group {
        size_t start;  /* in `out` */
        size_t closes; /* parentheses that close with it, of (?i) in it */
        bool extended; /* (?x): blanks and comments are none of the pattern */
    } group[DEPTH_MAX + 1];
};

static int peek(const struct tf_regex_text *t, size_t ahead)
{
    return ahead < t->all.len - t->at ? (unsigned char)t->all.s[t->at + ahead]
                                      : -1;
}

static void begin_atom(struct translation *tr)
{
    tr->atom = tr->out->len;
    tr->quantifiable = true;
}

/* "(?:" before the atom and `after` at its end. */
static void wrap_atom(struct translation *tr, const char *after)
{
    static const char open[] = "(?:";

    if (tf_buf_room(tr->out, sizeof(open) - 1)) {
        memmove(tr->out->data + tr->atom + sizeof(open) - 1,
                tr->out->data + tr->atom, tr->out->len - tr->atom);
        memcpy(tr->out->data + tr->atom, open, sizeof(open) - 1);
        tr->out->len += sizeof(open) - 1;
    }
    tf_buf_adds(tr->out, after);
}

static void write_set(struct tf_buf *out, const struct tf_buf *set,
                      bool negated)
{
    tf_buf_adds(out, negated ? "[^" : "[");
    tf_buf_add(out, set->data, set->len);
    tf_buf_addc(out, ']');
}

/* \b and \B by lookarounds, as PCRE2's \w is not Oniguruma's. */
static int word_edge(struct translation *tr, bool edge)
{
    struct tf_buf set = TF_BUF_INIT, w = TF_BUF_INIT;
    int failed = tf_regex_set(&tr->t, (struct tf_str){ "\\w", 2 }, false, &set);
    const char *word;

    write_set(&w, &set, false);
    word = tf_buf_cstr(&w);
    if (!failed)
        tf_buf_addf(tr->out, "(?:(?<=%s)(?%c%s)|(?<!%s)(?%c%s))", word,
                    edge ? '!' : '=', word, word, edge ? '=' : '!', word);
    tf_buf_release(&set);
    tf_buf_release(&w);
    return failed;
}

/* \1 is a group, \123 an octal number. */
static int digits(struct translation *tr)
{
    struct tf_regex_text *t = &tr->t;
    size_t n = 0;
    uint32_t octal = 0;
    int c;

    while ((c = peek(t, n)) >= '0' && c <= '9') {
        octal = c > '7' || octal > 0377 ? UINT32_MAX
                                        : octal * 8 + (uint32_t)(c - '0');
        n++;
    }
    if (n > 1 && octal < 0x80)
        tf_regex_literal(tr->out, octal);
    else
        tf_buf_addf(tr->out, "(?:\\%.*s)", (int)n, t->all.s + t->at);
    t->at += n;
    return 0;
}

/* \k<name>, \g<name> */
static int reference(struct translation *tr)
{
    struct tf_regex_text *t = &tr->t;
    const char *s = t->all.s + t->at, *close;

    close = peek(t, 1) == '<' ? memchr(s, '>', t->all.len - t->at) : NULL;
    if (!close)
        return tf_regex_bad(t, "\\k and \\g want a <name>");
    tf_buf_addc(tr->out, '\\');
    tf_buf_add(tr->out, s, (size_t)(close + 1 - s));
    t->at += (size_t)(close + 1 - s);
    return 0;
}

static int escape(struct translation *tr)
{
    struct tf_regex_text *t = &tr->t;
    struct tf_buf set = TF_BUF_INIT;
    bool negated = false;
    int c, status;
    uint32_t literal;

    begin_atom(tr);
    t->at++;
    c = peek(t, 0);
    if (c == 'b' || c == 'B') {
        t->at++;
        return word_edge(tr, c == 'b');
    }
    if (c >= '1' && c <= '9')
        return digits(tr);
    if (c == 'k' || c == 'g')
        return reference(tr);
    if (c > 0 && strchr("AZzGRXKNO", c)) {
        t->at++;
        if (c == 'N' || c == 'O')
            tf_buf_adds(tr->out, c == 'N' ? "[^\\n]" : "(?s:.)");
        else
            tf_buf_addf(tr->out, "\\%c", c);
        return 0;
    }
    status = tf_regex_set_escape(t, false, &set, &negated);
    if (!status)
        write_set(tr->out, &set, negated);
    tf_buf_release(&set);
    if (status <= 0)
        return status;
    status = tf_regex_escape(t, &literal);
    if (status)
        return status < 0 ? -1
                          : tf_regex_bad(t, "this escape is not supported");
    tf_regex_literal(tr->out, literal);
    return 0;
}

static int open_group(struct translation *tr, const char *text, size_t n)
{
    struct group *g;

    if (tr->depth == DEPTH_MAX)
        return tf_regex_bad(&tr->t, "groups nested too deeply");
    g = &tr->group[++tr->depth];
    g->start = tr->out->len;
    g->closes = 0;
    g->extended = g[-1].extended;
    tf_buf_add(tr->out, text, n);
    tr->t.at += n;
    tr->quantifiable = false;
    return 0;
}

/* (?imx-imx) and (?imx-imx:...); Ruby's m is PCRE2's s. The former holds to
 * the end of its group, alternatives included. */
static int options(struct translation *tr)
{
    struct tf_regex_text *t = &tr->t;
    struct tf_buf open = TF_BUF_INIT;
    size_t n = 2;
    bool extended = tr->group[tr->depth].extended, on = true;
    int c, status = 0;

    tf_buf_adds(&open, "(?");
    while ((c = peek(t, n)) != ':' && c != ')') {
        if (c < 0 || !strchr("imx-", c))
            return tf_buf_release(&open),
                   tf_regex_bad(t, "a kind of group that is not supported");
        if (c == '-')
            on = false;
        if (c == 'x')
            extended = on;
        tf_buf_addc(&open, (char)(c == 'm' ? 's' : c));
        n++;
    }
    tf_buf_addc(&open, ':');
    if (c == ':') {
        t->at += n + 1;
        status = open_group(tr, "", 0);
        tf_buf_add(tr->out, open.data, open.len);
    } else {
        t->at += n + 1;
        tf_buf_add(tr->out, open.data, open.len);
        tr->group[tr->depth].closes++;
        tr->quantifiable = false;
    }
    if (!status)
        tr->group[tr->depth].extended = extended;
    tf_buf_release(&open);
    return status;
}

static int group(struct translation *tr)
{
    struct tf_regex_text *t = &tr->t;
    const char *s = t->all.s + t->at, *close;
    int c = peek(t, 2);

    if (peek(t, 1) != '?')
        return open_group(tr, "(", 1);
    switch (c) {
    case '#':
        close = memchr(s, ')', t->all.len - t->at);
        if (!close)
            return tf_regex_bad(t, "a comment without its end");
        t->at += (size_t)(close + 1 - s);
        return 0;
    case ':':
    case '=':
    case '!':
    case '>':
        return open_group(tr, s, 3);
    case '<':
        if (peek(t, 3) == '=' || peek(t, 3) == '!')
            return open_group(tr, s, 4);
        close = memchr(s, '>', t->all.len - t->at);
        if (!close)
            return tf_regex_bad(t, "a group's name without its end");
        return open_group(tr, s, (size_t)(close + 1 - s));
    case '(':
        close = memchr(s, ')', t->all.len - t->at);
        if (!close)
            return tf_regex_bad(t, "a condition without its end");
        return open_group(tr, s, (size_t)(close + 1 - s));
    default:
        return options(tr);
    }
}

static int close_group(struct translation *tr)
{
    struct group *g = &tr->group[tr->depth];

    if (!tr->depth)
        return tf_regex_bad(&tr->t, "a closing parenthesis too many");
    for (; g->closes; g->closes--)
        tf_buf_addc(tr->out, ')');
    tf_buf_addc(tr->out, ')');
    tr->t.at++;
    tr->atom = g->start;
    tr->quantifiable = true;
    tr->depth--;
    return 0;
}

/* Read {n}, {n,}, {,m} or {n,m} into text; false if it is none. */
static bool interval(struct tf_regex_text *t, char text[48])
{
    unsigned long bound[2] = { 0, 0 }, held;
    bool there[2] = { false, false }, comma = false;
    size_t n = 1;
    int c;

    for (; (c = peek(t, n)) != '}'; n++) {
        if (c == ',' && !comma)
            comma = true;
        else if (c >= '0' && c <= '9' && bound[comma] < 100000)
            bound[comma] = bound[comma] * 10 + (unsigned)(c - '0'),
            there[comma] = true;
        else
            return false;
    }
    if (!there[0] && !there[1])
        return false;
    if (there[1] && bound[1] < bound[0]) { /* Ruby takes them either way */
        held = bound[0];
        bound[0] = bound[1];
        bound[1] = held;
    }
    if (there[1])
        snprintf(text, 48, "{%lu,%lu}", bound[0], bound[1]);
    else
        snprintf(text, 48, comma ? "{%lu,}" : "{%lu}", bound[0]);
    t->at += n + 1;
    return true;
}

/* A quantifier at the cursor; 1 if there is none. */
static int quantifier(struct translation *tr)
{
    struct tf_regex_text *t = &tr->t;
    char text[48] = { 0 };
    int c = peek(t, 0);
    bool counted = c == '{';

    if (counted ? !interval(t, text) : c != '*' && c != '+' && c != '?')
        return 1;
    if (!tr->quantifiable)
        return tf_regex_bad(t, "a quantifier of nothing");
    if (!counted) {
        text[0] = (char)c;
        t->at++;
    }
    c = peek(t, 0);
    if (c == '?' || (c == '+' && !counted)) {
        text[strlen(text)] = (char)c;
        t->at++;
    }
    tf_buf_adds(tr->out, text);
    c = peek(t, 0);
    if (c == '*' || c == '+' || c == '?' || c == '{')
        wrap_atom(tr, ")");
    return 0;
}

static int token(struct translation *tr)
{
    struct tf_regex_text *t = &tr->t;
    int c = peek(t, 0), status = quantifier(tr);
    size_t len;

    if (status <= 0)
        return status;
    switch (c) {
    case '\\':
        return escape(tr);
    case '(':
        return group(tr);
    case ')':
        return close_group(tr);
    case '[':
        begin_atom(tr);
        t->at++;
        return tf_regex_bracket(t, tr->out);
    case '|':
    case '^':
    case '$':
    case '.':
        begin_atom(tr);
        tr->quantifiable = c != '|';
        tf_buf_addc(tr->out, (char)c);
        t->at++;
        return 0;
    default:
        break;
    }
    if (tr->group[tr->depth].extended &&
        (strchr(" \t\n\v\f\r", c) || c == '#')) {
        do
            t->at++;
        while (c == '#' && t->at < t->all.len && t->all.s[t->at - 1] != '\n');
        return 0;
    }
    begin_atom(tr);
    tf_regex_literal(tr->out, tf_utf8_get(t->all.s + t->at, &len));
    t->at += len;
    return 0;
}

int tf_regex_translate(struct tf_str pattern, struct tf_buf *out,
                       struct tf_err *err)
{
    struct translation tr = { .t = { pattern, 0, err }, .out = out };

    while (tr.t.at < pattern.len)
        if (token(&tr))
            return -1;
    if (tr.depth)
        return tf_regex_bad(&tr.t, "a parenthesis is not closed");
    for (; tr.group[0].closes; tr.group[0].closes--)
        tf_buf_addc(out, ')');
    return out->failed ? tf_no_memory(err, out->len) : 0;
}
