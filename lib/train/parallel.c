#include "train/parallel.h"

#include <stdint.h>
#include <stdlib.h>

static int rank, size = 1;

int tf_parallel_rank(void)
{
    return rank;
}

int tf_parallel_size(void)
{
    return size;
}

/* Has mpirun started this process, beside others? */
static int has_others(void)
{
    const char *n = getenv("OMPI_COMM_WORLD_SIZE");

    return n && atoi(n) > 1;
}

#ifdef TF_MPI
#include <mpi.h>

#define PIECE                                                                  \
    ((size_t)1 << 28) /* elements of one call, which counts in int             \
                       */

int tf_parallel_begin(struct tf_err *err)
{
    int level;

    if (!has_others())
        return 0;
    if (MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &level) ||
        MPI_Comm_rank(MPI_COMM_WORLD, &rank) ||
        MPI_Comm_size(MPI_COMM_WORLD, &size))
        return tf_fail(err, "can't join the processes of mpirun");
    return 0;
}

void tf_parallel_end(void)
{
    if (size > 1)
        MPI_Finalize();
    rank = 0;
    size = 1;
}

static int sum(void *v, size_t n, size_t width, MPI_Datatype type,
               struct tf_err *err)
{
    for (size_t at = 0; size > 1 && at < n; at += PIECE) {
        int count = (int)(n - at < PIECE ? n - at : PIECE);

        if (MPI_Allreduce(MPI_IN_PLACE, (char *)v + at * width, count, type,
                          MPI_SUM, MPI_COMM_WORLD))
            return tf_fail(err, "MPI failed to add numbers up");
    }
    return 0;
}

int tf_parallel_sum_floats(float *v, size_t n, struct tf_err *err)
{
    return sum(v, n, sizeof(*v), MPI_FLOAT, err);
}

int tf_parallel_sum(double *v, size_t n, struct tf_err *err)
{
    return sum(v, n, sizeof(*v), MPI_DOUBLE, err);
}

int tf_parallel_share(void *v, size_t bytes, struct tf_err *err)
{
    if (size > 1 && MPI_Bcast(v, (int)bytes, MPI_BYTE, 0, MPI_COMM_WORLD))
        return tf_fail(err, "MPI failed to share numbers");
    return 0;
}

int tf_parallel_hand_over(int to_give, struct tf_buf *bytes, struct tf_err *err)
{
    uint64_t n = bytes->len;
    char *data;

    if (rank && rank != to_give)
        return 0;
    if (bytes->failed)
        return tf_no_memory(err, bytes->len);
    if (rank ? MPI_Send(&n, 1, MPI_UINT64_T, 0, 0, MPI_COMM_WORLD)
             : MPI_Recv(&n, 1, MPI_UINT64_T, to_give, 0, MPI_COMM_WORLD,
                        MPI_STATUS_IGNORE))
        return tf_fail(err, "MPI failed to hand over results");
    if (!rank) {
        tf_buf_reset(bytes);
        if (!tf_buf_room(bytes, n))
            return tf_no_memory(err, n);
        bytes->len = n;
    }
    data = bytes->data;
    for (size_t at = 0; at < n; at += PIECE) {
        int count = (int)(n - at < PIECE ? n - at : PIECE);

        if (rank ? MPI_Send(data + at, count, MPI_BYTE, 0, 0, MPI_COMM_WORLD)
                 : MPI_Recv(data + at, count, MPI_BYTE, to_give, 0,
                            MPI_COMM_WORLD, MPI_STATUS_IGNORE))
            return tf_fail(err, "MPI failed to hand over results");
    }
    return 0;
}
#else
int tf_parallel_begin(struct tf_err *err)
{
    return has_others() ? tf_fail(err, "built without MPI, so mpirun can't "
                                       "start more than one process; install "
                                       "libopenmpi-dev and build again")
                        : 0;
}

void tf_parallel_end(void)
{
}

int tf_parallel_sum_floats(float *v, size_t n, struct tf_err *err)
{
    (void)v, (void)n, (void)err;
    return 0;
}

int tf_parallel_sum(double *v, size_t n, struct tf_err *err)
{
    (void)v, (void)n, (void)err;
    return 0;
}

int tf_parallel_share(void *v, size_t bytes, struct tf_err *err)
{
    (void)v, (void)bytes, (void)err;
    return 0;
}

int tf_parallel_hand_over(int to_give, struct tf_buf *bytes, struct tf_err *err)
{
    (void)to_give, (void)bytes, (void)err;
    return 0;
}
#endif
