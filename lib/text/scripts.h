/* Of UnicodeScripts: which script a character belongs to. */
#ifndef TF_TEXT_SCRIPTS_H
#define TF_TEXT_SCRIPTS_H

#include <stddef.h>
#include <stdint.h>

/* A number for each script; 0 for a space and what has none. */
int tf_script(uint32_t c);
#endif
