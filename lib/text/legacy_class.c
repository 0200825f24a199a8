/*
 * What each tokenizer class of Transformers (5.23) makes of a folder's files:
 * its components, and the pieces of a SentencePiece model in the order of ids
 * that its models were trained with.
 */
#include <string.h>
#include "text/legacy_parts.h"

#define TEXT(s) ((struct tf_str){ s, sizeof(s) - 1 })

static void special_entry(struct tf_legacy *l, enum tf_special which,
                          const char *otherwise)
{
    tf_legacy_entry(l, tf_legacy_token(l, which, otherwise), 0);
}

/* fairseq's order: four tokens in the place of the model's first three. */
static void fairseq(struct tf_legacy *l, enum tf_special first)
{
    special_entry(l, first, "<s>");
    special_entry(l, TF_PAD, "<pad>");
    special_entry(l, TF_EOS, "</s>");
    special_entry(l, TF_UNK, "<unk>");
    tf_legacy_pieces(l, 3);
}

static void pieces_xlm_roberta(struct tf_legacy *l)
{
    fairseq(l, TF_BOS);
    special_entry(l, TF_MASK, "<mask>");
}

static void pieces_camembert(struct tf_legacy *l)
{
    tf_legacy_entry(l, TEXT("<s>NOTUSED"), 0);
    special_entry(l, TF_PAD, "<pad>");
    tf_legacy_entry(l, TEXT("</s>NOTUSED"), 0);
    special_entry(l, TF_UNK, "<unk>");
    tf_legacy_entry(l, TEXT("<unk>NOTUSED"), -100);
    tf_legacy_pieces(l, 1);
    special_entry(l, TF_MASK, "<mask>");
}

/* mBART has the first 25. */
static const char *const languages[] = {
    "ar_AR", "cs_CZ", "de_DE", "en_XX", "es_XX", "et_EE", "fi_FI", "fr_XX",
    "gu_IN", "hi_IN", "it_IT", "ja_XX", "kk_KZ", "ko_KR", "lt_LT", "lv_LV",
    "my_MM", "ne_NP", "nl_XX", "ro_RO", "ru_RU", "si_LK", "tr_TR", "vi_VN",
    "zh_CN", "af_ZA", "az_AZ", "bn_IN", "fa_IR", "he_IL", "hr_HR", "id_ID",
    "ka_GE", "km_KH", "mk_MK", "ml_IN", "mn_MN", "mr_IN", "pl_PL", "ps_AF",
    "pt_XX", "sv_SE", "sw_KE", "ta_IN", "te_IN", "th_TH", "tl_XX", "uk_UA",
    "ur_PK", "xh_ZA", "gl_ES", "sl_SI",
};

#define MBART   25
#define MBART50 (sizeof(languages) / sizeof(languages[0]))

static struct tf_str language(size_t i)
{
    return (struct tf_str){ languages[i], 5 };
}

static void language_pieces(struct tf_legacy *l, size_t n)
{
    size_t i;

    for (i = 0; i < n; i++)
        tf_legacy_entry(l, language(i), 0);
    special_entry(l, TF_MASK, "<mask>");
}

static void language_tokens(struct tf_legacy *l, size_t n)
{
    size_t i;

    for (i = 0; i < n; i++)
        tf_legacy_special(l, language(i));
}

static void pieces_mbart(struct tf_legacy *l)
{
    fairseq(l, TF_BOS);
    language_pieces(l, MBART);
}

static void tokens_mbart(struct tf_legacy *l)
{
    language_tokens(l, MBART);
}

static void pieces_mbart50(struct tf_legacy *l)
{
    fairseq(l, TF_CLS);
    language_pieces(l, MBART50);
}

static void tokens_mbart50(struct tf_legacy *l)
{
    language_tokens(l, MBART50);
}

/* fairseq's four, then the pieces that are none of them. */
static void pieces_nllb(struct tf_legacy *l)
{
    size_t i;

    special_entry(l, TF_BOS, "<s>");
    special_entry(l, TF_PAD, "<pad>");
    special_entry(l, TF_EOS, "</s>");
    special_entry(l, TF_UNK, "<unk>");
    for (i = 0; i < l->spm.count; i++) {
        struct tf_str s = l->spm.pieces[i].s;

        if (tf_strmap_get(&l->ids, s.s, s.len) == TF_STRMAP_NONE)
            tf_legacy_entry(l, s, 0);
    }
}

