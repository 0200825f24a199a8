#include "hub/client.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "base/mem.h"
#include "hub/refusal.h"

#define REDIRECTS_MAX     20
#define TRIES_MAX         5
#define CONNECT_TRIES_MAX 3   /* a machine without network should say so soon */
#define FIRST_WAIT        0.5 /* seconds, doubling up to */
#define LONGEST_WAIT      8.0
#define PATIENCE          300.0 /* seconds a server may ask us to wait */
#define API_SECONDS       120

struct tf_hub {
    struct tf_hub_config config;
    struct tf_http *http;
    char *endpoint;
    double asked_wait; /* seconds the last reply asked us to wait, or 0 */
    char *warning;     /* the last X-HF-Warning that was shown */
};

bool tf_hub_offline(void)
{
    return tf_hub_env_true("HF_HUB_OFFLINE") ||
           tf_hub_env_true("TRANSFORMERS_OFFLINE");
}

static long env_seconds(const char *name, long fallback)
{
    const char *v = getenv(name);
    char *end;
    double n;

    if (!v || !v[0])
        return fallback;
    n = strtod(v, &end);
    return *end || !(n > 0 && n < 86400) ? fallback : (long)n + (n < 1);
}

static char *find_endpoint(const char *given, struct tf_err *err)
{
    size_t len;

    if (!given)
        given = getenv("HF_ENDPOINT");
    if (!given || !given[0])
        given = TF_HUB_ENDPOINT;
    len = strlen(given);
    while (len > 0 && given[len - 1] == '/')
        len--;
    return tf_strndup(given, len, err);
}

struct tf_hub *tf_hub_open(const struct tf_hub_config *config,
                           struct tf_err *err)
{
    struct tf_hub *hub = tf_alloc(1, sizeof(*hub), err);
    struct tf_http_config http = {
        .user_agent = config->user_agent,
        .connect_seconds = env_seconds("HF_HUB_ETAG_TIMEOUT", 10),
        .stall_seconds = env_seconds("HF_HUB_DOWNLOAD_TIMEOUT", 10),
        .stop = config->stop,
    };
    char *url;

    if (!hub)
        return NULL;
    hub->config = *config;
    hub->endpoint = find_endpoint(config->endpoint, err);
    url = hub->endpoint ? tf_url_join(NULL, hub->endpoint, err) : NULL;
    if (!url && hub->endpoint)
        tf_fail_code(
            err, "choice",
            "the endpoint \"%s\" is no address; it is written https://HOST",
            hub->endpoint);
    hub->http = url ? tf_http_open(&http, err) : NULL;
    free(url);
    if (hub->http)
        return hub;
    tf_hub_close(hub);
    return NULL;
}

void tf_hub_close(struct tf_hub *hub)
{
    if (!hub)
        return;
    tf_http_close(hub->http);
    free(hub->endpoint);
    free(hub->warning);
    free(hub);
}

const struct tf_hub_config *tf_hub_config(const struct tf_hub *hub)
{
    return &hub->config;
}

const char *tf_hub_endpoint(const struct tf_hub *hub)
{
    return hub->endpoint;
}

struct tf_http *tf_hub_http(struct tf_hub *hub)
{
    return hub->http;
}

void tf_hub_note(struct tf_hub *hub, bool verbose, const char *fmt, ...)
{
    char message[600];
    va_list ap;

    if (!hub->config.note)
        return;
    va_start(ap, fmt);
    vsnprintf(message, sizeof(message), fmt, ap);
    va_end(ap);
    hub->config.note(hub->config.arg, verbose, message);
}

void tf_hub_printable(struct tf_buf *out, const char *s, size_t max)
{
    for (size_t i = 0; i < max && s[i]; i++)
        tf_buf_addc(out,
                    (unsigned char)s[i] < ' ' || s[i] == 0x7f ? '?' : s[i]);
}

