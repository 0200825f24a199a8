#include "hub/http.h"

#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/mem.h"

#define BODY_MAX    (256u << 20) /* a reply that is collected, not streamed */
#define BUFFER_SIZE (512 * 1024L)
#define SLOWEST                                                                \
    64L /* bytes a second: below it a transfer counts as stalled               \
         */

struct tf_http {
    CURL *curl;
    struct tf_http_config config;
    char why[CURL_ERROR_SIZE];
    /* of the exchange that runs */
    const struct tf_http_request *request;
    struct tf_http_reply *reply;
    struct tf_err *err;
    uint64_t sent;
    bool own_failure; /* err is set: by the sink, or for the body's file */
};

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void start_curl(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

static void set_certificates(CURL *c)
{
    static const char *const files[] = { "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE",
                                         "CURL_CA_BUNDLE" };
    const char *v;

    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        v = getenv(files[i]);
        if (v && v[0]) {
            curl_easy_setopt(c, CURLOPT_CAINFO, v);
            break;
        }
    }
    v = getenv("SSL_CERT_DIR");
    if (v && v[0])
        curl_easy_setopt(c, CURLOPT_CAPATH, v);
}

struct tf_http *tf_http_open(const struct tf_http_config *config,
                             struct tf_err *err)
{
    struct tf_http *http = tf_alloc(1, sizeof(*http), err);

    if (!http)
        return NULL;
    pthread_once(&once, start_curl);
    http->config = *config;
    http->curl = curl_easy_init();
    if (!http->curl) {
        tf_fail(err, "libcurl does not start");
        free(http);
        return NULL;
    }
    return http;
}

void tf_http_close(struct tf_http *http)
{
    if (!http)
        return;
    curl_easy_cleanup(http->curl);
    free(http);
}

void tf_http_reply_release(struct tf_http_reply *reply)
{
    tf_buf_release(&reply->body);
}

long tf_http_status(struct tf_http *http)
{
    long status = 0;

    curl_easy_getinfo(http->curl, CURLINFO_RESPONSE_CODE, &status);
    return status;
}

const char *tf_http_header(struct tf_http *http, const char *name)
{
    struct curl_header *h;

    if (curl_easy_header(http->curl, name, 0, CURLH_HEADER, -1, &h))
        return NULL;
    return h->value;
}

static size_t take_body(char *data, size_t size, size_t n, void *arg)
{
    struct tf_http *http = arg;
    struct tf_buf *body = &http->reply->body;
    long status = tf_http_status(http);

    n *= size;
    if (http->request->sink && status >= 200 && status < 300) {
        http->own_failure =
            http->request->sink(http->request->arg, data, n, http->err) != 0;
        return http->own_failure ? CURL_WRITEFUNC_ERROR : n;
    }
    if (n <= BODY_MAX - body->len)
        tf_buf_add(body, data, n);
    else
        body->failed = true;
    if (!body->failed)
        return n;
    http->own_failure = true;
    tf_fail_code(http->err, "network", "the reply is over %u bytes", BODY_MAX);
    return CURL_WRITEFUNC_ERROR;
}

static size_t give_body(char *to, size_t size, size_t n, void *arg)
{
    struct tf_http *http = arg;
    const struct tf_http_request *r = http->request;
    uint64_t total = r->body_fd > 0 ? r->body_size : r->body.len;
    uint64_t left = total - http->sent;
    ssize_t got;

    n *= size;
    if (n > left)
        n = (size_t)left;
    if (r->body_fd > 0 && n > 0) {
        got = pread(r->body_fd, to, n, (off_t)(r->body_offset + http->sent));
        if (got <= 0) {
            http->own_failure = true;
            tf_fail(http->err, "reading the file to send: %s",
                    got ? strerror(errno) : "it became shorter");
            return CURL_READFUNC_ABORT;
        }
        n = (size_t)got;
    } else if (n > 0) {
        memcpy(to, r->body.s + http->sent, n);
    }
    http->sent += n;
    if (r->sent)
        atomic_fetch_add(r->sent, n);
    return n;
}

