/* Event files byte by byte, but for the time: what TensorBoard 2.21 reads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include "base/buf.h"
#include "base/io.h"
#include "train/tensorboard.h"

static char dir[] = "/tmp/tf-events-XXXXXX";

/* The bytes of the only event file under a folder, which is then removed. */
static void take(const char *folder, struct tf_buf *out)
{
    struct tf_err err;
    char pattern[200];
    glob_t found;

    snprintf(pattern, sizeof(pattern), "%s/events.out.tfevents.*.*.*.*",
             folder);
    assert_int_equal(glob(pattern, 0, NULL, &found), 0);
    assert_int_equal(found.gl_pathc, 1);
    assert_int_equal(tf_file_read(found.gl_pathv[0], 1 << 20, out, &err), 0);
    unlink(found.gl_pathv[0]);
    globfree(&found);
}

/* Check one record at *p against a message whose time is 8 zeros. */
static void expect(const char **p, const char *message, size_t n)
{
    const char *data = *p + 12;
    uint32_t crc;

    assert_int_equal(tf_load_le64(*p), n);
    crc = tf_crc32c(*p, 8);
    assert_int_equal(tf_load_le32(*p + 8),
                     (crc >> 15 | crc << 17) + 0xa282ead8);
    crc = tf_crc32c(data, n);
    assert_int_equal(tf_load_le32(data + n),
                     (crc >> 15 | crc << 17) + 0xa282ead8);
    assert_int_equal(data[0], 9);
    assert_memory_equal(data + 9, message + 9, n - 9);
    *p = data + n + 4;
}

#define EXPECT(p, message) expect(p, message, sizeof(message) - 1)
#define TIME               "\x09\0\0\0\0\0\0\0\0"

static void scalars_and_text_are_framed_messages(void **state)
{
    struct tf_buf file = TF_BUF_INIT;
    struct tf_events *e;
    struct tf_err err;
    char folder[100];
    const char *p;

    (void)state;
    snprintf(folder, sizeof(folder), "%s/runs/first", dir);
    e = tf_events_open(folder, &err);
    assert_non_null(e);
    assert_int_equal(tf_events_scalar(e, "train/loss", 0.5f, 10, &err), 0);
    assert_int_equal(tf_events_scalar(e, "train/loss", 0.5f, 300, &err), 0);
    assert_int_equal(tf_events_text(e, "args", "{}", 0, &err), 0);
    take(folder, &file);
    tf_events_close(e);
    p = file.data;
    EXPECT(&p, TIME "\x1a\x0d"
                    "brain.Event:2");
    EXPECT(&p, TIME "\x10\x0a\x2a\x13\x0a\x11\x0a\x0a"
                    "train/loss\x15\0\0\0\x3f");
    EXPECT(&p, TIME "\x10\xac\x02\x2a\x13\x0a\x11\x0a\x0a"
                    "train/loss\x15\0\0\0\x3f");
    EXPECT(&p, TIME "\x2a\x2d\x0a\x2b\x0a\x11"
                    "args/text_summary\x42\x0c\x08\x07\x12\x04\x12\x02\x08\x01"
                    "\x42\x02{}\x4a\x08\x0a\x06\x0a\x04text");
    assert_ptr_equal(p, file.data + file.len);
    tf_buf_release(&file);
    rmdir(folder);
}

static void the_checksum_is_castagnolis(void **state)
{
    (void)state;
    assert_int_equal(tf_crc32c("123456789", 9), 0xe3069283);
    assert_int_equal(tf_crc32c("", 0), 0);
}

static void a_folder_that_cannot_be_made_is_named(void **state)
{
    struct tf_err err;
    char path[100];
    FILE *f;

    (void)state;
    snprintf(path, sizeof(path), "%s/file", dir);
    f = fopen(path, "w");
    assert_non_null(f);
    fclose(f);
    snprintf(path, sizeof(path), "%s/file/runs", dir);
    assert_null(tf_events_open(path, &err));
    assert_non_null(strstr(err.msg, path));
    snprintf(path, sizeof(path), "%s/file", dir);
    unlink(path);
}

static void a_run_is_named_by_day_and_host(void **state)
{
    struct tf_err err;
    char *name = tf_events_run_name(&err);
    char month[4], host[256];
    int day, h, m, s;

    (void)state;
    assert_non_null(name);
    assert_int_equal(
        sscanf(name, "%3s%2d_%2d-%2d-%2d_%255s", month, &day, &h, &m, &s, host),
        6);
    free(name);
}

static void without_room_the_file_ends_with_the_last_whole_record(void **state)
{
    struct tf_buf file = TF_BUF_INIT;
    struct tf_err err, later;
    struct tf_events *e = tf_events_open(dir, &err);
    struct rlimit old, limit;
    size_t at = 0;
    int n = 0;

    (void)state;
    assert_non_null(e);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    limit = old;
    limit.rlim_cur = 1000;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    while (n < 100 && !tf_events_scalar(e, "a", 1, n + 1, &err))
        n++;
    assert_int_not_equal(tf_events_scalar(e, "a", 1, n + 1, &later), 0);
    setrlimit(RLIMIT_FSIZE, &old);
    tf_events_close(e);
    assert_in_range(n, 10, 99);
    assert_non_null(strstr(err.msg, dir));
    assert_non_null(strstr(err.msg, "can't write: "));
    take(dir, &file);
    for (; at < file.len; n--)
        at += tf_load_le64(file.data + at) + 16;
    assert_int_equal(at, file.len);
    assert_int_equal(n, -1); /* the version's record is one, too */
    tf_buf_release(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scalars_and_text_are_framed_messages),
        cmocka_unit_test(without_room_the_file_ends_with_the_last_whole_record),
        cmocka_unit_test(the_checksum_is_castagnolis),
        cmocka_unit_test(a_folder_that_cannot_be_made_is_named),
        cmocka_unit_test(a_run_is_named_by_day_and_host),
    };
    char runs[100];
    int failed;

    if (!mkdtemp(dir))
        return 1;
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    snprintf(runs, sizeof(runs), "%s/runs", dir);
    rmdir(runs);
    rmdir(dir);
    return failed;
}
