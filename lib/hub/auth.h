/* The access token: where it is found and kept. */
#ifndef TF_HUB_AUTH_H
#define TF_HUB_AUTH_H

#include "base/err.h"

/*
 * $HF_TOKEN, $HUGGING_FACE_HUB_TOKEN, or what the file $HF_TOKEN_PATH (else
 * "token" in tf_hub_home) holds; *token is NULL when there is none, and free()
 * releases it. Fails when it cannot be a token: it goes into a header.
 */
int tf_hub_token(char **token, struct tf_err *err);

/* Drop blanks and line ends around a token, in place; fails as above. */
int tf_hub_token_clean(char *token, struct tf_err *err);

/* Keep a token as the one to use, and in stored_tokens under `name`; both
 * files readable by their owner only. */
int tf_hub_token_save(const char *token, const char *name, struct tf_err *err);

/* Forget the token and all in stored_tokens. 1: there was none. */
int tf_hub_token_forget(struct tf_err *err);
#endif
