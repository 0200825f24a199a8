/*
 * A hub's HTTP API: requests with the token where it belongs, redirects by
 * hand, repetition with back-off, and refusals in words that say what to do.
 * One per thread.
 *
 * Errors have a code: "no_repo", "no_revision", "no_file", "gated",
 * "no_login", "refused" (the hub says no), "network" (no answer, or one that
 * makes no sense), "wrong_hash", "no_room", "offline", "not_cached"; "choice":
 * what was asked for is to be said otherwise. Without one the fault is on this
 * machine: a file, memory.
 */
#ifndef TF_HUB_CLIENT_H
#define TF_HUB_CLIENT_H

#include <jansson.h>
#include <stdatomic.h>
#include <stdbool.h>
#include "base/buf.h"
#include "base/err.h"
#include "hub/cache.h"
#include "hub/http.h"

#define TF_HUB_ENDPOINT "https://huggingface.co"

/* Strings are the caller's and outlive the client. */
struct tf_hub_config {
    const char *endpoint; /* NULL: $HF_ENDPOINT, else TF_HUB_ENDPOINT */
    const char *token;    /* sent to the endpoint's own origin only; or NULL */
    const char *user_agent;
    const atomic_bool *stop; /* once true, calls fail at once; or NULL */
    /* What a user may want to read; verbose: only when asked for. Called on
     * the thread of the client. NULL: nobody listens. */
    void (*note)(void *arg, bool verbose, const char *message);
    void *arg;
};

struct tf_hub;
struct tf_hub *tf_hub_open(const struct tf_hub_config *config,
                           struct tf_err *err);
void tf_hub_close(struct tf_hub *hub); /* NULL is allowed */
const struct tf_hub_config *tf_hub_config(const struct tf_hub *hub);
const char *tf_hub_endpoint(const struct tf_hub *hub); /* no '/' at the end */
struct tf_http *tf_hub_http(struct tf_hub *hub); /* headers of the last reply */

/* HF_HUB_OFFLINE or TRANSFORMERS_OFFLINE says yes. */
bool tf_hub_offline(void);

void tf_hub_note(struct tf_hub *hub, bool verbose, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* What a request is about, for messages. */
struct tf_hub_subject {
    const struct tf_hub_ref *ref; /* NULL: the account */
    const char *file;             /* or NULL */
};

enum tf_hub_redirect {
    TF_HUB_FOLLOW, /* anywhere; the token never comes along to another origin */
    TF_HUB_STAY,   /* the redirect to another origin is itself the answer */
};

/*
 * One try of a request, its token set here. 0 for a status below 300, or the
 * redirect that TF_HUB_STAY asks for; else -1, and reply->again says whether
 * tf_hub_wait and another try make sense.
 */
int tf_hub_try(struct tf_hub *hub, struct tf_http_request *request,
               enum tf_hub_redirect redirect,
               const struct tf_hub_subject *subject,
               struct tf_http_reply *reply, struct tf_err *err);

/* Sleep before try number `tries` (from 1): what the server asked for, else
 * 0.5 s doubling up to 8 s. False when it is better to give up. */
bool tf_hub_wait(struct tf_hub *hub, int tries,
                 const struct tf_http_reply *reply, const struct tf_err *err);

/* tf_hub_try until it works or gives up. */
int tf_hub_call(struct tf_hub *hub, struct tf_http_request *request,
                enum tf_hub_redirect redirect,
                const struct tf_hub_subject *subject,
                struct tf_http_reply *reply, struct tf_err *err);

struct tf_hub_json {
    const char *method;
    const char *url;              /* absolute, or beginning with "/" */
    json_t *body;                 /* borrowed; or NULL */
    const char *media;            /* of both bodies; NULL: "application/json" */
    const struct tf_hub_ref *ref; /* what it is about, or NULL: the account */
    char **next; /* the next page's address or NULL, for free(); or NULL */
};

/* tf_hub_call with JSON both ways. An empty reply is a JSON null. NULL: it
 * failed. */
json_t *tf_hub_json(struct tf_hub *hub, const struct tf_hub_json *call,
                    struct tf_err *err);

/* "/api/models/org/name" + rest. */
void tf_hub_api_path(struct tf_buf *out, const struct tf_hub_ref *ref,
                     const char *rest);
/* "ENDPOINT/datasets/org/name" + rest: "" before the name of a model. */
void tf_hub_page(const struct tf_hub *hub, struct tf_buf *out,
                 const struct tf_hub_ref *ref, const char *rest);

/* A string a stranger wrote, fit for a terminal: control characters become
 * '?', at most `max` bytes. */
void tf_hub_printable(struct tf_buf *out, const char *s, size_t max);
#endif
