/*
 * Reads a tokenizer.json that ends at the first NUL byte, then encodes and
 * decodes what follows, with every option the first byte behind it picks.
 *     build-fuzz/tests/fuzz_tokenizer -max_len=20000 CORPUS
 */
#include <stdlib.h>
#include <string.h>
#include "base/jsonl.h"
#include "base/mem.h"
#include "text/pipeline.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use(struct tf_tokenizer *tok, unsigned pick, struct tf_str text)
{
    struct tf_encode_opts o = {
        .want = TF_TOK_OFFSETS | TF_TOK_WORDS | TF_TOK_TOKENS,
        .no_special = pick & 1,
        .max_length = pick >> 1 & 7,
        .truncation = (enum tf_truncation)((pick >> 4) % 3),
        .stride = pick >> 6 & 1,
        .overflow = true,
        .truncate_left = pick >> 7,
    };
    struct tf_str none = { NULL, 0 };
    struct tf_encoding enc = { 0 };
    struct tf_buf out = TF_BUF_INIT;
    struct tf_err err;
    struct tf_tok_state *st = tf_tok_state_new(tok, &err);
    size_t i, n;

    if (!st)
        return;
    if (text.len > 256) /* the windows of a pair multiply */
        o.overflow = false;
    if (!tf_tokenizer_encode(tok, st, &o, text, pick & 2 ? text : none, &enc,
                             &err))
        for (i = 0; i < enc.count; i++) {
            tf_buf_reset(&out);
            tf_tokenizer_decode(tok, enc.windows[i].ids, enc.windows[i].n,
                                pick & 1, &out, &err);
        }
    tf_tokenizer_encode_words(tok, st, &o, (struct tf_str[]){ text, text }, 2,
                              &enc, &err);
    tf_tokenizer_count(tok, st, false, text, none, &n, &err);
    tf_buf_release(&out);
    tf_encoding_release(&enc);
    tf_tok_state_free(st);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *nul = memchr(data, 0, size);
    size_t len = nul ? (size_t)(nul - data) : size;
    struct tf_buf text = TF_BUF_INIT;
    struct tf_err err;
    struct tf_tokenizer *tok = tf_alloc(1, sizeof(*tok), &err);
    unsigned pick = 0;

    if (len + 1 < size) {
        pick = data[len + 1];
        tf_utf8_repair(&text, (const char *)data + len + 2, size - len - 2);
    }
    if (tok && !tf_tokenizer_read(tok, (const char *)data, len, &err))
        use(tok, pick, (struct tf_str){ text.data ? text.data : "", text.len });
    tf_tokenizer_close(tok);
    tf_buf_release(&text);
    return 0;
}
