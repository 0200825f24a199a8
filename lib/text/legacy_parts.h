/* Inside legacy*.c: a folder's files on their way to a tokenizer.json. */
#ifndef TF_TEXT_LEGACY_PARTS_H
#define TF_TEXT_LEGACY_PARTS_H

#include "base/mem.h"
#include "base/strmap.h"
#include "text/legacy.h"
#include "text/spm.h"

enum tf_legacy_files {
    TF_LEGACY_WORDS,  /* vocab.txt */
    TF_LEGACY_MERGES, /* vocab.json, merges.txt */
    TF_LEGACY_PIECES, /* a SentencePiece model */
    TF_LEGACY_PAIRED, /* a SentencePiece model whose ids are vocab.json's */
    TF_LEGACY_BYTES,  /* none: bytes are the tokens */
};

struct tf_legacy_entry {
    struct tf_str s;
    double score; /* of Unigram */
    uint32_t id;
};

struct tf_legacy {
    const char *dir;
    const struct tf_tokconfig *config;
    const struct tf_legacy_class *cls;
    enum tf_legacy_files files;
    struct tf_buf *out; /* the tokenizer.json */
    struct tf_err *err;
    struct tf_buf bytes, merges, vocab; /* of the files */
    struct tf_spm spm;
    const char *model_name;             /* of its file */
    struct tf_arena arena;              /* strings that are made here */
    struct tf_legacy_entry *vocabulary; /* by id, except of vocab.json */
    size_t count, cap;
    struct tf_strmap ids;
    struct tf_added_token *added; /* in the order that they are added */
    size_t added_count, added_cap;
    uint32_t next_id; /* of the next added token that is new */
    bool first;       /* item of a sequence that is being written */
    bool failed;      /* `err` says why */
};

/* What the class of a folder makes of its files. */
struct tf_legacy_class {
    const char *name;
    enum tf_legacy_files files;
    /* each may be NULL: pieces as they are; no tokens of its own; null */
    void (*pieces)(struct tf_legacy *l);
    void (*tokens)(struct tf_legacy *l);
    void (*normalizer)(struct tf_legacy *l);
    void (*splitter)(struct tf_legacy *l);
    void (*decoder)(struct tf_legacy *l);
    void (*post)(struct tf_legacy *l);
    const char *single, *pair; /* of tf_legacy_template, without `post` */
    /* of a BPE model; prefix and suffix as JSON */
    bool bpe; /* of pieces: BPE, whatever the model was trained as */
    bool unk, fuse_unk, byte_fallback;
    bool word_level; /* words are in the vocabulary as a whole, or unknown */
    const char *prefix, *suffix;
    int unk_id;      /* of Unigram; -1: where unk_token stands */
    bool from_model; /* all of these as the SentencePiece model says */
    /* where the files are silent */
    bool adds_space;      /* add_prefix_space */
    bool adds_bos;        /* add_bos_token */
    bool mask_lstrip;     /* the mask token takes the blanks before it along */
    bool ends_strip;      /* and eos, unk and pad those on both sides */
    const char *language; /* src_lang */
};

/* The class that the files name; and the general one for such files. */
const struct tf_legacy_class *
tf_legacy_class_find(const struct tf_tokconfig *config);
const struct tf_legacy_class *tf_legacy_class_of(const struct tf_legacy *l);

/* Read the files that the class, or the folder itself, wants. */
int tf_legacy_read(struct tf_legacy *l);

/* Vocabulary entries and added tokens. A string is the caller's, and lives as
 * long as `l`; tf_legacy_text makes one. Errors are kept in `l`. */
