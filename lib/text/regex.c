#include "text/regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>
#include "base/mem.h"

#define STACK_START ((size_t)32 << 10)
#define STACK_MAX   ((size_t)4 << 20)    /* for the JIT, per thread */
#define HEAP_MAX    ((uint32_t)64 << 10) /* KiB, when it falls back */

struct tf_regex {
    pcre2_code *code;
    bool jit;
};

/* What one thread matches with. */
struct memory {
    pcre2_match_data *data;
    pcre2_match_context *context;
    pcre2_jit_stack *stack;
};

static pcre2_code *compile(struct tf_str s, struct tf_str shown,
                           struct tf_err *err)
{
    pcre2_compile_context *context = pcre2_compile_context_create(NULL);
    pcre2_code *code;
    PCRE2_SIZE at;
    int why;
    char msg[128];

    if (!context) {
        tf_no_memory(err, s.len);
        return NULL;
    }
    pcre2_set_newline(context, PCRE2_NEWLINE_LF);
    code = pcre2_compile((PCRE2_SPTR)s.s, s.len,
                         PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE |
                             PCRE2_NEVER_BACKSLASH_C,
                         &why, &at, context);
    pcre2_compile_context_free(context);
    if (!code) {
        if (pcre2_get_error_message(why, (PCRE2_UCHAR *)msg, sizeof(msg)) < 0)
            msg[0] = 0;
        tf_fail(err, "regular expression \"%.*s\": %s",
                (int)(shown.len < 200 ? shown.len : 200), shown.s, msg);
    }
    return code;
}

struct tf_regex *tf_regex_new(struct tf_str pattern, struct tf_err *err)
{
    struct tf_buf out = TF_BUF_INIT;
    struct tf_regex *re = NULL;
    struct tf_str s;
    pcre2_code *code = NULL;

    if (!tf_regex_translate(pattern, &out, err)) {
        s.s = tf_buf_cstr(&out);
        s.len = out.len;
        code = compile(s, pattern, err);
    }
    if (code)
        re = tf_alloc(1, sizeof(*re), err);
    if (re) {
        re->code = code;
        re->jit = !pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);
    } else {
        pcre2_code_free(code);
    }
    tf_buf_release(&out);
    return re;
}

void tf_regex_free(struct tf_regex *re)
{
    if (!re)
        return;
    pcre2_code_free(re->code);
    free(re);
}

void tf_regex_done(void *match_data)
{
    struct memory *m = match_data;

    if (!m)
        return;
    pcre2_match_data_free(m->data);
    pcre2_match_context_free(m->context);
    pcre2_jit_stack_free(m->stack);
    free(m);
}

static struct memory *memory_of(struct tf_pretext *pre)
{
    struct memory *m = pre->match_data;

    if (m)
        return m;
    m = calloc(1, sizeof(*m));
    if (m) {
        m->data = pcre2_match_data_create(1, NULL);
        m->context = pcre2_match_context_create(NULL);
        m->stack = pcre2_jit_stack_create(STACK_START, STACK_MAX, NULL);
    }
    if (!m || !m->data || !m->context || !m->stack) {
        tf_regex_done(m);
        pre->failed = true;
        return NULL;
    }
    pcre2_set_heap_limit(m->context, HEAP_MAX);
    pcre2_jit_stack_assign(m->context, NULL, m->stack);
    pre->match_data = m;
    return m;
}

bool tf_regex_find(const struct tf_regex *re, struct tf_pretext *pre,
                   struct tf_str s, size_t from, size_t *start, size_t *end)
{
    struct memory *m = memory_of(pre);
    PCRE2_SIZE *at;
    int rc;

    if (!m)
        return false;
    if (!s.s)
        s.s = ""; /* PCRE2 wants an address */
    rc = re->jit ? pcre2_jit_match(re->code, (PCRE2_SPTR)s.s, s.len, from, 0,
                                   m->data, m->context)
                 : PCRE2_ERROR_JIT_STACKLIMIT;
    if (rc == PCRE2_ERROR_JIT_STACKLIMIT)
        rc =
            pcre2_match(re->code, (PCRE2_SPTR)s.s, s.len, from,
                        PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT, m->data, m->context);
    if (rc == PCRE2_ERROR_NOMATCH)
        return false;
    if (rc < 0) {
        pre->failed = true;
        if (rc != PCRE2_ERROR_NOMEMORY)
            pre->why = "the tokenizer's regular expression takes too long";
        return false;
    }
    at = pcre2_get_ovector_pointer(m->data);
    *start = at[0];
    *end = at[1];
    if (*start > *end) { /* \K in a lookahead */
        pre->failed = true;
        pre->why = "the tokenizer's regular expression matches backwards";
    }
    return !pre->failed;
}