static void pieces_seamless(struct tf_legacy *l)
{
    tf_legacy_entry(l, TEXT("<pad>"), 0);
    tf_legacy_pieces(l, 0);
}

static void pieces_xglm(struct tf_legacy *l)
{
    int i;

    fairseq(l, TF_BOS);
    for (i = 0; i < 7; i++)
        tf_legacy_entry(l, tf_legacy_text(l, "<madeupword%d>", i), 0);
}

static void tokens_xglm(struct tf_legacy *l)
{
    int i;

    for (i = 0; i < 7; i++)
        tf_legacy_special(l, tf_legacy_text(l, "<madeupword%d>", i));
}

/* A whole number of the files, from 0 to 10,000. */
static int number(const struct tf_legacy *l, const char *name, int otherwise)
{
    double n = tf_tokconfig_number(l->config, name, otherwise);

    return n >= 0 && n <= 10000 ? (int)n : otherwise;
}

static void pieces_t5(struct tf_legacy *l)
{
    int i = number(l, "extra_ids", 100);

    tf_legacy_pieces(l, 0);
    while (i-- > 0)
        tf_legacy_entry(l, tf_legacy_text(l, "<extra_id_%d>", i), 0);
}

static void tokens_t5(struct tf_legacy *l)
{
    int i, n = number(l, "extra_ids", 100);

    for (i = 0; i < n; i++)
        tf_legacy_special(l, tf_legacy_text(l, "<extra_id_%d>", i));
}

/* Without mask tokens of the files, their class has the two the other way
 * round than where it writes the vocabulary. */
static struct tf_str pegasus_mask(const struct tf_legacy *l, const char *name,
                                  const char *otherwise)
{
    struct tf_str s = tf_tokconfig_string(l->config, name);

    return s.s ? s : (struct tf_str){ otherwise, strlen(otherwise) };
}

static void pieces_pegasus(struct tf_legacy *l)
{
    struct tf_str mask = pegasus_mask(l, "mask_token", "<mask_1>");
    struct tf_str sentence = pegasus_mask(l, "mask_token_sent", "<mask_2>");
    int i, offset = number(l, "offset", 103);

    special_entry(l, TF_PAD, "<pad>");
    special_entry(l, TF_EOS, "</s>");
    tf_legacy_entry(l, mask, 0);
    if (!tf_str_eq(mask, sentence))
        tf_legacy_entry(l, sentence, 0);
    for (i = 2; i < offset; i++)
        tf_legacy_entry(l, tf_legacy_text(l, "<unk_%d>", i), -100);
    tf_legacy_pieces(l, 2);
}

static void tokens_pegasus(struct tf_legacy *l)
{
    int i, offset = number(l, "offset", 103);

    tf_legacy_special(l, pegasus_mask(l, "mask_token_sent", "<mask_1>"));
    for (i = 2; i < offset; i++)
        tf_legacy_special(l, tf_legacy_text(l, "<unk_%d>", i));
}

static void tokens_xlnet(struct tf_legacy *l)
{
    tf_legacy_special(l, TEXT("<eop>"));
    tf_legacy_special(l, TEXT("<eod>"));
}

static void tokens_camembert(struct tf_legacy *l)
{
    tf_legacy_special(l, TEXT("<s>NOTUSED"));
    tf_legacy_special(l, TEXT("</s>NOTUSED"));
    tf_legacy_special(l, TEXT("<unk>NOTUSED"));
}

static void tokens_code_llama(struct tf_legacy *l)
{
    tf_legacy_special(l, TEXT("\xE2\x96\x81<PRE>"));
    tf_legacy_special(l, TEXT("\xE2\x96\x81<MID>"));
    tf_legacy_special(l, TEXT("\xE2\x96\x81<SUF>"));
    tf_legacy_special(l, TEXT("\xE2\x96\x81<EOT>"));
    tf_legacy_special(l, TEXT("<FILL_ME>"));
}

