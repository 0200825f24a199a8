#include "hub/pull.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include "base/mem.h"
#include "hub/beneath.h"
#include "hub/local.h"
#include "hub/place.h"

struct job {
    const struct tf_hub_pull *p;
    const struct tf_hub_ref *ref;
    char *cache_dir;
    struct tf_hub_place place;
    struct tf_hub_listing list; /* what is to be fetched */
};

/* Files named one by one need no listing. */
static bool names_files_only(const struct tf_hub_filter *f)
{
    for (size_t i = 0; i < f->nfiles; i++)
        if (f->files[i][0] && f->files[i][strlen(f->files[i]) - 1] == '/')
            return false;
    return f->nfiles > 0;
}

static bool is_code(const struct tf_err *err, const char *code)
{
    return err->code && !strcmp(err->code, code);
}

/* Where the listing of the commit is kept. */
static void kept_path(struct tf_buf *out, const struct job *job)
{
    if (job->place.local < 0)
        tf_buf_addf(out, "%s/trees/%s.json", job->place.store.path,
                    job->place.commit);
    else
        tf_buf_addf(out, "%s/.cache/huggingface/trees/%s.json",
                    job->p->local_dir, job->place.commit);
}

static int read_kept_listing(struct job *job)
{
    struct tf_buf path = TF_BUF_INIT;
    struct tf_err ignored;
    int status;

    kept_path(&path, job);
    status = tf_hub_listing_read(&job->list, tf_buf_cstr(&path), &ignored);
    tf_buf_release(&path);
    if (status)
        tf_hub_listing_release(&job->list);
    return status;
}

/* The hub knows the repository: now it gets its folder. */
static int make_folders(struct job *job, struct tf_err *err)
{
    if (job->place.local >= 0 || job->place.store.dir >= 0)
        return 0;
    tf_hub_store_close(&job->place.store);
    return tf_hub_store_open(&job->place.store, job->cache_dir, job->ref->type,
                             job->ref->repo, true, err);
}

static int keep_listing(struct job *job, struct tf_err *err)
{
    struct tf_buf path = TF_BUF_INIT;
    struct tf_err ignored;
    int dir, trees;

    if (make_folders(job, err))
        return -1;
    dir = job->place.local < 0 ? job->place.store.dir : job->place.local;
    trees = tf_beneath_folder(
        dir, job->place.local < 0 ? "trees" : ".cache/huggingface/trees",
        &ignored);
    kept_path(&path, job);
    if (trees >= 0) {
        tf_hub_listing_write(&job->list, tf_buf_cstr(&path), &ignored);
        close(trees);
    }
    tf_buf_release(&path);
    return 0;
}

/* The list is the files that the user named. */
static int list_named(struct job *job, struct tf_err *err)
{
    const struct tf_hub_filter *f = &job->p->filter;

    for (size_t i = 0; i < f->nfiles; i++) {
        if (!tf_hub_file_valid(f->files[i]))
            return tf_fail_code(err, "choice",
                                "\"%s\" is not a file's name in a repository",
                                f->files[i]);
        if (!tf_hub_listing_add(&job->list, f->files[i], err))
            return -1;
    }
    return 0;
}

/* Settle the commit and fill the list, from what was kept or from the hub. */
static int look_at_hub(struct job *job, struct tf_err *err)
{
    struct tf_hub *hub = tf_hub_open(&job->p->config, err);
    const struct tf_hub_ref *ref = job->ref;
    bool known = tf_hub_is_commit(ref->revision);
    int status = hub ? 0 : -1;

    if (known)
        memcpy(job->place.commit, ref->revision, sizeof(job->place.commit));
    if (!status && names_files_only(&job->p->filter)) {
        status = list_named(job, err);
        /* the first tells the commit for all */
        if (!status && !known)
            status = tf_hub_head(hub, ref, &job->list.files[0],
                                 job->place.commit, err);
        if (status && job->place.commit[0] && job->place.store.dir >= 0)
            tf_hub_store_no_exist(&job->place.store, job->place.commit,
                                  job->list.files[0].path);
    } else if (!status) {
        if (!known)
            status = tf_hub_resolve(hub, ref, job->place.commit, err);
        if (!status && read_kept_listing(job)) {
            status = tf_hub_list(hub, ref, job->place.commit, &job->list, err);
            if (!status)
                status = keep_listing(job, err);
        }
        if (!status)
            status = tf_hub_select(&job->list, &job->p->filter, ref, err);
    }
    tf_hub_close(hub);
    return status;
}