/* Seconds until the server wants to hear from us again, or 0. */
static double read_wait(struct tf_http *http)
{
    const char *limit = tf_http_header(http, "RateLimit");
    const char *after = tf_http_header(http, "Retry-After");
    const char *t = limit ? strstr(limit, ";t=") : NULL;
    char *end;
    double n;

    if (t) /* "api";r=0;t=55 */
        return strtod(t + 3, NULL) + 1;
    if (!after)
        return 0;
    n = strtod(after, &end);
    if (end != after)
        return n;
    n = tf_http_date(after) - (double)time(NULL);
    return n > 0 ? n : 0;
}

/* A request is shown without what follows '?': signatures are secrets. */
static void show_reply(struct tf_hub *hub, const struct tf_http_request *r,
                       const struct tf_http_reply *reply)
{
    const char *warning = tf_http_header(hub->http, "X-HF-Warning");
    struct tf_buf text = TF_BUF_INIT;

    tf_hub_note(hub, true, "%s %.*s: %ld", r->method, (int)strcspn(r->url, "?"),
                r->url, reply->status);
    if (!warning || (hub->warning && !strcmp(hub->warning, warning)))
        return;
    free(hub->warning);
    hub->warning = strdup(warning);
    tf_hub_printable(&text, warning, 300);
    tf_hub_note(hub, false, "the hub warns: %s", tf_buf_cstr(&text));
    tf_buf_release(&text);
}

static bool is_redirect(long status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 ||
           status == 308;
}

/* Where a redirect leads, or NULL with `err` set. */
static char *next_url(struct tf_hub *hub, const struct tf_http_request *r,
                      long status, struct tf_err *err)
{
    const char *where = tf_http_header(hub->http, "Location");
    bool reads = !strcmp(r->method, "GET") || !strcmp(r->method, "HEAD");
    char *url;

    if (!where) {
        tf_fail_code(err, "network", "%s: a redirect to nowhere",
                     hub->endpoint);
        return NULL;
    }
    url = tf_url_join(r->url, where, err);
    if (!url || reads)
        return url;
    /* what is sent goes to no other place than the user named */
    if ((status == 307 || status == 308) && tf_url_same_origin(r->url, url))
        return url;
    tf_fail_code(err, "network", "%s redirects a %s to %.*s; not followed",
                 hub->endpoint, r->method, (int)strcspn(url, "?"), url);
    free(url);
    return NULL;
}

int tf_hub_try(struct tf_hub *hub, struct tf_http_request *request,
               enum tf_hub_redirect redirect,
               const struct tf_hub_subject *subject,
               struct tf_http_reply *reply, struct tf_err *err)
{
    struct tf_http_request r = *request;
    char *url = NULL, *next;
    bool away = false;
    int status = -1;

    for (int i = 0; i <= REDIRECTS_MAX; i++) {
        /* once away, never again with the token: the way back was chosen by
         * another server */
        away = away || !tf_url_same_origin(r.url, hub->endpoint);
        r.token = away ? NULL : hub->config.token;
        hub->asked_wait = 0;
        if (tf_http_do(hub->http, &r, reply, err))
            goto end;
        show_reply(hub, &r, reply);
        if (!is_redirect(reply->status)) {
            hub->asked_wait = read_wait(hub->http);
            status = reply->status < 300
                         ? 0
                         : tf_hub_refused(hub, subject, reply, err);
            goto end;
        }
        next = next_url(hub, &r, reply->status, err);
        if (!next)
            goto end;
        if (redirect == TF_HUB_STAY && !tf_url_same_origin(r.url, next)) {
            free(next);
            status = 0;
            goto end;
        }
        free(url);
        r.url = url = next;
    }
    tf_fail_code(err, "network",
                 "%s redirects more than %d times; is the endpoint right?",
                 hub->endpoint, REDIRECTS_MAX);
end:
    free(url);
    return status;
}

/* False when the user has stopped us meanwhile. */
static bool nap(struct tf_hub *hub, double seconds)
{
    struct timespec step = { 0, 50000000 };

    for (double t = 0; t < seconds; t += 0.05) {
        if (hub->config.stop && atomic_load(hub->config.stop))
            return false;
        nanosleep(&step, NULL);
    }
    return true;
}

