#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include "golden_text.h"
#include "chat/chat.h"
#include "text/points.h"

#define DIR_NAME "tests/golden/chat"

struct folder {
    char name[32];
    struct tf_tokenizer *tok;
    struct tf_chat *chat;
};

static void open_chat(struct folder *f, const char *name)
{
    char path[100];
    struct tf_err err;

    snprintf(f->name, sizeof(f->name), "%s", name);
    snprintf(path, sizeof(path), "%s/%s", DIR_NAME, name);
    f->tok = tf_tokenizer_open(path, &err);
    if (!f->tok)
        fail_msg("%s", err.msg);
    f->chat = tf_chat_open(f->tok, &err);
    if (!f->chat)
        fail_msg("%s", err.msg);
}

static void close_chat(struct folder *f)
{
    tf_chat_close(f->chat);
    tf_tokenizer_close(f->tok);
}

static struct tf_str dump(const json_t *c, const char *name)
{
    const json_t *v = json_object_get(c, name);
    char *s = v ? json_dumps(v, 0) : NULL;

    return (struct tf_str){ s, s ? strlen(s) : 0 };
}

static void check(const struct folder *f, const json_t *c, struct tf_buf *out)
{
    static const struct tf_str show = { "{\"show\": true}", 14 };
    struct tf_chat_request q = {
        .messages = dump(c, "messages"),
        .tools = dump(c, "tools"),
        .documents = dump(c, "documents"),
        .generation_prompt = json_object_get(c, "add_generation_prompt"),
        .go_on = json_object_get(c, "continue_final_message"),
    };
    const json_t *want = json_object_get(c, "text");
    struct tf_err err = { 0 };
    int failed;

    if (json_object_get(c, "show"))
        q.variables = show;
    tf_buf_reset(out);
    failed = tf_chat_render(f->chat, &q, out, &err);
    if (failed && json_is_null(want))
        assert_string_equal(err.code, "bad_field");
    else if (failed)
        fail_msg("%s: %s: %s", f->name, q.messages.s, err.msg);
    else if (!tf_str_eq((struct tf_str){ out->data, out->len },
                        golden_str(want)))
        fail_msg("%s: %s: %.*s", f->name, q.messages.s, (int)out->len,
                 out->data);
    free((char *)(uintptr_t)q.messages.s);
    free((char *)(uintptr_t)q.tools.s);
    free((char *)(uintptr_t)q.documents.s);
}

static void writes_chats_as_transformers(void **state)
{
    json_t *all = golden(DIR_NAME "/chats.json"), *c;
    struct folder f = { "", NULL, NULL };
    struct tf_buf out = TF_BUF_INIT;
    size_t i;

    (void)state;
    json_array_foreach (all, i, c) {
        const char *name = json_string_value(json_object_get(c, "folder"));

        if (strcmp(name, f.name) != 0) {
            close_chat(&f);
            open_chat(&f, name);
        }
        check(&f, c, &out);
    }
    assert_true(i > 100);
    close_chat(&f);
    tf_buf_release(&out);
    json_decref(all);
}

static void check_replies(const struct folder *f, const json_t *c)
{
    struct tf_chat_request q = { .messages = dump(c, "messages") };
    const json_t *want = json_object_get(c, "replies");
    struct tf_jinja_spans found = { 0 };
    struct tf_buf out = TF_BUF_INIT;
    struct tf_err err;

    if (tf_chat_replies(f->chat, &q, &out, &found, &err))
        fail_msg("%s: %s", f->name, err.msg);
    assert_true(tf_str_eq((struct tf_str){ out.data, out.len },
                          golden_str(json_object_get(c, "text"))));
    assert_int_equal(found.count, json_array_size(want));
    for (size_t i = 0; i < found.count; i++)
        for (size_t k = 0; k < 2; k++) {
            struct tf_str before = { out.data, found.v[i][k] };

            assert_int_equal(
                tf_points_count(before),
                json_integer_value(json_array_get(json_array_get(want, i), k)));
        }
    free((char *)(uintptr_t)q.messages.s);
    free(found.v);
    tf_buf_release(&out);
}

