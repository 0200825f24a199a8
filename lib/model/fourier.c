#include "model/fourier.h"

#include "base/mem.h"

/* The basis for this width, kept from batch to batch. */
static const float *basis_of(struct tf_run *run)
{
    size_t c = run->stack->spec->width;
    struct tf_runner *r = run->runner;

    if (r->fourier)
        return r->fourier;
    r->fourier = tf_alloc(c, 2 * c * sizeof(*r->fourier), run->ctx->err);
    if (r->fourier)
        tf_fourier_basis(r->fourier, c);
    else
        run->ctx->failed = true;
    return r->fourier;
}

struct tf_tensor *tf_mix_by_fourier(struct tf_run *run, struct tf_tensor *x)
{
    const float *basis = basis_of(run);

    return basis ? tf_fourier(run->ctx, x, &run->batch->seqs, basis) : NULL;
}
