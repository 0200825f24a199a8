#include "hub/push.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/mem.h"
#include "hub/gather.h"
#include "hub/hash.h"

#define SAMPLE         512 /* bytes the hub wants to see of each file */
#define COMMIT_SECONDS 600
#define REGULAR_MAX    ((uint64_t)100 << 20) /* a file inside the commit */

struct job {
    const struct tf_hub_push *push;
    const struct tf_hub_ref *ref;
    struct tf_hub *hub;
    struct tf_hub_files files;
    struct tf_hub_local_file **todo; /* of the phase that runs */
    size_t count;
};

/* Base64 of RFC 4648; n is a multiple of 3 but at the end. */
static void add_base64(struct tf_buf *out, const unsigned char *p, size_t n)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                 "abcdefghijklmnopqrstuvwxyz0123456789+/";

    for (size_t i = 0; i < n; i += 3) {
        unsigned v = (unsigned)p[i] << 16;

        if (i + 1 < n)
            v |= (unsigned)p[i + 1] << 8;
        if (i + 2 < n)
            v |= p[i + 2];
        tf_buf_addc(out, digits[v >> 18]);
        tf_buf_addc(out, digits[v >> 12 & 63]);
        tf_buf_addc(out, i + 1 < n ? digits[v >> 6 & 63] : '=');
        tf_buf_addc(out, i + 2 < n ? digits[v & 63] : '=');
    }
}

static int open_file(const struct tf_hub_local_file *f, struct tf_err *err)
{
    int fd = open(f->path, O_RDONLY | O_CLOEXEC);

    return fd < 0 ? tf_fail(err, "%s: %s", f->path, strerror(errno)) : fd;
}

/* The file's first bytes and size, as the hub asks for them. */
static json_t *describe(const struct tf_hub_local_file *f, struct tf_err *err)
{
    unsigned char sample[SAMPLE];
    struct tf_buf text = TF_BUF_INIT;
    json_t *v = NULL;
    int fd = open_file(f, err);
    ssize_t n;

    if (fd < 0)
        return NULL;
    n = read(fd, sample, sizeof(sample));
    close(fd);
    if (n < 0) {
        tf_fail(err, "%s: %s", f->path, strerror(errno));
        return NULL;
    }
    add_base64(&text, sample, (size_t)n);
    v = json_pack("{s:s, s:s, s:I}", "path", f->name, "sample",
                  tf_buf_cstr(&text), "size", (json_int_t)f->size);
    if (!v)
        tf_fail(err, "%s: the name is not valid UTF-8", f->path);
    tf_buf_release(&text);
    return v;
}

static int take_mode(const json_t *reply, struct tf_hub_local_file *f,
                     struct tf_err *err)
{
    const json_t *list = json_object_get(reply, "files");

    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *v = json_array_get(list, i);
        const char *path = json_string_value(json_object_get(v, "path"));
        const char *mode = json_string_value(json_object_get(v, "uploadMode"));
        const char *oid = json_string_value(json_object_get(v, "oid"));

        if (!path || strcmp(path, f->name))
            continue;
        /* LFS has no empty objects */
        f->lfs = mode && !strcmp(mode, "lfs") && f->size > 0;
        f->skip = json_is_true(json_object_get(v, "shouldIgnore"));
        if (oid)
            f->remote = tf_strndup(oid, strlen(oid), err);
        return oid && !f->remote ? -1 : 0;
    }
    return tf_fail_code(err, "network", "%s: the hub does not answer for it",
                        f->name);
}

/* Append "/api/.../WHAT/REVISION[?create_pr=1]". */
static void branch_path(struct tf_buf *out, const struct job *job,
                        const char *what)
{
    tf_hub_api_path(out, job->ref, what);
    tf_url_escape(out, job->ref->revision, false);
    if (job->push->create_pr)
        tf_buf_adds(out, "?create_pr=1");
}

/* Learn how the hub wants n files, and what it has of them. */
static int ask_modes(struct job *job, struct tf_hub_local_file *files, size_t n,
                     struct tf_err *err)
{
    struct tf_buf url = TF_BUF_INIT;
    json_t *list = json_array(), *reply = NULL;
    json_t *body = json_pack("{s:o}", "files", list);
    struct tf_hub_json call = { .method = "POST",
                                .body = body,
                                .ref = job->ref };
    int status = 0;

    for (size_t i = 0; i < n && !status; i++) {
        json_t *v = describe(&files[i], err);

        status = v ? json_array_append_new(list, v) : -1;
    }
    branch_path(&url, job, "/preupload/");
    call.url = tf_buf_cstr(&url);
    if (!status)
        reply = tf_hub_json(job->hub, &call, err);
    if (!reply)
        status = -1;
    for (size_t i = 0; i < n && !status; i++)
        status = take_mode(reply, &files[i], err);
    json_decref(body);
    json_decref(reply);
    tf_buf_release(&url);
    return status;
}