/* The template says it, or the texts before and with a reply differ. */
static void finds_the_replies(void **state)
{
    static const char *const folders[] = { "marked", "unmarked" };
    json_t *all = golden(DIR_NAME "/replies.json"), *c;

    (void)state;
    for (size_t k = 0; k < 2; k++) {
        struct folder f;
        size_t i;

        open_chat(&f, folders[k]);
        json_array_foreach (all, i, c)
            check_replies(&f, c);
        assert_true(i > 1);
        close_chat(&f);
    }
    json_decref(all);
}

/* What a request gives; NULL and the code in `err`. */
static const char *written(const struct folder *f, struct tf_chat_request q,
                           struct tf_buf *out, struct tf_err *err)
{
    tf_buf_reset(out);
    *err = (struct tf_err){ 0 };
    return tf_chat_render(f->chat, &q, out, err) ? NULL : tf_buf_cstr(out);
}

#define STR(s)                                                                 \
    {                                                                          \
        s, sizeof(s) - 1                                                       \
    }

static void refuses_what_is_no_chat(void **state)
{
    static const struct tf_str bad[] = {
        STR("{}"),  STR("\"hello\""), STR("[1]"),         STR("[[]]"),
        STR("[{}"), STR("[]"),        STR("[\"hello\"]"),
    };
    const struct tf_str good = STR("[{\"role\": \"user\"}]");
    struct folder f;
    struct tf_buf out = TF_BUF_INIT;
    struct tf_err err;
    size_t i;

    (void)state;
    open_chat(&f, "several");
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct tf_chat_request q = { .messages = bad[i] };

        assert_null(written(&f, q, &out, &err));
        assert_string_equal(err.code, "bad_field");
        q = (struct tf_chat_request){ .messages = good, .tools = bad[i] };
        if (!tf_str_is(bad[i], "[]")) {
            assert_null(written(&f, q, &out, &err));
            assert_string_equal(err.code, "bad_field");
        }
    }
    assert_null(written(&f, (struct tf_chat_request){ 0 }, &out, &err));
    assert_string_equal(err.code, "no_field");
    close_chat(&f);
    tf_buf_release(&out);
}

static void goes_on_in_long_messages_fast(void **state)
{
    struct folder f;
    struct tf_buf out = TF_BUF_INIT, long_one = TF_BUF_INIT;
    struct tf_chat_request q = { .go_on = true };
    struct tf_err err;
    size_t i;

    (void)state;
    open_chat(&f, "several");
    tf_buf_adds(&long_one, "[{\"role\": \"a\", \"content\": \"");
    for (i = 0; i < 200000; i++)
        tf_buf_addc(&long_one, 'a');
    tf_buf_adds(&long_one, "\"}, {\"role\": \"b\", \"content\": \"");
    for (i = 0; i < 100000; i++)
        tf_buf_addc(&long_one, 'a');
    tf_buf_adds(&long_one, "b\"}]");
    q.messages = (struct tf_str){ long_one.data, long_one.len };
    assert_non_null(written(&f, q, &out, &err));
    assert_int_equal(out.data[out.len - 1], 'b');
    close_chat(&f);
    tf_buf_release(&out);
    tf_buf_release(&long_one);
}

static void says_that_there_is_no_template(void **state)
{
    struct tf_err err;
    struct tf_tokenizer *tok =
        tf_tokenizer_open("tests/golden/models/bert", &err);

    (void)state;
    assert_non_null(tok);
    assert_null(tf_chat_open(tok, &err));
    assert_non_null(strstr(err.msg, "no chat template"));
    tf_tokenizer_close(tok);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_chats_as_transformers),
        cmocka_unit_test(finds_the_replies),
        cmocka_unit_test(refuses_what_is_no_chat),
        cmocka_unit_test(goes_on_in_long_messages_fast),
        cmocka_unit_test(says_that_there_is_no_template),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
