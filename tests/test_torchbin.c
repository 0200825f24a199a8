#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/buf.h"
#include "base/io.h"
#include "format/safetensors.h"
#include "format/torchbin.h"

#define GOLDEN "tests/golden/torchbin/"

static void compare(const char *bin, const char *expected)
{
    struct tf_err err = { 0 };
    struct tf_torchbin *tb = tf_torchbin_open(bin, &err);
    struct tf_safetensors *st = tf_safetensors_open(expected, &err);
    const char *name;
    size_t i, n = 0;

    if (!tb || !st)
        fail_msg("%s", err.msg);
    for (i = 0; i < tf_torchbin_count(tb); i++) {
        const struct tf_tensor *t = tf_torchbin_at(tb, i, &name);
        const struct tf_tensor *e = tf_safetensors_find(st, name);

        assert_non_null(e);
        assert_int_equal(t->dtype, e->dtype);
        assert_int_equal(t->ndim, e->ndim);
        assert_memory_equal(t->dim, e->dim, t->ndim * sizeof(t->dim[0]));
        if (tf_tensor_bytes(t))
            assert_memory_equal(t->data, e->data, tf_tensor_bytes(t));
        n++;
    }
    assert_int_equal(n, tf_safetensors_count(st));
    tf_torchbin_close(tb);
    tf_safetensors_close(st);
}

static void reads_what_torch_saves_bit_for_bit(void **state)
{
    (void)state;
    compare(GOLDEN "zip.bin", GOLDEN "state.safetensors");
    compare(GOLDEN "legacy.bin", GOLDEN "state.safetensors");
    compare(GOLDEN "protocol4.bin", GOLDEN "state.safetensors");
    compare(GOLDEN "new-dtypes.bin", GOLDEN "new-dtypes.safetensors");
}

static void reads_the_state_of_an_optimizer(void **state)
{
    struct tf_err err = { 0 };
    struct tf_torchbin *tb = tf_torchbin_open(GOLDEN "optimizer.bin", &err);
    const struct tf_pickle *s, *first;
    struct tf_tensor t;

    (void)state;
    assert_non_null(tb);
    assert_int_equal(tf_torchbin_count(tb), 0);
    s = tf_pickle_get(tf_torchbin_root(tb), "state");
    assert_non_null(s);
    assert_int_equal(s->items[0]->integer, 0);
    first = s->items[1];
    assert_int_equal(
        tf_torchbin_tensor(tb, tf_pickle_get(first, "exp_avg"), &t, &err), 0);
    assert_int_equal(t.ndim, 2);
    assert_int_equal(
        tf_torchbin_tensor(tb, tf_pickle_get(first, "step"), &t, &err), 0);
    assert_true(*(const float *)t.data == 1.0f);
    assert_int_equal(tf_torchbin_tensor(tb, first, &t, &err), -1);
    tf_torchbin_close(tb);
}

static struct tf_torchbin *open_bytes(const char *data, size_t len,
                                      struct tf_err *err)
{
    char path[] = "/tmp/tf-test-XXXXXX";
    FILE *f = fdopen(mkstemp(path), "wb");
    struct tf_torchbin *tb;

    fwrite(data, 1, len, f);
    fclose(f);
    tb = tf_torchbin_open(path, err);
    unlink(path);
    return tb;
}

static void refuses_a_module_by_its_class(void **state)
{
    struct tf_err err = { 0 };

    (void)state;
    assert_null(tf_torchbin_open(GOLDEN "module.bin", &err));
    assert_non_null(strstr(err.msg, "torch.nn.modules.linear.Linear"));
}

static void never_reads_past_a_cut_or_changed_file(void **state)
{
    static const char *const files[] = { GOLDEN "zip.bin",
                                         GOLDEN "legacy.bin" };
    struct tf_err err;
    size_t f, i;

    (void)state;
    for (f = 0; f < 2; f++) {
        struct tf_buf b = TF_BUF_INIT;

        assert_int_equal(tf_file_read(files[f], 1 << 20, &b, &err), 0);
        for (i = 0; i < b.len; i += 1 + i % 13)
            assert_null(open_bytes(b.data, i, &err));
        for (i = 0; i < b.len; i += 1 + i % 7) {
            char old = b.data[i];

            b.data[i] = (char)(old ^ 0x81);
            tf_torchbin_close(open_bytes(b.data, b.len, &err));
            b.data[i] = old;
        }
        tf_buf_release(&b);
    }
}

/* The legacy form's head, then one pickle in the place of the object. */
static const char *refusal_of(const char *pickle, size_t len)
{
    static const char head[] = "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a"
                               "\xa8\x50\x19.\x80\x02M\xe9\x03.\x80\x02}U\x0d"
                               "little_endian\x88s.";
    static struct tf_err err;
    struct tf_buf b = TF_BUF_INIT;

    tf_buf_add(&b, head, sizeof(head) - 1);
    tf_buf_add(&b, pickle, len);
    assert_null(open_bytes(b.data, b.len, &err));
    tf_buf_release(&b);
    return err.msg;
}

#define REFUSED(pickle, why)                                                   \
    do {                                                                       \
        const char *msg = refusal_of(pickle, sizeof(pickle) - 1);              \
                                                                               \
        if (!strstr(msg, why))                                                 \
            fail_msg("%s: expected %s", msg, why);                             \
    } while (0)

static void refuses_pickles_that_want_to_run(void **state)
{
    (void)state;
    REFUSED("\x80\x02"
            "cos\nsystem\nU\x02id\x85R.",
            "os.system");
    REFUSED("\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x02id\x85R.",
            "posix.system");
    REFUSED("(S'id'\nios\nsystem\n.", "opcode 0x53"); /* INST, as text */
    REFUSED("(U\x02idios\nsystem\n.", "opcode 0x69"); /* INST */
    REFUSED("(cos\nsystem\nU\x02ido.", "os.system");  /* OBJ */
    REFUSED("c__builtin__\neval\n.", "__builtin__.eval");
    REFUSED("ctorch\n__dict__\n.", "torch.__dict__");
    REFUSED("\x80\x02\x82\x01.", "opcode 0x82"); /* EXT1 */
    REFUSED("Pid\n.", "opcode 0x50");            /* PERSID as text */
    REFUSED("\x80\x02}r\xff\xff\xff\xff.", "the memo has a gap");
    REFUSED("\x80\x02j\x00\x00\x00\x7f.", "asks the memo");
    REFUSED("\x80\x02X\xff\xff\xff\xff"
            "a.",
            "cut off");
    REFUSED("\x80\x02\x8d\xff\xff\xff\xff\xff\xff\xff\xff.", "cut off");
    REFUSED("\x80\x02u.", "no mark");
    REFUSED("\x80\x02K\x01(K\x01u.", "takes none");
    REFUSED("\x80\x02}(K\x01u.", "a key without a value");
    REFUSED("\x80\x02(.", "stack is empty");
    REFUSED("\x80\x02K\x01\x85K\x01R.", "no global");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_torch_saves_bit_for_bit),
        cmocka_unit_test(reads_the_state_of_an_optimizer),
        cmocka_unit_test(refuses_a_module_by_its_class),
        cmocka_unit_test(never_reads_past_a_cut_or_changed_file),
        cmocka_unit_test(refuses_pickles_that_want_to_run),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
