#include "text/bytelevel.h"

#include <pthread.h>

/* how a byte's character is spelt */
static struct spelling {
    char s[2];
    uint8_t len;
} spell[256];

static void fill(void)
{
    int b;

    for (b = 0; b < 256; b++)
        spell[b].len =
            (uint8_t)tf_utf8_put(spell[b].s, tf_byte_char((unsigned char)b));
}

void tf_byte_level(struct tf_rewrite *w, const void *unused)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    const struct spelling *c;
    struct tf_origin o;

    (void)unused;
    pthread_once(&once, fill);
    if (!tf_rewrite_room(w, 2 * (w->end - w->start)))
        return;
    for (; w->pos < w->end; w->pos++) {
        c = &spell[(unsigned char)w->src[w->pos]];
        memcpy(w->out + w->len, c->s, 2);
        if (w->origins) {
            o = tf_rewrite_origin(w, w->pos);
            w->origin[w->len] = o;
            w->origin[w->len + c->len - 1] = o;
        }
        w->len += c->len;
    }
}
