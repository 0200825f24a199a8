#include "hub/select.h"

#include <ctype.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "base/mem.h"

enum kind {
    PLAIN, /* no weights: configuration, tokenizer, data */
    SAFETENSORS,
    BIN,
    GGUF,
    ONNX,
    FOREIGN, /* other frameworks' copies, states of a training */
    KINDS,
};

static const char *const kind_names[KINDS] = {
    "plain", "safetensors", "bin", "gguf", "onnx", "other frameworks'",
};

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

static bool ends_with(const char *s, const char *end)
{
    size_t n = strlen(s), m = strlen(end);

    return n >= m && !strcmp(s + n - m, end);
}

static bool starts_with(const char *s, const char *start)
{
    return !strncmp(s, start, strlen(start));
}

/* One of the folders on the way to `path` matches the pattern. */
static bool below(const char *path, const char *pattern)
{
    const char *slash;

    for (; (slash = strchr(path, '/')); path = slash + 1) {
        char name[256];
        size_t len = (size_t)(slash - path);

        if (len < sizeof(name)) {
            memcpy(name, path, len);
            name[len] = '\0';
            if (!fnmatch(pattern, name, 0))
                return true;
        }
    }
    return false;
}

struct rule {
    const char *pattern; /* over the last part of the path */
    enum kind kind;
};

/* The first that matches decides. */
static const struct rule rules[] = {
    { "*.safetensors", SAFETENSORS },
    { "*.safetensors.index*.json", SAFETENSORS },
    { "mmproj*.gguf", FOREIGN },
    { "*imatrix*.gguf", FOREIGN },
    { "*.gguf", GGUF },
    { "*.onnx", ONNX },
    { "*.onnx_data*", ONNX },
    { "*.onnx.data*", ONNX },
    { "*.bin.index*.json", BIN },
    { "training_args.bin", FOREIGN },
    { "ggml*.bin", FOREIGN },
    { "*tokenizer*.bin", PLAIN },
    { "*vocab*.bin", PLAIN },
    { "*.bin", BIN },
    { "optimizer*.pt", FOREIGN },
    { "scheduler*.pt", FOREIGN },
    { "rng_state*.pth", FOREIGN },
    { "*.pt", BIN },
    { "*.pth", BIN },
    { "*.ckpt*", FOREIGN },
    { "*.h5", FOREIGN },
    { "*.h5.index.json", FOREIGN },
    { "*.msgpack", FOREIGN },
    { "*.msgpack.index.json", FOREIGN },
    { "*.ot", FOREIGN },
    { "*.tflite", FOREIGN },
    { "*.mlmodel", FOREIGN },
    { "*.pb", FOREIGN },
    { "*.npz", FOREIGN },
    { "*.keras", FOREIGN },
    { "*.pdparams", FOREIGN },
    { "*.nemo", FOREIGN },
    { "*.engine", FOREIGN },
};

/* Folders that hold another copy of the model. */
static const struct rule folders[] = {
    { "onnx", ONNX },           { "openvino", FOREIGN },
    { "coreml", FOREIGN },      { "*.mlpackage", FOREIGN },
    { "original", FOREIGN },    { "checkpoint-[0-9]*", FOREIGN },
    { "global_step*", FOREIGN }
};

static enum kind kind_of(const char *path)
{
    const char *name = base_name(path);

    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
        if (below(path, folders[i].pattern))
            return folders[i].kind;
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
        if (!fnmatch(rules[i].pattern, name, 0))
            return rules[i].kind;
    return PLAIN;
}

static bool matches(const char *pattern, const char *path)
{
    if (ends_with(pattern, "/"))
        return starts_with(path, pattern);
    return !fnmatch(pattern, path, FNM_NOESCAPE);
}

static bool is_named(const struct tf_hub_filter *f, const char *path)
{
    for (size_t i = 0; i < f->nfiles; i++)
        if (!strcmp(f->files[i], path) ||
            (ends_with(f->files[i], "/") && starts_with(path, f->files[i])))
            return true;
    return false;
}

bool tf_hub_filter_match(const struct tf_hub_filter *f, const char *path)
{
    bool in = f->ninclude == 0;

    if (f->nfiles > 0 && !is_named(f, path))
        return false;
    for (size_t i = 0; !in && i < f->ninclude; i++)
        in = matches(f->include[i], path);
    for (size_t i = 0; in && i < f->nexclude; i++)
        in = !matches(f->exclude[i], path);
    return in;
}

/* Keep the files for which keep[i] is set. */
static void retain(struct tf_hub_listing *l, const bool *keep)
{
    size_t n = 0;

    for (size_t i = 0; i < l->count; i++) {
        if (keep[i])
            l->files[n++] = l->files[i];
        else
            free(l->files[i].path);
    }
    l->count = n;
}

