/* Accounts and repositories on the hub. */
#ifndef TF_HUB_REPO_H
#define TF_HUB_REPO_H

#include "hub/client.h"

/* Whose token it is: {"name", "orgs", ...} as the hub answers; json_decref. */
json_t *tf_hub_whoami(struct tf_hub *hub, struct tf_err *err);

/* What the hub says about a repository at ref's revision; json_decref. */
json_t *tf_hub_info(struct tf_hub *hub, const struct tf_hub_ref *ref,
                    struct tf_err *err);

/* Make a repository; *url, if `url` is not NULL, is where it is, for free().
 * One that is there already is an error unless `exists_ok`, and then *url is
 * NULL. */
int tf_hub_create(struct tf_hub *hub, const struct tf_hub_ref *ref,
                  bool private_repo, bool exists_ok, char **url,
                  struct tf_err *err);

/* Remove a repository with all it holds. */
int tf_hub_delete(struct tf_hub *hub, const struct tf_hub_ref *ref,
                  struct tf_err *err);

/* Make the branch ref->revision, from main; it may be there already. */
int tf_hub_branch(struct tf_hub *hub, const struct tf_hub_ref *ref,
                  struct tf_err *err);
#endif