static int rewind_body(void *arg, curl_off_t offset, int origin)
{
    struct tf_http *http = arg;

    if (origin != SEEK_SET || offset < 0)
        return CURL_SEEKFUNC_CANTSEEK;
    if (http->request->sent)
        atomic_fetch_sub(http->request->sent, http->sent - (uint64_t)offset);
    http->sent = (uint64_t)offset;
    return CURL_SEEKFUNC_OK;
}

static int look_for_stop(void *arg, curl_off_t dltotal, curl_off_t dlnow,
                         curl_off_t ultotal, curl_off_t ulnow)
{
    struct tf_http *http = arg;

    (void)dltotal;
    (void)dlnow;
    (void)ultotal;
    (void)ulnow;
    return http->config.stop && atomic_load(http->config.stop);
}

static int add_header(struct curl_slist **list, const char *name,
                      const char *value)
{
    struct tf_buf line = TF_BUF_INIT;
    struct curl_slist *longer = NULL;

    tf_buf_addf(&line, "%s%s", name, value);
    if (!line.failed)
        longer = curl_slist_append(*list, tf_buf_cstr(&line));
    tf_buf_release(&line);
    if (!longer)
        return -1;
    *list = longer;
    return 0;
}

static int make_headers(const struct tf_http_request *r,
                        struct curl_slist **list)
{
    /* curl would wait for a "100 Continue" before a long body */
    int bad = add_header(list, "Expect:", "");

    if (r->token)
        bad |= add_header(list, "Authorization: Bearer ", r->token);
    if (r->accept)
        bad |= add_header(list, "Accept: ", r->accept);
    if (r->content_type)
        bad |= add_header(list, "Content-Type: ", r->content_type);
    for (size_t i = 0; r->headers && r->headers[i]; i++)
        bad |= add_header(list, r->headers[i], "");
    return bad;
}

static void set_body(CURL *c, struct tf_http *http)
{
    const struct tf_http_request *r = http->request;
    uint64_t size = r->body_fd > 0 ? r->body_size : r->body.len;

    curl_easy_setopt(c, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(c, CURLOPT_INFILESIZE_LARGE, (curl_off_t)size);
    curl_easy_setopt(c, CURLOPT_READFUNCTION, give_body);
    curl_easy_setopt(c, CURLOPT_READDATA, http);
    curl_easy_setopt(c, CURLOPT_SEEKFUNCTION, rewind_body);
    curl_easy_setopt(c, CURLOPT_SEEKDATA, http);
}

static void set_exchange(struct tf_http *http, struct curl_slist *headers)
{
    const struct tf_http_request *r = http->request;
    CURL *c = http->curl;
    char range[32];

    curl_easy_reset(c); /* keeps the connections */
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(c, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(c, CURLOPT_BUFFERSIZE, BUFFER_SIZE);
    curl_easy_setopt(c, CURLOPT_USERAGENT, http->config.user_agent);
    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, http->config.connect_seconds);
    curl_easy_setopt(c, CURLOPT_TIMEOUT, r->seconds);
    curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, SLOWEST);
    curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME,
                     r->stall_seconds ? r->stall_seconds
                                      : http->config.stall_seconds);
    curl_easy_setopt(c, CURLOPT_ERRORBUFFER, http->why);
    set_certificates(c);
    curl_easy_setopt(c, CURLOPT_URL, r->url);
    curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, http);
    curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, look_for_stop);
    curl_easy_setopt(c, CURLOPT_XFERINFODATA, http);
    if (!strcmp(r->method, "HEAD")) {
        curl_easy_setopt(c, CURLOPT_NOBODY, 1L);
    } else if (!strcmp(r->method, "GET")) {
        curl_easy_setopt(c, CURLOPT_HTTPGET, 1L);
        /* a file comes as it is; its length is known and checked */
        if (!r->sink)
            curl_easy_setopt(c, CURLOPT_ACCEPT_ENCODING, "");
    } else {
        set_body(c, http);
        curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, r->method);
    }
    if (r->from > 0) {
        snprintf(range, sizeof(range), "%llu-", (unsigned long long)r->from);
        curl_easy_setopt(c, CURLOPT_RANGE, range);
    }
}

static bool may_work_later(CURLcode code)
{
    switch (code) {
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_PARTIAL_FILE:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
        return true;
    default:
        return false;
    }
}

