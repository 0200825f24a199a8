#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>
#include "train/labels.h"
#include "train/splits.h"
#include "train/table.h"
#include "train/tokens.h"

static char folder[] = "/tmp/test_train_data.XXXXXX";

static int enter_folder(void **state)
{
    (void)state;
    return !mkdtemp(folder);
}

static int remove_folder(void **state)
{
    char command[64];

    (void)state;
    snprintf(command, sizeof(command), "rm -rf %s", folder);
    return system(command);
}

static const char *path_of(const char *name)
{
    static char path[300];

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

static void write_bytes(const char *name, const void *data, size_t len)
{
    char path[300];
    FILE *f;

    snprintf(path, sizeof(path), "%s", path_of(name));
    for (char *p = path + strlen(folder) + 1; (p = strchr(p, '/')); p++) {
        *p = 0;
        mkdir(path, 0700);
        *p = '/';
    }
    f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, len, f), len);
    fclose(f);
}

static void write_file(const char *name, const char *text)
{
    write_bytes(name, text, strlen(text));
}

/* The rows, a line each, and the lines that they came from. */
static void rows_are(const char *name, const char *split, const char *wanted,
                     const char *lines)
{
    struct tf_table_opts opts = { .numeric = "label", .split = split };
    struct tf_buf rows = TF_BUF_INIT, numbers = TF_BUF_INIT;
    struct tf_table t = { 0 };
    struct tf_err err;

    if (tf_table_read(&t, path_of(name), &opts, &err))
        fail_msg("%s: %s", name, err.msg);
    for (size_t i = 0; i < t.count; i++) {
        struct tf_str row = tf_table_row(&t, i);

        tf_buf_addf(&rows, "%.*s\n", (int)row.len, row.s);
        tf_buf_addf(&numbers, "%s%zu", i ? " " : "", t.rows[i].line);
    }
    assert_string_equal(tf_buf_cstr(&rows), wanted);
    if (lines)
        assert_string_equal(tf_buf_cstr(&numbers), lines);
    tf_buf_release(&rows);
    tf_buf_release(&numbers);
    tf_table_release(&t);
}

static void fails_with(const char *name, const char *split, const char *message)
{
    struct tf_table_opts opts = { .split = split };
    struct tf_table t = { 0 };
    struct tf_err err;

    assert_int_equal(tf_table_read(&t, path_of(name), &opts, &err), -1);
    assert_string_equal(err.msg + strlen(folder) + 1, message);
    tf_table_release(&t);
}

static void reads_cells_as_rfc_4180_has_them(void **state)
{
    (void)state;
    write_file("a.csv", "text,label\r\n\"a, \"\"b\"\"\n c\",1\r\n\n\"\",0\n"
                        "plain \"quote\",\nshort\n");
    rows_are("a.csv", NULL,
             "{\"text\": \"a, \\\"b\\\"\\n c\", \"label\": 1}\n"
             "{\"text\": \"\", \"label\": 0}\n"
             "{\"text\": \"plain \\\"quote\\\"\"}\n{\"text\": \"short\"}\n",
             "2 5 6 7");
    write_file("b.tsv", "\xef\xbb\xbftext\tlabel\n\"tab\there\"\t1\nx\tno\n");
    rows_are("b.tsv", NULL,
             "{\"text\": \"tab\\there\", \"label\": \"1\"}\n"
             "{\"text\": \"x\", \"label\": \"no\"}\n",
             "2 3");
    write_file("c.csv", "a,b\n1,2\n1,2,3\n");
    fails_with("c.csv", NULL,
               "c.csv: line 3: the header has 2 cells, this row has more");
    write_file("d.csv", "a,b\n1,2\n\"1,2\n3\n");
    fails_with("d.csv", NULL, "d.csv: line 3: a quote that is not closed");
}