static int check_names(const struct job *job, struct tf_err *err)
{
    for (size_t i = 0; i < job->list.count; i++) {
        const char *path = job->list.files[i].path;
        struct tf_buf shown = TF_BUF_INIT;

        if (tf_hub_file_valid(path) &&
            (job->place.local < 0 || strncmp(path, ".cache/huggingface/", 19)))
            continue;
        tf_hub_printable(&shown, path, 200);
        tf_fail_code(err, "refused",
                     "%s has a file \"%s\", a name that could leave its "
                     "folder; have its owner rename it, or leave it out with "
                     "--exclude",
                     job->ref->repo, tf_buf_cstr(&shown));
        tf_buf_release(&shown);
        return -1;
    }
    return 0;
}

/* Take off the list what is at its place in the cache. */
static void drop_present(struct job *job)
{
    size_t n = 0;

    if (job->place.local >= 0)
        return; /* whether a file is current may need its hash */
    for (size_t i = 0; i < job->list.count; i++) {
        struct tf_hub_file *file = &job->list.files[i];

        if (tf_hub_store_linked(&job->place.store, job->place.commit, file))
            free(file->path);
        else
            job->list.files[n++] = *file;
    }
    job->list.count = n;
}

/* Better now than after an hour. */
static int check_room(const struct job *job, struct tf_err *err)
{
    uint64_t need = 0, room;
    struct statvfs fs;

    for (size_t i = 0; i < job->list.count; i++) {
        const struct tf_hub_file *file = &job->list.files[i];
        uint64_t part = 0;

        if (job->place.local < 0 && file->blob[0]) {
            if (tf_hub_store_has(&job->place.store, file))
                continue;
            part = tf_hub_store_partial_size(&job->place.store, file->blob);
        }
        need += file->size > part ? file->size - part : 0;
    }
    if (job->place.local >= 0 || fstatvfs(job->place.store.dir, &fs))
        return 0;
    room = (uint64_t)fs.f_bavail * fs.f_frsize;
    if (need <= room)
        return 0;
    return tf_fail_code(err, "no_room",
                        "%s: %.1f MB are to come and %.1f MB are free; free "
                        "some, or choose another place with --cache-dir",
                        job->place.store.path, (double)need / 1e6,
                        (double)room / 1e6);
}

static int by_size(const void *a, const void *b)
{
    const struct tf_hub_file *x = a, *y = b;

    if (x->size != y->size)
        return x->size > y->size ? -1 : 1;
    return strcmp(x->path, y->path);
}

static const char *task_name(void *arg, size_t i, uint64_t *size)
{
    const struct job *job = arg;

    *size = job->list.files[i].size;
    return job->list.files[i].path;
}

static int run_task(void *arg, size_t i, struct tf_hub_worker *w,
                    struct tf_err *err)
{
    struct job *job = arg;

    return tf_hub_place_put(&job->place, &job->list.files[i], w, err);
}

/* Put all that is listed at its place, the largest files first. */
static int fetch(struct job *job, struct tf_err *err)
{
    const struct tf_hub_pull *p = job->p;
    struct tf_hub_work work = { .doing = "pull",
                                .config = &p->config,
                                .jobs = p->jobs,
                                .count = job->list.count,
                                .name = task_name,
                                .run = run_task,
                                .arg = job,
                                .progress = p->progress,
                                .progress_arg = p->progress_arg };

    if (work.count > 0)
        qsort(job->list.files, work.count, sizeof(job->list.files[0]), by_size);
    return tf_hub_work(&work, err);
}

/* The answer, once all is at its place: good in any working directory. */
static char *result(const struct job *job, struct tf_err *err)
{
    const struct tf_hub_filter *f = &job->p->filter;
    struct tf_buf path = TF_BUF_INIT;
    const char *top =
        job->place.local >= 0 ? job->p->local_dir : job->place.store.path;
    char here[PATH_MAX], *copy = NULL;

    if (top[0] != '/' && getcwd(here, sizeof(here)))
        tf_buf_addf(&path, "%s/", here);
    tf_buf_adds(&path, top);
    if (job->place.local < 0)
        tf_buf_addf(&path, "/snapshots/%s", job->place.commit);
    if (f->nfiles == 1 && names_files_only(f))
        tf_buf_addf(&path, "/%s", f->files[0]);
    if (path.failed)
        tf_no_memory(err, path.len);
    else
        copy = tf_strndup(tf_buf_cstr(&path), path.len, err);
    tf_buf_release(&path);
    return copy;
}

