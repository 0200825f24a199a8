#include "kernel/gemm_parts.h"

#include <string.h>

/* How a product is cut. Rows and panels are sides of the product, not of C:
 * when `turned`, the rows are C's columns. */
struct plan {
    const struct tf_product *g;
    const struct tf_tiling *tiling;
    void (*tile)(const struct tf_tile *t);
    bool turned;
    bool direct;                         /* sums gather in C itself */
    bool rows_in_place, panels_in_place; /* and are not packed */
    struct tf_side row_side, panel_side;
    size_t rows, columns;
    size_t tile_rows;  /* rows of a tile, at most kern->mr */
    size_t tiles;      /* of tile_rows rows, that cover `rows` */
    size_t row_blocks; /* the tiles are dealt evenly to this many blocks */
    size_t chunk;      /* panels that are packed together */
    size_t groups;     /* that a chunk is cut into */
    size_t block_tiles, group_panels; /* the largest block and group */
    struct tf_panels panels; /* of the chunk, or the packed operand's */
    size_t first_panel;      /* of the chunk in `panels` */
    size_t first_column;     /* of the chunk in C */
    size_t chunk_panels;     /* of this chunk */
    float *scratch;          /* of all workers */
};

enum {
    BLOCK_ROWS = 112,        /* of tiles that stay in the second cache level */
    CHUNK_COLUMNS = 1024,    /* partial sums of a block stay in L2 */
    CHUNK_FLOATS = 2 << 20,  /* 8 MB of packed panels */
    DIRECT_FLOATS = 3 << 18, /* of C: more of it is better written in rows */
    TILES_IN_PLACE = 6,      /* to pack for less does not pay */
    JOBS_PER_THREAD = 4      /* evens out threads that run unevenly */
};

/*
 * About what an orientation costs, in vectors: the sums, with the columns
 * filled up to whole panels, and the operands that must be transposed.
 */
static double cost(size_t k, const struct tf_side *rows, size_t nrows,
                   const struct tf_side *panels, size_t ncolumns)
{
    double full = (double)tf_div_up(ncolumns, 16) * 16, c;

    c = (double)tf_most(nrows, 4) * full * (double)k / 16;
    if (rows->depth != 1)
        c += (double)nrows * (double)k;
    if (panels->along != 1)
        c += (double)ncolumns * (double)k;
    return c;
}

static void orient(struct plan *p)
{
    const struct tf_product *g = p->g;

    p->turned = !g->packed && cost(g->k, &g->b, g->n, &g->a, g->m) +
                                      (double)g->m * (double)g->n <
                                  cost(g->k, &g->a, g->m, &g->b, g->n);
    p->row_side = p->turned ? g->b : g->a;
    p->panel_side = p->turned ? g->a : g->b;
    p->rows = p->turned ? g->n : g->m;
    p->columns = p->turned ? g->m : g->n;
    p->tile =
        p->turned && p->tiling->turned ? p->tiling->turned : p->tiling->tile;
}

static void choose_places(struct plan *p)
{
    p->direct = p->g->c && !p->turned && p->rows * p->columns <= DIRECT_FLOATS;
    p->rows_in_place =
        tf_rows_in_place(&p->row_side) && p->rows % p->tiling->row_step == 0;
    p->panels_in_place = !p->g->packed && p->tiles <= TILES_IN_PLACE &&
                         tf_columns_in_place(&p->panel_side) &&
                         p->columns % p->tiling->nr == 0;
}

static void cut(struct plan *p, int threads)
{
    size_t nr = p->tiling->nr, panels = tf_div_up(p->columns, nr), jobs;
    size_t step = p->tiling->row_step;

    p->chunk = tf_most(
        1, tf_least(CHUNK_FLOATS / tf_most(1, p->g->k), CHUNK_COLUMNS) / nr);
    p->chunk = tf_least(p->chunk, panels);
    p->tiles = tf_div_up(p->rows, p->tiling->mr);
    p->tile_rows = tf_div_up(tf_div_up(p->rows, p->tiles), step) * step;
    jobs = threads > 1 ? (size_t)threads * JOBS_PER_THREAD : 1;
    p->row_blocks = tf_most(tf_div_up(p->tiles, BLOCK_ROWS / p->tiling->mr),
                            tf_least(p->tiles, jobs));
    p->groups = tf_least(p->chunk, tf_div_up(jobs, p->row_blocks));
    p->block_tiles = tf_div_up(p->tiles, p->row_blocks);
    p->group_panels = tf_div_up(p->chunk, p->groups);
}

/* Floats of a worker's own scratch: packed rows, partial sums, finished
 * rows of C. */
static size_t rows_floats(const struct plan *p)
{
    return tf_round_line(p->block_tiles * p->tile_rows * TF_GEMM_KC);
}

static size_t sums_floats(const struct plan *p)
{
    return p->direct ? 0
                     : p->block_tiles * p->group_panels * p->tiling->mr *
                           p->tiling->nr;
}

