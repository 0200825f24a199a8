#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "hub/cache.h"

#define COMMIT "0123456789abcdef0123456789abcdef01234567"

static const char *const variables[] = {
    "HF_HOME",
    "HF_HUB_CACHE",
    "HUGGINGFACE_HUB_CACHE",
    "XDG_CACHE_HOME",
};

static int clear_environment(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++)
        unsetenv(variables[i]);
    setenv("HOME", "/home/ada", 1);
    return 0;
}

static void expect_dir(const char *given, const char *want)
{
    struct tf_err err;
    char *dir = tf_hub_cache_dir(given, &err);

    assert_non_null(dir);
    assert_string_equal(dir, want);
    free(dir);
}

static void follows_the_environment_in_order(void **state)
{
    (void)state;
    expect_dir(NULL, "/home/ada/.cache/huggingface/hub");
    setenv("XDG_CACHE_HOME", "/xdg", 1);
    expect_dir(NULL, "/xdg/huggingface/hub");
    setenv("HF_HOME", "~/hf", 1);
    expect_dir(NULL, "/home/ada/hf/hub");
    setenv("HUGGINGFACE_HUB_CACHE", "$XDG_CACHE_HOME/${HOME}$NO_SUCH/x", 1);
    expect_dir(NULL, "/xdg//home/ada$NO_SUCH/x");
    setenv("HF_HUB_CACHE", "/cache", 1);
    expect_dir(NULL, "/cache");
    expect_dir("/given", "/given");
    setenv("HF_HUB_CACHE", "", 1);
    setenv("HUGGINGFACE_HUB_CACHE", "", 1);
    expect_dir(NULL, "/home/ada/hf/hub");
}

static void takes_a_reference_apart(void **state)
{
    static const struct {
        const char *spec, *repo, *variant, *revision;
    } good[] = {
        { "gpt2", "gpt2", NULL, "main" },
        { "org/name", "org/name", NULL, "main" },
        { "org/na.me-1@refs/pr/1", "org/na.me-1", NULL, "refs/pr/1" },
        { "org/name:Q4_K_M@v1.0", "org/name", "Q4_K_M", "v1.0" },
    };
    static const char *const bad[] = {
        "",         "/name",      "org/",       "a/b/c",    "org/../x",
        "org/a--b", "org/na me",  "org/x.git",  "-x/y",     "org/name@",
        "org/x@..", "org/x@a..b", "org/x@/abs", "org/x:@v", "org/x:a/b",
        "org/x@-f", "org/x@a b",  "org/x@a\\b", ".",        "~/x",
    };
    struct tf_hub_ref ref;
    struct tf_err err;

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_int_equal(
            tf_hub_ref_parse(&ref, TF_HUB_MODEL, good[i].spec, &err), 0);
        assert_string_equal(ref.repo, good[i].repo);
        assert_string_equal(ref.revision, good[i].revision);
        if (good[i].variant)
            assert_string_equal(ref.variant, good[i].variant);
        else
            assert_null(ref.variant);
        tf_hub_ref_release(&ref);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (!tf_hub_ref_parse(&ref, TF_HUB_MODEL, bad[i], &err))
            fail_msg("accepted \"%s\"", bad[i]);
}

static void refuses_names_that_leave_their_folder(void **state)
{
    static const char *const bad[] = {
        "",         "/etc/passwd", "..",         "a/../b",  "a//b",
        "a/",       ".",           "a/./b",      "C:/x",    "c:x",
        "a\\..\\b", "\\\\host\\x", ".git/hooks", "a/.Git",  "a\nb",
        "a/..",     "\x7f",        "\x1b[2J",    "../../x",
    };
    static const char *const good[] = {
        "config.json", "1_Pooling/config.json",
        "..x",         "a/...",
        ".gitignore",  "naïve été",
        "a b",         "@x",
        "ab:c",
    };
    char long_name[300];

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (tf_hub_file_valid(bad[i]))
            fail_msg("accepted \"%s\"", bad[i]);
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        if (!tf_hub_file_valid(good[i]))
            fail_msg("refused \"%s\"", good[i]);
    memset(long_name, 'a', sizeof(long_name));
    long_name[256] = '\0';
    assert_false(tf_hub_file_valid(long_name));
    assert_false(tf_hub_blob_valid("../x"));
    assert_false(tf_hub_blob_valid(".."));
    assert_true(tf_hub_blob_valid(COMMIT));
}

/* Make a file, and the folders on its way. */
static void make_file(const char *dir, const char *name, const char *text)
{
    char path[512];
    FILE *f;

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    for (char *p = path + strlen(dir) + 1; (p = strchr(p, '/')); *p++ = '/') {
        *p = '\0';
        mkdir(path, 0777);
    }
    f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void finds_a_snapshot(void **state)
{
    char dir[] = "/tmp/tf-test-XXXXXX", want[512], command[64];
    struct tf_err err;
    char *path;

    (void)state;
    assert_non_null(mkdtemp(dir));
    make_file(dir, "models--org--name/refs/main", COMMIT);
    make_file(dir, "models--org--name/refs/refs/pr/1", COMMIT "\n");
    make_file(dir, "models--org--name/refs/evil", "../../../../etc");
    make_file(dir, "models--org--name/refs/gone",
              "1111111111111111111111111111111111111111");
    make_file(dir, "models--org--name/snapshots/" COMMIT "/config.json", "{}");
    make_file(dir, "datasets--name/refs/main", COMMIT);
    make_file(dir, "datasets--name/snapshots/" COMMIT "/train.csv", "");

    snprintf(want, sizeof(want), "%s/models--org--name/snapshots/" COMMIT, dir);
    path = tf_hub_cache_find(dir, TF_HUB_MODEL, "org/name", NULL, &err);
    assert_string_equal(path, want);
    free(path);
    path = tf_hub_cache_find(dir, TF_HUB_MODEL, "org/name", "refs/pr/1", &err);
    assert_string_equal(path, want);
    free(path);
    path = tf_hub_cache_find(dir, TF_HUB_MODEL, "org/name", COMMIT, &err);
    assert_string_equal(path, want);
    free(path);
    path = tf_hub_cache_find(dir, TF_HUB_DATASET, "name", NULL, &err);
    assert_non_null(path);
    free(path);

    assert_null(tf_hub_cache_find(dir, TF_HUB_MODEL, "org/name", "evil", &err));
    assert_string_equal(err.code, "not_cached");
    assert_null(tf_hub_cache_find(dir, TF_HUB_MODEL, "org/name", "gone", &err));
    assert_string_equal(err.code, "not_cached");
    assert_null(tf_hub_cache_find(dir, TF_HUB_DATASET, "a/b", "v1", &err));
    assert_non_null(strstr(err.msg, "run: tf-hub pull --type dataset a/b@v1"));
    assert_null(tf_hub_cache_find(dir, TF_HUB_MODEL, "../x", NULL, &err));
    snprintf(command, sizeof(command), "rm -rf %s", dir);
    assert_int_equal(system(command), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(follows_the_environment_in_order,
                               clear_environment),
        cmocka_unit_test(takes_a_reference_apart),
        cmocka_unit_test(refuses_names_that_leave_their_folder),
        cmocka_unit_test(finds_a_snapshot),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
