/*
 * How fast the tokenizer is, inside the library:
 *     bench_tokenizer open TOKENIZER              seconds to open it
 *     bench_tokenizer encode TOKENIZER TEXT N     seconds for the lines of TEXT
 *                                                 on N threads
 * Prints {"seconds"} and, of encode, "ids": [how many, their sum, the sum of
 * each times its place from 1], modulo 2^64, to be compared with a peer's.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/io.h"
#include "base/mem.h"
#include "base/pool.h"
#include "text/tokenizer.h"

enum { CHUNK = 64 }; /* lines that a thread takes at once */

struct sums {
    uint64_t n, sum, placed;
};

struct worker {
    struct tf_tok_state *state;
    struct tf_encoding enc;
    struct tf_err err;
    bool failed;
};

struct job {
    const struct tf_tokenizer *tok;
    struct tf_str *lines;
    size_t count;
    struct worker *workers;
    struct sums *chunks;
};

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int fail(const struct tf_err *err)
{
    fprintf(stderr, "bench_tokenizer: %s\n", err->msg);
    return 1;
}

/* The lines of a text that ends in a newline, without their newlines. */
static struct tf_str *split(const struct tf_map *text, size_t *count,
                            struct tf_err *err)
{
    const char *p = (const char *)text->data, *end = p + text->size, *nl;
    struct tf_str *lines;
    size_t n = 0;

    for (const char *q = p; q < end; q++)
        n += *q == '\n';
    lines = tf_alloc(n, sizeof(*lines), err);
    if (!lines)
        return NULL;
    for (*count = 0; *count < n; p = nl + 1) {
        nl = memchr(p, '\n', (size_t)(end - p));
        lines[(*count)++] = (struct tf_str){ p, (size_t)(nl - p) };
    }
    return lines;
}

static void encode_chunk(void *arg, size_t i, int worker)
{
    static const struct tf_encode_opts opts = { .no_special = true };
    static const struct tf_str none;
    struct job *job = arg;
    struct worker *w = &job->workers[worker];
    struct sums *s = &job->chunks[i];
    size_t end = (i + 1) * CHUNK < job->count ? (i + 1) * CHUNK : job->count;

    for (size_t line = i * CHUNK; line < end && !w->failed; line++) {
        if (tf_tokenizer_encode(job->tok, w->state, &opts, job->lines[line],
                                none, &w->enc, &w->err)) {
            w->failed = true;
            return;
        }
        for (size_t k = 0; k < w->enc.windows[0].n; k++) {
            uint64_t id = (uint64_t)w->enc.windows[0].ids[k];

            s->sum += id;
            s->placed += id * ++s->n;
        }
    }
}

static int encode(const struct tf_tokenizer *tok, const char *path, int threads)
{
    struct tf_err err;
    struct tf_map text;
    struct job job = { .tok = tok };
    struct sums all = { 0 };
    struct tf_pool *pool;
    size_t chunks;
    double start;

    if (tf_map_open(&text, path, &err))
        return fail(&err);
    job.lines = split(&text, &job.count, &err);
    chunks = job.count / CHUNK + 1;
    job.chunks = tf_alloc(chunks, sizeof(*job.chunks), &err);
    job.workers = tf_alloc((size_t)threads, sizeof(*job.workers), &err);
    pool = tf_pool_new(threads, &err);
    if (!job.lines || !job.chunks || !job.workers || !pool)
        return fail(&err);
    for (int i = 0; i < threads; i++) {
        job.workers[i].state = tf_tok_state_new(tok, &err);
        if (!job.workers[i].state)
            return fail(&err);
    }

    start = now();
    tf_pool_run(pool, chunks, encode_chunk, &job);
    start = now() - start;

    for (int i = 0; i < threads; i++)
        if (job.workers[i].failed)
            return fail(&job.workers[i].err);
    for (size_t i = 0; i < chunks; i++) {
        all.placed += job.chunks[i].placed + all.n * job.chunks[i].sum;
        all.sum += job.chunks[i].sum;
        all.n += job.chunks[i].n;
    }
    printf("{\"seconds\":%.6f,\"ids\":[%" PRIu64 ",%" PRIu64 ",%" PRIu64 "]}\n",
           start, all.n, all.sum, all.placed);
    return 0;
}

int main(int argc, char **argv)
{
    struct tf_tokenizer *tok;
    struct tf_err err;
    double start = now();
    int threads = argc == 5 ? atoi(argv[4]) : 0;

    if (argc != 3 && threads < 1) {
        fprintf(stderr, "usage: bench_tokenizer open TOKENIZER\n"
                        "       bench_tokenizer encode TOKENIZER TEXT N\n");
        return 2;
    }
    tok = tf_tokenizer_open(argv[2], &err);
    if (!tok)
        return fail(&err);
    if (threads)
        return encode(tok, argv[3], threads);
    printf("{\"seconds\":%.6f}\n", now() - start);
    return 0;
}
