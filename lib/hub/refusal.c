#include "hub/refusal.h"

#include <string.h>

/* The server's own words: a header, else the JSON body's. */
static void add_reason(struct tf_buf *out, struct tf_hub *hub,
                       const struct tf_http_reply *reply)
{
    const char *s = tf_http_header(tf_hub_http(hub), "X-Error-Message");
    json_t *body = NULL, *v = NULL;

    if (!s && reply->body.len > 0) {
        body = json_loadb(reply->body.data, reply->body.len, 0, NULL);
        v = json_object_get(body, "error");
        if (!v)
            v = json_object_get(body, "message");
        if (!v)
            v = json_object_get(
                json_array_get(json_object_get(body, "errors"), 0), "message");
        s = json_string_value(v);
    }
    if (s && s[0]) {
        tf_buf_adds(out, ": ");
        tf_hub_printable(out, s, 200);
    }
    json_decref(body);
}

static void add_request_id(struct tf_buf *out, struct tf_hub *hub)
{
    static const char *const names[] = { "x-request-id", "X-Amzn-Trace-Id",
                                         "x-amz-cf-id" };
    const char *id = NULL;

    for (size_t i = 0; !id && i < sizeof(names) / sizeof(names[0]); i++)
        id = tf_http_header(tf_hub_http(hub), names[i]);
    if (!id)
        return;
    tf_buf_adds(out, " (request ");
    tf_hub_printable(out, id, 60);
    tf_buf_addc(out, ')');
}

static int no_repo(struct tf_hub *hub, const struct tf_hub_ref *ref,
                   struct tf_err *err)
{
    const char *do_what =
        tf_hub_config(hub)->token
            ? "or it is private and your token may not see it; check the name"
            : "or it is private; check the name, or run: tf-hub login";

    return tf_fail_code(err, "no_repo", "%s has no %s %s, %s",
                        tf_hub_endpoint(hub), tf_hub_type_name(ref->type),
                        ref->repo, do_what);
}

static int gated(struct tf_hub *hub, const struct tf_hub_ref *ref,
                 struct tf_err *err)
{
    struct tf_buf page = TF_BUF_INIT;

    tf_hub_page(hub, &page, ref, "");
    tf_fail_code(err, "gated", "%s %s is gated: ask for access at %s, %s",
                 tf_hub_type_name(ref->type), ref->repo, tf_buf_cstr(&page),
                 tf_hub_config(hub)->token
                     ? "with the account your token belongs to"
                     : "then run: tf-hub login");
    tf_buf_release(&page);
    return -1;
}

static int no_login(struct tf_hub *hub, struct tf_err *err)
{
    if (!tf_hub_config(hub)->token)
        return tf_fail_code(err, "no_login",
                            "not logged in at %s; run: tf-hub login",
                            tf_hub_endpoint(hub));
    return tf_fail_code(err, "no_login",
                        "%s does not accept the token; run: tf-hub login (and "
                        "see that HF_TOKEN, which goes first, is unset)",
                        tf_hub_endpoint(hub));
}

static int other(struct tf_hub *hub, struct tf_http_reply *reply,
                 struct tf_err *err)
{
    struct tf_buf why = TF_BUF_INIT;

    add_reason(&why, hub, reply);
    add_request_id(&why, hub);
    tf_fail_code(err, reply->status >= 500 ? "network" : "refused",
                 "%s answers %ld%s", tf_hub_endpoint(hub), reply->status,
                 tf_buf_cstr(&why));
    tf_buf_release(&why);
    return -1;
}

static bool is(const char *s, const char *word)
{
    return s && !strcmp(s, word);
}

int tf_hub_refused(struct tf_hub *hub, const struct tf_hub_subject *subject,
                   struct tf_http_reply *reply, struct tf_err *err)
{
    struct tf_http *http = tf_hub_http(hub);
    const char *code = tf_http_header(http, "X-Error-Code");
    const char *words = tf_http_header(http, "X-Error-Message");
    const struct tf_hub_ref *ref = subject->ref;
    long status = reply->status;

    reply->again = status == 408 || status == 429 || status == 500 ||
                   (status >= 502 && status <= 504);
    if (!ref && status == 401)
        return no_login(hub, err);
    if (!ref)
        return other(hub, reply, err);
    if (is(code, "RepoNotFound"))
        return no_repo(hub, ref, err);
    if (is(code, "GatedRepo"))
        return gated(hub, ref, err);
    if (is(code, "RevisionNotFound"))
        return tf_fail_code(
            err, "no_revision", "%s %s has no branch, tag or commit \"%s\"",
            tf_hub_type_name(ref->type), ref->repo, ref->revision);
    if (is(code, "EntryNotFound") || (status == 404 && subject->file && !code))
        return tf_fail_code(err, "no_file",
                            "%s %s has no file %s at %s; see: tf-hub ls %s",
                            tf_hub_type_name(ref->type), ref->repo,
                            subject->file ? subject->file : "of that name",
                            ref->revision, ref->repo);
    if (is(words, "Access to this resource is disabled."))
        return tf_fail_code(err, "refused", "%s %s is disabled by the hub",
                            tf_hub_type_name(ref->type), ref->repo);
    if (status == 401)
        return is(words, "Invalid credentials in Authorization header")
                   ? no_login(hub, err)
                   : no_repo(hub, ref, err);
    if (status == 404)
        return no_repo(hub, ref, err);
    return other(hub, reply, err);
}
