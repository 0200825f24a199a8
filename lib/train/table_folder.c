#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/io.h"
#include "base/jsonl.h"
#include "base/mem.h"
#include "train/card.h"
#include "train/splits.h"
#include "train/table_parts.h"

/* The last folder of a path, of which texts take their label. */
static struct tf_str last_folder(const char *path)
{
    const char *end = strrchr(path, '/'), *begin = end;

    while (begin && begin > path && begin[-1] != '/')
        begin--;
    return end ? (struct tf_str){ begin, (size_t)(end - begin) }
               : (struct tf_str){ NULL, 0 };
}

/* A text as one row, labelled by its folder. */
static int read_document(struct tf_table *t, const char *path,
                         struct tf_str label, struct tf_err *err)
{
    struct tf_buf text = TF_BUF_INIT;
    size_t at = t->text.len;
    int failed =
        tf_table_add_file(t, path, err) || tf_table_file_text(path, &text, err);

    while (text.len && strchr("\r\n", text.data[text.len - 1]))
        text.len--;
    if (!failed && tf_utf8_valid(tf_buf_cstr(&text), text.len) != text.len) {
        failed = tf_fail(err, "%.300s: invalid UTF-8", path);
    } else if (!failed) {
        tf_buf_adds(&t->text, "{\"text\": ");
        tf_put_string(&t->text, tf_buf_cstr(&text), text.len);
        tf_buf_adds(&t->text, ", \"label\": ");
        tf_put_string(&t->text, label.s, label.len);
        tf_buf_addc(&t->text, '}');
        failed = tf_table_add_row(t, at, 1, err);
    }
    tf_buf_release(&text);
    return failed ? -1 : 0;
}

static bool is_text(const char *path)
{
    return tf_path_matches("**.txt", path) ||
           tf_path_matches("**.txt.gz", path) ||
           tf_path_matches("**.txt.zst", path);
}

/* Texts in more than one folder: then these are their labels. */
static bool has_classes(const struct tf_paths *files)
{
    bool differ = false;

    for (size_t i = 0; i < files->count; i++) {
        struct tf_str folder = last_folder(files->v[i]);

        if (!is_text(files->v[i]) || !folder.s)
            return false;
        differ |= !tf_str_eq(folder, last_folder(files->v[0]));
    }
    return differ;
}

static int read_files(struct tf_table *t, const char *dir,
                      const struct tf_paths *files, const char *numeric,
                      struct tf_err *err)
{
    bool classes = has_classes(files);

    for (size_t i = 0; i < files->count; i++) {
        char *path = tf_path(dir, files->v[i], err);
        int failed =
            !path ||
            (classes ? read_document(t, path, last_folder(files->v[i]), err)
                     : tf_table_read_file(t, path, numeric, err));

        free(path);
        if (failed)
            return -1;
    }
    return 0;
}

/* The card's text, empty where there is none. */
static int read_card(const char *dir, struct tf_buf *card, struct tf_err *err)
{
    char *path = tf_path(dir, "README.md", err);
    int failed = !path;

    if (path && tf_file_exists(path))
        failed = tf_file_read(path, (size_t)1 << 26, card, err);
    free(path);
    return failed;
}

/* Classes that the card names, unless a file's own features do. */
static int take_classes(struct tf_table *t, struct tf_buf *card,
                        const char *config, struct tf_err *err)
{
    json_t *head = tf_card_read(tf_buf_cstr(card), card->len);
    json_t *classes = head ? tf_card_classes(head, config) : NULL;
    int failed = !classes || tf_table_take_classes(t, classes, err);

    json_decref(head);
    json_decref(classes);
    return failed;
}

int tf_table_read_folder(struct tf_table *t, const char *dir,
                         const struct tf_split *split,
                         const struct tf_table_opts *opts, struct tf_err *err)
{
    struct tf_paths all = { 0 }, chosen = { 0 };
    struct tf_buf card = TF_BUF_INIT;
    int failed;

    failed = tf_paths_below(&all, dir, err) || read_card(dir, &card, err);
    if (!failed &&
        tf_split_choose(split, &all, tf_buf_cstr(&card), card.len,
                        opts->split ? opts->split : "train", &chosen, err)) {
        failed = -1;
        tf_err_at(err, dir);
    }
    failed = failed || read_files(t, dir, &chosen, opts->numeric, err) ||
             take_classes(t, &card, split->config, err);
    tf_buf_release(&card);
    tf_paths_release(&all);
    tf_paths_release(&chosen);
    return failed ? -1 : 0;
}
