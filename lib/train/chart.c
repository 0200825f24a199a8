#include "train/chart.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* The picture's measures, in pixels. */
#define WIDTH   820.0
#define LEFT    64.0
#define RIGHT   172.0 /* names of lines */
#define TOP     76.0
#define GAP     52.0 /* between panels, with the lower one's title */
#define BOTTOM  52.0
#define INNER   (WIDTH - LEFT - RIGHT)
#define LEADING 17.0 /* between names of lines */
#define LINES   8    /* named at most */

#define INK  "#24292f"
#define SOFT "#6e7781"
#define GRID "#e6e9ec"

/* Okabe and Ito's colours, which colour-blind readers tell apart. */
static const char *const colours[] = { "#0072b2", "#d55e00", "#009e73",
                                       "#cc79a7", "#e69f00", "#56b4e9" };
#define COLOURS (sizeof(colours) / sizeof(colours[0]))

struct axis {
    double low, high, step;
};

/* An axis from below `low` to above `high` with about n steps of 1, 2 or 5
 * times a power of ten. */
static struct axis make_axis(double low, double high, int n)
{
    static const double factors[] = { 1, 2, 5, 10 };
    double raw, power;
    struct axis a;
    int i = 0;

    if (!(high > low)) {
        double half = fabs(low) > 0 ? fabs(low) / 2 : 0.5;

        low -= half;
        high += half;
    }
    raw = (high - low) / n;
    power = pow(10, floor(log10(raw)));
    while (i < 3 && factors[i] * power < raw)
        i++;
    a.step = factors[i] * power;
    a.low = floor(low / a.step + 1e-9) * a.step;
    a.high = ceil(high / a.step - 1e-9) * a.step;
    return a;
}

static void put_escaped(struct tf_buf *b, const char *s)
{
    for (; *s; s++)
        switch (*s) {
        case '<':
            tf_buf_adds(b, "&lt;");
            break;
        case '>':
            tf_buf_adds(b, "&gt;");
            break;
        case '&':
            tf_buf_adds(b, "&amp;");
            break;
        default:
            tf_buf_addc(b, (unsigned char)*s < 32 ? ' ' : *s);
        }
}

static void put_text(struct tf_buf *b, double x, double y, const char *style,
                     const char *text)
{
    tf_buf_addf(b, "<text x=\"%.1f\" y=\"%.1f\" class=\"%s\">", x, y, style);
    put_escaped(b, text);
    tf_buf_adds(b, "</text>\n");
}

static void put_rule(struct tf_buf *b, double x1, double y1, double x2,
                     double y2, const char *style)
{
    tf_buf_addf(b,
                "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" "
                "class=\"%s\"/>\n",
                x1, y1, x2, y2, style);
}

/* A number on an axis: as many digits as the steps need. */
static void put_number(struct tf_buf *b, double x, double y, const char *style,
                       double v, double step)
{
    char text[64];
    int digits = (int)fmax(0, -floor(log10(step) + 1e-9));
    double power = floor(log10(fabs(v)) + 1e-9);

    if (fabs(v) < step * 1e-9)
        snprintf(text, sizeof(text), "0");
    else if (fabs(v) >= 1e6 || digits > 3)
        snprintf(text, sizeof(text), "%.3ge%d", v / pow(10, power), (int)power);
    else
        snprintf(text, sizeof(text), "%.*f", digits, v);
    put_text(b, x, y, style, text);
}

/* Where a panel's values come to stand. */
struct frame {
    double top, height;
    struct axis x, y;
};

static double x_of(const struct frame *f, double x)
{
    return LEFT + INNER * (x - f->x.low) / (f->x.high - f->x.low);
}

static double y_of(const struct frame *f, double y)
{
    return f->top + f->height * (f->y.high - y) / (f->y.high - f->y.low);
}

static struct axis values_axis(const struct tf_panel *p)
{
    double low = INFINITY, high = -INFINITY;

    for (size_t i = 0; i < p->count; i++)
        for (size_t k = 0; k < p->lines[i].count; k++) {
            low = fmin(low, p->lines[i].points[k].y);
            high = fmax(high, p->lines[i].points[k].y);
        }
    if (p->from_zero)
        low = fmin(low, 0);
    if (p->unit && high - low > 0.4)
        return (struct axis){ 0, 1, 0.2 };
    return make_axis(low, high, p->height > 120 ? 5 : 2);
}

static void draw_axes(struct tf_buf *b, const struct frame *f, bool last,
                      const struct tf_panel *p)
{
    double end = f->top + f->height, v;
    int n = (int)((f->y.high - f->y.low) / f->y.step + 0.5);

    put_text(b, LEFT, f->top - 14, "h", p->title);
    for (int i = 0; i <= n; i++) {
        v = f->y.low + i * f->y.step;
        put_rule(b, LEFT, y_of(f, v), LEFT + INNER, y_of(f, v), "g");
        put_number(b, LEFT - 9, y_of(f, v) + 4, "n y", v, f->y.step);
    }
    for (v = 0; v <= f->x.high * (1 + 1e-9); v += f->x.step) {
        put_rule(b, x_of(f, v), end, x_of(f, v), end + 5, "a");
        if (last)
            put_number(b, x_of(f, v), end + 19, "n x", v, f->x.step);
    }
    put_rule(b, LEFT, end, LEFT + INNER, end, "a");
}