static size_t strip_floats(const struct plan *p)
{
    size_t nr = p->tiling->nr;

    if (p->direct)
        return 0;
    return tf_round_line(p->turned ? nr * p->block_tiles * p->tile_rows
                                   : p->tile_rows * p->group_panels * nr);
}

static size_t worker_floats(const struct plan *p)
{
    return rows_floats(p) + sums_floats(p) + strip_floats(p);
}

static size_t panels_floats(const struct plan *p)
{
    if (p->g->packed || p->panels_in_place)
        return 0;
    return tf_round_line(tf_panels_floats(p->g->k, p->tiling->nr, p->chunk));
}

/* Part i of n things dealt evenly to `parts`. */
static size_t deal(size_t n, size_t parts, size_t i)
{
    return n / parts * i + tf_least(i, n % parts);
}

/* One job: a block of rows by a group of panels. */
struct job {
    size_t tile, tiles; /* first and how many */
    size_t row, rows;
    size_t panel, panels; /* in the chunk */
    size_t column, columns;
    float *packed, *sums, *strip;
};

static struct job job_at(const struct plan *p, size_t i, int worker)
{
    size_t block = i / p->groups, group = i % p->groups, nr = p->tiling->nr;
    struct job j;

    j.tile = deal(p->tiles, p->row_blocks, block);
    j.tiles = deal(p->tiles, p->row_blocks, block + 1) - j.tile;
    j.row = tf_least(j.tile * p->tile_rows, p->rows);
    j.rows = tf_least(j.tiles * p->tile_rows, p->rows - j.row);
    j.panel = deal(p->chunk_panels, p->groups, group);
    j.panels = deal(p->chunk_panels, p->groups, group + 1) - j.panel;
    j.column = tf_least(p->first_column + j.panel * nr, p->columns);
    j.columns = tf_least(j.panels * nr, p->columns - j.column);
    j.packed = p->scratch + (size_t)worker * worker_floats(p);
    j.sums = j.packed + rows_floats(p);
    j.strip = j.sums + sums_floats(p);
    return j;
}

static float *sums_of(const struct plan *p, const struct job *j, size_t panel,
                      size_t tile)
{
    return j->sums + (panel * j->tiles + tile) * p->tiling->mr * p->tiling->nr;
}

/* The rows of a block of k: where they are, or packed. */
static const float *rows_of_block(const struct plan *p, const struct job *j,
                                  size_t block, size_t *lda)
{
    const struct tf_side *s = &p->row_side;
    size_t p0 = block * TF_GEMM_KC;

    if (p->rows_in_place) {
        *lda = s->along;
        return (const float *)s->data + j->row * s->along + p0;
    }
    *lda = TF_GEMM_KC;
    tf_pack_rows(j->packed, TF_GEMM_KC, s, j->row, j->rows, p0,
                 tf_k_in_block(p->g->k, block));
    return j->packed;
}

static const float *panel_of_block(const struct plan *p, const struct job *j,
                                   size_t block, size_t panel, size_t *ldb)
{
    const struct tf_side *s = &p->panel_side;

    if (p->panels_in_place) {
        *ldb = s->depth;
        return (const float *)s->data + j->column + panel * p->tiling->nr +
               block * TF_GEMM_KC * s->depth;
    }
    *ldb = p->tiling->nr;
    return tf_panel(&p->panels, block, p->first_panel + j->panel + panel);
}

/* While a panel is multiplied into every row, the next one is fetched. */
static void sum_block(const struct plan *p, const struct job *j, size_t block)
{
    const struct tf_product *g = p->g;
    size_t nr = p->tiling->nr, panel, tile, done;
    struct tf_tile t = { .k = tf_k_in_block(g->k, block) };
    const float *rows = rows_of_block(p, j, block, &t.lda);

    t.ldc = p->direct ? g->ldc : nr;
    t.first = !block && !(p->direct && g->add);
    for (panel = 0; panel < j->panels; panel++) {
        t.b = panel_of_block(p, j, block, panel, &t.ldb);
        t.n = tf_least(nr, j->columns - panel * nr);
        t.step = 0;
        if (panel + 1 < j->panels && !p->panels_in_place)
            t.step = tf_most(1, nr / j->tiles);
        t.ahead = t.step ? t.b + t.k * nr : t.b;
        for (tile = 0, done = 0; done < j->rows; tile++, done += t.m) {
            t.m = tf_least(p->tile_rows, j->rows - done);
            t.a = rows + done * t.lda;
            t.c = p->direct
                      ? g->c + (j->row + done) * g->ldc + j->column + panel * nr
                      : sums_of(p, j, panel, tile);
            p->tile(&t);
            t.ahead += t.k * t.step;
        }
    }
}

static void finish_in_place(const struct plan *p, const struct job *j)
{
    size_t i;

    for (i = j->row; !p->g->complete && i < j->row + j->rows; i++)
        p->g->finish(p->g->arg, p->g->c + i * p->g->ldc + j->column, i,
                     j->column, j->columns);
}

