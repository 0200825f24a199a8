#include "hub/listing.h"

#include <stdlib.h>
#include <string.h>
#include "base/io.h"
#include "base/mem.h"

#define LISTING_MAX  (256u << 20) /* bytes of a kept listing */
#define PAGES_MAX    100000
#define TREE_VERSION 1 /* of trees/COMMIT.json */

void tf_hub_listing_release(struct tf_hub_listing *l)
{
    for (size_t i = 0; i < l->count; i++)
        free(l->files[i].path);
    free(l->files);
    memset(l, 0, sizeof(*l));
}

struct tf_hub_file *tf_hub_listing_add(struct tf_hub_listing *l,
                                       const char *path, struct tf_err *err)
{
    struct tf_hub_file *f;

    if (l->count == l->cap) {
        size_t cap = l->cap ? 2 * l->cap : 64;

        f = tf_grow(l->files, cap, sizeof(*f), err);
        if (!f)
            return NULL;
        l->files = f;
        l->cap = cap;
    }
    f = &l->files[l->count];
    memset(f, 0, sizeof(*f));
    f->path = tf_strndup(path, strlen(path), err);
    if (!f->path)
        return NULL;
    l->count++;
    return f;
}

/* Keep a hash that a server names, when it can be a blob's name at all. */
static void set_blob(char to[TF_HUB_BLOB], const char *hash)
{
    if (hash && tf_hub_blob_valid(hash))
        memcpy(to, hash, strlen(hash) + 1);
}

static void set_size(struct tf_hub_file *f, const json_t *size)
{
    if (!json_is_integer(size) || json_integer_value(size) < 0)
        return;
    f->size = (uint64_t)json_integer_value(size);
    f->has_size = true;
}

static const char *member(const json_t *v, const char *name)
{
    return json_string_value(json_object_get(v, name));
}

/* The commit in a reply's "sha". */
static int take_commit(struct tf_hub *hub, const json_t *info, char commit[41],
                       struct tf_err *err)
{
    const char *sha = member(info, "sha");

    if (!sha || !tf_hub_is_commit(sha))
        return tf_fail_code(err, "network", "%s names no commit; is it a hub?",
                            tf_hub_endpoint(hub));
    memcpy(commit, sha, 41);
    return 0;
}

static json_t *get_info(struct tf_hub *hub, const struct tf_hub_ref *ref,
                        const char *revision, const char *query,
                        struct tf_err *err)
{
    struct tf_hub_json call = { .method = "GET", .ref = ref };
    struct tf_buf url = TF_BUF_INIT;
    json_t *info;

    tf_hub_api_path(&url, ref, "/revision/");
    tf_url_escape(&url, revision, false);
    tf_buf_adds(&url, query);
    call.url = tf_buf_cstr(&url);
    info = tf_hub_json(hub, &call, err);
    tf_buf_release(&url);
    return info;
}

int tf_hub_resolve(struct tf_hub *hub, const struct tf_hub_ref *ref,
                   char commit[41], struct tf_err *err)
{
    json_t *info = get_info(hub, ref, ref->revision, "", err);
    int status = info ? take_commit(hub, info, commit, err) : -1;

    json_decref(info);
    return status;
}

static int add_tree_page(struct tf_hub_listing *l, const json_t *page,
                         struct tf_err *err)
{
    for (size_t i = 0; i < json_array_size(page); i++) {
        const json_t *v = json_array_get(page, i);
        const json_t *lfs = json_object_get(v, "lfs");
        const char *type = member(v, "type"), *path = member(v, "path");
        struct tf_hub_file *f;

        if (!path || (type && strcmp(type, "file")))
            continue;
        f = tf_hub_listing_add(l, path, err);
        if (!f)
            return -1;
        set_size(f, json_object_get(v, "size"));
        set_size(f, json_object_get(lfs, "size"));
        set_blob(f->oid, member(v, "oid"));
        set_blob(f->xet, member(v, "xetHash"));
        memcpy(f->blob, f->oid, sizeof(f->blob));
        if (lfs) {
            f->blob[0] = '\0';
            set_blob(f->blob, member(lfs, "oid"));
        }
    }
    return 0;
}

static int get_tree(struct tf_hub *hub, const struct tf_hub_ref *ref,
                    const char *commit, struct tf_hub_listing *l,
                    struct tf_err *err)
{
    struct tf_buf url = TF_BUF_INIT;
    char *next = NULL;
    struct tf_hub_json call = { .method = "GET", .ref = ref, .next = &next };
    int status = -1, pages = 0;