static bool has_path(const struct tf_hub_listing *l, const char *path)
{
    for (size_t i = 0; i < l->count; i++)
        if (!strcmp(l->files[i].path, path))
            return true;
    return false;
}

static bool same_folder(const char *a, const char *b)
{
    size_t n = (size_t)(base_name(a) - a);

    return n == (size_t)(base_name(b) - b) && !strncmp(a, b, n);
}

/* The folder of `path` has weights of this kind. */
static bool folder_has(const struct tf_hub_listing *l, const char *path,
                       enum kind kind)
{
    for (size_t i = 0; i < l->count; i++)
        if (kind_of(l->files[i].path) == kind &&
            same_folder(l->files[i].path, path))
            return true;
    return false;
}

/* `path` without the first `len` bytes at `at` is listed too. */
static bool has_without(const struct tf_hub_listing *l, const char *path,
                        const char *at, size_t len)
{
    struct tf_buf other = TF_BUF_INIT;
    bool found;

    tf_buf_add(&other, path, (size_t)(at - path));
    tf_buf_adds(&other, at + len);
    found = has_path(l, tf_buf_cstr(&other));
    tf_buf_release(&other);
    return found;
}

/* Another file of its folder holds the same weights and is preferred. */
static bool is_copy(const struct tf_hub_listing *l, const char *path,
                    enum kind kind)
{
    static const char *const variants[] = { ".fp16", ".bf16", ".fp32",
                                            ".float16", ".non_ema" };
    static const char *const whole[] = { "model.safetensors",
                                         "pytorch_model.bin" };
    const char *name = base_name(path);
    size_t n = strlen(name);

    for (size_t i = 0; i < sizeof(variants) / sizeof(variants[0]); i++) {
        const char *at = strstr(name, variants[i]);

        if (at && has_without(l, path, at, strlen(variants[i])))
            return true;
    }
    for (size_t i = 0; i < l->count; i++) {
        const char *other = l->files[i].path, *base = base_name(other);

        if (!same_folder(path, other))
            continue;
        if (starts_with(name, "consolidated") &&
            !starts_with(base, "consolidated") && kind_of(other) == kind)
            return true;
        /* shards, or their index, beside the whole */
        for (size_t k = 0; k < 2; k++)
            if (!strcmp(base, whole[k]) &&
                (!fnmatch(k ? "pytorch_model-*-of-*.bin"
                            : "model-*-of-*.safetensors",
                          name, 0) ||
                 (n > strlen(base) && starts_with(name, base) &&
                  starts_with(name + strlen(base), ".index"))))
                return true;
    }
    return false;
}

/* The kind to take: at the top of the repository, else anywhere. */
static enum kind preferred(const struct tf_hub_listing *l)
{
    for (int top = 1; top >= 0; top--)
        for (enum kind k = SAFETENSORS; k < FOREIGN; k++)
            for (size_t i = 0; i < l->count; i++)
                if (kind_of(l->files[i].path) == k &&
                    !(top && strchr(l->files[i].path, '/')))
                    return k;
    return PLAIN;
}

/* A part of a model in several folders may exist in one format only. */
static bool is_wanted(const struct tf_hub_listing *l, const char *path,
                      enum kind want)
{
    enum kind kind = kind_of(path);

    if (kind == PLAIN)
        return true;
    if (kind != want)
        return (kind == SAFETENSORS || kind == BIN) &&
               (want == SAFETENSORS || want == BIN) && strchr(path, '/') &&
               !folder_has(l, path, want) && !is_copy(l, path, kind);
    return !is_copy(l, path, kind);
}

/* `variant` stands in `name` as a word of its own, in any case. */
static bool has_variant(const char *name, const char *variant)
{
    size_t n = strlen(variant);

    for (const char *p = name; *p; p++) {
        bool left = p == name || (!isalnum((unsigned char)p[-1]));
        bool right = !isalnum((unsigned char)p[strnlen(p, n)]) &&
                     p[strnlen(p, n)] != '_';

        if (left && right && !strncasecmp(p, variant, n))
            return true;
    }
    return false;
}

/* Parts of one model differ in "-00001-of-00003" only. */
static bool same_model(const char *a, const char *b)
{
    size_t n = strlen(a), tail = strlen("-00001-of-00003.gguf");

    if (!strcmp(a, b))
        return true;
    return n == strlen(b) && n > tail && !strncmp(a, b, n - tail) &&
           !fnmatch("-[0-9]*-of-[0-9]*.gguf", a + n - tail, 0) &&
           !fnmatch("-[0-9]*-of-[0-9]*.gguf", b + n - tail, 0);
}

