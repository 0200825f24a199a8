/*
 * What the files of the JSON reader (json.h) have of one another: the cursor
 * stands before the value, blanks are passed by the function that reads it.
 */
#ifndef TF_BASE_JSON_PARTS_H
#define TF_BASE_JSON_PARTS_H

#include "base/json.h"

/* Pass blanks; after an error the cursor stays where it went wrong. */
void tf_json_skip_run_of_blanks(struct tf_json *j);

/* The same, without a call where there is one blank or none. */
static inline void tf_json_skip_blanks(struct tf_json *j)
{
    if (j->end - j->p > 1 && j->p[0] == ' ' && !j->what)
        j->p++; /* the one after a colon or a comma */
    if (j->p == j->end || (unsigned char)*j->p <= ' ')
        tf_json_skip_run_of_blanks(j);
}

/* Report that something else stands here, or nothing. Returns false. */
bool tf_json_expected(struct tf_json *j, const char *what);

/* Pass a number, checked as RFC 8259 has it; `raw` gets its bytes. */
bool tf_json_scan_number(struct tf_json *j, struct tf_str *raw);
#endif