static const char *task_name(void *arg, size_t i, uint64_t *size)
{
    const struct job *job = arg;

    *size = job->todo[i]->size;
    return job->todo[i]->name;
}

static int run_tasks(struct job *job, const char *doing,
                     int (*run)(void *, size_t, struct tf_hub_worker *,
                                struct tf_err *),
                     struct tf_err *err)
{
    const struct tf_hub_push *push = job->push;
    struct tf_hub_work work = { .doing = doing,
                                .config = &push->config,
                                .jobs = push->jobs,
                                .count = job->count,
                                .name = task_name,
                                .run = run,
                                .arg = job,
                                .progress = push->progress,
                                .progress_arg = push->progress_arg };

    return tf_hub_work(&work, err);
}

static int hash_file(void *arg, size_t i, struct tf_hub_worker *w,
                     struct tf_err *err)
{
    struct job *job = arg;
    struct tf_hub_local_file *f = job->todo[i];
    int fd = open_file(f, err);
    int status;

    (void)w;
    if (fd < 0)
        return -1;
    status = tf_hash_fd(fd, f->lfs ? TF_HASH_SHA256 : TF_HASH_GIT, f->size,
                        f->oid, err);
    close(fd);
    if (status)
        tf_err_at(err, f->path);
    else
        f->skip = f->remote && !strcmp(f->remote, f->oid);
    return status;
}

/* Set todo to the files that are left, LFS ones only when asked. */
static void select_left(struct job *job, bool lfs_only)
{
    job->count = 0;
    for (size_t i = 0; i < job->files.n; i++) {
        struct tf_hub_local_file *f = &job->files.v[i];

        if (!f->skip && (f->lfs || !lfs_only))
            job->todo[job->count++] = f;
    }
}

static int by_oid(const void *a, const void *b)
{
    const struct tf_hub_local_file *const *x = a, *const *y = b;

    return strcmp((*x)->oid, (*y)->oid);
}

/* The same content under several names goes up once. */
static void drop_equal(struct job *job)
{
    size_t n = 0;

    if (job->count > 0)
        qsort(job->todo, job->count, sizeof(job->todo[0]), by_oid);
    for (size_t i = 0; i < job->count; i++)
        if (i == 0 || strcmp(job->todo[i]->oid, job->todo[i - 1]->oid))
            job->todo[n++] = job->todo[i];
    job->count = n;
}

static int upload_file(void *arg, size_t i, struct tf_hub_worker *w,
                       struct tf_err *err)
{
    struct job *job = arg;

    return tf_hub_lfs_upload(w, job->ref, &job->todo[i]->object, err);
}

static int upload(struct job *job, struct tf_err *err)
{
    struct tf_hub_object *batch[TF_HUB_BATCH];
    size_t n = 0;

    select_left(job, true);
    drop_equal(job);
    for (size_t i = 0; i < job->count; i++) {
        struct tf_hub_local_file *f = job->todo[i];

        memcpy(f->object.sha256, f->oid, sizeof(f->object.sha256));
        f->object.size = f->size;
        f->object.path = f->path;
        batch[n++] = &f->object;
        if (n == TF_HUB_BATCH || i + 1 == job->count) {
            if (tf_hub_lfs_batch(job->hub, job->ref, batch, n, err))
                return -1;
            n = 0;
        }
    }
    return run_tasks(job, "push", upload_file, err);
}

/* {"key": "file", "value": ...}, its content streamed as base64. */
static int put_regular(FILE *out, const struct tf_hub_local_file *f,
                       struct tf_err *err)
{
    unsigned char block[3 * 16384];
    struct tf_buf text = TF_BUF_INIT;
    char *name = NULL;
    json_t *path = json_string(f->name);
    FILE *in = fopen(f->path, "rb");
    uint64_t total = 0;
    size_t n;

    if (path)
        name = json_dumps(path, JSON_ENCODE_ANY);
    json_decref(path);
    if (!in || !name) {
        tf_fail(err, "%s: %s", f->path, in ? "no memory" : strerror(errno));
        if (in)
            fclose(in);
        free(name);
        return -1;
    }
    fprintf(out,
            "{\"key\":\"file\",\"value\":{\"path\":%s,"
            "\"encoding\":\"base64\",\"content\":\"",
            name);
    while ((n = fread(block, 1, sizeof(block), in)) > 0) {
        tf_buf_reset(&text);
        add_base64(&text, block, n);
        fwrite(text.data, 1, text.len, out);
        total += n;
    }
    fputs("\"}}\n", out);
    tf_buf_release(&text);
    fclose(in);
    free(name);
    if (total != f->size)
        return tf_fail(err, "%s: it changed meanwhile; push again", f->path);
    return 0;
}