static void reads_json_lines_arrays_and_documents(void **state)
{
    (void)state;
    write_file("a.jsonl", "{\"a\": 1}\n\n  \n{\"a\":2}");
    rows_are("a.jsonl", NULL, "{\"a\": 1}\n{\"a\":2}\n", "1 4");
    write_file("a.json", "[\n {\"a\": 1},\n\n {\"a\": [2,\n3]}, \"text\"]\n");
    rows_are("a.json", NULL,
             "{\"a\": 1}\n{\"a\": [2,\n3]}\n{\"text\": \"text\"}\n", "2 4 5");
    write_file("b.json", "{\n \"a\": 1\n}\n{\n \"a\": 2\n}\n");
    rows_are("b.json", NULL, "{\n \"a\": 1\n}\n{\n \"a\": 2\n}\n", "1 4");
    write_file("c.json",
               "{\"version\": 1, \"data\": [{\"a\": 1}, {\"a\": 2}]}");
    rows_are("c.json", NULL, "{\"a\": 1}\n{\"a\": 2}\n", "1 1");
    write_file("d.json", "[{\"a\": 1},\n{\"a\" 2}]");
    fails_with("d.json", NULL, "d.json: byte 17: expected ':'");
    write_file("e.json", "\n");
    rows_are("e.json", NULL, "", "");
}

static void takes_squad_apart(void **state)
{
    (void)state;
    write_file(
        "squad.json",
        "{\"data\": [{\"title\": \"T\", \"paragraphs\": [{\"qas\": ["
        "{\"question\": \"Q1\", \"id\": \"1\", \"answers\": ["
        "{\"answer_start\": 3, \"text\": \"x\"}, "
        "{\"text\": \"y\", \"answer_start\": 5}]},\n"
        "{\"id\": \"2\", \"question\": \"Q2\", \"is_impossible\": true, "
        "\"answers\": []}], \"context\": \"C\"}]}], \"version\": \"2\"}");
    rows_are("squad.json", NULL,
             "{\"id\": \"1\", \"title\": \"T\", \"context\": \"C\", "
             "\"question\": \"Q1\", \"answers\": {\"text\": [\"x\", \"y\"], "
             "\"answer_start\": [3, 5]}}\n"
             "{\"id\": \"2\", \"title\": \"T\", \"context\": \"C\", "
             "\"question\": \"Q2\", \"answers\": {\"text\": [], "
             "\"answer_start\": []}}\n",
             "1 2");
}

static void reads_texts_line_by_line(void **state)
{
    (void)state;
    write_file("a.txt", "one\r\n\n[two]\nthree");
    rows_are("a.txt", NULL,
             "{\"text\": \"one\"}\n{\"text\": \"[two]\"}\n"
             "{\"text\": \"three\"}\n",
             "1 3 4");
    write_file("b.txt", "ok\n\xff\n");
    fails_with("b.txt", NULL, "b.txt: line 2: invalid UTF-8");
}

static void decompresses_what_is_compressed(void **state)
{
    static const char text[] = "text,label\na,1\n";
    char packed[256];
    size_t n = ZSTD_compress(packed, sizeof(packed), text, strlen(text), 1);
    gzFile f = gzopen(path_of("a.csv.gz"), "wb");

    (void)state;
    gzputs(f, text);
    gzclose(f);
    write_bytes("a.csv.zst", packed, n);
    rows_are("a.csv.gz", NULL, "{\"text\": \"a\", \"label\": 1}\n", "2");
    rows_are("a.csv.zst", NULL, "{\"text\": \"a\", \"label\": 1}\n", "2");
    write_bytes("b.csv.zst", packed, n - 1);
    fails_with("b.csv.zst", NULL, "b.csv.zst: the zstd data is cut short");
}

