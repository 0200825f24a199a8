/* Normalizers, splitters and decoders of the classes. */
#include "text/legacy_parts.h"

#include <string.h>
#include "base/jsonl.h"
#include "text/charsmap.h"

#define MARK "\xE2\x96\x81" /* U+2581, SentencePiece's space */

#define LOWERCASE "{\"type\":\"Lowercase\"}"
#define NFC       "{\"type\":\"NFC\"}"
#define NFKC      "{\"type\":\"NFKC\"}"
#define STRIP_RIGHT                                                            \
    "{\"type\":\"Strip\",\"strip_left\":false,\"strip_right\":true}"
#define STRIP_BOTH                                                             \
    "{\"type\":\"Strip\",\"strip_left\":true,\"strip_right\":true}"
#define REPLACE(what, with)                                                    \
    "{\"type\":\"Replace\",\"pattern\":{\"String\":\"" what                    \
    "\"},\"content\":\"" with "\"}"
#define REPLACE_REGEX(what, with)                                              \
    "{\"type\":\"Replace\",\"pattern\":{\"Regex\":\"" what                     \
    "\"},\"content\":\"" with "\"}"
#define SPLIT(kind, what)                                                      \
    "{\"type\":\"Split\",\"pattern\":{\"" kind "\":\"" what                    \
    "\"},\"behavior\":\"Isolated\",\"invert\":false}"
#define BYTES(prefix, regex)                                                   \
    "{\"type\":\"ByteLevel\",\"add_prefix_space\":" prefix                     \
    ",\"trim_offsets\":true,\"use_regex\":" regex "}"
#define WHITESPACE "{\"type\":\"WhitespaceSplit\"}"
#define FALLBACK   "{\"type\":\"ByteFallback\"},{\"type\":\"Fuse\"}"

static bool wants(const struct tf_legacy *l, const char *name, bool otherwise)
{
    return tf_tokconfig_flag(l->config, name, otherwise);
}

static const char *flag(bool b)
{
    return b ? "true" : "false";
}

bool tf_legacy_prefix_space(const struct tf_legacy *l)
{
    return wants(l, "add_prefix_space", l->cls->adds_space);
}

/* Sequences: begin, each item, end. */
static void begin(struct tf_legacy *l, const char *member)
{
    tf_buf_addf(l->out, "{\"type\":\"Sequence\",\"%s\":[", member);
    l->first = true;
}

static void item(struct tf_legacy *l, const char *json)
{
    tf_buf_adds(l->out, l->first ? "" : ",");
    tf_buf_adds(l->out, json);
    l->first = false;
}

static void end(struct tf_legacy *l)
{
    tf_buf_adds(l->out, "]}");
}

static void charsmap(struct tf_legacy *l)
{
    tf_buf_adds(l->out,
                "{\"type\":\"Precompiled\",\"precompiled_charsmap\":\"");
    tf_base64_encode(l->spm.charsmap, l->out);
    tf_buf_adds(l->out, "\"}");
}

static void charsmap_item(struct tf_legacy *l)
{
    if (!l->spm.charsmap.s)
        return;
    item(l, "");
    charsmap(l);
}

static void write_bert(struct tf_legacy *l, bool lower, const char *accents)
{
    tf_buf_addf(l->out,
                "{\"type\":\"BertNormalizer\",\"clean_text\":%s,"
                "\"handle_chinese_chars\":%s,\"strip_accents\":%s,"
                "\"lowercase\":%s}",
                flag(wants(l, "clean_text", true)),
                flag(wants(l, "tokenize_chinese_chars", true)), accents,
                flag(lower));
}

void tf_legacy_norm_bert(struct tf_legacy *l)
{
    struct tf_str accents = tf_record_get(&l->config->config, "strip_accents");

    write_bert(l, wants(l, "do_lower_case", true),
               tf_str_is(accents, "true")    ? "true"
               : tf_str_is(accents, "false") ? "false"
                                             : "null");
}

void tf_legacy_norm_herbert(struct tf_legacy *l)
{
    write_bert(l, false, "false");
}

void tf_legacy_norm_openai(struct tf_legacy *l)
{
    write_bert(l, true, "null");
}

void tf_legacy_norm_nfc(struct tf_legacy *l)
{
    tf_buf_adds(l->out, NFC);
}

