/*
 * int8 and bfloat16 by AMX: tiles of 16 rows of 64 bytes, two by two of them at
 * a time. What is written here in rows of cells is what its instructions take:
 * rows of one side as they lie, panels of the other.
 */
#include "kernel/levels.h"

#include <immintrin.h>

#define INLINE static inline __attribute__((always_inline))

enum { STEP = 16, BYTES = 64, MR = 2 * STEP, NR = 2 * STEP };

struct config {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
};

static const struct config config = {
    .palette = 1,
    .row_bytes = { BYTES, BYTES, BYTES, BYTES, BYTES, BYTES, BYTES, BYTES },
    .rows = { STEP, STEP, STEP, STEP, STEP, STEP, STEP, STEP },
};

static void enter(void)
{
    _tile_loadconfig(&config);
}

static void leave(void)
{
    _tile_release();
}

/* Registers 0 to 3 are sums, 4 and 5 of a, 6 and 7 of b; `high` and `wide` tell
 * whether the second ones are wanted. */
INLINE void load_sums(bool high, bool wide, const struct tf_tile *t)
{
    const float *c = t->c, *below = c + STEP * t->ldc;
    size_t row = t->ldc * sizeof(*c);

    if (t->first) {
        _tile_zero(0);
        _tile_zero(1);
        _tile_zero(2);
        _tile_zero(3);
        return;
    }
    _tile_loadd(0, c, row);
    if (wide)
        _tile_loadd(1, c + STEP, row);
    if (high)
        _tile_loadd(2, below, row);
    if (high && wide)
        _tile_loadd(3, below + STEP, row);
}

INLINE void store_sums(bool high, bool wide, const struct tf_tile *t)
{
    float *c = t->c, *below = c + STEP * t->ldc;
    size_t row = t->ldc * sizeof(*c);

    _tile_stored(0, c, row);
    if (wide)
        _tile_stored(1, c + STEP, row);
    if (high)
        _tile_stored(2, below, row);
    if (high && wide)
        _tile_stored(3, below + STEP, row);
}

INLINE void load_sides(bool high, bool wide, const struct tf_tile *t, size_t p)
{
    const float *a = (const float *)t->a + p;
    const float *b = (const float *)t->b + p * t->ldb;
    size_t row = t->lda * sizeof(*a), panel_row = t->ldb * sizeof(*b), i;

    _tile_loadd(4, a, row);
    _tile_loadd(6, b, panel_row);
    if (wide)
        _tile_loadd(7, b + STEP, panel_row);
    if (high)
        _tile_loadd(5, a + STEP * t->lda, row);
    for (i = p; i < p + STEP; i++)
        _mm_prefetch((const char *)(t->ahead + i * t->step), _MM_HINT_T1);
}

/* The same for both types; a macro, as register numbers are part of the
 * instruction. */
#define TILE(name, multiply)                                                   \
    INLINE void name##_of(bool high, bool wide, const struct tf_tile *t)       \
    {                                                                          \
        size_t p;                                                              \
                                                                               \
        load_sums(high, wide, t);                                              \
        for (p = 0; p < t->k; p += STEP) {                                     \
            load_sides(high, wide, t, p);                                      \
            multiply(0, 4, 6);                                                 \
            if (wide)                                                          \
                multiply(1, 4, 7);                                             \
            if (high)                                                          \
                multiply(2, 5, 6);                                             \
            if (high && wide)                                                  \
                multiply(3, 5, 7);                                             \
        }                                                                      \
        store_sums(high, wide, t);                                             \
    }                                                                          \
                                                                               \
    static void name(const struct tf_tile *t)                                  \
    {                                                                          \
        if (t->m > STEP && t->n > STEP)                                        \
            name##_of(true, true, t);                                          \
        else if (t->m > STEP)                                                  \
            name##_of(true, false, t);                                         \
        else if (t->n > STEP)                                                  \
            name##_of(false, true, t);                                         \
        else                                                                   \
            name##_of(false, false, t);                                        \
    }

TILE(tile_int8, _tile_dpbssd)
TILE(tile_bf16, _tile_dpbf16ps)

void tf_tiles_amx(struct tf_kernels *k)
{
    k->int8 = k->bf16 = (struct tf_tiling){ .mr = MR,
                                            .nr = NR,
                                            .row_step = STEP,
                                            .k_step = STEP,
                                            .enter = enter,
                                            .leave = leave };
    k->int8.tile = tile_int8;
    k->bf16.tile = tile_bf16;
    k->int8_offset = 0;
}