static void labels_texts_by_their_folders(void **state)
{
    (void)state;
    write_file("films/pos/2.txt", "good\nfilm\n");
    write_file("films/pos/1.txt", "fine");
    write_file("films/neg/1.txt", "bad");
    rows_are("films", "validation",
             "{\"text\": \"bad\", \"label\": \"neg\"}\n"
             "{\"text\": \"fine\", \"label\": \"pos\"}\n"
             "{\"text\": \"good\\nfilm\", \"label\": \"pos\"}\n",
             "1 1 1");
    write_file("split/train/a/1.txt", "x");
    write_file("split/train/b/1.txt", "y");
    write_file("split/test/a/1.txt", "z");
    write_file("split/test/b/1.txt", "z");
    rows_are("split", "train",
             "{\"text\": \"x\", \"label\": \"a\"}\n"
             "{\"text\": \"y\", \"label\": \"b\"}\n",
             "1 1");
}

static void reads_parts_of_a_folder_and_patterns(void **state)
{
    (void)state;
    write_file("set/train-1.jsonl", "{\"a\": 1}\n");
    write_file("set/train-2.jsonl", "{\"a\": 2}\n");
    write_file("set/test.jsonl", "{\"a\": 3}\n");
    rows_are("set", "train", "{\"a\": 1}\n{\"a\": 2}\n", NULL);
    rows_are("set", "validation", "{\"a\": 3}\n", NULL);
    rows_are("set:test", "train", "{\"a\": 3}\n", NULL);
    rows_are("set/*-?.jsonl", NULL, "{\"a\": 1}\n{\"a\": 2}\n", NULL);
    fails_with("set:dev", "train",
               "set: no files that can be read for the split \"dev\"");
    write_file("cut/data/train-00001-of-00003.jsonl", "{}\n");
    fails_with("cut", "train",
               "cut: only 1 of 3 files like data/train-00001-of-00003.jsonl "
               "are there");
}

static void chooses_files_as_datasets_does(void **state)
{
    json_t *cases = json_load_file("tests/golden/splits.json", 0, NULL);
    json_t *one, *chosen, *file;
    const char *split;
    size_t i, k;

    (void)state;
    assert_non_null(cases);
    json_array_foreach (cases, i, one) {
        const char *card = json_string_value(json_object_get(one, "card"));
        struct tf_paths all = { 0 };
        struct tf_err err;

        json_array_foreach (json_object_get(one, "files"), k, file)
            assert_int_equal(tf_paths_add(&all, json_string_value(file), &err),
                             0);
        json_object_foreach (json_object_get(one, "splits"), split, chosen) {
            struct tf_paths found = { 0 };
            struct tf_split s;

            assert_int_equal(tf_split_parse(&s, split, &err), 0);
            if (tf_split_choose(&s, &all, card, strlen(card), "train", &found,
                                &err))
                fail_msg("%s", err.msg);
            assert_int_equal(found.count, json_array_size(chosen));
            json_array_foreach (chosen, k, file)
                assert_string_equal(found.v[k], json_string_value(file));
            tf_paths_release(&found);
            tf_split_release(&s);
        }
        tf_paths_release(&all);
    }
    json_decref(cases);
}

static void finds_the_names_of_classes(void **state)
{
    struct tf_table_opts opts = { .split = "train" };
    struct tf_label_column c = { 0 };
    struct tf_table t = { 0 };
    struct tf_err err;
    json_t *names;

    (void)state;
    assert_int_equal(
        tf_table_read(&t, "tests/golden/parquet/classes.parquet", &opts, &err),
        0);
    names = tf_table_classes(&t, "label");
    assert_int_equal(json_array_size(names), 2);
    assert_string_equal(json_string_value(json_array_get(names, 1)), "pos");
    assert_null(tf_table_classes(&t, "score"));
    tf_table_release(&t);

    write_file("card/README.md",
               "---\ndataset_info:\n  features:\n  - name: text\n"
               "    dtype: string\n  - name: moods\n    sequence:\n"
               "      class_label:\n        names:\n          '0': sad\n"
               "          '1': glad\n          '2': mad\n---\n# Moods\n");
    write_file("card/train.jsonl", "{\"text\": \"x\", \"moods\": [2, 0]}\n");
    assert_int_equal(tf_table_read(&t, path_of("card"), &opts, &err), 0);
    assert_int_equal(json_array_size(tf_table_classes(&t, "moods")), 3);
    assert_int_equal(tf_label_column_read(&c, &t, "moods", &err), 0);
    assert_int_equal(c.kind, TF_LABELS_SETS);
    assert_string_equal(c.names.v[(size_t)c.values[0]], "mad");
    tf_label_column_release(&c);
    tf_table_release(&t);
}

