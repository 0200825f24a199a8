#include <math.h>
#include <stdio.h>
#include <string.h>
#include "cmd/quantize.h"

static double relative(double wrong, double all)
{
    return all > 0 ? sqrt(wrong / all) : 0;
}

static json_t *list_layers(const struct tf_quantize_report *r)
{
    json_t *list = json_array();

    for (size_t i = 0; i < r->count; i++) {
        const struct tf_quantized *q = &r->v[i];

        json_array_append_new(
            list, json_pack("{s:s, s:s, s:s, s:I, s:I, s:f}", "tensor", q->name,
                            "from", tf_dtype_info(q->from)->name, "to", q->type,
                            "bytes_before", (json_int_t)q->before,
                            "bytes_after", (json_int_t)q->after,
                            "relative_error", relative(q->wrong, q->all)));
    }
    return list;
}

/* Numbers as the other tools print them. */
static void put(struct tf_buf *b, json_t *v)
{
    const char *key;
    json_t *item;
    size_t i = 0;

    if (json_is_object(v)) {
        tf_buf_addc(b, '{');
        json_object_foreach (v, key, item) {
            tf_buf_adds(b, i++ ? ", " : "");
            tf_put_string(b, key, strlen(key));
            tf_buf_adds(b, ": ");
            put(b, item);
        }
        tf_buf_addc(b, '}');
    } else if (json_is_array(v)) {
        tf_buf_addc(b, '[');
        json_array_foreach (v, i, item) {
            tf_buf_adds(b, i ? ", " : "");
            put(b, item);
        }
        tf_buf_addc(b, ']');
    } else if (json_is_real(v)) {
        tf_put_float(b, (float)json_real_value(v));
    } else if (json_is_integer(v)) {
        tf_put_int(b, json_integer_value(v));
    } else if (json_is_string(v)) {
        tf_put_string(b, json_string_value(v), json_string_length(v));
    } else {
        tf_buf_adds(b, json_is_true(v)    ? "true"
                       : json_is_false(v) ? "false"
                                          : "null");
    }
}

void quantize_print_json(const char *output, const struct tf_quantize_report *r,
                         const struct quantize_eval *eval)
{
    struct tf_buf out = TF_BUF_INIT;
    json_t *all = json_pack(
        "{s:s, s:I, s:I, s:I, s:I, s:I, s:f}", "output", output, "tensors",
        (json_int_t)r->tensors, "quantized", (json_int_t)r->count, "files",
        (json_int_t)r->files, "bytes_before", (json_int_t)r->bytes_before,
        "bytes_after", (json_int_t)r->bytes_after, "relative_error", r->error);

    json_object_set_new(all, "layers", list_layers(r));
    if (eval->before)
        json_object_set_new(all, "eval",
                            json_pack("{s:O, s:O}", "before", eval->before,
                                      "after", eval->after));
    put(&out, all);
    tf_buf_addc(&out, '\n');
    json_decref(all);
    if (out.failed)
        cli_die(CLI_FILE, "no memory");
    fwrite(out.data, 1, out.len, stdout);
    tf_buf_release(&out);
}

/* "5.3 MB" */
static const char *size_text(char *s, size_t room, size_t bytes)
{
    static const char *const units[] = { "bytes", "kB", "MB", "GB", "TB" };
    double n = (double)bytes;
    int i = 0;

    for (; n >= 1000 && i < 4; i++)
        n /= 1000;
    snprintf(s, room, "%.*f %s", i ? 1 : 0, n, units[i]);
    return s;
}

static double percent(size_t part, size_t all)
{
    return all ? 100 * (double)part / (double)all : 0;
}

static void print_eval(const struct quantize_eval *eval)
{
    const char *key;
    json_t *v;

    json_object_foreach (eval->before, key, v) {
        json_t *w = json_object_get(eval->after, key);

        if (json_is_real(v) && json_is_number(w))
            printf("%-22s %10.4f -> %10.4f\n", key, json_number_value(v),
                   json_number_value(w));
    }
}

void quantize_print_table(const char *output,
                          const struct tf_quantize_report *r,
                          const struct quantize_eval *eval)
{
    char before[32], after[32];
    int width = 6;

    for (size_t i = 0; i < r->count; i++)
        if (strlen(r->v[i].name) > (size_t)width)
            width = (int)strlen(r->v[i].name);
    printf("%-*s  %4s  %10s  %10s  %8s\n", width, "tensor", "type", "before",
           "after", "error");
    for (size_t i = 0; i < r->count; i++) {
        const struct tf_quantized *q = &r->v[i];

        printf("%-*s  %4s  %10s  %10s  %7.3f%%\n", width, q->name, q->type,
               size_text(before, sizeof(before), q->before),
               size_text(after, sizeof(after), q->after),
               100 * relative(q->wrong, q->all));
    }
    printf("%s: %s -> %s (%.0f%%), %zu of %zu tensors, relative error "
           "%.3f%%\n",
           output, size_text(before, sizeof(before), r->bytes_before),
           size_text(after, sizeof(after), r->bytes_after),
           percent(r->bytes_after, r->bytes_before), r->count, r->tensors,
           100 * r->error);
    print_eval(eval);
}