void tf_legacy_norm_nfkc(struct tf_legacy *l)
{
    tf_buf_adds(l->out, NFKC);
}

void tf_legacy_norm_clip(struct tf_legacy *l)
{
    begin(l, "normalizers");
    item(l, NFC);
    item(l, REPLACE_REGEX("\\\\s+", " "));
    item(l, LOWERCASE);
    end(l);
}

/* ALBERT's family: quotes, accents, case. */
static void write_albert(struct tf_legacy *l, bool spaces, bool accents,
                         bool lower)
{
    begin(l, "normalizers");
    item(l, REPLACE("``", "\\\""));
    item(l, REPLACE("''", "\\\""));
    if (spaces)
        item(l, REPLACE_REGEX(" {2,}", " "));
    if (!accents) {
        item(l, "{\"type\":\"NFKD\"}");
        item(l, "{\"type\":\"StripAccents\"}");
    }
    if (lower)
        item(l, LOWERCASE);
    charsmap_item(l);
    end(l);
}

void tf_legacy_norm_albert(struct tf_legacy *l)
{
    write_albert(l, false, wants(l, "keep_accents", false),
                 wants(l, "do_lower_case", true));
}

void tf_legacy_norm_rembert(struct tf_legacy *l)
{
    write_albert(l, true, wants(l, "keep_accents", true),
                 wants(l, "do_lower_case", false));
}

void tf_legacy_norm_xlnet(struct tf_legacy *l)
{
    write_albert(l, false, false, wants(l, "do_lower_case", false));
}

void tf_legacy_norm_deberta_v2(struct tf_legacy *l)
{
    begin(l, "normalizers");
    if (wants(l, "do_lower_case", false))
        item(l, LOWERCASE);
    item(l, REPLACE_REGEX("\\\\s{2,}|[\\\\n\\\\r\\\\t]", " "));
    item(l, NFC);
    item(l, STRIP_RIGHT);
    end(l);
}

void tf_legacy_norm_barthez(struct tf_legacy *l)
{
    begin(l, "normalizers");
    item(l, REPLACE_REGEX("\\\\s{2,}|[\\\\n\\\\r\\\\t]", " "));
    item(l, NFC);
    item(l, STRIP_RIGHT);
    end(l);
}

void tf_legacy_norm_big_bird(struct tf_legacy *l)
{
    tf_buf_adds(l->out, REPLACE_REGEX(" {2,}", MARK));
}

void tf_legacy_norm_layoutxlm(struct tf_legacy *l)
{
    begin(l, "normalizers");
    item(l, STRIP_RIGHT);
    item(l, REPLACE_REGEX(" {2,}", MARK));
    end(l);
}

void tf_legacy_norm_charsmap(struct tf_legacy *l)
{
    if (l->spm.charsmap.s)
        charsmap(l);
    else
        tf_buf_adds(l->out, "null");
}

void tf_legacy_norm_spaces(struct tf_legacy *l)
{
    begin(l, "normalizers");
    charsmap_item(l);
    item(l, REPLACE_REGEX(" {2,}", " "));
    end(l);
}

void tf_legacy_norm_nllb(struct tf_legacy *l)
{
    if (l->spm.charsmap.s)
        tf_legacy_norm_spaces(l);
    else
        tf_buf_adds(l->out, "null");
}

void tf_legacy_norm_pegasus(struct tf_legacy *l)
{
    begin(l, "normalizers");
    charsmap_item(l);
    if (!l->spm.charsmap.s)
        item(l, REPLACE_REGEX("\\\\n", " "));
    item(l, REPLACE_REGEX(" {2,}", " "));
    end(l);
}

void tf_legacy_norm_seamless(struct tf_legacy *l)
{
    begin(l, "normalizers");
    item(l, REPLACE_REGEX("[\\\\n\\\\r\\\\t]", " "));
    item(l, NFKC);
    item(l, STRIP_RIGHT);
    item(l, REPLACE_REGEX(" +" MARK, MARK));
    item(l, REPLACE_REGEX("^" MARK "+$", ""));
    item(l, REPLACE_REGEX(" {2,}", MARK));
    end(l);
}

