#include "text/tokclass.h"

#include <stddef.h>
#include <string.h>

const char *const tf_special_names[TF_SPECIALS] = {
    "bos_token", "eos_token", "unk_token",  "sep_token",
    "pad_token", "cls_token", "mask_token",
};

/* bos, eos, unk, sep, pad, cls, mask */
#define NOTHING                                                                \
    {                                                                          \
        NULL                                                                   \
    }
#define ALBERT                                                                 \
    {                                                                          \
        "[CLS]", "[SEP]", "<unk>", "[SEP]", "<pad>", "[CLS]", "[MASK]"         \
    }
#define BERT                                                                   \
    {                                                                          \
        NULL, NULL, "[UNK]", "[SEP]", "[PAD]", "[CLS]", "[MASK]"               \
    }
#define BIG_BIRD                                                               \
    {                                                                          \
        "<s>", "</s>", "<unk>", "[SEP]", "<pad>", "[CLS]", "[MASK]"            \
    }
#define CLIP                                                                   \
    {                                                                          \
        "<|startoftext|>", "<|endoftext|>", "<|endoftext|>", NULL,             \
            "<|endoftext|>"                                                    \
    }
#define COHERE                                                                 \
    {                                                                          \
        "<BOS_TOKEN>", "<|END_OF_TURN_TOKEN|>", "<UNK>", "<SEP>", "<PAD>",     \
            "<CLS>", "<MASK_TOKEN>"                                            \
    }
#define DEBERTA                                                                \
    {                                                                          \
        "[CLS]", "[SEP]", "[UNK]", "[SEP]", "[PAD]", "[CLS]", "[MASK]"         \
    }
#define ESM                                                                    \
    {                                                                          \
        NULL, "<eos>", "<unk>", NULL, "<pad>", "<cls>", "<mask>"               \
    }
#define FUNNEL                                                                 \
    {                                                                          \
        "<s>", "</s>", "<unk>", "<sep>", "<pad>", "<cls>", "<mask>"            \
    }
#define GEMMA                                                                  \
    {                                                                          \
        "<bos>", "<eos>", "<unk>", NULL, "<pad>", NULL, "<mask>"               \
    }
#define GPT2                                                                   \
    {                                                                          \
        "<|endoftext|>", "<|endoftext|>", "<|endoftext|>"                      \
    }
#define GPT_NEOX                                                               \
    {                                                                          \
        "<|endoftext|>", "<|endoftext|>", "<|endoftext|>", NULL, "<|padding|>" \
    }
#define HERBERT                                                                \
    {                                                                          \
        NULL, NULL, "<unk>", "</s>", "<pad>", "<s>", "<mask>"                  \
    }
#define LLAMA                                                                  \
    {                                                                          \
        "<s>", "</s>", "<unk>"                                                 \
    }
#define M2M100                                                                 \
    {                                                                          \
        "<s>", "</s>", "<unk>", "</s>", "<pad>"                                \
    }
#define MBART50                                                                \
    {                                                                          \
        NULL, "</s>", "<unk>", "</s>", "<pad>", "<s>", "<mask>"                \
    }
#define MPNET                                                                  \
    {                                                                          \
        "<s>", "</s>", "[UNK]", "</s>", "<pad>", "<s>", "<mask>"               \
    }
#define NOUGAT                                                                 \
    {                                                                          \
        "<s>", "</s>", "<unk>", NULL, "<pad>"                                  \
    }
#define PEGASUS                                                                \
    {                                                                          \
        NULL, "</s>", "<unk>", NULL, "<pad>", NULL, "<mask_2>"                 \
    }
#define QWEN2                                                                  \
    {                                                                          \
        NULL, "<|endoftext|>", "<|endoftext|>", NULL, "<|endoftext|>"          \
    }
#define REFORMER                                                               \
    {                                                                          \
        NULL, "</s>", "<unk>"                                                  \
    }
#define ROBERTA                                                                \
    {                                                                          \
        "<s>", "</s>", "<unk>", "</s>", "<pad>", "<s>", "<mask>"               \
    }
#define T5                                                                     \
    {                                                                          \
        NULL, "</s>", "<unk>", NULL, "<pad>"                                   \
    }
#define UDOP                                                                   \
    {                                                                          \
        NULL, "</s>", "<unk>", "</s>", "<pad>"                                 \
    }
#define UNK_ONLY                                                               \
    {                                                                          \
        NULL, NULL, "<unk>"                                                    \
    }
#define XGLM                                                                   \
    {                                                                          \
        "<s>", "</s>", "<unk>", "</s>", "<pad>", "<s>"                         \
    }