static void matches_patterns_of_paths(void **state)
{
    (void)state;
    assert_true(tf_path_matches("data/*.csv", "data/a.csv"));
    assert_false(tf_path_matches("data/*.csv", "data/b/a.csv"));
    assert_true(tf_path_matches("**/*.csv", "a.csv"));
    assert_true(tf_path_matches("**/*.csv", "a/b/c.csv"));
    assert_true(tf_path_matches("a/**", "a/b/c"));
    assert_true(tf_path_matches("x[0-9a]?", "x3b"));
    assert_false(tf_path_matches("x[!0-9]", "x3"));
    assert_false(tf_path_matches("*a*a*a*a*a*a*a*a*a*b",
                                 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
}

static void masks_as_transformers_collator(void **state)
{
    enum { N = 1000, RECORDS = 40 };
    struct tf_err err;
    struct tf_tokenizer *tok =
        tf_tokenizer_open("tests/golden/models/bert-no-prefix", &err);
    struct tf_token_goals g = {
        .masked = true, .probability = 0.15, .tokenizer = tok, .seed = 42
    };
    static int32_t ids[N], labels[N], drawn[N];
    static uint8_t types[N];
    struct tf_input in = { ids, types, N, N };
    size_t chosen = 0, masks = 0, same = 0, words = 0;

    (void)state;
    assert_non_null(tok);
    g.vocab = tf_tokenizer_info(tok)->vocab_size;
    for (size_t r = 0; r < RECORDS; r++) {
        size_t before = chosen;

        for (size_t i = 0; i < N; i++)
            drawn[i] = ids[i] =
                i % 10 ? (int32_t)(100 + i % 50) : tf_tokenizer_info(tok)->cls;
        before += tf_token_goals(&g, &in, r % 2, r, labels, drawn);
        for (size_t i = 0; i < N; i++) {
            words += i % 10 != 0;
            if (labels[i] < 0) {
                assert_int_equal(drawn[i], ids[i]);
                continue;
            }
            assert_true(i % 10); /* never a special one */
            assert_int_equal(labels[i], ids[i]);
            chosen++;
            masks += drawn[i] == tf_tokenizer_info(tok)->mask;
            same += drawn[i] == ids[i];
        }
        assert_int_equal(chosen, before);
    }
    assert_in_range(100 * chosen, 14 * words, 16 * words);
    assert_in_range(100 * masks, 78 * chosen, 82 * chosen);
    assert_in_range(100 * same, 8 * chosen, 12 * chosen);
    tf_tokenizer_close(tok);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_cells_as_rfc_4180_has_them),
        cmocka_unit_test(reads_json_lines_arrays_and_documents),
        cmocka_unit_test(takes_squad_apart),
        cmocka_unit_test(reads_texts_line_by_line),
        cmocka_unit_test(decompresses_what_is_compressed),
        cmocka_unit_test(labels_texts_by_their_folders),
        cmocka_unit_test(reads_parts_of_a_folder_and_patterns),
        cmocka_unit_test(chooses_files_as_datasets_does),
        cmocka_unit_test(finds_the_names_of_classes),
        cmocka_unit_test(matches_patterns_of_paths),
        cmocka_unit_test(masks_as_transformers_collator),
    };

    return cmocka_run_group_tests(tests, enter_folder, remove_folder);
}