    tf_hub_api_path(&url, ref, "/tree/");
    tf_buf_addf(&url, "%s?recursive=true&expand=false", commit);
    do {
        char *here = next;
        json_t *page;

        next = NULL;
        call.url = here ? here : tf_buf_cstr(&url);
        page = tf_hub_json(hub, &call, err);
        free(here);
        if (page && !json_is_array(page))
            status =
                tf_fail_code(err, "network", "%s lists no files; is it a hub?",
                             tf_hub_endpoint(hub));
        else
            status = page ? add_tree_page(l, page, err) : -1;
        json_decref(page);
    } while (!status && next && ++pages < PAGES_MAX);
    free(next);
    tf_buf_release(&url);
    return status;
}

/* For mirrors without the tree call: names, and sizes where they are given. */
static int get_siblings(struct tf_hub *hub, const struct tf_hub_ref *ref,
                        const char *commit, struct tf_hub_listing *l,
                        struct tf_err *err)
{
    json_t *info = get_info(hub, ref, commit, "?blobs=true", err);
    const json_t *siblings = json_object_get(info, "siblings");
    int status = info ? 0 : -1;

    for (size_t i = 0; !status && i < json_array_size(siblings); i++) {
        const json_t *v = json_array_get(siblings, i);
        const json_t *lfs = json_object_get(v, "lfs");
        const char *path = member(v, "rfilename");
        struct tf_hub_file *f = path ? tf_hub_listing_add(l, path, err) : NULL;

        if (path && !f)
            status = -1;
        if (!f)
            continue;
        set_size(f, json_object_get(v, "size"));
        set_blob(f->oid, member(v, "blobId"));
        if (json_is_object(lfs))
            set_blob(f->blob, member(lfs, "sha256"));
        else
            memcpy(f->blob, f->oid, sizeof(f->blob));
    }
    json_decref(info);
    return status;
}

int tf_hub_list(struct tf_hub *hub, const struct tf_hub_ref *ref,
                const char *commit, struct tf_hub_listing *l,
                struct tf_err *err)
{
    if (!get_tree(hub, ref, commit, l, err))
        return 0;
    tf_hub_listing_release(l);
    if (!err->code || !strcmp(err->code, "network") ||
        !strcmp(err->code, "gated"))
        return -1;
    return get_siblings(hub, ref, commit, l, err);
}

void tf_hub_file_url(const struct tf_hub *hub, struct tf_buf *out,
                     const struct tf_hub_ref *ref, const char *commit,
                     const char *path)
{
    tf_hub_page(hub, out, ref, "/resolve/");
    tf_url_escape(out, commit, false);
    tf_buf_addc(out, '/');
    tf_url_escape(out, path, true);
}

/* An etag without W/ and quotes. */
static void set_etag(char to[TF_HUB_BLOB], const char *etag)
{
    size_t len;

    if (!strncmp(etag, "W/", 2))
        etag += 2;
    if (*etag == '"')
        etag++;
    len = strcspn(etag, "\"");
    if (len >= TF_HUB_BLOB)
        return;
    memcpy(to, etag, len);
    to[len] = '\0';
    if (!tf_hub_blob_valid(to))
        to[0] = '\0';
}

static int read_head(struct tf_hub *hub, long status, struct tf_hub_file *file,
                     char commit[41], struct tf_err *err)
{
    struct tf_http *http = tf_hub_http(hub);
    const char *sha = tf_http_header(http, "X-Repo-Commit");
    const char *etag, *size;
    char *end;

    if (!sha || !tf_hub_is_commit(sha))
        return tf_fail_code(err, "network",
                            "%s names no commit for %s; is it a hub?",
                            tf_hub_endpoint(hub), file->path);
    memcpy(commit, sha, 41);
    etag = tf_http_header(http, "X-Linked-Etag");
    if (!etag)
        etag = tf_http_header(http, "ETag");
    if (etag)
        set_etag(file->blob, etag);
    if (!file->blob[0])
        return tf_fail_code(err, "network",
                            "%s gives no usable ETag for %s; is it a hub?",
                            tf_hub_endpoint(hub), file->path);
    size = tf_http_header(http, "X-Linked-Size");
    if (!size && status < 300)
        size = tf_http_header(http, "Content-Length");
    if (size && *size >= '0' && *size <= '9') {
        file->size = strtoull(size, &end, 10);
        file->has_size = !*end;
    }
    return 0;
}

