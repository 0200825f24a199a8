#include "kernel/gemm_parts.h"

/* How a product is cut. Rows and panels are sides of the product, not of C:
 * when `turned`, the rows are C's columns. */
struct plan {
    const struct tf_product *g;
    const struct tf_tiling *tiling;
    void (*tile)(const struct tf_tile *t);
    bool turned;
    bool direct;                         /* sums gather in C itself */
    bool rows_in_place, panels_in_place; /* and are not packed */
    bool keeps_rows; /* a job packs its rows once, not for every run */
    struct tf_side row_side, panel_side;
    struct tf_cells row_cells, panel_cells;
    size_t rows, columns;
    size_t cell;       /* elements of a cell */
    size_t k;          /* cells */
    size_t tile_rows;  /* rows of a tile, at most tiling->mr */
    size_t tiles;      /* of tile_rows rows, that cover `rows` */
    size_t row_blocks; /* the tiles are dealt evenly to this many blocks */
    size_t chunk;      /* panels that are packed together */
    size_t groups;     /* that a chunk is cut into */
    size_t run;        /* panels whose sums a job gathers together */
    size_t block_tiles, group_panels; /* the largest block and group */
    size_t first_column;              /* of this chunk */
    size_t chunk_panels;              /* of this chunk */
    float *panels;  /* [k block][panel][plane][k in the block][nr] */
    float *scratch; /* of all workers */
};

enum {
    CHUNK_FLOATS = 2 << 20,  /* 8 MB of packed panels */
    KEPT_FLOATS = 1 << 19,   /* 2 MB of packed rows */
    DIRECT_FLOATS = 3 << 18, /* of C: more of it is better written in tiles */
    ROW_GAP = 16,       /* cells between packed rows, against cache conflicts */
    TILES_IN_PLACE = 6, /* to pack for less does not pay */
    JOBS_PER_THREAD = 4 /* evens out threads that run unevenly */
};

/*
 * About what an orientation costs, in vectors: the sums, with the columns
 * filled up to whole vectors, and the operands that must be transposed.
 */
static double cost(size_t k, const struct tf_side *rows, size_t nrows,
                   const struct tf_side *panels, size_t ncolumns)
{
    double full = (double)tf_round_up(ncolumns, 16), c;

    c = (double)tf_most(nrows, 4) * full * (double)k / 16;
    if (rows->depth != 1)
        c += (double)nrows * (double)k;
    if (panels->along != 1)
        c += (double)ncolumns * (double)k;
    return c;
}

static struct tf_cells cells_of(const struct plan *p, const struct tf_side *s)
{
    struct tf_cells c = { p->g->pairs, 1 };

    if (c.pairs && s->dtype != TF_BF16)
        c.planes = s->dtype == TF_F16 ? 2 : 3;
    return c;
}

/* Whether C's columns are the rows. Rows of pairs are packed by the thread that
 * multiplies them, panels are shared: those are the fewer. */
static bool rows_are_columns(const struct tf_product *g)
{
    if (g->pairs && g->a.depth == 1)
        return g->n > g->m;
    return cost(g->k, &g->b, g->n, &g->a, g->m) + (double)g->m * (double)g->n <
           cost(g->k, &g->a, g->m, &g->b, g->n);
}

static void orient(struct plan *p)
{
    const struct tf_product *g = p->g;

    p->turned = rows_are_columns(g);
    p->row_side = p->turned ? g->b : g->a;
    p->panel_side = p->turned ? g->a : g->b;
    p->row_cells = cells_of(p, &p->row_side);
    p->panel_cells = cells_of(p, &p->panel_side);
    p->rows = p->turned ? g->n : g->m;
    p->columns = p->turned ? g->m : g->n;
    p->cell = g->pairs ? 2 : 1;
    p->k = tf_round_up(tf_div_up(g->k, p->cell), p->tiling->k_step);
    p->tile =
        p->turned && p->tiling->turned ? p->tiling->turned : p->tiling->tile;
}

/* Nothing is done to the sums but to add them to C. */
static bool is_plain(const struct tf_finish *f)
{
    return !f->row_scale && f->alpha == 1 && !f->bias && !f->pre_act &&
           f->act == TF_ACT_NONE && !f->residual;
}

