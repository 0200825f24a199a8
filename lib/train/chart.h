/*
 * Line charts as SVG: panels one below the other with a common x axis. Lines
 * are named at their right ends, where their last values stand.
 */
#ifndef TF_TRAIN_CHART_H
#define TF_TRAIN_CHART_H

#include <stdbool.h>
#include <stddef.h>
#include "base/buf.h"
#include "base/err.h"

struct tf_point {
    double x, y;
};

struct tf_line {
    const char *name;        /* "": not named */
    struct tf_point *points; /* [count], by rising x, finite */
    size_t count, cap;
    bool marks; /* a mark at each point */
};

struct tf_panel {
    const char *title;
    double height;         /* of the plot, in pixels */
    bool unit;             /* values lie in [0, 1], and so does the axis */
    bool from_zero;        /* the axis begins at 0 */
    struct tf_line *lines; /* [count] */
    size_t count, cap;
};

struct tf_chart {
    const char *title;
    const char *x_title;
    double x_end; /* x counts from 0 to here, in whole numbers */
    double mark;  /* an x that is marked by a dashed line, < 0: none */
    const char *mark_name;
    struct tf_panel *panels; /* [count] */
    size_t count;
};

/* Append the picture. Panels without points are left out. */
void tf_chart_draw(const struct tf_chart *chart, struct tf_buf *svg);
#endif