void tf_legacy_norm_gemma(struct tf_legacy *l)
{
    tf_buf_adds(l->out, REPLACE(" ", MARK));
}

void tf_legacy_norm_siglip2(struct tf_legacy *l)
{
    begin(l, "normalizers");
    item(l, LOWERCASE);
    item(l, REPLACE(" ", MARK));
    end(l);
}

void tf_legacy_norm_model(struct tf_legacy *l)
{
    begin(l, "normalizers");
    charsmap_item(l);
    item(l, REPLACE(" ", MARK));
    end(l);
}

/* What SentencePiece itself does before it looks for pieces. */
void tf_legacy_norm_paired(struct tf_legacy *l)
{
    begin(l, "normalizers");
    charsmap_item(l);
    item(l, STRIP_BOTH);
    item(l, REPLACE_REGEX(" {2,}", " "));
    end(l);
}

void tf_legacy_split_bert(struct tf_legacy *l)
{
    tf_buf_adds(l->out, "{\"type\":\"BertPreTokenizer\"}");
}

void tf_legacy_split_bytes(struct tf_legacy *l)
{
    tf_buf_adds(l->out, tf_legacy_prefix_space(l) ? BYTES("true", "true")
                                                  : BYTES("false", "true"));
}

/* All of a text is one piece. */
void tf_legacy_split_all_bytes(struct tf_legacy *l)
{
    tf_buf_adds(l->out, "{\"type\":\"ByteLevel\",\"add_prefix_space\":false,"
                        "\"trim_offsets\":false,\"use_regex\":false}");
}

void tf_legacy_split_blanks(struct tf_legacy *l)
{
    tf_buf_adds(l->out, WHITESPACE);
}

void tf_legacy_split_clip(struct tf_legacy *l)
{
    begin(l, "pretokenizers");
    item(l, "{\"type\":\"Split\",\"pattern\":{\"Regex\":\""
            "<\\\\|startoftext\\\\|>|<\\\\|endoftext\\\\|>|'s|'t|'re|'ve|'m|"
            "'ll|'d|[\\\\p{L}]+|[\\\\p{N}]|[^\\\\s\\\\p{L}\\\\p{N}]+\"},"
            "\"behavior\":\"Removed\",\"invert\":true}");
    item(l, BYTES("false", "true"));
    end(l);
}

void tf_legacy_split_cohere(struct tf_legacy *l)
{
    begin(l, "pretokenizers");
    item(l, "{\"type\":\"Digits\",\"individual_digits\":true}");
    item(l, "");
    tf_legacy_split_bytes(l);
    end(l);
}

static void write_qwen(struct tf_legacy *l, const char *split)
{
    begin(l, "pretokenizers");
    item(l, split);
    item(l, tf_legacy_prefix_space(l) ? BYTES("true", "false")
                                      : BYTES("false", "false"));
    end(l);
}

#define ANY_CASE "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
#define BLANKS   "[\\\\r\\\\n]*|\\\\s*[\\\\r\\\\n]+|\\\\s+(?!\\\\S)|\\\\s+"

void tf_legacy_split_qwen2(struct tf_legacy *l)
{
    write_qwen(l, SPLIT("Regex", ANY_CASE "|[^\\\\r\\\\n\\\\p{L}\\\\p{N}]?"
                                          "\\\\p{L}+|\\\\p{N}| ?"
                                          "[^\\\\s\\\\p{L}\\\\p{N}]+" BLANKS));
}

void tf_legacy_split_qwen3_5(struct tf_legacy *l)
{
    write_qwen(l, SPLIT("Regex",
                        ANY_CASE "|[^\\\\r\\\\n\\\\p{L}\\\\p{N}]?"
                                 "[\\\\p{L}\\\\p{M}]+|\\\\p{N}| ?"
                                 "[^\\\\s\\\\p{L}\\\\p{M}\\\\p{N}]+" BLANKS));
}

/* Its class gives the expression as a string to look for. */
void tf_legacy_split_nougat(struct tf_legacy *l)
{
    begin(l, "pretokenizers");
    item(l, "{\"type\":\"Digits\",\"individual_digits\":true}");
    item(l, SPLIT("String", "\\n"));
    item(l, BYTES("false", "true"));
    end(l);
}

