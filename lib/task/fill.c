#include "task/fill.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/jsonl.h"
#include "base/mem.h"
#include "kernel/kernel.h"

int tf_fill_init(struct tf_filler *f, const struct tf_fill_opts *opts,
                 struct tf_err *err)
{
    memset(f, 0, sizeof(*f));
    f->opts = *opts;
    f->scores = tf_alloc(opts->vocab, sizeof(*f->scores), err);
    f->candidates = tf_alloc(opts->vocab, sizeof(*f->candidates), err);
    return f->scores && f->candidates ? 0 : -1;
}

void tf_fill_release(struct tf_filler *f)
{
    free(f->scores);
    free(f->candidates);
    free(f->ids);
    memset(f, 0, sizeof(*f));
}

/* The best tokens for one mask, in f->candidates with their probabilities;
 * returns how many. */
static size_t choose(struct tf_filler *f, const float *logits)
{
    size_t vocab = f->opts.vocab, n = vocab, k;
    float max = -INFINITY, sum;

    sum = tf_kernels()->exp_sum(f->scores, logits, 1, &max, vocab);
    if (f->opts.targets)
        n = f->opts.target_count;
    for (size_t i = 0; i < n; i++) {
        int32_t id = f->opts.targets ? f->opts.targets[i] : (int32_t)i;

        f->candidates[i] = (struct tf_candidate){ f->scores[id] / sum, id };
    }
    k = f->opts.top_k < n ? f->opts.top_k : n;
    tf_top_candidates(f->candidates, n, k);
    return k;
}

static int put_text(const struct tf_filler *f, const int32_t *ids, size_t n,
                    bool skip_special, struct tf_buf *out, struct tf_err *err)
{
    struct tf_buf text = TF_BUF_INIT;
    int failed = tf_tokenizer_decode(f->opts.tokenizer, ids, n, skip_special,
                                     &text, err);

    if (!failed && text.failed)
        failed = tf_no_memory(err, n);
    if (!failed)
        tf_put_string(out, text.data, text.len);
    tf_buf_release(&text);
    return failed;
}

/* The sequence f->ids[n], without padding. */
static int put_sequence(struct tf_filler *f, size_t n, bool skip_special,
                        struct tf_buf *out, struct tf_err *err)
{
    int32_t pad = tf_tokenizer_info(f->opts.tokenizer)->pad;
    int32_t *shown = f->ids + f->cap;
    size_t count = 0;

    for (size_t i = 0; i < n; i++)
        if (pad < 0 || f->ids[i] != pad)
            shown[count++] = f->ids[i];
    return put_text(f, shown, count, skip_special, out, err);
}

/* One mask's list. f->ids[n] is the sequence, which has a mask at `mask`;
 * `single`: it is the only one. */
static int put_mask(struct tf_filler *f, size_t n, size_t mask, bool single,
                    const float *logits, struct tf_buf *out, struct tf_err *err)
{
    size_t k = choose(f, logits);
    int32_t before = f->ids[mask];

    tf_buf_addc(out, '[');
    for (size_t i = 0; i < k; i++) {
        const struct tf_candidate *c = &f->candidates[i];

        tf_buf_adds(out, i ? ", {\"token\": " : "{\"token\": ");
        tf_put_int(out, c->id);
        tf_buf_adds(out, ", \"token_str\": ");
        if (put_text(f, &c->id, 1, false, out, err))
            return -1;
        tf_buf_adds(out, ", \"score\": ");
        tf_put_float(out, c->score);
        tf_buf_adds(out, ", \"sequence\": ");
        f->ids[mask] = c->id;
        /* the other masks would go with the special tokens */
        if (put_sequence(f, n, single, out, err))
            return -1;
        tf_buf_addc(out, '}');
    }
    f->ids[mask] = before;
    tf_buf_addc(out, ']');
    return 0;
}

int tf_fill_put(struct tf_filler *f, const int32_t *ids, size_t n,
                const size_t *masks, size_t m, const float *logits,
                struct tf_buf *out, struct tf_err *err)
{
    if (n > f->cap) {
        int32_t *grown = tf_grow(f->ids, n, 2 * sizeof(*grown), err);

        if (!grown)
            return -1;
        f->ids = grown;
        f->cap = n;
    }
    memcpy(f->ids, ids, n * sizeof(*ids));
    if (m > 1)
        tf_buf_addc(out, '[');
    for (size_t i = 0; i < m; i++) {
        if (i)
            tf_buf_adds(out, ", ");
        if (put_mask(f, n, masks[i], m == 1, logits + i * f->opts.vocab, out,
                     err))
            return -1;
    }
    if (m > 1)
        tf_buf_addc(out, ']');
    return out->failed ? tf_no_memory(err, out->len) : 0;
}

int tf_fill_target(const struct tf_tokenizer *tok, struct tf_tok_state *st,
                   struct tf_str target, int32_t *id, bool *spelled,
                   struct tf_err *err)
{
    struct tf_encode_opts opts = { .no_special = true };
    struct tf_encoding enc = { 0 };
    int failed;

    *id = tf_tokenizer_id(tok, target.s, target.len);
    *spelled = *id >= 0;
    if (*spelled)
        return 0;
    failed = tf_tokenizer_encode(tok, st, &opts, target,
                                 (struct tf_str){ NULL, 0 }, &enc, err);
    if (!failed && enc.windows[0].n)
        *id = enc.windows[0].ids[0];
    tf_encoding_release(&enc);
    return failed;
}