static int explain(struct tf_http *http, CURLcode code)
{
    const struct tf_http_request *r = http->request;
    const char *why = http->why[0] ? http->why : curl_easy_strerror(code);
    const char *hint = code == CURLE_PEER_FAILED_VERIFICATION
                           ? "; if you trust it, name the file with its "
                             "authority's certificate in SSL_CERT_FILE"
                           : "";
    int host = (int)strcspn(r->url, "?");

    http->reply->again = may_work_later(code);
    http->reply->connected = code != CURLE_COULDNT_RESOLVE_PROXY &&
                             code != CURLE_COULDNT_RESOLVE_HOST &&
                             code != CURLE_COULDNT_CONNECT;
    if (http->own_failure)
        return -1;
    if (code == CURLE_ABORTED_BY_CALLBACK)
        return tf_fail_code(http->err, "network", "stopped");
    /* a signed address carries its secret after the '?' */
    return tf_fail_code(http->err, "network", "%.*s: %s%s", host, r->url, why,
                        hint);
}

int tf_http_do(struct tf_http *http, const struct tf_http_request *request,
               struct tf_http_reply *reply, struct tf_err *err)
{
    struct curl_slist *headers = NULL;
    CURLcode code;

    tf_buf_reset(&reply->body);
    reply->status = 0;
    reply->again = reply->connected = false;
    http->request = request;
    http->reply = reply;
    http->err = err;
    http->sent = 0;
    http->own_failure = false;
    http->why[0] = '\0';
    if (make_headers(request, &headers)) {
        curl_slist_free_all(headers);
        return tf_no_memory(err, 256);
    }
    set_exchange(http, headers);
    code = curl_easy_perform(http->curl);
    curl_easy_setopt(http->curl, CURLOPT_HTTPHEADER, NULL);
    curl_slist_free_all(headers);
    if (code != CURLE_OK)
        return explain(http, code);
    reply->status = tf_http_status(http);
    return 0;
}

double tf_http_date(const char *s)
{
    return (double)curl_getdate(s, NULL);
}

char *tf_url_join(const char *base, const char *where, struct tf_err *err)
{
    CURLU *u = curl_url();
    char *url = NULL, *user = NULL, *scheme = NULL, *copy = NULL;

    if (!u) {
        tf_no_memory(err, 256);
        return NULL;
    }
    if ((base && curl_url_set(u, CURLUPART_URL, base, 0)) ||
        curl_url_set(u, CURLUPART_URL, where, 0) ||
        curl_url_get(u, CURLUPART_URL, &url, 0) ||
        curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) ||
        (strcmp(scheme, "http") && strcmp(scheme, "https")) ||
        !curl_url_get(u, CURLUPART_USER, &user, 0))
        tf_fail_code(err, "network", "\"%.200s\" is not an address to go to",
                     where);
    else
        copy = tf_strndup(url, strlen(url), err);
    curl_free(url);
    curl_free(user);
    curl_free(scheme);
    curl_url_cleanup(u);
    return copy;
}

static int get_origin(const char *url, char *part[3])
{
    CURLU *u = curl_url();
    int bad = !u || curl_url_set(u, CURLUPART_URL, url, 0) ||
              curl_url_get(u, CURLUPART_SCHEME, &part[0], 0) ||
              curl_url_get(u, CURLUPART_HOST, &part[1], 0) ||
              curl_url_get(u, CURLUPART_PORT, &part[2], CURLU_DEFAULT_PORT);

    curl_url_cleanup(u);
    return bad;
}

bool tf_url_same_origin(const char *a, const char *b)
{
    char *x[3] = { NULL }, *y[3] = { NULL };
    bool same = !get_origin(a, x) && !get_origin(b, y);

    for (int i = 0; i < 3; i++) {
        same = same && curl_strequal(x[i], y[i]);
        curl_free(x[i]);
        curl_free(y[i]);
    }
    return same;
}

void tf_url_escape(struct tf_buf *out, const char *s, bool slashes)
{
    static const char digits[] = "0123456789ABCDEF";

    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;

        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
            (c >= '0' && c <= '9') || strchr("-._~", c) ||
            (slashes && c == '/')) {
            tf_buf_addc(out, (char)c);
        } else {
            tf_buf_addc(out, '%');
            tf_buf_addc(out, digits[c >> 4]);
            tf_buf_addc(out, digits[c & 15]);
        }
    }
}
