/*
 * One HTTP exchange after the other, over libcurl: the only part that knows
 * it. No redirect is followed and nothing is tried again here; client.h does
 * both, since they decide where a token may go. One per thread.
 */
#ifndef TF_HUB_HTTP_H
#define TF_HUB_HTTP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/err.h"

struct tf_http;

struct tf_http_config {
    const char *user_agent;
    long connect_seconds;
    long stall_seconds; /* no bytes, or next to none, for so long: give up */
    const atomic_bool *stop; /* once true, exchanges fail at once; or NULL */
};

/* The strings of the configuration are the caller's and outlive it. Proxies
 * and certificates are the environment's: http_proxy, https_proxy, all_proxy,
 * no_proxy; SSL_CERT_FILE, REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE, SSL_CERT_DIR. */
struct tf_http *tf_http_open(const struct tf_http_config *config,
                             struct tf_err *err);
void tf_http_close(struct tf_http *http); /* NULL is allowed */

struct tf_http_reply {
    long status;
    bool again;     /* no reply: the same request may work later */
    bool connected; /* no reply, but the server was reached */
    struct tf_buf body;
};

struct tf_http_request {
    const char *method; /* GET, HEAD, POST, PUT or DELETE */
    const char *url;
    const char *token; /* a bearer token for this server; or NULL */
    const char *accept, *content_type;
    const char *const *headers; /* others, "Name: value", to NULL; or NULL */
    struct tf_str body;
    int body_fd; /* above 0: the body is a part of this file */
    uint64_t body_offset, body_size;
    uint64_t from;      /* ask for the bytes from here on */
    long seconds;       /* for the whole exchange; 0: as long as bytes flow */
    long stall_seconds; /* 0: the configuration's */
    /* Takes the body of a 2xx reply piece by piece; -1 with its own err ends
     * the exchange. NULL: it is collected in reply->body. */
    int (*sink)(void *arg, const char *data, size_t n, struct tf_err *err);
    void *arg;
    /* Counts the body's bytes as they go, from what it holds; or NULL. */
    _Atomic uint64_t *sent;
};

/* Send and receive. 0 with any status; -1 with code "network" without a reply
 * (or with the sink's err). `reply` is zeroed, or of an earlier exchange. */
int tf_http_do(struct tf_http *http, const struct tf_http_request *request,
               struct tf_http_reply *reply, struct tf_err *err);
void tf_http_reply_release(struct tf_http_reply *reply);

/* A header of the last reply (the name in any case), or NULL; valid until the
 * next request; also inside a sink, as is the status. */
const char *tf_http_header(struct tf_http *http, const char *name);
long tf_http_status(struct tf_http *http);

/* A date as headers write it, in seconds since 1970; -1: it is none. */
double tf_http_date(const char *s);

/* The address `where` (absolute or relative) means on the page `base`; free()
 * releases. Only http and https without user names are taken. */
char *tf_url_join(const char *base, const char *where, struct tf_err *err);
/* Same scheme, host and port. */
bool tf_url_same_origin(const char *a, const char *b);
/* Append `s` with all but letters, digits and -._~ (and '/', when `slashes`
 * are kept) percent-encoded. */
void tf_url_escape(struct tf_buf *out, const char *s, bool slashes);
#endif
