/* The files of tf-eval. */
#ifndef EVAL_H
#define EVAL_H

#include "cmd/cli.h"

struct eval_options {
    const char *model; /* -m: make the predictions first, or --task lm's */
    int64_t stride;    /* 0: not given */
};

extern struct eval_options eval_options;

/* --task lm: each record's negative log-likelihood, and their perplexity. */
int eval_lm(const struct cli_tool *like, char **files);
#endif