static void choose_places(struct plan *p)
{
    p->direct = !p->turned && p->tiling->row_step == 1 &&
                p->rows * p->columns <= DIRECT_FLOATS &&
                is_plain(&p->g->finish);
    p->rows_in_place = !p->g->pairs && p->rows % p->tiling->row_step == 0 &&
                       tf_rows_in_place(&p->row_side);
    p->panels_in_place = !p->g->pairs && p->tiles <= TILES_IN_PLACE &&
                         tf_columns_in_place(&p->panel_side) &&
                         p->columns % p->tiling->nr == 0;
}

/* The part of n when it is cut evenly into as few as can be of at most
 * `most`. */
static size_t even(size_t n, size_t most)
{
    return tf_div_up(n, tf_div_up(n, most));
}

static void cut(struct plan *p, int threads)
{
    size_t nr = p->tiling->nr, panels = tf_div_up(p->columns, nr);
    size_t column = tf_most(1, p->k * p->panel_cells.planes), jobs, blocks;

    p->run = tf_most(1, p->tiling->block_columns / nr);
    p->chunk = CHUNK_FLOATS / column / nr;
    if (!p->g->pairs)
        p->chunk = tf_least(p->chunk, p->run);
    p->chunk = even(panels, tf_most(1, p->chunk));
    p->tiles = tf_div_up(p->rows, p->tiling->mr);
    p->tile_rows =
        tf_round_up(tf_div_up(p->rows, p->tiles), p->tiling->row_step);
    jobs = threads > 1 ? (size_t)threads * JOBS_PER_THREAD : 1;
    blocks = tf_div_up(p->tiles, p->tiling->block_rows / p->tiling->mr);
    if (p->g->pairs) { /* every job reads all panels: as few as can be */
        jobs = (size_t)threads;
        blocks = tf_round_up(blocks, jobs);
    }
    p->row_blocks = tf_least(p->tiles, tf_most(blocks, jobs));
    p->groups = tf_least(p->chunk, tf_div_up(jobs, p->row_blocks));
    p->block_tiles = tf_div_up(p->tiles, p->row_blocks);
    p->group_panels = tf_div_up(p->chunk, p->groups);
    p->run = even(p->group_panels, p->run);
    p->keeps_rows =
        p->run < p->group_panels &&
        p->block_tiles * p->tile_rows * p->k * p->row_cells.planes <=
            KEPT_FLOATS;
}

static size_t k_blocks(const struct plan *p)
{
    return tf_most(1, tf_div_up(p->k, p->tiling->kc));
}

/* Floats of a worker's own scratch: packed rows, partial sums, a tile of C
 * turned, float32 to be split. */
static size_t block_floats(const struct plan *p)
{
    return tf_round_line(p->block_tiles * p->tile_rows *
                         (p->tiling->kc + ROW_GAP) * p->row_cells.planes);
}

static size_t rows_floats(const struct plan *p)
{
    return block_floats(p) * (p->keeps_rows ? k_blocks(p) : 1);
}

static size_t tile_floats(const struct plan *p)
{
    return tf_round_line(p->tiling->mr * p->tiling->nr);
}

static size_t sums_floats(const struct plan *p)
{
    return p->block_tiles * p->run * tile_floats(p);
}

static size_t strip_floats(const struct plan *p)
{
    if (!p->row_cells.pairs)
        return 0;
    return TF_STRIP(tf_most(p->block_tiles * p->tile_rows, p->tiling->nr));
}

static size_t worker_floats(const struct plan *p)
{
    return rows_floats(p) + sums_floats(p) + tile_floats(p) + strip_floats(p);
}

static size_t panels_floats(const struct plan *p)
{
    if (p->panels_in_place)
        return 0;
    return tf_round_line(p->k * p->panel_cells.planes * p->tiling->nr *
                         p->chunk);
}

/* Part i of n things dealt evenly to `parts`. */
static size_t deal(size_t n, size_t parts, size_t i)
{
    return n / parts * i + tf_least(i, n % parts);
}

/* One job: a block of rows by a group of panels. */
struct job {
    size_t tiles;
    size_t row, rows;
    size_t panel, panels; /* in the chunk */
    size_t column, columns;
    bool rows_packed; /* all of them, as they are kept */
    float *packed, *sums, *turned, *strip;
};

