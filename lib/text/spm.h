/*
 * SentencePiece models: the two protocol-buffer messages of their file that
 * matter (sentencepiece_model.proto: ModelProto with its SentencePiece,
 * TrainerSpec and NormalizerSpec). The file is not trusted.
 */
#ifndef TF_TEXT_SPM_H
#define TF_TEXT_SPM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/err.h"

enum tf_spm_type {
    TF_SPM_NORMAL = 1,
    TF_SPM_UNKNOWN,
    TF_SPM_CONTROL,
    TF_SPM_USER_DEFINED,
    TF_SPM_UNUSED,
    TF_SPM_BYTE,
};

struct tf_spm_piece {
    struct tf_str s; /* in the file's bytes; valid UTF-8 */
    float score;
    enum tf_spm_type type;
};

struct tf_spm {
    struct tf_spm_piece *pieces; /* by id */
    size_t count;
    bool unigram; /* else BPE, word or char */
    bool byte_fallback;
    int64_t unk_id, bos_id, eos_id, pad_id; /* -1: none */
    struct tf_str unk, bos, eos;            /* how they are spelt */
    struct tf_str charsmap; /* precompiled_charsmap; s NULL: none */
};

/* Read the bytes of a file, which must outlive `spm`. */
int tf_spm_read(struct tf_spm *spm, struct tf_str bytes, struct tf_err *err);
void tf_spm_release(struct tf_spm *spm);
#endif
