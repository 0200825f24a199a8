#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cmd/hub.h"
#include "hub/scan.h"
#include "base/mem.h"
#include "hub/tidy.h"

static bool yes, type_given;

#define TYPE                                                                   \
    {                                                                          \
        .name = "type", .kind = CLI_CHOICE, .value = &hub_options.type,        \
        .arg = "model|dataset|space",                                          \
        .help = "what kind of repository is named", .given = &type_given       \
    }

const struct cli_opt hub_cache_opts[] = { TYPE, HUB_CACHE_DIR, CLI_END };

const struct cli_opt hub_cache_rm_opts[] = {
    { 0, "yes", CLI_FLAG_ON, &yes, NULL, "do not ask" },
    TYPE,
    HUB_CACHE_DIR,
    CLI_END,
};

/* A repository of the cache that an operand names, and which snapshots. */
struct target {
    struct tf_hub_ref ref;
    bool all; /* no revision was given */
    bool found;
};

static struct target *parse_targets(char **operands, size_t *count)
{
    struct target *targets;
    struct tf_err err;
    size_t n = 0;

    while (operands[n])
        n++;
    targets = tf_alloc(n, sizeof(*targets), &err);
    if (!targets)
        hub_die(&err);
    for (size_t i = 0; i < n; i++) {
        hub_parse_ref(&targets[i].ref, operands[i]);
        targets[i].all = !strchr(operands[i], '@');
    }
    *count = n;
    return targets;
}

static void free_targets(struct target *targets, size_t n)
{
    for (size_t i = 0; i < n; i++)
        tf_hub_ref_release(&targets[i].ref);
    free(targets);
}

/* The revision is this commit, the beginning of it, or a ref to it. */
static bool names_commit(const struct tf_hub_cached_repo *repo,
                         const char *revision, const char *commit)
{
    size_t n = strlen(revision);

    if (n >= 7 && !strncmp(commit, revision, n))
        return true;
    for (size_t i = 0; i < repo->nrefs; i++)
        if (!strcmp(repo->refs[i].name, revision) &&
            !strcmp(repo->refs[i].commit, commit))
            return true;
    return false;
}

/* The target that names this snapshot (any when `s` is NULL), or NULL. */
static struct target *find_target(struct target *targets, size_t n,
                                  const struct tf_hub_cached_repo *repo,
                                  const struct tf_hub_cached_snapshot *s)
{
    for (size_t i = 0; i < n; i++) {
        struct target *t = &targets[i];

        if (strcmp(t->ref.repo, repo->repo) ||
            (type_given && repo->type != t->ref.type))
            continue;
        if (t->all || (s && names_commit(repo, t->ref.revision, s->commit))) {
            t->found = true;
            return t;
        }
    }
    return NULL;
}

static void scan_cache(struct tf_hub_scan *scan)
{
    struct tf_err err;

    if (tf_hub_scan(scan, hub_options.cache_dir, &err))
        hub_die(&err);
}

static json_t *describe(const struct tf_hub_cached_repo *repo,
                        const struct tf_hub_cached_snapshot *s)
{
    json_t *refs = json_array();

    for (size_t i = 0; i < repo->nrefs; i++)
        if (!repo->refs[i].stale && !strcmp(repo->refs[i].commit, s->commit))
            json_array_append_new(refs, json_string(repo->refs[i].name));
    return json_pack("{s:s, s:s, s:s, s:o, s:I, s:s}", "repo", repo->repo,
                     "type", tf_hub_type_name(repo->type), "revision",
                     s->commit, "refs", refs, "size", (json_int_t)s->size,
                     "path", s->path);
}

/* Operands that named nothing: the status is raised. */
static int report_unfound(const struct target *targets, size_t n, int status)
{
    for (size_t i = 0; i < n; i++)
        if (!targets[i].found) {
            cli_warn("the cache has no %s%s%s", targets[i].ref.repo,
                     targets[i].all ? "" : "@",
                     targets[i].all ? "" : targets[i].ref.revision);
            status = CLI_FILE;
        }
    return status;
}