static void write_metaspace(struct tf_legacy *l, const char *scheme, bool split)
{
    tf_buf_addf(l->out,
                "{\"type\":\"Metaspace\",\"replacement\":\"" MARK
                "\",\"prepend_scheme\":\"%s\",\"split\":%s}",
                scheme, flag(split));
}

static const char *scheme(const struct tf_legacy *l)
{
    return tf_legacy_prefix_space(l) ? "always" : "never";
}

void tf_legacy_split_mark(struct tf_legacy *l)
{
    write_metaspace(l, scheme(l), true);
}

void tf_legacy_split_words(struct tf_legacy *l)
{
    begin(l, "pretokenizers");
    item(l, WHITESPACE);
    item(l, "");
    write_metaspace(l, scheme(l), true);
    end(l);
}

void tf_legacy_split_deberta_v2(struct tf_legacy *l)
{
    begin(l, "pretokenizers");
    if (wants(l, "split_by_punct", false))
        item(l, "{\"type\":\"Punctuation\",\"behavior\":\"Isolated\"}");
    item(l, "");
    write_metaspace(l, tf_legacy_prefix_space(l) ? "always" : "first", true);
    end(l);
}

void tf_legacy_split_first(struct tf_legacy *l)
{
    write_metaspace(l, "first", true);
}

void tf_legacy_split_llama(struct tf_legacy *l)
{
    write_metaspace(l,
                    !tf_legacy_prefix_space(l)  ? "never"
                    : wants(l, "legacy", false) ? "always"
                                                : "first",
                    false);
}

void tf_legacy_split_code_llama(struct tf_legacy *l)
{
    write_metaspace(l, tf_legacy_prefix_space(l) ? "first" : "never", false);
}

void tf_legacy_split_gemma(struct tf_legacy *l)
{
    tf_buf_adds(l->out,
                "{\"type\":\"Split\",\"pattern\":{\"String\":\" \"},"
                "\"behavior\":\"MergedWithPrevious\",\"invert\":false}");
}

void tf_legacy_decode_words(struct tf_legacy *l)
{
    struct tf_str prefix = tf_tokconfig_string(l->config, "wordpieces_prefix");

    tf_buf_adds(l->out, "{\"type\":\"WordPiece\",\"prefix\":\"");
    if (prefix.s)
        tf_buf_add(l->out, prefix.s, prefix.len);
    else
        tf_buf_adds(l->out, "##");
    tf_buf_adds(l->out, "\",\"cleanup\":true}");
}

void tf_legacy_decode_bytes(struct tf_legacy *l)
{
    tf_buf_adds(l->out, BYTES("true", "true"));
}

/* The class itself puts spaces for suffixes, and strips the text. */
void tf_legacy_decode_clip(struct tf_legacy *l)
{
    begin(l, "decoders");
    item(l, BYTES("true", "true"));
    item(l, REPLACE("</w>", " "));
    item(l, "{\"type\":\"Strip\",\"content\":\" \",\"start\":1,\"stop\":1}");
    end(l);
}

void tf_legacy_decode_suffix(struct tf_legacy *l)
{
    tf_buf_adds(l->out, "{\"type\":\"BPEDecoder\",\"suffix\":\"</w>\"}");
}

void tf_legacy_decode_deberta_v2(struct tf_legacy *l)
{
    write_metaspace(l, tf_legacy_prefix_space(l) ? "always" : "first", true);
}

static void write_fallback(struct tf_legacy *l, bool bytes, bool strip)
{
    begin(l, "decoders");
    item(l, REPLACE(MARK, " "));
    if (bytes)
        item(l, FALLBACK);
    if (strip)
        item(l,
             "{\"type\":\"Strip\",\"content\":\" \",\"start\":1,\"stop\":0}");
    end(l);
}

void tf_legacy_decode_llama(struct tf_legacy *l)
{
    write_fallback(l, true, tf_legacy_prefix_space(l));
}

void tf_legacy_decode_code_llama(struct tf_legacy *l)
{
    write_fallback(l, true, true);
}

void tf_legacy_decode_gemma(struct tf_legacy *l)
{
    write_fallback(l, true, false);
}

void tf_legacy_decode_model(struct tf_legacy *l)
{
    write_fallback(l, l->spm.byte_fallback, false);
}
