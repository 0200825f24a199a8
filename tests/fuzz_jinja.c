/*
 * Parses a template that ends at the first NUL byte, and renders it with what
 * follows as the JSON of its messages.
 *     build-fuzz/tests/fuzz_jinja -max_len=20000 CORPUS
 */
#include <stdint.h>
#include <string.h>
#include "base/jsonl.h"
#include "chat/jinja.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    size_t n = size ? strnlen(text, size) : 0;
    struct tf_jinja_var var = { { "messages", 8 }, { "[]", 2 } };
    struct tf_buf out = TF_BUF_INIT;
    struct tf_err err;
    struct tf_jinja *t;

    if (tf_utf8_valid(text, n) != n)
        return 0;
    if (n + 1 < size)
        var.json = (struct tf_str){ text + n + 1, size - n - 1 };
    t = tf_jinja_new((struct tf_str){ text, n }, &err);
    if (t)
        tf_jinja_render(t, &var, 1, &out, NULL, &err);
    tf_jinja_free(t);
    tf_buf_release(&out);
    return 0;
}