/* Nothing but the cache: all that the filter selects must be there. */
static char *look_at_cache(struct job *job, struct tf_err *err)
{
    const struct tf_hub_ref *ref = job->ref;
    char *snapshot = tf_hub_cache_find(job->p->cache_dir, ref->type, ref->repo,
                                       ref->revision, err);
    int status = 0;

    if (!snapshot)
        return NULL;
    memcpy(job->place.commit, strrchr(snapshot, '/') + 1, 41);
    free(snapshot);
    tf_hub_listing_release(&job->list);
    if (names_files_only(&job->p->filter))
        status = list_named(job, err);
    else if (!read_kept_listing(job))
        status = tf_hub_select(&job->list, &job->p->filter, ref, err);
    if (!status)
        status = check_names(job, err);
    if (status)
        return NULL;
    drop_present(job);
    if (job->list.count == 0)
        return result(job, err);
    tf_fail_code(err, "not_cached",
                 "%zu files of %s are not in the cache, %s among them",
                 job->list.count, ref->repo, job->list.files[0].path);
    return NULL;
}

/* The hub could not tell, or may not: the cache may still serve. */
static char *fall_back(struct job *job, struct tf_err *err)
{
    const struct tf_hub_pull *p = job->p;
    struct tf_err why = *err, ignored;
    struct tf_buf note = TF_BUF_INIT;
    char *path;

    if (job->place.local >= 0 || !err->code || is_code(err, "no_revision") ||
        is_code(err, "no_file") || is_code(err, "no_room") ||
        is_code(err, "choice"))
        return NULL;
    path = look_at_cache(job, &ignored);
    if (path && p->config.note) {
        tf_buf_addf(&note, "%s; this is what the cache has", why.msg);
        p->config.note(p->config.arg, false, tf_buf_cstr(&note));
        tf_buf_release(&note);
    }
    return path;
}

static char *pull(struct job *job, struct tf_err *err)
{
    struct tf_err late;
    int snapshot;

    if (job->p->offline && job->place.local >= 0) {
        tf_fail_code(err, "offline",
                     "without the network only the cache can be looked into, "
                     "not %s",
                     job->p->local_dir);
        return NULL;
    }
    if (job->p->offline)
        return look_at_cache(job, err);
    if (look_at_hub(job, err))
        return fall_back(job, err);
    if (check_names(job, err))
        return NULL;
    if (job->list.count == 0 && job->p->config.note)
        job->p->config.note(job->p->config.arg, false,
                            "no file is selected by these patterns");
    if (make_folders(job, err))
        return NULL;
    drop_present(job);
    if (check_room(job, err) || fetch(job, err))
        return NULL;
    if (job->place.local >= 0)
        return result(job, err);
    /* an empty selection has a folder too, and a ref leads somewhere */
    snapshot = tf_hub_store_snapshot(&job->place.store, job->place.commit, err);
    if (snapshot < 0)
        return NULL;
    close(snapshot);
    /* a cache that may only be read serves all the same */
    if (tf_hub_store_set_ref(&job->place.store, job->ref->revision,
                             job->place.commit, &late) &&
        job->p->config.note)
        job->p->config.note(job->p->config.arg, true, late.msg);
    return result(job, err);
}

char *tf_hub_pull(const struct tf_hub_pull *p, const struct tf_hub_ref *ref,
                  struct tf_err *err)
{
    struct job job = { .p = p,
                       .ref = ref,
                       .place = { .ref = ref, .local = -1 } };
    char *path = NULL;

    err->code = NULL;
    job.cache_dir = tf_hub_cache_dir(p->cache_dir, err);
    if (!job.cache_dir)
        return NULL;
    if (!tf_hub_store_open(&job.place.store, job.cache_dir, ref->type,
                           ref->repo, false, err)) {
        if (p->local_dir)
            job.place.local = tf_hub_local_open(p->local_dir, err);
        if (!p->local_dir || job.place.local >= 0)
            path = pull(&job, err);
        if (job.place.local >= 0)
            close(job.place.local);
        tf_hub_store_close(&job.place.store);
    }
    tf_hub_listing_release(&job.list);
    free(job.cache_dir);
    return path;
}