/* Of several GGUF models exactly one must be meant. */
static int choose_gguf(const struct tf_hub_listing *l,
                       const struct tf_hub_filter *f, bool *keep,
                       const struct tf_hub_ref *ref, struct tf_err *err)
{
    struct tf_buf names = TF_BUF_INIT;
    const char *first = NULL;
    bool several = false, listed = false;

    for (size_t i = 0; i < l->count; i++) {
        const char *path = l->files[i].path;

        if (!keep[i] || kind_of(path) != GGUF)
            continue;
        if (names.len < 300)
            tf_buf_addf(&names, "%s%s", names.len ? ", " : "", path);
        listed = true;
        keep[i] = !f->variant || has_variant(path, f->variant);
        if (!keep[i])
            continue;
        several = several || (first && !same_model(first, path));
        if (!first)
            first = path;
    }
    if (listed && (!first || several) && f->ninclude == 0) {
        tf_fail_code(err, first ? "choice" : "no_file",
                     "%s has %s; name one as %s:Q4_K_M, or use --include: %s",
                     ref->repo,
                     first ? "several GGUF models" : "no such GGUF model",
                     ref->repo, tf_buf_cstr(&names));
        tf_buf_release(&names);
        return -1;
    }
    tf_buf_release(&names);
    return 0;
}

static int no_weights(const struct tf_hub_listing *l, enum kind want,
                      const struct tf_hub_ref *ref, struct tf_err *err)
{
    struct tf_buf has = TF_BUF_INIT;

    for (enum kind k = SAFETENSORS; k < KINDS; k++)
        for (size_t i = 0; i < l->count; i++)
            if (kind_of(l->files[i].path) == k) {
                tf_buf_addf(&has, "%s%s", has.len ? ", " : "", kind_names[k]);
                break;
            }
    tf_fail_code(err, "no_file", "%s has no %s weights; it has: %s", ref->repo,
                 kind_names[want], has.len ? tf_buf_cstr(&has) : "none");
    tf_buf_release(&has);
    return -1;
}

static int choose_weights(const struct tf_hub_listing *l,
                          const struct tf_hub_filter *f, bool *keep,
                          const struct tf_hub_ref *ref, struct tf_err *err)
{
    static const enum kind asked[] = { PLAIN, SAFETENSORS, BIN, GGUF, ONNX };
    enum kind want = f->variant ? GGUF : asked[f->weights];
    bool found = false;

    if (want == PLAIN)
        want = preferred(l);
    if (want == PLAIN)
        return 0; /* none that is known: better too much than too little */
    for (size_t i = 0; i < l->count; i++) {
        found = found || kind_of(l->files[i].path) == want;
        keep[i] = keep[i] && is_wanted(l, l->files[i].path, want);
    }
    if (!found)
        return no_weights(l, want, ref, err);
    return want == GGUF ? choose_gguf(l, f, keep, ref, err) : 0;
}

/* Each name given must name something. */
static int check_named(const struct tf_hub_listing *l,
                       const struct tf_hub_filter *f,
                       const struct tf_hub_ref *ref, struct tf_err *err)
{
    for (size_t i = 0; i < f->nfiles; i++) {
        struct tf_hub_filter one = { .files = &f->files[i], .nfiles = 1 };
        bool found = false;

        for (size_t k = 0; k < l->count && !found; k++)
            found = is_named(&one, l->files[k].path);
        if (!found)
            return tf_fail_code(err, "no_file",
                                "%s %s has no file %s at %s; see: tf-hub ls %s",
                                tf_hub_type_name(ref->type), ref->repo,
                                f->files[i], ref->revision, ref->repo);
    }
    return 0;
}

int tf_hub_select(struct tf_hub_listing *l, const struct tf_hub_filter *f,
                  const struct tf_hub_ref *ref, struct tf_err *err)
{
    bool *keep;
    int status = 0;

    if (check_named(l, f, ref, err))
        return -1;
    keep = tf_alloc(l->count, sizeof(*keep), err);
    if (!keep)
        return -1;
    for (size_t i = 0; i < l->count; i++)
        keep[i] = tf_hub_filter_match(f, l->files[i].path);
    if (f->nfiles == 0 && (f->variant || (f->weights != TF_HUB_WEIGHTS_ALL &&
                                          ref->type == TF_HUB_MODEL))) {
        retain(l, keep);
        for (size_t i = 0; i < l->count; i++)
            keep[i] = true;
        status = choose_weights(l, f, keep, ref, err);
    }
    if (!status)
        retain(l, keep);
    free(keep);
    return status;
}
