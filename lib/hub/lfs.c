#include "hub/lfs.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/mem.h"

#define MEDIA     "application/vnd.git-lfs+json"
#define PARTS_MAX 10000 /* S3's limit */
#define STALL     120   /* seconds for the storage to digest a part */

static const char *member(const json_t *v, const char *name)
{
    return json_string_value(json_object_get(v, name));
}

static json_t *batch_body(const struct tf_hub_ref *ref,
                          struct tf_hub_object *const *objects, size_t n)
{
    json_t *list = json_array();

    for (size_t i = 0; i < n; i++)
        json_array_append_new(list,
                              json_pack("{s:s, s:I}", "oid", objects[i]->sha256,
                                        "size", (json_int_t)objects[i]->size));
    return json_pack("{s:s, s:[s,s], s:s, s:{s:s}, s:o}", "operation", "upload",
                     "transfers", "basic", "multipart", "hash_algo", "sha256",
                     "ref", "name", ref->revision, "objects", list);
}

/* The reply's word on each object; order and completeness are checked. */
static int take_actions(const json_t *reply,
                        struct tf_hub_object *const *objects, size_t n,
                        struct tf_err *err)
{
    const json_t *list = json_object_get(reply, "objects");

    for (size_t i = 0; i < n; i++) {
        const json_t *found = NULL, *problem;

        for (size_t k = 0; k < json_array_size(list) && !found; k++) {
            const json_t *v = json_array_get(list, (i + k) % n);
            const char *oid = member(v, "oid");

            if (oid && !strcmp(oid, objects[i]->sha256))
                found = v;
        }
        problem = json_object_get(found, "error");
        if (!found || problem) {
            struct tf_buf why = TF_BUF_INIT;

            tf_hub_printable(&why,
                             member(problem, "message")
                                 ? member(problem, "message")
                                 : "the hub did not answer for it",
                             200);
            tf_fail_code(err, "refused", "%s cannot be uploaded: %s",
                         objects[i]->path, tf_buf_cstr(&why));
            tf_buf_release(&why);
            return -1;
        }
        objects[i]->actions = json_incref(json_object_get(found, "actions"));
    }
    return 0;
}

int tf_hub_lfs_batch(struct tf_hub *hub, const struct tf_hub_ref *ref,
                     struct tf_hub_object *const *objects, size_t n,
                     struct tf_err *err)
{
    struct tf_buf url = TF_BUF_INIT;
    json_t *body = batch_body(ref, objects, n), *reply;
    struct tf_hub_json call = {
        .method = "POST", .body = body, .media = MEDIA, .ref = ref
    };
    int status;

    tf_hub_page(hub, &url, ref, ".git/info/lfs/objects/batch");
    call.url = tf_buf_cstr(&url);
    reply = tf_hub_json(hub, &call, err);
    status = reply ? take_actions(reply, objects, n, err) : -1;
    json_decref(body);
    json_decref(reply);
    tf_buf_release(&url);
    return status;
}

/* A mirror may hand out the addresses of the hub it mirrors. */
static char *own_address(struct tf_hub *hub, const char *href,
                         struct tf_err *err)
{
    size_t n = strlen(TF_HUB_ENDPOINT);
    struct tf_buf url = TF_BUF_INIT;
    char *copy;

    if (strncmp(href, TF_HUB_ENDPOINT "/", n + 1))
        return tf_strndup(href, strlen(href), err);
    tf_buf_addf(&url, "%s%s", tf_hub_endpoint(hub), href + n);
    copy = tf_strndup(tf_buf_cstr(&url), url.len, err);
    tf_buf_release(&url);
    return copy;
}

/* The headers an action asks for, but those that steer an upload in parts. */
static const char **action_headers(const json_t *action, struct tf_err *err)
{
    json_t *header = json_object_get(action, "header"), *v;
    const char **list =
        tf_alloc(json_object_size(header) + 1, sizeof(*list), err);
    const char *name;
    size_t n = 0;

    if (!list)
        return NULL;
    json_object_foreach (header, name, v) {
        const char *s = json_string_value(v);
        struct tf_buf line = TF_BUF_INIT;

        if (!s || !strcmp(name, "chunk_size") || isdigit((unsigned char)*name))
            continue;
        if (s[strcspn(s, "\r\n")] || name[strcspn(name, "\r\n:")])
            continue; /* it would be more than one header */
        tf_buf_addf(&line, "%s: %s", name, s);
        list[n] = tf_strndup(tf_buf_cstr(&line), line.len, err);
        tf_buf_release(&line);
        if (list[n])
            n++;
    }
    return list;
}

static void free_headers(const char **list)
{
    for (size_t i = 0; list && list[i]; i++)
        free((char *)(uintptr_t)list[i]);
    free(list);
}

/* PUT a part of the file; again and again where that may help. `etag`, if not
 * NULL, gets what the storage calls it. */
