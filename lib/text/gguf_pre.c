#include "text/gguf_pre.h"

#include <string.h>
#include "base/jsonl.h"

/* The regular expressions are those of the models' own tokenizer.json, as JSON.
 */
#define LETTERS_TAIL                                                           \
    "| ?[^\\\\s\\\\p{L}\\\\p{N}]+[\\\\r\\\\n]*|\\\\s*[\\\\r\\\\n]+|"           \
    "\\\\s+(?!\\\\S)|\\\\s+"
#define ENGLISH "(?i:'s|'t|'re|'ve|'m|'ll|'d)|"
#define WORDS   "[^\\\\r\\\\n\\\\p{L}\\\\p{N}]?\\\\p{L}+|"
#define O200K                                                                  \
    "[^\\\\r\\\\n\\\\p{L}\\\\p{N}]?[\\\\p{Lu}\\\\p{Lt}\\\\p{Lm}\\\\p{Lo}"      \
    "\\\\p{M}]*[\\\\p{Ll}\\\\p{Lm}\\\\p{Lo}\\\\p{M}]+(?i:'s|'t|'re|'ve|'m|"    \
    "'ll|'d)?|[^\\\\r\\\\n\\\\p{L}\\\\p{N}]?[\\\\p{Lu}\\\\p{Lt}\\\\p{Lm}"      \
    "\\\\p{Lo}\\\\p{M}]+[\\\\p{Ll}\\\\p{Lm}\\\\p{Lo}\\\\p{M}]*(?i:'s|'t|'re|"  \
    "'ve|'m|'ll|'d)?|\\\\p{N}{1,3}| ?[^\\\\s\\\\p{L}\\\\p{N}]+[\\\\r\\\\n/]*|" \
    "\\\\s*[\\\\r\\\\n]+|\\\\s+(?!\\\\S)|\\\\s+"

static const struct tf_gguf_pre splitters[] = {
    { "gpt-2", TF_SPLIT_GPT2, NULL, false, false },
    { "default", TF_SPLIT_GPT2, NULL, false, false },
    { "phi-2", TF_SPLIT_GPT2, NULL, false, false },
    { "mpt", TF_SPLIT_GPT2, NULL, false, false },
    { "olmo", TF_SPLIT_GPT2, NULL, true, false },
    { "jina-es", TF_SPLIT_GPT2, NULL, false, false },
    { "starcoder", TF_SPLIT_DIGITS, NULL, false, false },
    { "refact", TF_SPLIT_DIGITS, NULL, false, false },
    { "command-r", TF_SPLIT_DIGITS, NULL, true, false },
    { "smollm", TF_SPLIT_DIGITS, NULL, false, false },
    { "llama-bpe", TF_SPLIT_REGEX, ENGLISH WORDS "\\\\p{N}{1,3}" LETTERS_TAIL,
      false, true },
    { "llama3", TF_SPLIT_REGEX, ENGLISH WORDS "\\\\p{N}{1,3}" LETTERS_TAIL,
      false, true },
    { "dbrx", TF_SPLIT_REGEX, ENGLISH WORDS "\\\\p{N}{1,3}" LETTERS_TAIL, false,
      false },
    { "smaug-bpe", TF_SPLIT_REGEX, ENGLISH WORDS "\\\\p{N}{1,3}" LETTERS_TAIL,
      false, false },
    { "qwen2", TF_SPLIT_REGEX, ENGLISH WORDS "\\\\p{N}" LETTERS_TAIL, true,
      false },
    { "stablelm2", TF_SPLIT_REGEX, ENGLISH WORDS "\\\\p{N}" LETTERS_TAIL, true,
      false },
    { "gpt-4o", TF_SPLIT_REGEX, O200K, false, false },
};

#define SPLITTERS (sizeof(splitters) / sizeof(splitters[0]))

const struct tf_gguf_pre *tf_gguf_pre_named(struct tf_str name)
{
    for (size_t i = 0; i < SPLITTERS; i++)
        if (tf_str_is(name, splitters[i].name))
            return &splitters[i];
    return NULL;
}

/* The expression as the table spells it, in quotes. */
static bool is_regex(const char *json, struct tf_str quoted)
{
    size_t n = json ? strlen(json) : 0;

    return json && quoted.len == n + 2 && !memcmp(quoted.s + 1, json, n);
}

const struct tf_gguf_pre *tf_gguf_pre_like(const struct tf_gguf_pre *wanted)
{
    const struct tf_gguf_pre *near = NULL, *found = NULL;
    struct tf_buf quoted = TF_BUF_INIT;

    if (wanted->regex)
        tf_put_string(&quoted, wanted->regex, strlen(wanted->regex));
    for (size_t i = 0; i < SPLITTERS && !found; i++) {
        const struct tf_gguf_pre *s = &splitters[i];

        if (s->kind != wanted->kind ||
            s->ignore_merges != wanted->ignore_merges ||
            (wanted->regex &&
             !is_regex(s->regex, (struct tf_str){ quoted.data, quoted.len })))
            continue;
        if (s->nfc == wanted->nfc)
            found = s;
        else if (!near)
            near = s;
    }
    tf_buf_release(&quoted);
    return found ? found : near;
}
