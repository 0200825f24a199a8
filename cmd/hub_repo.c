#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cmd/hub.h"
#include "hub/listing.h"
#include "hub/repo.h"

static bool private_repo, exist_ok, yes;

const struct cli_opt hub_repo_opts[] = { HUB_TYPE, HUB_ENDPOINT, CLI_END };

const struct cli_opt hub_create_opts[] = {
    { 0, "private", CLI_FLAG_ON, &private_repo, NULL,
      "seen by its owner only" },
    { 0, "exist-ok", CLI_FLAG_ON, &exist_ok, NULL,
      "one that is there already is no error" },
    HUB_TYPE,
    HUB_ENDPOINT,
    CLI_END,
};

const struct cli_opt hub_delete_opts[] = {
    { 0, "yes", CLI_FLAG_ON, &yes, NULL, "do not ask" },
    HUB_TYPE,
    HUB_ENDPOINT,
    CLI_END,
};

static void only_one(char **operands)
{
    if (operands[0] && operands[1])
        cli_usage("one repository at a time: \"%s\" is too much", operands[1]);
}

/* `path` is the folder or a file in it. */
static bool lies_in(const char *path, const char *folder)
{
    size_t n = folder ? strlen(folder) : 0;

    while (n > 0 && folder[n - 1] == '/')
        n--;
    return n == 0 ||
           (!strncmp(path, folder, n) && (path[n] == '/' || path[n] == '\0'));
}

int hub_ls(char **operands)
{
    struct tf_hub_listing l = { 0 };
    struct tf_hub_ref ref;
    struct tf_hub *hub;
    struct tf_err err;
    char commit[41];
    size_t found = 0;

    hub_parse_ref(&ref, operands[0]);
    if (operands[0] && operands[1] && operands[2])
        cli_usage("one folder at a time");
    hub = hub_open(false);
    if (tf_hub_resolve(hub, &ref, commit, &err) ||
        tf_hub_list(hub, &ref, commit, &l, &err))
        hub_die(&err);
    for (size_t i = 0; i < l.count; i++) {
        const struct tf_hub_file *f = &l.files[i];
        json_t *line;

        if (!lies_in(f->path, operands[1]))
            continue;
        found++;
        line = json_pack("{s:s, s:o, s:o}", "path", f->path, "size",
                         f->has_size ? json_integer((json_int_t)f->size)
                                     : json_null(),
                         "oid", f->oid[0] ? json_string(f->oid) : json_null());
        if (f->blob[0] && strcmp(f->blob, f->oid))
            json_object_set_new(line, "lfs_sha256", json_string(f->blob));
        hub_print(line);
    }
    if (operands[1] && !found)
        cli_die(CLI_NETWORK, "%s has no folder or file %s", ref.repo,
                operands[1]);
    tf_hub_listing_release(&l);
    tf_hub_ref_release(&ref);
    tf_hub_close(hub);
    return CLI_OK;
}

int hub_info(char **operands)
{
    struct tf_hub_ref ref;
    struct tf_hub *hub;
    struct tf_err err;
    json_t *info;

    only_one(operands);
    hub_parse_ref(&ref, operands[0]);
    hub = hub_open(false);
    info = tf_hub_info(hub, &ref, &err);
    if (!info)
        hub_die(&err);
    hub_print(info);
    tf_hub_ref_release(&ref);
    tf_hub_close(hub);
    return CLI_OK;
}

int hub_create(char **operands)
{
    struct tf_hub_ref ref;
    struct tf_hub *hub;
    struct tf_err err;
    char *url;

    only_one(operands);
    hub_parse_ref(&ref, operands[0]);
    hub = hub_open(true);
    if (tf_hub_create(hub, &ref, private_repo, exist_ok, &url, &err))
        hub_die(&err);
    if (url)
        puts(url);
    free(url);
    tf_hub_ref_release(&ref);
    tf_hub_close(hub);
    return CLI_OK;
}

int hub_delete(char **operands)
{
    struct tf_hub_ref ref;
    struct tf_hub *hub;
    struct tf_err err;

    only_one(operands);
    hub_parse_ref(&ref, operands[0]);
    if (!yes) {
        struct tf_buf question = TF_BUF_INIT;

        tf_buf_addf(&question, "Removing the %s %s with all it holds",
                    tf_hub_type_name(ref.type), ref.repo);
        hub_confirm(tf_buf_cstr(&question), ref.repo);
        tf_buf_release(&question);
    }
    hub = hub_open(true);
    if (tf_hub_delete(hub, &ref, &err))
        hub_die(&err);
    tf_hub_ref_release(&ref);
    tf_hub_close(hub);
    return CLI_OK;
}