static void draw_line(struct tf_buf *b, const struct frame *f,
                      const struct tf_line *l, const char *colour)
{
    if (l->count > 1) {
        tf_buf_addf(b, "<polyline class=\"l\" stroke=\"%s\" points=\"", colour);
        for (size_t i = 0; i < l->count; i++)
            tf_buf_addf(b, "%s%.1f,%.1f", i ? " " : "", x_of(f, l->points[i].x),
                        y_of(f, l->points[i].y));
        tf_buf_adds(b, "\"/>\n");
    }
    for (size_t i = 0; i < l->count; i++)
        if ((l->marks && l->count <= 60) || l->count == 1)
            tf_buf_addf(b,
                        "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3.2\" "
                        "class=\"m\" stroke=\"%s\"/>\n",
                        x_of(f, l->points[i].x), y_of(f, l->points[i].y),
                        colour);
}

struct label {
    double y;
    size_t line;
};

/* Names at the ends of the lines, pushed apart where they would touch. */
static void draw_names(struct tf_buf *b, const struct frame *f,
                       const struct tf_panel *p)
{
    struct label labels[LINES];
    size_t n = 0;
    double floor_y = f->top + f->height + 4;

    for (size_t i = 0; i < p->count && n < LINES; i++) {
        const struct tf_line *l = &p->lines[i];
        size_t k = n;
        double y;

        if (!l->count || !*l->name)
            continue;
        y = y_of(f, l->points[l->count - 1].y) + 4;
        for (; k && labels[k - 1].y > y; k--)
            labels[k] = labels[k - 1];
        labels[k] = (struct label){ y, i };
        n++;
    }
    for (size_t i = 1; i < n; i++)
        labels[i].y = fmax(labels[i].y, labels[i - 1].y + LEADING);
    for (size_t i = n; i-- > 0; floor_y -= LEADING)
        labels[i].y = fmin(labels[i].y, floor_y);
    for (size_t i = 0; i < n; i++) {
        const struct tf_line *l = &p->lines[labels[i].line];

        tf_buf_addf(b, "<text x=\"%.1f\" y=\"%.1f\" class=\"k\" fill=\"%s\">",
                    LEFT + INNER + 10, labels[i].y,
                    colours[labels[i].line % COLOURS]);
        put_escaped(b, l->name);
        tf_buf_addf(b, " <tspan class=\"v\">%.4g</tspan></text>\n",
                    l->points[l->count - 1].y);
    }
}

static bool has_points(const struct tf_panel *p)
{
    for (size_t i = 0; i < p->count; i++)
        if (p->lines[i].count)
            return true;
    return false;
}

static void draw_panel(struct tf_buf *b, const struct tf_chart *c,
                       const struct tf_panel *p, struct frame *f, bool last)
{
    f->height = p->height;
    f->y = values_axis(p);
    draw_axes(b, f, last, p);
    if (c->mark >= 0)
        put_rule(b, x_of(f, c->mark), f->top, x_of(f, c->mark),
                 f->top + f->height, "b");
    for (size_t i = p->count; i-- > 0;)
        draw_line(b, f, &p->lines[i], colours[i % COLOURS]);
    draw_names(b, f, p);
}

static void put_head(struct tf_buf *b, const struct tf_chart *c, double height)
{
    tf_buf_addf(
        b,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" "
        "height=\"%.0f\" viewBox=\"0 0 %.0f %.0f\" "
        "font-family=\"system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif\" "
        "font-size=\"12\">\n<title>",
        WIDTH, height, WIDTH, height);
    put_escaped(b, c->title);
    tf_buf_adds(
        b, "</title>\n<style>\n"
           ".t { font-size: 16px; font-weight: 600; fill: " INK " }\n"
           ".h { font-size: 13px; font-weight: 600; fill: " INK " }\n"
           ".n { font-size: 11px; fill: " SOFT " }\n"
           ".y { text-anchor: end }\n.x { text-anchor: middle }\n"
           ".g { stroke: " GRID " }\n.a { stroke: " SOFT " }\n"
           ".b { stroke: " SOFT "; stroke-dasharray: 3 3 }\n"
           ".l { fill: none; stroke-width: 2; stroke-linejoin: round }\n"
           ".m { fill: #fff; stroke-width: 2 }\n"
           ".k { font-weight: 600 }\n"
           ".v { font-weight: 400; fill: " SOFT " }\n"
           "</style>\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n");
    put_text(b, LEFT, 28, "t", c->title);
}

void tf_chart_draw(const struct tf_chart *chart, struct tf_buf *svg)
{
    struct frame f = { .x = make_axis(0, chart->x_end, 8) };
    double height = TOP + BOTTOM;
    size_t left = 0;

    f.x.high = chart->x_end > 0 ? chart->x_end : 1;
    f.x.step = fmax(f.x.step, 1);
    for (size_t i = 0; i < chart->count; i++)
        if (has_points(&chart->panels[i])) {
            height += chart->panels[i].height + (left ? GAP : 0);
            left++;
        }
    put_head(svg, chart, height);
    if (chart->mark >= 0)
        put_text(svg, x_of(&f, chart->mark), TOP - 4, "n x", chart->mark_name);
    f.top = TOP;
    for (size_t i = 0; i < chart->count; i++)
        if (has_points(&chart->panels[i])) {
            draw_panel(svg, chart, &chart->panels[i], &f, !--left);
            f.top += f.height + GAP;
        }
    put_text(svg, LEFT + INNER / 2, height - 14, "n x", chart->x_title);
    tf_buf_adds(svg, "</svg>\n");
}