int hub_cache_ls(char **operands)
{
    struct tf_hub_scan scan;
    size_t n;
    struct target *targets = parse_targets(operands, &n);
    int status;

    scan_cache(&scan);
    for (size_t i = 0; i < scan.count; i++) {
        const struct tf_hub_cached_repo *repo = &scan.repos[i];

        for (size_t k = 0; k < repo->nsnapshots; k++)
            if (n == 0 || find_target(targets, n, repo, &repo->snapshots[k]))
                hub_print(describe(repo, &repo->snapshots[k]));
    }
    status = report_unfound(targets, n, CLI_OK);
    free_targets(targets, n);
    tf_hub_scan_release(&scan);
    return status;
}

static void print_freed(const struct tf_hub_freed *freed)
{
    cli_note("freed %.1f MB: %zu snapshots, %zu blobs",
             (double)freed->bytes / 1e6, freed->snapshots, freed->blobs);
    if (freed->busy)
        cli_note("%zu blobs stay: another process works on them", freed->busy);
}

int hub_cache_rm(char **operands)
{
    struct tf_hub_scan scan;
    struct tf_hub_freed freed = { 0 };
    struct tf_err err;
    size_t n;
    struct target *targets = parse_targets(operands, &n);
    int status;

    if (n == 0)
        cli_usage("cache rm needs the repositories to remove");
    if (!yes)
        hub_confirm("Removing from the cache", "yes");
    scan_cache(&scan);
    for (size_t i = 0; i < scan.count; i++) {
        const struct tf_hub_cached_repo *repo = &scan.repos[i];

        if (find_target(targets, n, repo, NULL)) {
            if (tf_hub_cache_rm(&scan, repo, NULL, &freed, &err))
                hub_die(&err);
            continue;
        }
        for (size_t k = 0; k < repo->nsnapshots; k++)
            if (find_target(targets, n, repo, &repo->snapshots[k]) &&
                tf_hub_cache_rm(&scan, repo, repo->snapshots[k].commit, &freed,
                                &err))
                hub_die(&err);
    }
    print_freed(&freed);
    status = report_unfound(targets, n, CLI_OK);
    free_targets(targets, n);
    tf_hub_scan_release(&scan);
    return status;
}

int hub_cache_prune(char **operands)
{
    struct tf_hub_scan scan;
    struct tf_hub_freed freed = { 0 };
    struct tf_err err;

    if (operands[0])
        cli_usage("cache prune takes no operand; see cache rm");
    if (!yes)
        hub_confirm("Removing from the cache what nothing leads to", "yes");
    scan_cache(&scan);
    if (tf_hub_cache_prune(&scan, &freed, &err))
        hub_die(&err);
    print_freed(&freed);
    tf_hub_scan_release(&scan);
    return CLI_OK;
}

struct place {
    const struct tf_hub_cached_repo *repo;
    const struct tf_hub_cached_snapshot *snapshot;
};

static void print_bad(void *arg, const struct tf_hub_cached_file *file,
                      const char *found)
{
    const struct place *at = arg;

    hub_print(json_pack(
        "{s:s, s:s, s:s, s:s, s:s?, s:s?}", "repo", at->repo->repo, "type",
        tf_hub_type_name(at->repo->type), "revision", at->snapshot->commit,
        "path", file->path, "expected", file->blob, "found", found));
}

int hub_cache_verify(char **operands)
{
    struct tf_hub_scan scan;
    struct tf_err err;
    size_t n, files = 0;
    struct target *targets = parse_targets(operands, &n);
    long wrong = 0, bad;
    int status;

    scan_cache(&scan);
    for (size_t i = 0; i < scan.count; i++) {
        struct place at = { .repo = &scan.repos[i] };

        for (size_t k = 0; k < at.repo->nsnapshots; k++) {
            at.snapshot = &at.repo->snapshots[k];
            if (n > 0 && !find_target(targets, n, at.repo, at.snapshot))
                continue;
            bad = tf_hub_cache_verify(at.snapshot, print_bad, &at, &err);
            if (bad < 0)
                hub_die(&err);
            wrong += bad;
            files += at.snapshot->nfiles;
        }
    }
    cli_note("%zu files verified, %ld broken%s", files, wrong,
             wrong ? "; tf-hub cache rm, then pull, brings them back" : "");
    status = report_unfound(targets, n, wrong ? CLI_SOME_FAILED : CLI_OK);
    free_targets(targets, n);
    tf_hub_scan_release(&scan);
    return status;
}