static void tokens_luke(struct tf_legacy *l)
{
    tf_legacy_special(l, TEXT("<ent>"));
    tf_legacy_special(l, TEXT("<ent2>"));
    tf_legacy_special(l, TEXT("[UNK]"));
    tf_legacy_special(l, TEXT("[PAD]"));
    tf_legacy_special(l, TEXT("[MASK]"));
    tf_legacy_special(l, TEXT("[MASK2]"));
}

static void tokens_splinter(struct tf_legacy *l)
{
    tf_legacy_special(l, TEXT("[QUESTION]"));
}

static void tokens_model(struct tf_legacy *l)
{
    if (l->spm.bos_id >= 0)
        tf_legacy_special(l, l->spm.bos);
    if (l->spm.eos_id >= 0)
        tf_legacy_special(l, l->spm.eos);
    if (l->spm.unk_id >= 0)
        tf_legacy_special(l, l->spm.unk);
}

/* Target languages stand before Marian's texts. */
static void tokens_marian(struct tf_legacy *l)
{
    size_t i;

    for (i = 0; i < l->count; i++) {
        struct tf_str s = l->vocabulary[i].s;

        if (s.len > 4 && !memcmp(s.s, ">>", 2) &&
            !memcmp(s.s + s.len - 2, "<<", 2))
            tf_legacy_special(l, s);
    }
}

/* They come after the vocabulary. */
static void tokens_m2m100(struct tf_legacy *l)
{
    static const char codes[] =
        "af am ar ast az ba be bg bn br bs ca ceb cs cy da de el en es et fa "
        "ff fi fr fy ga gd gl gu ha he hi hr ht hu hy id ig ilo is it ja jv ka "
        "kk km kn ko lb lg ln lo lt lv mg mk ml mn mr ms my ne nl no ns oc or "
        "pa pl ps pt ro ru sd si sk sl so sq sr ss su sv sw ta th tl tn tr uk "
        "ur uz vi wo xh yi yo zh zu";
    static const char wmt21[] = "en ha is ja cs ru zh de";
    struct tf_str set = tf_tokconfig_string(l->config, "language_codes");
    const char *p = tf_str_is(set, "wmt21") ? wmt21 : codes;
    int n;

    for (; *p; p += n + (p[n] == ' ')) {
        n = (int)strcspn(p, " ");
        tf_legacy_special(l, tf_legacy_text(l, "__%.*s__", n, p));
    }
}

/* Each of the vocabulary stands out of what it is written into. */
static void tokens_vocabulary(struct tf_legacy *l)
{
    for (size_t i = 0; i < l->count; i++)
        tf_legacy_plain(l, l->vocabulary[i].s);
}

static void tokens_sentinels(struct tf_legacy *l)
{
    int n = number(l, "extra_ids", 125);

    for (int i = 0; i < n; i++)
        tf_legacy_special(l, tf_legacy_text(l, "<extra_id_%d>", i));
}

#define WORDS                                                                  \
    .files = TF_LEGACY_WORDS, .splitter = tf_legacy_split_bert,                \
    .decoder = tf_legacy_decode_words
#define BERT    WORDS, .normalizer = tf_legacy_norm_bert
#define CLS_SEP .single = "c0 A0 s0", .pair = "c0 A0 s0 B1 s1"
/* byte-level BPE */
#define MERGES .files = TF_LEGACY_MERGES, .prefix = "\"\"", .suffix = "\"\""
#define BYTES                                                                  \
    MERGES, .splitter = tf_legacy_split_bytes, .decoder = tf_legacy_decode_bytes
#define ENDS      .post = tf_legacy_post_ends
#define WORD_ENDS .files = TF_LEGACY_MERGES, .suffix = "\"</w>\"", .unk = true
#define PIECES    .files = TF_LEGACY_PIECES, .adds_space = true
#define MARKED                                                                 \
    PIECES, .splitter = tf_legacy_split_mark, .decoder = tf_legacy_split_mark
#define SPACED                                                                 \
    PIECES, .splitter = tf_legacy_split_words, .decoder = tf_legacy_split_mark