static const struct tf_tokclass classes[] = {
    { "TokenizersBackend", NOTHING, false, false }, /* the general one */
    { "AlbertTokenizer", ALBERT, false, false },
    { "BartTokenizer", ROBERTA, false, false },
    { "BarthezTokenizer", ROBERTA, false, false },
    { "BertTokenizer", BERT, true, false },
    { "BigBirdTokenizer", BIG_BIRD, false, false },
    { "BlenderbotTokenizer", ROBERTA, false, false },
    { "ByT5Tokenizer", T5, false, false },
    { "CLIPTokenizer", CLIP, false, false },
    { "CamembertTokenizer", ROBERTA, false, false },
    { "CodeGenTokenizer", GPT2, false, false },
    { "CodeLlamaTokenizer", LLAMA, false, true },
    { "CohereTokenizer", COHERE, false, true },
    { "ConvBertTokenizer", BERT, true, false },
    { "DPRContextEncoderTokenizer", BERT, true, false },
    { "DPRQuestionEncoderTokenizer", BERT, true, false },
    { "DPRReaderTokenizer", BERT, false, false },
    { "DebertaTokenizer", DEBERTA, true, false },
    { "DebertaV2Tokenizer", DEBERTA, true, false },
    { "DistilBertTokenizer", BERT, false, false },
    { "ElectraTokenizer", BERT, true, false },
    { "EsmTokenizer", ESM, false, false },
    { "FNetTokenizer", ALBERT, true, false },
    { "FunnelTokenizer", FUNNEL, false, false },
    { "GPT2Tokenizer", GPT2, false, false },
    { "GPTNeoXTokenizer", GPT_NEOX, false, false },
    { "GemmaTokenizer", GEMMA, false, true },
    { "HerbertTokenizer", HERBERT, false, false },
    { "LEDTokenizer", ROBERTA, false, false },
    { "LayoutLMTokenizer", BERT, true, false },
    { "LayoutLMv2Tokenizer", BERT, true, false },
    { "LayoutLMv3Tokenizer", ROBERTA, false, false },
    { "LayoutXLMTokenizer", ROBERTA, false, false },
    { "LlamaTokenizer", LLAMA, false, true },
    { "LongformerTokenizer", ROBERTA, false, false },
    { "LukeTokenizer", ROBERTA, false, false },
    { "LxmertTokenizer", BERT, true, false },
    { "M2M100Tokenizer", M2M100, false, false },
    { "MBart50Tokenizer", MBART50, false, false },
    { "MBartTokenizer", ROBERTA, false, false },
    { "MPNetTokenizer", MPNET, false, false },
    { "MarianTokenizer", T5, false, false },
    { "MarkupLMTokenizer", ROBERTA, true, false },
    { "MobileBertTokenizer", BERT, true, false },
    { "MvpTokenizer", ROBERTA, false, false },
    { "NllbTokenizer", ROBERTA, false, false },
    { "NougatTokenizer", NOUGAT, false, false },
    { "OpenAIGPTTokenizer", UNK_ONLY, false, false },
    { "PegasusTokenizer", PEGASUS, false, false },
    { "Qwen2Tokenizer", QWEN2, false, false },
    { "Qwen3_5Tokenizer", QWEN2, false, false },
    { "ReformerTokenizer", REFORMER, false, false },
    { "RemBertTokenizer", ALBERT, false, false },
    { "RoFormerTokenizer", BERT, false, false },
    { "RobertaTokenizer", ROBERTA, false, false },
    { "SeamlessM4TTokenizer", XGLM, false, false },
    { "Siglip2Tokenizer", GEMMA, false, true },
    { "SplinterTokenizer", BERT, false, false },
    { "SqueezeBertTokenizer", BERT, true, false },
    { "T5Tokenizer", T5, false, false },
    { "UdopTokenizer", UDOP, false, false },
    { "WhisperTokenizer", GPT2, false, false },
    { "XGLMTokenizer", XGLM, false, false },
    { "XLMRobertaTokenizer", ROBERTA, false, false },
    { "XLNetTokenizer", FUNNEL, false, true },
    /* in Python alone */
    { "BartphoTokenizer", NOTHING, false, false, true },
    { "BertJapaneseTokenizer", NOTHING, false, false, true },
    { "BertweetTokenizer", NOTHING, false, false, true },
    { "BioGptTokenizer", NOTHING, false, false, true },
    { "BlenderbotSmallTokenizer", NOTHING, false, false, true },
    { "CTRLTokenizer", NOTHING, false, false, true },
    { "CanineTokenizer", NOTHING, false, false, true },
    { "CpmAntTokenizer", NOTHING, false, false, true },
    { "CpmTokenizer", NOTHING, false, false, true },
    { "FSMTTokenizer", NOTHING, false, false, true },
    { "FlaubertTokenizer", NOTHING, false, false, true },
    { "GPTNeoXJapaneseTokenizer", NOTHING, false, false, true },
    { "MyT5Tokenizer", NOTHING, false, false, true },
    { "PerceiverTokenizer", NOTHING, false, false, true },
    { "PhobertTokenizer", NOTHING, false, false, true },
    { "ProphetNetTokenizer", NOTHING, false, false, true },
    { "RoCBertTokenizer", NOTHING, false, false, true },
    { "XLMTokenizer", NOTHING, false, false, true },
};