/* Rows of C that a strip of sums makes: the tiles of one row of tiles side by
 * side or, turned, those of one panel transposed. */
static void finish_tiles(const struct plan *p, const struct job *j, size_t tile)
{
    size_t nr = p->tiling->nr, done = tile * p->tile_rows, panel, i;
    size_t m = tf_least(p->tile_rows, j->rows - done);

    for (panel = 0; panel < j->panels; panel++) {
        const float *sums = sums_of(p, j, panel, tile);
        size_t n = tf_least(nr, j->columns - panel * nr);

        for (i = 0; i < m; i++)
            memcpy(j->strip + i * j->columns + panel * nr, sums + i * nr,
                   n * sizeof(float));
    }
    for (i = 0; i < m; i++)
        p->g->finish(p->g->arg, j->strip + i * j->columns, j->row + done + i,
                     j->column, j->columns);
}

static void finish_panel(const struct plan *p, const struct job *j,
                         size_t panel)
{
    size_t nr = p->tiling->nr, tile, done, i;
    size_t n = tf_least(nr, j->columns - panel * nr);

    for (tile = 0, done = 0; done < j->rows; tile++, done += p->tile_rows)
        tf_kernels()->transpose(j->strip + done, j->rows,
                                sums_of(p, j, panel, tile), nr,
                                tf_least(p->tile_rows, j->rows - done), n);
    for (i = 0; i < n; i++)
        p->g->finish(p->g->arg, j->strip + i * j->rows,
                     j->column + panel * nr + i, j->row, j->rows);
}

static void run_job(void *arg, size_t i, int worker)
{
    const struct plan *p = arg;
    struct job j = job_at(p, i, worker);
    size_t block, t;

    if (!j.rows || !j.columns)
        return;
    if (p->tiling->enter)
        p->tiling->enter();
    for (block = 0; block < tf_k_blocks(p->g->k); block++)
        sum_block(p, &j, block);
    if (p->tiling->leave)
        p->tiling->leave();
    if (p->direct) {
        finish_in_place(p, &j);
    } else if (p->turned) {
        for (t = 0; t < j.panels; t++)
            finish_panel(p, &j, t);
    } else {
        for (t = 0; t * p->tile_rows < j.rows; t++)
            finish_tiles(p, &j, t);
    }
}

static void run_chunks(struct plan *p, struct tf_pool *pool, float *scratch)
{
    size_t nr = p->tiling->nr, panels = tf_div_up(p->columns, nr), first;

    p->scratch = scratch + panels_floats(p);
    for (first = 0; first < panels; first += p->chunk) {
        p->chunk_panels = tf_least(p->chunk, panels - first);
        p->first_column = first * nr;
        if (p->g->packed) {
            p->panels = *p->g->packed;
            p->first_panel = first;
        } else if (!p->panels_in_place) {
            p->panels =
                (struct tf_panels){ p->g->k, nr, p->chunk_panels, scratch };
            p->first_panel = 0;
            tf_pack_panels(
                pool, &p->panels, &p->panel_side, p->first_column,
                tf_least(p->chunk_panels * nr, p->columns - p->first_column));
        }
        tf_pool_run(pool, p->row_blocks * p->groups, run_job, p);
    }
}

static struct plan plan_of(const struct tf_product *g, int threads)
{
    struct plan p = { .g = g, .tiling = g->tiling };

    orient(&p);
    cut(&p, threads);
    choose_places(&p);
    return p;
}

size_t tf_product_scratch(const struct tf_product *g, int threads)
{
    struct plan p = plan_of(g, threads);

    return panels_floats(&p) + (size_t)threads * worker_floats(&p);
}

void tf_product_run(struct tf_pool *pool, const struct tf_product *g,
                    float *scratch)
{
    struct plan p = plan_of(g, tf_pool_threads(pool));

    run_chunks(&p, pool, scratch);
}

/* Every size is taken at its bound, so that it grows with m, n and k. */
size_t tf_product_bound(const struct tf_tiling *tiling, size_t m, size_t n,
                        size_t k)
{
    struct plan p = { .tiling = tiling };
    size_t mr = tiling->mr, nr = tiling->nr, size = 0, turned, panels;

    for (turned = 0; turned < 2; turned++) {
        p.turned = turned;
        p.tile_rows = mr;
        p.block_tiles =
            tf_least(tf_div_up(turned ? n : m, mr), BLOCK_ROWS / mr);
        p.group_panels = tf_least(tf_div_up(turned ? m : n, nr),
                                  tf_most(1, CHUNK_COLUMNS / nr));
        panels =
            tf_least(k * nr * p.group_panels, tf_most(CHUNK_FLOATS, k * nr));
        size = tf_most(size, tf_round_line(panels) + worker_floats(&p));
    }
    return size;
}