#define PIECES_BPE PIECES, .bpe = true, .fuse_unk = true
#define FALLBACK   PIECES_BPE, .byte_fallback = true
#define FROM_MODEL                                                             \
    .files = TF_LEGACY_PIECES, .from_model = true, .fuse_unk = true,           \
    .normalizer = tf_legacy_norm_model, .decoder = tf_legacy_decode_model,     \
    .tokens = tokens_model, ENDS
#define PAIRED                                                                 \
    .files = TF_LEGACY_PAIRED, .adds_space = true, .unk_id = -1,               \
    .normalizer = tf_legacy_norm_paired, .splitter = tf_legacy_split_mark,     \
    .decoder = tf_legacy_split_mark

static const struct tf_legacy_class classes[] = {
    { "BertTokenizer", BERT, CLS_SEP },
    { "EsmTokenizer", .files = TF_LEGACY_WORDS, .word_level = true,
      .tokens = tokens_vocabulary, .splitter = tf_legacy_split_blanks,
      .single = "c0 A0 e0", .pair = "c0 A0 e0 B0 e0" },
    { "ByT5Tokenizer", .files = TF_LEGACY_BYTES, .ends_strip = true,
      .tokens = tokens_sentinels, .splitter = tf_legacy_split_all_bytes,
      .decoder = tf_legacy_decode_bytes, .single = "A0 e0",
      .pair = "A0 e0 B0 e0" },
    { "FunnelTokenizer", BERT, .single = "c2 A0 s0", .pair = "c2 A0 s0 B1 s1" },
    { "MPNetTokenizer", BERT, .post = tf_legacy_post_mpnet,
      .mask_lstrip = true },
    { "SplinterTokenizer", BERT, .post = tf_legacy_post_splinter,
      .tokens = tokens_splinter },
    { "GPT2Tokenizer", BYTES, ENDS },
    { "CodeGenTokenizer", BYTES, .post = tf_legacy_post_codegen },
    { "GPTNeoXTokenizer", BYTES, ENDS, .normalizer = tf_legacy_norm_nfc },
    { "RobertaTokenizer", BYTES, .post = tf_legacy_post_roberta },
    { "LukeTokenizer", BYTES, .post = tf_legacy_post_luke,
      .tokens = tokens_luke },
    { "LayoutLMv3Tokenizer", BYTES, .post = tf_legacy_post_roberta,
      .adds_space = true },
    { "MarkupLMTokenizer", BYTES, .single = "c0 A0 s0",
      .pair = "c0 A0 s0 B0 s0", .mask_lstrip = true },
    { "BlenderbotTokenizer", BYTES, ENDS, .adds_space = true,
      .mask_lstrip = true },
    { "DebertaTokenizer", BYTES, .single = "c0 A0 s0",
      .pair = "c0 A0 s0 s0 B0 s0" },
    { "CohereTokenizer", MERGES, ENDS, .normalizer = tf_legacy_norm_nfc,
      .splitter = tf_legacy_split_cohere, .decoder = tf_legacy_decode_bytes },
    { "Qwen2Tokenizer", MERGES, ENDS, .normalizer = tf_legacy_norm_nfc,
      .splitter = tf_legacy_split_qwen2, .decoder = tf_legacy_decode_bytes },
    { "Qwen3_5Tokenizer", MERGES, ENDS, .normalizer = tf_legacy_norm_nfc,
      .splitter = tf_legacy_split_qwen3_5, .decoder = tf_legacy_decode_bytes },
    { "NougatTokenizer", MERGES, .normalizer = tf_legacy_norm_nfkc,
      .splitter = tf_legacy_split_nougat, .decoder = tf_legacy_decode_bytes,
      .single = "b0 A0 e0", .pair = "A0 B1" },
    { "CLIPTokenizer", WORD_ENDS, .prefix = "\"\"", .post = tf_legacy_post_clip,
      .normalizer = tf_legacy_norm_clip, .splitter = tf_legacy_split_clip,
      .decoder = tf_legacy_decode_clip },
    { "OpenAIGPTTokenizer", WORD_ENDS, ENDS, .prefix = "\"\"",
      .normalizer = tf_legacy_norm_openai, .splitter = tf_legacy_split_bert,
      .decoder = tf_legacy_decode_suffix },
    { "HerbertTokenizer", WORD_ENDS, .post = tf_legacy_post_herbert,
      .normalizer = tf_legacy_norm_herbert, .splitter = tf_legacy_split_bert,
      .decoder = tf_legacy_decode_suffix },
    { "AlbertTokenizer", SPACED, CLS_SEP, .unk_id = 1,
      .normalizer = tf_legacy_norm_albert },
    { "FNetTokenizer", FROM_MODEL },
    { "RemBertTokenizer", MARKED, ENDS, .unk_id = 2,
      .normalizer = tf_legacy_norm_rembert },
    { "XLNetTokenizer", SPACED, .unk_id = -1, .mask_lstrip = true,
      .normalizer = tf_legacy_norm_xlnet, .tokens = tokens_xlnet,
      .single = "A0 s0 c2", .pair = "A0 s0 B1 s1 c2" },
    { "BigBirdTokenizer", MARKED, CLS_SEP, .unk_id = -1, .mask_lstrip = true,
      .normalizer = tf_legacy_norm_big_bird },
    { "DebertaV2Tokenizer", PIECES, CLS_SEP, .unk_id = -1,
      .normalizer = tf_legacy_norm_deberta_v2,
      .splitter = tf_legacy_split_deberta_v2,
      .decoder = tf_legacy_decode_deberta_v2 },
    { "BarthezTokenizer", MARKED, ENDS, .unk_id = 3, .mask_lstrip = true,
      .normalizer = tf_legacy_norm_barthez },
    { "CamembertTokenizer", SPACED, .unk_id = -1, .mask_lstrip = true,
      .pieces = pieces_camembert, .tokens = tokens_camembert,
      .normalizer = tf_legacy_norm_charsmap, .single = "b0 A0 e0",
      .pair = "b0 A0 e0 e0 B0 e0" },
    { "XLMRobertaTokenizer", SPACED, .unk_id = 3, .pieces = pieces_xlm_roberta,
      .normalizer = tf_legacy_norm_charsmap, .single = "b0 A0 e0",
      .pair = "b0 A0 e0 e0 B0 e0" },
    { "LayoutXLMTokenizer", MARKED, .unk_id = 3, .mask_lstrip = true,
      .pieces = pieces_xlm_roberta, .normalizer = tf_legacy_norm_layoutxlm,
      .single = "c0 A0 s0", .pair = "c0 A0 s0 s0 B0 s0" },
    { "MBartTokenizer", SPACED, .unk_id = 3, .mask_lstrip = true,
      .pieces = pieces_mbart, .tokens = tokens_mbart, .language = "en_XX",
      .single = "A0 e0 l0", .pair = "A0 B0 e0 l0" },
    { "MBart50Tokenizer", MARKED, .unk_id = 3, .mask_lstrip = true,
      .pieces = pieces_mbart50, .tokens = tokens_mbart50, .language = "en_XX",
      .normalizer = tf_legacy_norm_spaces, .single = "l0 A0 e0",
      .pair = "l0 A0 B0 e0" },
    { "NllbTokenizer", PIECES_BPE, .unk = true, .mask_lstrip = true,
      .pieces = pieces_nllb, .language = "eng_Latn",
      .post = tf_legacy_post_nllb, .normalizer = tf_legacy_norm_nllb,
      .splitter = tf_legacy_split_mark, .decoder = tf_legacy_split_mark },
    { "SeamlessM4TTokenizer", PIECES_BPE, .unk = true,
      .pieces = pieces_seamless, .language = "__fra__",
      .normalizer = tf_legacy_norm_seamless, .splitter = tf_legacy_split_first,
      .decoder = tf_legacy_split_first, .single = "l0 A0 e0",
      .pair = "l0 A0 B0 e0" },
    { "XGLMTokenizer", MARKED, .unk_id = 3, .pieces = pieces_xglm,
      .tokens = tokens_xglm, .normalizer = tf_legacy_norm_spaces,
      .single = "e0 A0", .pair = "e0 A0 e0 e0 B0" },
    { "T5Tokenizer", SPACED, .unk_id = 2, .pieces = pieces_t5,
      .tokens = tokens_t5, .normalizer = tf_legacy_norm_charsmap,
      .single = "A0 e0", .pair = "A0 e0 B0 e0" },
    { "UdopTokenizer", SPACED, .unk_id = -1, .single = "A0 e0",
      .pair = "A0 e0 B0 e0" },
    { "PegasusTokenizer", MARKED, .unk_id = -1, .pieces = pieces_pegasus,
      .tokens = tokens_pegasus, .normalizer = tf_legacy_norm_pegasus,
      .single = "A0 e0", .pair = "A0 B0 e0" },
    { "ReformerTokenizer", PIECES_BPE, ENDS, .unk = true,
      .normalizer = tf_legacy_norm_nllb, .splitter = tf_legacy_split_mark,
      .decoder = tf_legacy_split_mark },
    { "LlamaTokenizer", FALLBACK, ENDS, .splitter = tf_legacy_split_llama,
      .decoder = tf_legacy_decode_llama },
    { "CodeLlamaTokenizer", FALLBACK, ENDS, .unk = true, .adds_bos = true,
      .tokens = tokens_code_llama, .splitter = tf_legacy_split_code_llama,
      .decoder = tf_legacy_decode_code_llama },
    { "GemmaTokenizer", FALLBACK, ENDS, .unk = true,
      .normalizer = tf_legacy_norm_gemma, .splitter = tf_legacy_split_gemma,
      .decoder = tf_legacy_decode_gemma },
    { "Siglip2Tokenizer", FALLBACK, ENDS, .unk = true,
      .normalizer = tf_legacy_norm_siglip2, .splitter = tf_legacy_split_gemma,
      .decoder = tf_legacy_decode_gemma },
    { "MarianTokenizer", PAIRED, .tokens = tokens_marian, .single = "A0 e0",
      .pair = "A0 B0 e0" },
    { "M2M100Tokenizer", PAIRED, .tokens = tokens_m2m100, .language = "__en__",
      .single = "l0 A0 e0", .pair = "l0 A0 B0 e0" },
    { "TokenizersBackend", FROM_MODEL },
};

