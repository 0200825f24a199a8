/* The post-processors of the classes. */
#include <stdio.h>
#include <string.h>
#include "base/jsonl.h"
#include "text/legacy_parts.h"

/* A token of a template by its letter. */
static struct tf_str letter(struct tf_legacy *l, char c)
{
    struct tf_str s = { ".", 1 };

    switch (c) {
    case 'b':
        return tf_legacy_token(l, TF_BOS, "<s>");
    case 'c':
        return tf_legacy_token(l, TF_CLS, "[CLS]");
    case 'e':
        return tf_legacy_token(l, TF_EOS, "</s>");
    case 'l':
        return tf_legacy_language(l);
    case 'q':
        s = tf_tokconfig_string(l->config, "question_token");
        return s.s ? s : (struct tf_str){ "[QUESTION]", 10 };
    case 's':
        return tf_legacy_token(l, TF_SEP, "[SEP]");
    default:
        return s;
    }
}

static void write_items(struct tf_legacy *l, const char *spec)
{
    const char *comma = "";

    for (; *spec; spec += spec[2] ? 3 : 2) {
        tf_buf_adds(l->out, comma);
        comma = ",";
        if (*spec == 'A' || *spec == 'B') {
            tf_buf_addf(l->out, "{\"Sequence\":{\"id\":\"%c\",\"type_id\":%c}}",
                        spec[0], spec[1]);
            continue;
        }
        tf_buf_adds(l->out, "{\"SpecialToken\":{\"id\":");
        tf_put_string(l->out, letter(l, *spec).s, letter(l, *spec).len);
        tf_buf_addf(l->out, ",\"type_id\":%c}}", spec[1]);
    }
}

static void write_template_token(struct tf_legacy *l, struct tf_str s)
{
    tf_put_string(l->out, s.s, s.len);
    tf_buf_adds(l->out, ":{\"id\":");
    tf_put_string(l->out, s.s, s.len);
    tf_buf_addf(l->out, ",\"ids\":[%u],\"tokens\":[",
                (unsigned)tf_legacy_id(l, s));
    tf_put_string(l->out, s.s, s.len);
    tf_buf_adds(l->out, "]}");
}

void tf_legacy_template(struct tf_legacy *l, const char *single,
                        const char *pair)
{
    static const char letters[] = "bcelqsd";
    const char *p, *comma = "";

    tf_buf_adds(l->out, "{\"type\":\"TemplateProcessing\",\"single\":[");
    write_items(l, single);
    tf_buf_adds(l->out, "],\"pair\":[");
    write_items(l, pair);
    tf_buf_adds(l->out, "],\"special_tokens\":{");
    for (p = letters; *p; p++)
        if (strchr(single, *p) || strchr(pair, *p)) {
            tf_buf_adds(l->out, comma);
            write_template_token(l, letter(l, *p));
            comma = ",";
        }
    tf_buf_adds(l->out, "}}");
}

void tf_legacy_post_ends(struct tf_legacy *l)
{
    bool bos =
        tf_tokconfig_flag(l->config, "add_bos_token", l->cls->adds_bos) &&
        tf_legacy_token(l, TF_BOS, NULL).s;
    bool eos = tf_tokconfig_flag(l->config, "add_eos_token", false) &&
               tf_legacy_token(l, TF_EOS, NULL).s;
    char single[16], pair[32];

    snprintf(single, sizeof(single), "%sA0%s", bos ? "b0 " : "",
             eos ? " e0" : "");
    snprintf(pair, sizeof(pair), "%s%s B1%s", single, bos ? " b1" : "",
             eos ? " e1" : "");
    tf_legacy_template(l, single, pair);
}

static void write_pair(struct tf_legacy *l, const char *name, struct tf_str s,
                       uint32_t id)
{
    tf_buf_addf(l->out, ",\"%s\":[", name);
    tf_put_string(l->out, s.s, s.len);
    tf_buf_addf(l->out, ",%u]", (unsigned)id);
}

static void roberta(struct tf_legacy *l, char sep, char cls, bool trim,
                    bool prefix)
{
    struct tf_str s = letter(l, sep), c = letter(l, cls);

    tf_buf_adds(l->out, "{\"type\":\"RobertaProcessing\"");
    write_pair(l, "sep", s, tf_legacy_id(l, s));
    write_pair(l, "cls", c, tf_legacy_id(l, c));
    tf_buf_addf(l->out, ",\"trim_offsets\":%s,\"add_prefix_space\":%s}",
                trim ? "true" : "false", prefix ? "true" : "false");
}

void tf_legacy_post_roberta(struct tf_legacy *l)
{
    roberta(l, 's', 'c', tf_tokconfig_flag(l->config, "trim_offsets", true),
            tf_legacy_prefix_space(l));
}

void tf_legacy_post_mpnet(struct tf_legacy *l)
{
    roberta(l, 's', 'c', true, false);
}

void tf_legacy_post_clip(struct tf_legacy *l)
{
    roberta(l, 'e', 'b', false, false);
}

void tf_legacy_post_luke(struct tf_legacy *l)
{
    roberta(l, 's', 'c', true, true);
}

/* The class has these ids written down. */
void tf_legacy_post_herbert(struct tf_legacy *l)
{
    tf_buf_adds(l->out, "{\"type\":\"BertProcessing\"");
    write_pair(l, "sep", letter(l, 's'), 2);
    write_pair(l, "cls", letter(l, 'c'), 0);
    tf_buf_adds(l->out, "}");
}

void tf_legacy_post_splinter(struct tf_legacy *l)
{
    struct tf_str side = tf_tokconfig_string(l->config, "padding_side");

    tf_legacy_template(l, "c0 A0 s0",
                       tf_str_is(side, "left") ? "c0 A0 s0 B1 q0 d0 s1"
                                               : "c0 A0 q0 d0 s0 B1 s1");
}

void tf_legacy_post_nllb(struct tf_legacy *l)
{
    if (tf_tokconfig_flag(l->config, "legacy_behaviour", false))
        tf_legacy_template(l, "A0 e0 l0", "A0 B0 e0 l0");
    else
        tf_legacy_template(l, "l0 A0 e0", "l0 A0 B0 e0");
}

void tf_legacy_post_codegen(struct tf_legacy *l)
{
    tf_buf_adds(l->out, "{\"type\":\"ByteLevel\",\"add_prefix_space\":true,"
                        "\"trim_offsets\":false,\"use_regex\":true}");
}