static void lay_out_worker(const struct plan *p, struct job *j, int worker)
{
    j->packed = p->scratch + (size_t)worker * worker_floats(p);
    j->sums = j->packed + rows_floats(p);
    j->turned = j->sums + sums_floats(p);
    j->strip = j->turned + tile_floats(p);
}

static struct job job_at(const struct plan *p, size_t i, int worker)
{
    size_t block = i / p->groups, group = i % p->groups, nr = p->tiling->nr;
    size_t tile = deal(p->tiles, p->row_blocks, block);
    struct job j;

    j.tiles = deal(p->tiles, p->row_blocks, block + 1) - tile;
    j.row = tf_least(tile * p->tile_rows, p->rows);
    j.rows = tf_least(j.tiles * p->tile_rows, p->rows - j.row);
    j.panel = deal(p->chunk_panels, p->groups, group);
    j.panels = deal(p->chunk_panels, p->groups, group + 1) - j.panel;
    j.column = tf_least(p->first_column + j.panel * nr, p->columns);
    j.columns = tf_least(j.panels * nr, p->columns - j.column);
    j.rows_packed = false;
    lay_out_worker(p, &j, worker);
    return j;
}

/* How much of k is in a block: cells, and elements before the zeros. */
static size_t cells_in(const struct plan *p, size_t block)
{
    return tf_least(p->tiling->kc, p->k - block * p->tiling->kc);
}

static size_t elements_in(const struct plan *p, size_t block)
{
    return tf_least(p->tiling->kc * p->cell,
                    p->g->k - block * p->tiling->kc * p->cell);
}

static float *panel_at(const struct plan *p, size_t block, size_t panel)
{
    return p->panels + (block * p->tiling->kc * p->chunk_panels +
                        cells_in(p, block) * panel) *
                           p->panel_cells.planes * p->tiling->nr;
}

/* Tell a tile where the rows of a block of k are: in place, or packed now. */
static void take_rows(const struct plan *p, const struct job *j, size_t block,
                      struct tf_tile *t)
{
    const struct tf_side *s = &p->row_side;
    size_t first = block * p->tiling->kc * p->cell;
    float *packed = j->packed + (p->keeps_rows ? block * block_floats(p) : 0);

    t->a_planes = p->row_cells.planes;
    if (p->rows_in_place) {
        t->a = (const float *)s->data + j->row * s->along + first;
        t->lda = s->along;
        return;
    }
    t->a = packed;
    t->lda = p->tiling->kc + ROW_GAP;
    t->a_plane = p->block_tiles * p->tile_rows * t->lda;
    if (j->rows_packed)
        return;
    tf_pack_rows(packed, t->lda, t->a_plane, p->row_cells, s, j->row, j->rows,
                 first, elements_in(p, block), t->k, j->strip);
}

static void take_panel(const struct plan *p, const struct job *j, size_t block,
                       size_t panel, struct tf_tile *t)
{
    const struct tf_side *s = &p->panel_side;
    size_t nr = p->tiling->nr;

    t->n = tf_least(nr, j->columns - panel * nr);
    t->b_planes = p->panel_cells.planes;
    t->b_plane = t->k * nr;
    t->ldb = nr;
    t->step = 0;
    if (p->panels_in_place) {
        t->b = (const float *)s->data + j->column + panel * nr +
               block * p->tiling->kc * s->depth;
        t->ldb = s->depth;
    } else {
        t->b = panel_at(p, block, j->panel + panel);
        /* the next one is fetched while all tiles meet this one */
        if (panel + 1 < j->panels)
            t->step = tf_most(1, t->b_planes * nr / j->tiles);
    }
    t->ahead = t->b;
    if (t->step)
        t->ahead += t->b_planes * t->b_plane;
    /* rows that lie end to end and meet one panel are a stream */
    if (p->rows_in_place && p->columns <= nr && p->row_side.along == t->k) {
        t->step = p->tile_rows;
        t->ahead = (const float *)t->a + p->tile_rows * t->lda;
    }
}

/* Sums that are complete go to C. */
static void finish(const struct plan *p, const struct job *j,
                   const struct tf_tile *t, size_t row, size_t column)
{
    const struct tf_kernels *kern = tf_kernels();
    size_t mr = p->tiling->mr, nr = p->tiling->nr;

    if (p->turned) {
        kern->transpose(j->turned, mr, t->c, nr, t->m, t->n);
        kern->finish(&p->g->finish, j->turned, mr, column, row, t->n, t->m);
    } else {
        kern->finish(&p->g->finish, t->c, nr, row, column, t->m, t->n);
    }
}