#define CLASSES (sizeof(classes) / sizeof(classes[0]))

/* Classes that make the same of their files as another. */
static const struct {
    const char *name, *same;
} aliases[] = {
    { "BartTokenizer", "RobertaTokenizer" },
    { "ConvBertTokenizer", "BertTokenizer" },
    { "DPRContextEncoderTokenizer", "BertTokenizer" },
    { "DPRQuestionEncoderTokenizer", "BertTokenizer" },
    { "DPRReaderTokenizer", "BertTokenizer" },
    { "DistilBertTokenizer", "BertTokenizer" },
    { "ElectraTokenizer", "BertTokenizer" },
    { "LEDTokenizer", "RobertaTokenizer" },
    { "LayoutLMTokenizer", "BertTokenizer" },
    { "LayoutLMv2Tokenizer", "BertTokenizer" },
    { "LongformerTokenizer", "RobertaTokenizer" },
    { "LxmertTokenizer", "BertTokenizer" },
    { "MobileBertTokenizer", "BertTokenizer" },
    { "MvpTokenizer", "RobertaTokenizer" },
    { "SqueezeBertTokenizer", "BertTokenizer" },
    { "WhisperTokenizer", "GPT2Tokenizer" },
};

static const struct tf_legacy_class *find(const char *name)
{
    size_t i;

    for (i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++)
        if (!strcmp(name, aliases[i].name))
            name = aliases[i].same;
    for (i = 0; i < CLASSES; i++)
        if (!strcmp(name, classes[i].name))
            return &classes[i];
    return NULL;
}

const struct tf_legacy_class *
tf_legacy_class_find(const struct tf_tokconfig *config)
{
    const struct tf_legacy_class *c = NULL;

    if (config->cls)
        c = find(config->cls->name);
    return c ? c : &classes[CLASSES - 1];
}

const struct tf_legacy_class *tf_legacy_class_of(const struct tf_legacy *l)
{
    switch (l->files) {
    case TF_LEGACY_WORDS:
        return find("BertTokenizer");
    case TF_LEGACY_MERGES:
        return find("GPT2Tokenizer");
    case TF_LEGACY_PAIRED:
        return find(!strcmp(l->model_name, "source.spm") ? "MarianTokenizer"
                                                         : "M2M100Tokenizer");
    default:
        return find("TokenizersBackend");
    }
}
