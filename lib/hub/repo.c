#include "hub/repo.h"

#include <string.h>
#include "base/mem.h"

#define CONFLICT 409 /* it exists */

json_t *tf_hub_whoami(struct tf_hub *hub, struct tf_err *err)
{
    struct tf_hub_json call = { .method = "GET", .url = "/api/whoami-v2" };

    return tf_hub_json(hub, &call, err);
}

json_t *tf_hub_info(struct tf_hub *hub, const struct tf_hub_ref *ref,
                    struct tf_err *err)
{
    struct tf_hub_json call = { .method = "GET", .ref = ref };
    struct tf_buf url = TF_BUF_INIT;
    json_t *info;

    tf_hub_api_path(&url, ref, "/revision/");
    tf_url_escape(&url, ref->revision, false);
    call.url = tf_buf_cstr(&url);
    info = tf_hub_json(hub, &call, err);
    tf_buf_release(&url);
    return info;
}

/* {"name", "organization", "type"} of a repository */
static json_t *name_of(const struct tf_hub_ref *ref)
{
    const char *slash = strchr(ref->repo, '/');
    json_t *organization =
        slash ? json_stringn(ref->repo, (size_t)(slash - ref->repo))
              : json_null();

    return json_pack("{s:s, s:o, s:s}", "name", slash ? slash + 1 : ref->repo,
                     "organization", organization, "type",
                     tf_hub_type_name(ref->type));
}

int tf_hub_create(struct tf_hub *hub, const struct tf_hub_ref *ref,
                  bool private_repo, bool exists_ok, char **url,
                  struct tf_err *err)
{
    json_t *body = name_of(ref), *reply;
    struct tf_hub_json call = { .method = "POST",
                                .url = "/api/repos/create",
                                .body = body };
    const char *where;
    int status = 0;

    json_object_set_new(body, "visibility",
                        json_string(private_repo ? "private" : "public"));
    reply = tf_hub_json(hub, &call, err);
    json_decref(body);
    if (url)
        *url = NULL;
    if (reply && url) {
        where = json_string_value(json_object_get(reply, "url"));
        if (!where)
            where = ref->repo;
        *url = tf_strndup(where, strlen(where), err);
        status = *url ? 0 : -1;
    } else if (!reply) {
        status =
            exists_ok && tf_http_status(tf_hub_http(hub)) == CONFLICT ? 0 : -1;
    }
    json_decref(reply);
    return status;
}

int tf_hub_delete(struct tf_hub *hub, const struct tf_hub_ref *ref,
                  struct tf_err *err)
{
    json_t *body = name_of(ref), *reply;
    struct tf_hub_json call = {
        .method = "DELETE", .url = "/api/repos/delete", .body = body, .ref = ref
    };

    reply = tf_hub_json(hub, &call, err);
    json_decref(body);
    json_decref(reply);
    return reply ? 0 : -1;
}

int tf_hub_branch(struct tf_hub *hub, const struct tf_hub_ref *ref,
                  struct tf_err *err)
{
    struct tf_buf url = TF_BUF_INIT;
    json_t *body = json_object(), *reply;
    struct tf_hub_json call = { .method = "POST", .body = body, .ref = ref };
    int status;

    tf_hub_api_path(&url, ref, "/branch/");
    tf_url_escape(&url, ref->revision, false);
    call.url = tf_buf_cstr(&url);
    reply = tf_hub_json(hub, &call, err);
    status = reply || tf_http_status(tf_hub_http(hub)) == CONFLICT ? 0 : -1;
    tf_buf_release(&url);
    json_decref(body);
    json_decref(reply);
    return status;
}