/* The class of a model_type, where it is not the general one by omission. The
 * last member: a different class in the files is known to be wrong. */
static const struct {
    const char *type, *name;
    bool overrides;
} of_model[] = {
    { "albert", "AlbertTokenizer", false },
    { "bart", "RobertaTokenizer", false },
    { "barthez", "BarthezTokenizer", false },
    { "bert", "BertTokenizer", false },
    { "big_bird", "BigBirdTokenizer", false },
    { "bigbird_pegasus", "TokenizersBackend", false },
    { "biogpt", "BioGptTokenizer", false },
    { "blenderbot", "BlenderbotTokenizer", false },
    { "blenderbot-small", "BlenderbotSmallTokenizer", false },
    { "camembert", "CamembertTokenizer", false },
    { "canine", "CanineTokenizer", false },
    { "clip", "CLIPTokenizer", false },
    { "code_llama", "CodeLlamaTokenizer", false },
    { "codegen", "GPT2Tokenizer", false },
    { "cohere", "CohereTokenizer", false },
    { "cohere2", "CohereTokenizer", false },
    { "convbert", "BertTokenizer", false },
    { "ctrl", "CTRLTokenizer", false },
    { "data2vec-text", "RobertaTokenizer", false },
    { "dbrx", "GPT2Tokenizer", false },
    { "deberta", "DebertaTokenizer", false },
    { "deberta-v2", "DebertaV2Tokenizer", false },
    { "distilbert", "BertTokenizer", false },
    { "dpr", "DPRQuestionEncoderTokenizer", false },
    { "electra", "BertTokenizer", false },
    { "ernie", "BertTokenizer", false },
    { "esm", "EsmTokenizer", false },
    { "falcon_mamba", "GPTNeoXTokenizer", false },
    { "flaubert", "FlaubertTokenizer", false },
    { "fnet", "FNetTokenizer", false },
    { "fsmt", "FSMTTokenizer", false },
    { "funnel", "FunnelTokenizer", false },
    { "gemma", "GemmaTokenizer", false },
    { "gemma2", "GemmaTokenizer", false },
    { "gemma3", "GemmaTokenizer", false },
    { "gemma3_text", "GemmaTokenizer", false },
    { "gemma3n", "GemmaTokenizer", false },
    { "gemma3n_text", "GemmaTokenizer", false },
    { "glm", "TokenizersBackend", false },
    { "glm4", "TokenizersBackend", false },
    { "gpt2", "GPT2Tokenizer", false },
    { "gpt_bigcode", "TokenizersBackend", false },
    { "gpt_neo", "GPT2Tokenizer", false },
    { "gpt_neox", "GPTNeoXTokenizer", false },
    { "gpt_neox_japanese", "GPTNeoXJapaneseTokenizer", false },
    { "gptj", "GPT2Tokenizer", false },
    { "granite", "TokenizersBackend", false },
    { "granitemoe", "TokenizersBackend", false },
    { "gte", "XLMRobertaTokenizer", false },
    { "herbert", "HerbertTokenizer", false },
    { "ibert", "RobertaTokenizer", false },
    { "internlm2", "TokenizersBackend", true },
    { "internlm3", "TokenizersBackend", true },
    { "jamba", "TokenizersBackend", true },
    { "jina_embeddings_v3", "XLMRobertaTokenizer", false },
    { "layoutlm", "BertTokenizer", false },
    { "layoutlmv2", "LayoutLMv2Tokenizer", false },
    { "layoutlmv3", "LayoutLMv3Tokenizer", false },
    { "led", "LEDTokenizer", false },
    { "lilt", "RobertaTokenizer", false },
    { "longformer", "RobertaTokenizer", false },
    { "luke", "LukeTokenizer", false },
    { "m2m_100", "M2M100Tokenizer", false },
    { "mamba", "GPTNeoXTokenizer", false },
    { "mamba2", "GPTNeoXTokenizer", false },
    { "marian", "MarianTokenizer", false },
    { "markuplm", "MarkupLMTokenizer", false },
    { "mbart", "MBartTokenizer", false },
    { "mbart50", "MBart50Tokenizer", false },
    { "mega", "RobertaTokenizer", false },
    { "megatron-bert", "BertTokenizer", false },
    { "minicpm3", "TokenizersBackend", true },
    { "ministral", "TokenizersBackend", false },
    { "mistral", "TokenizersBackend", false },
    { "mistral3", "TokenizersBackend", false },
    { "mixtral", "TokenizersBackend", false },
    { "mobilebert", "MobileBertTokenizer", false },
    { "modernbert", "TokenizersBackend", true },
    { "modernbert-decoder", "TokenizersBackend", true },
    { "mpnet", "MPNetTokenizer", false },
    { "mpt", "GPTNeoXTokenizer", false },
    { "mra", "RobertaTokenizer", false },
    { "mt5", "T5Tokenizer", false },
    { "mvp", "MvpTokenizer", false },
    { "nemotron", "TokenizersBackend", true },
    { "nezha", "BertTokenizer", false },
    { "nllb", "NllbTokenizer", false },
    { "nllb-moe", "NllbTokenizer", false },
    { "nomic_bert", "BertTokenizer", false },
    { "nystromformer", "TokenizersBackend", false },
    { "olmo", "GPTNeoXTokenizer", false },
    { "olmo2", "TokenizersBackend", false },
    { "olmo3", "TokenizersBackend", false },
    { "olmoe", "GPTNeoXTokenizer", false },
    { "openai-gpt", "OpenAIGPTTokenizer", false },
    { "opt", "GPT2Tokenizer", false },
    { "pegasus", "PegasusTokenizer", false },
    { "pegasus_x", "TokenizersBackend", false },
    { "persimmon", "TokenizersBackend", false },
    { "phi", "GPT2Tokenizer", false },
    { "phi3", "TokenizersBackend", true },
    { "phimoe", "TokenizersBackend", true },
    { "prophetnet", "ProphetNetTokenizer", false },
    { "qwen2", "Qwen2Tokenizer", true },
    { "qwen2_moe", "Qwen2Tokenizer", false },
    { "qwen3", "Qwen2Tokenizer", false },
    { "qwen3_5", "Qwen3_5Tokenizer", true },
    { "qwen3_moe", "Qwen2Tokenizer", false },
    { "qwen3_next", "Qwen2Tokenizer", false },
    { "reformer", "ReformerTokenizer", false },
    { "rembert", "RemBertTokenizer", false },
    { "roberta", "RobertaTokenizer", false },
    { "roberta-prelayernorm", "RobertaTokenizer", false },
    { "roc_bert", "RoCBertTokenizer", false },
    { "roformer", "RoFormerTokenizer", false },
    { "rwkv", "GPTNeoXTokenizer", false },
    { "splinter", "SplinterTokenizer", false },
    { "squeezebert", "BertTokenizer", false },
    { "stablelm", "TokenizersBackend", false },
    { "starcoder2", "GPT2Tokenizer", false },
    { "switch_transformers", "T5Tokenizer", false },
    { "t5", "T5Tokenizer", false },
    { "t5gemma", "GemmaTokenizer", false },
    { "udop", "UdopTokenizer", false },
    { "umt5", "TokenizersBackend", false },
    { "visual_bert", "BertTokenizer", false },
    { "whisper", "WhisperTokenizer", false },
    { "xglm", "XGLMTokenizer", false },
    { "xlm", "XLMTokenizer", false },
    { "xlm-roberta", "XLMRobertaTokenizer", false },
    { "xlm-roberta-xl", "TokenizersBackend", false },
    { "xlnet", "XLNetTokenizer", false },
    { "xmod", "XLMRobertaTokenizer", false },
    { "yoso", "AlbertTokenizer", false },
};

/* Version 4 called the fast classes so. */
static struct tf_str without_fast(struct tf_str name)
{
    if (name.len > 4 && !memcmp(name.s + name.len - 4, "Fast", 4))
        name.len -= 4;
    return name;
}

static const struct tf_tokclass *find(struct tf_str name)
{
    size_t i;

    name = without_fast(name);
    for (i = 0; i < sizeof(classes) / sizeof(*classes); i++)
        if (tf_str_is(name, classes[i].name))
            return &classes[i];
    return &classes[0];
}

const struct tf_tokclass *tf_tokclass_choose(struct tf_str tokenizer_class,
                                             struct tf_str model_type)
{
    const struct tf_tokclass *registered;
    size_t i, n = sizeof(of_model) / sizeof(*of_model);

    for (i = 0; i < n && !tf_str_is(model_type, of_model[i].type);)
        i++;
    if (i == n)
        return find(tokenizer_class);
    registered =
        find((struct tf_str){ of_model[i].name, strlen(of_model[i].name) });
    if (!tokenizer_class.s || of_model[i].overrides ||
        registered == &classes[0])
        return registered;
    return find(tokenizer_class);
}