static int put_part(struct tf_hub_worker *w, const struct tf_hub_ref *ref,
                    const struct tf_http_request *part, char **etag,
                    struct tf_err *err)
{
    struct tf_hub_subject subject = { .ref = ref };
    struct tf_http_request r = *part;
    struct tf_http_reply reply = { 0 };
    const char *s;
    int status = -1;

    r.method = "PUT";
    r.sent = &w->done;
    r.stall_seconds = STALL;
    for (int tries = 1;; tries++) {
        atomic_store(&w->done, r.body_offset);
        status = tf_hub_try(w->hub, &r, TF_HUB_FOLLOW, &subject, &reply, err);
        if (!status || !tf_hub_wait(w->hub, tries, &reply, err))
            break;
    }
    if (!status && etag) {
        s = tf_http_header(tf_hub_http(w->hub), "ETag");
        *etag = s ? tf_strndup(s, strlen(s), err) : NULL;
        if (!s)
            tf_fail_code(err, "network", "the storage gives a part no ETag");
        status = *etag ? 0 : -1;
    }
    tf_http_reply_release(&reply);
    return status;
}

static int send_json(struct tf_hub *hub, const struct tf_hub_ref *ref,
                     const char *href, json_t *body, struct tf_err *err)
{
    char *url = own_address(hub, href, err);
    struct tf_hub_json call = {
        .method = "POST", .url = url, .body = body, .media = MEDIA, .ref = ref
    };
    json_t *reply = url ? tf_hub_json(hub, &call, err) : NULL;

    json_decref(reply);
    free(url);
    return reply ? 0 : -1;
}

/* Bytes of a part: a number, or one in a string. 0: not in parts. */
static uint64_t part_size(const json_t *action)
{
    const json_t *v =
        json_object_get(json_object_get(action, "header"), "chunk_size");
    const char *s = json_string_value(v);

    if (s)
        return strtoull(s, NULL, 10);
    return json_integer_value(v) > 0 ? (uint64_t)json_integer_value(v) : 0;
}

static int upload_parts(struct tf_hub_worker *w, const struct tf_hub_ref *ref,
                        const struct tf_hub_object *o, const json_t *action,
                        uint64_t chunk, int fd, struct tf_err *err)
{
    const json_t *header = json_object_get(action, "header");
    uint64_t count = o->size / chunk + (o->size % chunk != 0);
    json_t *parts = json_array(), *body;
    int status = 0;

    for (uint64_t i = 0; i < count && !status; i++) {
        struct tf_http_request r = { .body_fd = fd, .body_offset = i * chunk };
        char number[24], *etag = NULL;

        snprintf(number, sizeof(number), "%llu", (unsigned long long)i + 1);
        r.url = member(header, number);
        r.body_size =
            o->size - r.body_offset < chunk ? o->size - r.body_offset : chunk;
        if (!r.url || count > PARTS_MAX)
            status = tf_fail_code(err, "network",
                                  "%s: the hub gives no address for part %s",
                                  o->path, number);
        else
            status = put_part(w, ref, &r, &etag, err);
        if (!status)
            json_array_append_new(parts,
                                  json_pack("{s:I, s:s}", "partNumber",
                                            (json_int_t)i + 1, "etag", etag));
        free(etag);
    }
    body = json_pack("{s:s, s:o}", "oid", o->sha256, "parts", parts);
    if (!status)
        status = send_json(w->hub, ref, member(action, "href"), body, err);
    json_decref(body);
    return status;
}

static int upload_whole(struct tf_hub_worker *w, const struct tf_hub_ref *ref,
                        const struct tf_hub_object *o, const json_t *action,
                        int fd, struct tf_err *err)
{
    const char **headers = action_headers(action, err);
    struct tf_http_request r = { .body_fd = fd,
                                 .body_size = o->size,
                                 .headers = headers };
    char *url = NULL;
    int status = -1;

    if (headers)
        r.url = url = own_address(w->hub, member(action, "href"), err);
    if (url)
        status = put_part(w, ref, &r, NULL, err);
    free(url);
    free_headers(headers);
    return status;
}

int tf_hub_lfs_upload(struct tf_hub_worker *w, const struct tf_hub_ref *ref,
                      const struct tf_hub_object *o, struct tf_err *err)
{
    const json_t *action = json_object_get(o->actions, "upload");
    const json_t *verify = json_object_get(o->actions, "verify");
    uint64_t chunk = part_size(action);
    json_t *body;
    int status, fd;

    if (!action)
        return 0; /* the hub has it */
    if (!member(action, "href"))
        return tf_fail_code(err, "network", "%s: the hub gives no address",
                            o->path);
    fd = open(o->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return tf_fail(err, "%s: %s", o->path, strerror(errno));
    status = chunk ? upload_parts(w, ref, o, action, chunk, fd, err)
                   : upload_whole(w, ref, o, action, fd, err);
    close(fd);
    if (status || !member(verify, "href"))
        return status;
    body =
        json_pack("{s:s, s:I}", "oid", o->sha256, "size", (json_int_t)o->size);
    status = send_json(w->hub, ref, member(verify, "href"), body, err);
    json_decref(body);
    return status;
}