bool tf_hub_wait(struct tf_hub *hub, int tries,
                 const struct tf_http_reply *reply, const struct tf_err *err)
{
    bool silent = reply->status == 0 && !reply->connected;
    double seconds = FIRST_WAIT;

    if (!reply->again || tries >= (silent ? CONNECT_TRIES_MAX : TRIES_MAX) ||
        hub->asked_wait > PATIENCE)
        return false;
    for (int i = 1; i < tries && seconds < LONGEST_WAIT; i++)
        seconds *= 2;
    if (hub->asked_wait > 0)
        seconds = hub->asked_wait;
    tf_hub_note(hub, seconds < 4, "%s; trying again in %.1f s", err->msg,
                seconds);
    return nap(hub, seconds);
}

int tf_hub_call(struct tf_hub *hub, struct tf_http_request *request,
                enum tf_hub_redirect redirect,
                const struct tf_hub_subject *subject,
                struct tf_http_reply *reply, struct tf_err *err)
{
    for (int tries = 1;; tries++) {
        if (!tf_hub_try(hub, request, redirect, subject, reply, err))
            return 0;
        if (!tf_hub_wait(hub, tries, reply, err))
            return -1;
    }
}

/* The address marked rel="next" in a Link header, or NULL. */
static char *next_page(struct tf_hub *hub, const char *url)
{
    const char *link = tf_http_header(hub->http, "Link");
    struct tf_err ignored;
    char *target, *next = NULL;

    for (; link && !next; link = strchr(link, '<')) {
        size_t len = strcspn(++link, ">");
        const char *end = link + len + strcspn(link + len, ",");
        const char *rel = strstr(link + len, "rel=\"next\"");

        if (!rel || rel > end)
            continue;
        target = tf_strndup(link, len, &ignored);
        if (target)
            next = tf_url_join(url, target, &ignored);
        free(target);
    }
    return next;
}

static json_t *parse(struct tf_hub *hub, struct tf_http_reply *reply,
                     struct tf_err *err)
{
    json_error_t why;
    json_t *v;

    if (reply->body.len == 0)
        return json_null();
    v = json_loadb(reply->body.data, reply->body.len, JSON_DECODE_ANY, &why);
    if (!v)
        tf_fail_code(err, "network",
                     "%s does not answer in JSON (%s); is it a hub?",
                     hub->endpoint, why.text);
    return v;
}

json_t *tf_hub_json(struct tf_hub *hub, const struct tf_hub_json *call,
                    struct tf_err *err)
{
    const char *media = call->media ? call->media : "application/json";
    struct tf_hub_subject subject = { .ref = call->ref };
    struct tf_buf url = TF_BUF_INIT;
    struct tf_http_reply reply = { 0 };
    struct tf_http_request r = { .method = call->method,
                                 .accept = media,
                                 .seconds = API_SECONDS };
    char *text = call->body ? json_dumps(call->body, JSON_COMPACT) : NULL;
    json_t *v = NULL;

    tf_buf_addf(&url, "%s%s", call->url[0] == '/' ? hub->endpoint : "",
                call->url);
    r.url = tf_buf_cstr(&url);
    if (url.failed || (call->body && !text)) {
        tf_no_memory(err, url.len);
    } else {
        if (text) {
            r.body = (struct tf_str){ text, strlen(text) };
            r.content_type = media;
        }
        if (!tf_hub_call(hub, &r, TF_HUB_FOLLOW, &subject, &reply, err))
            v = parse(hub, &reply, err);
        if (v && call->next)
            *call->next = next_page(hub, r.url);
    }
    free(text);
    tf_buf_release(&url);
    tf_http_reply_release(&reply);
    return v;
}

void tf_hub_api_path(struct tf_buf *out, const struct tf_hub_ref *ref,
                     const char *rest)
{
    tf_buf_addf(out, "/api/%ss/%s%s", tf_hub_type_name(ref->type), ref->repo,
                rest);
}

void tf_hub_page(const struct tf_hub *hub, struct tf_buf *out,
                 const struct tf_hub_ref *ref, const char *rest)
{
    tf_buf_addf(out, "%s/%s%s%s%s", hub->endpoint,
                ref->type == TF_HUB_MODEL ? "" : tf_hub_type_name(ref->type),
                ref->type == TF_HUB_MODEL ? "" : "s/", ref->repo, rest);
}
