/* Inside decode*.c: what a decoder is made of. */
#ifndef TF_TEXT_DECODERS_H
#define TF_TEXT_DECODERS_H

#include "text/component.h"
#include "text/decode.h"
#include "text/pattern.h"
#include "text/utf8.h"

/* Strings one after the other. */
struct tf_strings {
    struct tf_buf text;
    size_t *end; /* of each */
    size_t count, cap;
};

/* The strings that a step reads, and those that it writes. */
struct tf_decoding {
    struct tf_strings now, next;
    struct tf_pretext pre; /* lends match memory */
    bool failed;           /* no memory */
};

typedef void tf_decoder_run(const struct tf_decoder *d, struct tf_decoding *x);

struct tf_decoder {
    tf_decoder_run *run; /* NULL: of Sequence, which has items */
    /* prefix of WordPiece, replacement of Metaspace, suffix of BPEDecoder,
     * pad_token of CTC, content of Strip and Replace */
    struct tf_str text;
    struct tf_str delimiter; /* of words, CTC */
    bool cleanup;            /* WordPiece, CTC */
    bool prefixed;           /* Metaspace: the first token's mark is no space */
    size_t start, stop;      /* Strip */
    struct tf_pattern pattern;  /* Replace */
    struct tf_components items; /* of Sequence */
};

tf_decoder_run tf_decode_bpe;
tf_decoder_run tf_decode_byte_fallback;
tf_decoder_run tf_decode_byte_level;
tf_decoder_run tf_decode_ctc;
tf_decoder_run tf_decode_fuse;
tf_decoder_run tf_decode_metaspace;
tf_decoder_run tf_decode_replace;
tf_decoder_run tf_decode_strip;
tf_decoder_run tf_decode_wordpiece;

/* Run one decoder; what it wrote becomes what the next one reads. */
void tf_decode_step(const struct tf_decoder *d, struct tf_decoding *x);
#endif
