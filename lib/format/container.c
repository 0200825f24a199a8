#include "format/container.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* The first bytes, zeros where the file has fewer; -1 if it can't be read. */
static int read_magic(const char *path, unsigned char magic[4],
                      struct tf_err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = -1;

    memset(magic, 0, 4);
    if (fd >= 0)
        n = read(fd, magic, 4);
    if (n < 0)
        tf_fail(err, "%s: %s", path, strerror(errno));
    if (fd >= 0)
        close(fd);
    return n < 0 ? -1 : 0;
}

int tf_container_open(struct tf_container *c, const char *path,
                      struct tf_err *err)
{
    unsigned char magic[4];

    *c = (struct tf_container){ 0 };
    if (read_magic(path, magic, err))
        return -1;
    if (!memcmp(magic, "GGUF", 4))
        return (c->gguf = tf_gguf_open(path, err)) ? 0 : -1;
    /* a zip archive, or the older form's first pickle; read as the size of a
     * safetensors header either would be absurd */
    if (!memcmp(magic, "PK\3\4", 4) || !memcmp(magic, "\x80\x02\x8a\x0a", 4))
        return (c->torchbin = tf_torchbin_open(path, err)) ? 0 : -1;
    return (c->safetensors = tf_safetensors_open(path, err)) ? 0 : -1;
}

void tf_container_close(struct tf_container *c)
{
    tf_safetensors_close(c->safetensors);
    tf_gguf_close(c->gguf);
    tf_torchbin_close(c->torchbin);
    *c = (struct tf_container){ 0 };
}

const struct tf_tensor *tf_container_find(const struct tf_container *c,
                                          const char *name)
{
    return c->gguf       ? tf_gguf_find(c->gguf, name)
           : c->torchbin ? tf_torchbin_find(c->torchbin, name)
                         : tf_safetensors_find(c->safetensors, name);
}

size_t tf_container_count(const struct tf_container *c)
{
    return c->gguf       ? tf_gguf_count(c->gguf)
           : c->torchbin ? tf_torchbin_count(c->torchbin)
                         : tf_safetensors_count(c->safetensors);
}

const struct tf_tensor *tf_container_at(const struct tf_container *c, size_t i,
                                        const char **name)
{
    return c->gguf       ? tf_gguf_at(c->gguf, i, name)
           : c->torchbin ? tf_torchbin_at(c->torchbin, i, name)
                         : tf_safetensors_at(c->safetensors, i, name);
}