static int put_line(FILE *out, json_t *line, struct tf_err *err)
{
    int status =
        line && !json_dumpf(line, out, JSON_COMPACT) && fputc('\n', out) != EOF
            ? 0
            : tf_fail(err, "the commit cannot be written aside");

    json_decref(line);
    return status;
}

/* The commit: a line for each change, in a file of its own as it may be long.
 */
static int write_commit(struct job *job, FILE *out, struct tf_err *err)
{
    int status =
        put_line(out,
                 json_pack("{s:s, s:{s:s, s:s}}", "key", "header", "value",
                           "summary", job->push->message, "description", ""),
                 err);

    for (size_t i = 0; i < job->count && !status; i++) {
        const struct tf_hub_local_file *f = job->todo[i];

        if (f->lfs)
            status = put_line(out,
                              json_pack("{s:s, s:{s:s, s:s, s:s, s:I}}", "key",
                                        "lfsFile", "value", "path", f->name,
                                        "algo", "sha256", "oid", f->oid, "size",
                                        (json_int_t)f->size),
                              err);
        else if (f->size > REGULAR_MAX)
            status =
                tf_fail_code(err, "refused",
                             "%s: the hub wants it inside the commit, "
                             "but it is over %llu MB",
                             f->path, (unsigned long long)(REGULAR_MAX >> 20));
        else
            status = put_regular(out, f, err);
    }
    if (!status && (fflush(out) || ferror(out)))
        status = tf_fail(err, "the commit cannot be written aside: %s",
                         strerror(errno));
    return status;
}

/* Once only: a commit whose answer was lost may have been made. */
static int send_commit(struct job *job, FILE *commit,
                       struct tf_hub_pushed *pushed, struct tf_err *err)
{
    struct tf_hub_subject subject = { .ref = job->ref };
    struct tf_http_reply reply = { 0 };
    struct tf_buf url = TF_BUF_INIT;
    struct tf_http_request r = { .method = "POST",
                                 .accept = "application/json",
                                 .content_type = "application/x-ndjson",
                                 .body_fd = fileno(commit),
                                 .body_size = (uint64_t)ftello(commit),
                                 .stall_seconds = COMMIT_SECONDS };
    int status;

    tf_buf_adds(&url, tf_hub_endpoint(job->hub));
    branch_path(&url, job, "/commit/");
    r.url = tf_buf_cstr(&url);
    status = tf_hub_try(job->hub, &r, TF_HUB_FOLLOW, &subject, &reply, err);
    if (!status)
        pushed->reply = json_loadb(reply.body.data, reply.body.len, 0, NULL);
    if (!status && !json_is_object(pushed->reply))
        status = tf_fail_code(err, "network",
                              "%s does not say which commit it made; look "
                              "there before you push again",
                              tf_hub_endpoint(job->hub));
    tf_buf_release(&url);
    tf_http_reply_release(&reply);
    return status;
}

static int commit(struct job *job, struct tf_hub_pushed *pushed,
                  struct tf_err *err)
{
    FILE *aside = tmpfile();
    int status;

    if (!aside)
        return tf_fail(err, "no temporary file can be made: %s",
                       strerror(errno));
    status = write_commit(job, aside, err);
    if (!status)
        status = send_commit(job, aside, pushed, err);
    fclose(aside);
    return status;
}

static int push_all(struct job *job, struct tf_hub_pushed *pushed,
                    struct tf_err *err)
{
    struct tf_hub_files *files = &job->files;

    if (tf_hub_gather(files, job->push->path, &job->push->filter, err))
        return -1;
    job->todo = tf_alloc(files->n, sizeof(job->todo[0]), err);
    if (!job->todo)
        return -1;
    for (size_t i = 0; i < files->n; i += TF_HUB_BATCH) {
        size_t left = files->n - i;

        if (ask_modes(job, &files->v[i],
                      left < TF_HUB_BATCH ? left : TF_HUB_BATCH, err))
            return -1;
    }
    select_left(job, false);
    pushed->unchanged = job->count;
    if (run_tasks(job, "hash", hash_file, err))
        return -1;
    select_left(job, false);
    pushed->unchanged -= job->count;
    pushed->files = job->count;
    if (pushed->files == 0)
        return 0;
    if (upload(job, err))
        return -1;
    select_left(job, false);
    return commit(job, pushed, err);
}

int tf_hub_push(const struct tf_hub_push *push, const struct tf_hub_ref *ref,
                struct tf_hub_pushed *pushed, struct tf_err *err)
{
    struct job job = { .push = push, .ref = ref };
    int status;

    memset(pushed, 0, sizeof(*pushed));
    job.hub = tf_hub_open(&push->config, err);
    if (!job.hub)
        return -1;
    status = push_all(&job, pushed, err);
    tf_hub_files_release(&job.files);
    free(job.todo);
    tf_hub_close(job.hub);
    return status;
}