static void sum_block(const struct plan *p, const struct job *j, size_t block)
{
    const struct tf_finish *f = &p->g->finish;
    size_t nr = p->tiling->nr, panel, done, column;
    bool last = block + 1 == k_blocks(p);
    struct tf_tile t = { .k = cells_in(p, block) };
    float *sums = j->sums;
    const float *rows;

    t.ldc = p->direct ? f->ldc : nr;
    t.first = !block && !(p->direct && f->accumulate);
    take_rows(p, j, block, &t);
    rows = t.a;
    for (panel = 0; panel < j->panels; panel++) {
        take_panel(p, j, block, panel, &t);
        column = j->column + panel * nr;
        for (done = 0; done < j->rows; done += t.m, sums += tile_floats(p)) {
            t.m = tf_least(p->tile_rows, j->rows - done);
            t.a = rows + done * t.lda;
            t.c = p->direct ? f->c + (j->row + done) * f->ldc + column : sums;
            p->tile(&t);
            if (last && !p->direct)
                finish(p, j, &t, j->row + done, column);
            t.ahead += t.k * t.step;
        }
    }
}

/* The part of a job that is panels [panel, panel + p->run) of its own. */
static struct job run_of(const struct plan *p, const struct job *j,
                         size_t panel)
{
    size_t nr = p->tiling->nr;
    struct job run = *j;

    run.panel += panel;
    run.panels = tf_least(p->run, j->panels - panel);
    run.column += panel * nr;
    run.columns = tf_least(run.panels * nr, j->columns - panel * nr);
    run.rows_packed = p->keeps_rows && panel;
    return run;
}

static void run_job(void *arg, size_t i, int worker)
{
    const struct plan *p = arg;
    struct job j = job_at(p, i, worker), run;
    size_t panel, block;

    if (!j.rows || !j.columns)
        return;
    if (p->tiling->enter)
        p->tiling->enter();
    for (panel = 0; panel < j.panels; panel += p->run) {
        run = run_of(p, &j, panel);
        for (block = 0; block < k_blocks(p); block++)
            sum_block(p, &run, block);
    }
    if (p->tiling->leave)
        p->tiling->leave();
}

static void pack_panel(void *arg, size_t i, int worker)
{
    const struct plan *p = arg;
    size_t nr = p->tiling->nr, column = p->first_column + i * nr, block;
    struct job j;

    lay_out_worker(p, &j, worker);
    for (block = 0; block < k_blocks(p); block++)
        tf_pack_panel(panel_at(p, block, i), nr, p->panel_cells, &p->panel_side,
                      column, tf_least(nr, p->columns - column),
                      block * p->tiling->kc * p->cell, elements_in(p, block),
                      cells_in(p, block), j.strip);
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
    size_t nr = p.tiling->nr, panels = tf_div_up(p.columns, nr), first;

    p.panels = scratch;
    p.scratch = scratch + panels_floats(&p);
    for (first = 0; first < panels; first += p.chunk) {
        p.chunk_panels = tf_least(p.chunk, panels - first);
        p.first_column = first * nr;
        if (!p.panels_in_place)
            tf_pool_run(pool, p.chunk_panels, pack_panel, &p);
        tf_pool_run(pool, p.row_blocks * p.groups, run_job, &p);
    }
}

/* Every size is taken at its bound, so that it grows with m, n and k. */
size_t tf_product_bound(const struct tf_tiling *tiling, size_t m, size_t n,
                        size_t k)
{
    struct plan p = { .tiling = tiling };
    size_t mr = tiling->mr, nr = tiling->nr, size = 0, turned, panels;

    p.row_cells.planes = 1;
    p.tile_rows = mr;
    for (turned = 0; turned < 2; turned++) {
        p.block_tiles =
            tf_least(tf_div_up(turned ? n : m, mr), tiling->block_rows / mr);
        p.run = tf_least(tf_div_up(turned ? m : n, nr),
                         tf_most(1, tiling->block_columns / nr));
        panels = tf_least(k * nr * p.run, tf_most(CHUNK_FLOATS, k * nr));
        size = tf_most(size, tf_round_line(panels) + worker_floats(&p));
    }
    return size;
}
