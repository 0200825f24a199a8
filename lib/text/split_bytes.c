/* ByteLevel: GPT-2's words, spelt in the characters of their bytes. */
#include "text/bytelevel.h"
#include "text/splitters.h"

static void prefix_piece(struct tf_rewrite *w, const void *unused)
{
    struct tf_origin o = { 0, 0 };

    (void)unused;
    if (w->src[w->start] != ' ') {
        if (w->origins)
            o = tf_rewrite_origin(w, w->start);
        tf_rewrite_write(w, " ", 1, o);
    }
    tf_rewrite_keep(w, w->end - w->start);
}

void tf_split_byte_level(const struct tf_splitter *s, struct tf_pretext *pre,
                         bool origins)
{
    size_t i;

    for (i = 0; s->add_prefix_space && i < pre->pieces.count; i++) {
        const struct tf_piece *p = &pre->pieces.at[i];

        if (p->id < 0 && pre->text.s[p->start] != ' ') {
            tf_rewrite(pre, origins, prefix_piece, NULL);
            break;
        }
    }
    if (s->use_regex)
        tf_split_pattern(s, pre, origins);
    tf_rewrite(pre, origins, tf_byte_level, NULL);
}
