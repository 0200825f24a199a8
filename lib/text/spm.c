#include "text/spm.h"

#include <stdlib.h>
#include <string.h>
#include "base/io.h"
#include "base/jsonl.h"
#include "base/mem.h"

/* One field of a message: a number, or bytes. */
struct field {
    uint64_t number; /* which */
    int wire;
    uint64_t value;      /* wire types 0, 1 and 5 */
    struct tf_str bytes; /* wire type 2 */
};

static bool varint(struct tf_str *s, uint64_t *out)
{
    unsigned shift;

    for (*out = 0, shift = 0; s->len && shift < 64; shift += 7) {
        unsigned char b = (unsigned char)*s->s;

        s->s++;
        s->len--;
        *out |= (uint64_t)(b & 0x7F) << shift;
        if (b < 0x80)
            return true;
    }
    return false;
}

static bool take(struct tf_str *s, uint64_t n, struct tf_str *out)
{
    if (n > s->len)
        return false;
    out->s = s->s;
    out->len = (size_t)n;
    s->s += n;
    s->len -= (size_t)n;
    return true;
}

/* The next field of a message; false at its end, or with *bad set. */
static bool next_field(struct tf_str *message, struct field *f, bool *bad)
{
    uint64_t tag, n;
    struct tf_str raw;

    if (!message->len)
        return false;
    *bad = true;
    if (!varint(message, &tag))
        return false;
    f->number = tag >> 3;
    f->wire = (int)(tag & 7);
    f->value = 0;
    switch (f->wire) {
    case 0:
        if (!varint(message, &f->value))
            return false;
        break;
    case 1:
        if (!take(message, 8, &raw))
            return false;
        f->value = tf_load_le64(raw.s);
        break;
    case 2:
        if (!varint(message, &n) || !take(message, n, &f->bytes))
            return false;
        break;
    case 5:
        if (!take(message, 4, &raw))
            return false;
        f->value = tf_load_le32(raw.s);
        break;
    default:
        return false;
    }
    *bad = false;
    return true;
}

static bool read_piece(struct tf_str message, struct tf_spm_piece *p)
{
    struct field f;
    uint32_t bits;
    bool bad = false;

    p->type = TF_SPM_NORMAL;
    while (next_field(&message, &f, &bad)) {
        if (f.number == 1 && f.wire == 2) {
            p->s = f.bytes;
        } else if (f.number == 2 && f.wire == 5) {
            bits = (uint32_t)f.value;
            memcpy(&p->score, &bits, sizeof(p->score));
        } else if (f.number == 3 && f.wire == 0 && f.value >= 1 &&
                   f.value <= TF_SPM_BYTE) {
            p->type = (enum tf_spm_type)f.value;
        }
    }
    return !bad && tf_utf8_valid(p->s.s, p->s.len) == p->s.len;
}

/* int32 fields of protocol buffers are sign-extended. */
static int64_t signed_id(uint64_t v)
{
    return (int32_t)(uint32_t)v;
}

static bool read_trainer(struct tf_spm *spm, struct tf_str message)
{
    struct field f;
    bool bad = false;

    while (next_field(&message, &f, &bad)) {
        if (f.wire == 0 && f.number == 3)
            spm->unigram = f.value == 1;
        else if (f.wire == 0 && f.number == 35)
            spm->byte_fallback = f.value != 0;
        else if (f.wire == 0 && f.number == 40)
            spm->unk_id = signed_id(f.value);
        else if (f.wire == 0 && f.number == 41)
            spm->bos_id = signed_id(f.value);
        else if (f.wire == 0 && f.number == 42)
            spm->eos_id = signed_id(f.value);
        else if (f.wire == 0 && f.number == 43)
            spm->pad_id = signed_id(f.value);
        else if (f.wire == 2 && f.number == 45)
            spm->unk = f.bytes;
        else if (f.wire == 2 && f.number == 46)
            spm->bos = f.bytes;
        else if (f.wire == 2 && f.number == 47)
            spm->eos = f.bytes;
    }
    return !bad;
}

static bool read_normalizer(struct tf_spm *spm, struct tf_str message)
{
    struct field f;
    bool bad = false;

    while (next_field(&message, &f, &bad))
        if (f.number == 2 && f.wire == 2 && f.bytes.len)
            spm->charsmap = f.bytes;
    return !bad;
}

static size_t count_pieces(struct tf_str message)
{
    struct field f;
    bool bad = false;
    size_t n = 0;

    while (next_field(&message, &f, &bad))
        n += f.number == 1 && f.wire == 2;
    return bad ? 0 : n;
}

static bool read_model(struct tf_spm *spm, struct tf_str message)
{
    struct field f;
    bool bad = false, ok = true;

    while (ok && next_field(&message, &f, &bad)) {
        if (f.wire != 2)
            continue;
        if (f.number == 1)
            ok = read_piece(f.bytes, &spm->pieces[spm->count++]);
        else if (f.number == 2)
            ok = read_trainer(spm, f.bytes);
        else if (f.number == 3)
            ok = read_normalizer(spm, f.bytes);
    }
    return ok && !bad;
}

int tf_spm_read(struct tf_spm *spm, struct tf_str bytes, struct tf_err *err)
{
    size_t n = count_pieces(bytes);

    memset(spm, 0, sizeof(*spm));
    spm->unigram = true; /* what the proto file says if the file does not */
    spm->bos_id = 1;
    spm->eos_id = 2;
    spm->pad_id = -1;
    spm->unk = (struct tf_str){ "<unk>", 5 };
    spm->bos = (struct tf_str){ "<s>", 3 };
    spm->eos = (struct tf_str){ "</s>", 4 };
    if (!n || n > INT32_MAX)
        return tf_fail(err, "this is no SentencePiece model");
    spm->pieces = tf_alloc(n, sizeof(*spm->pieces), err);
    if (!spm->pieces)
        return -1;
    if (!read_model(spm, bytes)) {
        tf_spm_release(spm);
        return tf_fail(err, "a SentencePiece model with a broken message, or "
                            "a piece that is not UTF-8");
    }
    return 0;
}

void tf_spm_release(struct tf_spm *spm)
{
    free(spm->pieces);
    memset(spm, 0, sizeof(*spm));
}