struct tf_str tf_legacy_text(struct tf_legacy *l, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void tf_legacy_entry(struct tf_legacy *l, struct tf_str s, double score);
/* The model's pieces from `from` on. */
void tf_legacy_pieces(struct tf_legacy *l, size_t from);
/* A special token that is added unless it is so already. */
void tf_legacy_special(struct tf_legacy *l, struct tf_str s);
/* The same of one that is not special. */
void tf_legacy_plain(struct tf_legacy *l, struct tf_str s);
/* The id of a token, vocabulary or added; of an unknown one, unk_token's. */
uint32_t tf_legacy_id(const struct tf_legacy *l, struct tf_str s);

/* A special token by its place in tf_special_names, as the files or the class
 * spell it, or `otherwise`. */
struct tf_str tf_legacy_token(const struct tf_legacy *l, enum tf_special which,
                              const char *otherwise);

/* The token of the language that texts are in. */
struct tf_str tf_legacy_language(struct tf_legacy *l);

/* Write the value of the "model" member. */
void tf_legacy_write_model(struct tf_legacy *l);

/* add_prefix_space, as the files or the class say. */
bool tf_legacy_prefix_space(const struct tf_legacy *l);

/* Write components; what the classes that they are named after have. */
void tf_legacy_norm_bert(struct tf_legacy *l);
void tf_legacy_norm_herbert(struct tf_legacy *l);
void tf_legacy_norm_openai(struct tf_legacy *l);
void tf_legacy_norm_nfc(struct tf_legacy *l);
void tf_legacy_norm_nfkc(struct tf_legacy *l);
void tf_legacy_norm_clip(struct tf_legacy *l);
void tf_legacy_norm_albert(struct tf_legacy *l);
void tf_legacy_norm_rembert(struct tf_legacy *l);
void tf_legacy_norm_xlnet(struct tf_legacy *l);
void tf_legacy_norm_deberta_v2(struct tf_legacy *l);
void tf_legacy_norm_barthez(struct tf_legacy *l);
void tf_legacy_norm_big_bird(struct tf_legacy *l);
void tf_legacy_norm_layoutxlm(struct tf_legacy *l);
void tf_legacy_norm_charsmap(struct tf_legacy *l);
void tf_legacy_norm_spaces(struct tf_legacy *l);
void tf_legacy_norm_nllb(struct tf_legacy *l);
void tf_legacy_norm_pegasus(struct tf_legacy *l);
void tf_legacy_norm_seamless(struct tf_legacy *l);
void tf_legacy_norm_gemma(struct tf_legacy *l);
void tf_legacy_norm_siglip2(struct tf_legacy *l);
void tf_legacy_norm_model(struct tf_legacy *l);
void tf_legacy_norm_paired(struct tf_legacy *l);
void tf_legacy_split_bert(struct tf_legacy *l);
void tf_legacy_split_bytes(struct tf_legacy *l);
void tf_legacy_split_all_bytes(struct tf_legacy *l);
void tf_legacy_split_blanks(struct tf_legacy *l);
void tf_legacy_split_clip(struct tf_legacy *l);
void tf_legacy_split_cohere(struct tf_legacy *l);
void tf_legacy_split_qwen2(struct tf_legacy *l);
void tf_legacy_split_qwen3_5(struct tf_legacy *l);
void tf_legacy_split_nougat(struct tf_legacy *l);
void tf_legacy_split_mark(struct tf_legacy *l);
void tf_legacy_split_words(struct tf_legacy *l);
void tf_legacy_split_deberta_v2(struct tf_legacy *l);
void tf_legacy_split_first(struct tf_legacy *l);
void tf_legacy_split_llama(struct tf_legacy *l);
void tf_legacy_split_code_llama(struct tf_legacy *l);
void tf_legacy_split_gemma(struct tf_legacy *l);
void tf_legacy_decode_words(struct tf_legacy *l);
void tf_legacy_decode_bytes(struct tf_legacy *l);
void tf_legacy_decode_clip(struct tf_legacy *l);
void tf_legacy_decode_suffix(struct tf_legacy *l);
void tf_legacy_decode_deberta_v2(struct tf_legacy *l);
void tf_legacy_decode_llama(struct tf_legacy *l);
void tf_legacy_decode_code_llama(struct tf_legacy *l);
void tf_legacy_decode_gemma(struct tf_legacy *l);
void tf_legacy_decode_model(struct tf_legacy *l);

/*
 * Write a TemplateProcessing post-processor. Of one text and of a pair: a
 * letter and a type id for each token, "c0 A0 s0": c cls, s sep, b bos, e eos,
 * q question_token, d ".", l the source language; A and B the texts.
 */
void tf_legacy_template(struct tf_legacy *l, const char *single,
                        const char *pair);
/* The others, by their classes. */
void tf_legacy_post_ends(
    struct tf_legacy *l); /* add_bos_token, add_eos_token */
void tf_legacy_post_roberta(struct tf_legacy *l);
void tf_legacy_post_mpnet(struct tf_legacy *l);
void tf_legacy_post_clip(struct tf_legacy *l);
void tf_legacy_post_luke(struct tf_legacy *l);
void tf_legacy_post_herbert(struct tf_legacy *l);
void tf_legacy_post_splinter(struct tf_legacy *l);
void tf_legacy_post_nllb(struct tf_legacy *l);
void tf_legacy_post_codegen(struct tf_legacy *l);
#endif