int tf_hub_head(struct tf_hub *hub, const struct tf_hub_ref *ref,
                struct tf_hub_file *file, char commit[41], struct tf_err *err)
{
    /* a compressed reply would have another length */
    static const char *const headers[] = { "Accept-Encoding: identity", NULL };
    struct tf_hub_subject subject = { ref, file->path };
    struct tf_buf url = TF_BUF_INIT;
    struct tf_http_reply reply = { 0 };
    struct tf_http_request r = { .method = "HEAD", .headers = headers };
    const char *sha;
    int status;

    tf_hub_file_url(hub, &url, ref, commit[0] ? commit : ref->revision,
                    file->path);
    r.url = tf_buf_cstr(&url);
    status = tf_hub_call(hub, &r, TF_HUB_STAY, &subject, &reply, err);
    if (!status) {
        status = read_head(hub, reply.status, file, commit, err);
    } else if (reply.status == 404) {
        sha = tf_http_header(tf_hub_http(hub), "X-Repo-Commit");
        if (sha && tf_hub_is_commit(sha))
            memcpy(commit, sha, 41);
    }
    tf_buf_release(&url);
    tf_http_reply_release(&reply);
    return status;
}

static int add_kept(struct tf_hub_listing *l, const char *path, const json_t *v,
                    struct tf_err *err)
{
    const char *oid = member(v, "blob_id"), *sha256 = member(v, "lfs_sha256");
    struct tf_hub_file *f = tf_hub_listing_add(l, path, err);

    if (!f)
        return -1;
    set_size(f, json_object_get(v, "size"));
    set_size(f, json_object_get(v, "lfs_size"));
    set_blob(f->oid, oid);
    set_blob(f->blob, sha256 ? sha256 : oid);
    set_blob(f->xet, member(v, "xet_hash"));
    return 0;
}

int tf_hub_listing_read(struct tf_hub_listing *l, const char *path,
                        struct tf_err *err)
{
    struct tf_buf text = TF_BUF_INIT;
    json_t *root = NULL, *files, *v;
    const char *name;
    int status = -1;

    if (!tf_file_read(path, LISTING_MAX, &text, err))
        root = json_loadb(text.data, text.len, 0, NULL);
    tf_buf_release(&text);
    files = json_object_get(root, "files");
    if (json_is_object(files) && json_integer_value(json_object_get(
                                     root, "format_version")) == TREE_VERSION) {
        status = 0;
        json_object_foreach (files, name, v) {
            if (!status)
                status = add_kept(l, name, v, err);
        }
    } else {
        tf_fail(err, "%s is not a listing of version %d", path, TREE_VERSION);
    }
    json_decref(root);
    return status;
}

static json_t *kept_file(const struct tf_hub_file *f)
{
    json_t *v =
        json_pack("{s:I, s:s}", "size", (json_int_t)f->size, "blob_id", f->oid);

    if (v && strcmp(f->blob, f->oid)) {
        json_object_set_new(v, "lfs_sha256", json_string(f->blob));
        json_object_set_new(v, "lfs_size", json_integer((json_int_t)f->size));
    }
    if (v && f->xet[0])
        json_object_set_new(v, "xet_hash", json_string(f->xet));
    return v;
}

int tf_hub_listing_write(const struct tf_hub_listing *l, const char *path,
                         struct tf_err *err)
{
    json_t *files = json_object();
    json_t *root =
        json_pack("{s:i, s:O}", "format_version", TREE_VERSION, "files", files);
    struct tf_replace r;
    int status = -1;

    for (size_t i = 0; i < l->count; i++) {
        const struct tf_hub_file *f = &l->files[i];

        /* without them Python would not take the listing */
        if (!f->has_size || !f->oid[0] ||
            json_object_set_new(files, f->path, kept_file(f))) {
            tf_fail(err, "the listing is not complete: %s", f->path);
            goto end;
        }
    }
    if (!root || tf_replace_open(&r, path, err))
        goto end;
    if (json_dumpf(root, r.f, JSON_INDENT(1) | JSON_SORT_KEYS)) {
        tf_fail(err, "%s: cannot be written", path);
        tf_replace_abort(&r);
        goto end;
    }
    status = tf_replace_commit(&r, err);
end:
    json_decref(files);
    json_decref(root);
    return status;
}
