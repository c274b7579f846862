/* test_radv.c - what AMD's open driver makes of the kernels, without such a GPU: its
 * compiler runs for a device that is not there. No spills, few registers, small code, not
 * more than 5 % slower by its own estimate than the table in tests/data says, and where
 * the design has a goal, that.
 * LEM_RADV_WRITE=FILE writes the table anew; do so when a kernel was changed on purpose.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gpu/vk.h"
#include "ops/weight.h"
#include "radv_loops.h"
#include "support/capture.h"
#include "support/gpu_fixture.h"
#include "support/tolerance.h"

enum { LOCAL = 64, MAX_CODE = 16384, MAX_ROW = 512 };

enum kind { MAT_VEC, MAT_MAT, OTHER };
static const struct {
    const char *name;
    uint32_t max_vgprs;
} kinds[] = {
    [MAT_VEC] = {"mat-vec", 64}, [MAT_MAT] = {"mat-mat", 96}, [OTHER] = {"other", 96}};

/* A kernel as a GPU runs it; `type` is added to its name. */
struct row {
    const char *kernel, *type;
    enum kind kind;
    uint32_t n_constant, constant[GPU_MAX_CONSTANT];
};

#define WEIGHT_ROWS(type)                                                                \
    {"matmul", type, MAT_VEC, 7, {LOCAL, 1, 1, 8, 0, 0, 64}},                            \
        {"matmul", type, MAT_VEC, 7, {LOCAL, 2, 1, 8, 0, 0, 64}},                        \
        {"experts_glu", type, MAT_VEC, 7, {LOCAL, 2, 1, 8, 0, 0, 64}},                   \
        {"experts_down", type, MAT_VEC, 7, {LOCAL, 1, 1, 8, 0, 0, 64}},                  \
        {"matmul", type, MAT_MAT, 4, {LOCAL, 1, 8, 1}},                                  \
    {                                                                                    \
        "matmul_experts", type, MAT_MAT, 4,                                              \
        {                                                                                \
            LOCAL, 1, 8, 1                                                               \
        }                                                                                \
    }
/* As ops_shape_tile() has it for many tokens; the last constant leaves the way for few
 * tokens out. */
#define TILE_ROWS(type, rows, lanes)                                                     \
    {"matmul_tile", type, MAT_MAT, 8, {128, rows, 4, lanes, 0, 0, 1, 0}},                \
    {                                                                                    \
        "matmul_experts_tile", type, MAT_MAT, 8,                                         \
        {                                                                                \
            128, rows, 4, lanes, 0, 0, 1, 0                                              \
        }                                                                                \
    }
/* lanes, heads, columns, slots, span, pool, sinks, splits: heads of 128 */
#define CACHE_ROWS(type, slots, columns, prompt_slots)                                   \
    {"attn", type, OTHER, 8, {64, 2, 2, slots, 2, 2048, 0, 16}},                         \
        {"attn", type, OTHER, 8, {128, 4, columns, prompt_slots, 2, 2048, 0, 1}},        \
        {"rope", type, OTHER, 3, {LOCAL, 4, 4}},                                         \
    {                                                                                    \
        "latent", type, OTHER, 2,                                                        \
        {                                                                                \
            LOCAL, 576                                                                   \
        }                                                                                \
    }

static const struct row rows[] = {
    WEIGHT_ROWS("f16"),
    WEIGHT_ROWS("q4_0"),
    WEIGHT_ROWS("q8_0"),
    WEIGHT_ROWS("q4_k"),
    WEIGHT_ROWS("q6_k"),
    WEIGHT_ROWS("mxfp4"),
    WEIGHT_ROWS("q4_0.i8"),
    WEIGHT_ROWS("q8_0.i8"),
    WEIGHT_ROWS("q4_k.i8"),
    WEIGHT_ROWS("q6_k.i8"),
    WEIGHT_ROWS("mxfp4.i8"),
    TILE_ROWS("f16", 8, 16),
    TILE_ROWS("q4_0", 8, 16),
    TILE_ROWS("q8_0", 8, 16),
    TILE_ROWS("q4_k", 8, 16),
    TILE_ROWS("q6_k", 8, 16),
    TILE_ROWS("mxfp4", 8, 16),
    TILE_ROWS("q4_0.i8", 4, 8),
    TILE_ROWS("q8_0.i8", 4, 8),
    TILE_ROWS("q4_k.i8", 4, 8),
    TILE_ROWS("q6_k.i8", 4, 8),
    TILE_ROWS("mxfp4.i8", 4, 8),
    CACHE_ROWS("f16", 2, 8, 1),
    CACHE_ROWS("f32", 4, 4, 2),
    CACHE_ROWS("q8_0", 1, 4, 1),
    {"attn_join", NULL, OTHER, 1, {LOCAL}},
    /* of 49155 values, and what joins the columns of that */
    {"pick", NULL, OTHER, 3, {128, 8, 0}},
    {"pick", NULL, OTHER, 3, {128, 28, 1}},
};
enum { N_ROW = sizeof rows / sizeof *rows };

/* RDNA2, RDNA3, and the registers that a lane of 64 has there, for all waves of a SIMD.
 * The third that one would ask, vangogh, compiles as navi21 does. */
static const struct {
    const char *name;
    unsigned vgprs;
} families[] = {{"navi21", 512}, {"gfx1100", 768}};

/* More registers than the limits, and why that is put up with. */
static const struct {
    const char *key;
    unsigned vgprs;
} wide_rows[] = {
    /* waits for memory, not for waves: it has half of the loads of a block in flight */
    {"navi21:experts_glu.f16:", 80},
    {"navi21:matmul.f16:64,2,", 80},
    {"gfx1100:matmul.f16:64,1,", 72},
    {"gfx1100:matmul.f16:64,2,", 84},
    {"gfx1100:experts_glu.f16:", 84},
    {"gfx1100:experts_down.f16:", 72},
    /* the scheduler fetches ahead as long as nine waves fit; on navi21 it takes 64 */
    {"gfx1100:matmul.q6_k:64,2,", 84},
    {"gfx1100:experts_glu.q6_k:", 84},
    {"gfx1100:experts_down.q6_k:", 72},
    /* keys of four columns as floats and the queries of four heads at once */
    {"navi21:attn.q8_0:128,", 104},
};

/* Cycles per 1000 weights that whole products with rows of 2048 columns may take, see
 * cycles_at_2048(): the design's aim. */
static const struct {
    const char *type;
    double most;
} goals[] = {{"q4_0", 95}, {"q4_0.i8", 40}};
/* Of each GPU and type: matmul with one and with two rows, experts_glu. */
enum { N_GOAL_ROW = 3 * sizeof goals / sizeof *goals };

struct stats {
    uint64_t vgprs, spills, code, lds, cycles;
};

/* ---- a device that only compiles ------------------------------------------------- */

/* The parts of an open device that kernels are made with. There is no queue to submit to
 * behind it, and the driver cannot even close it: it stays open until the program ends.
 */
static struct lem_device *open_family(const char *family, struct capture *said)
{
    setenv("RADV_FORCE_FAMILY", family, 1);
    struct lem_device *d = calloc(1, sizeof *d);
    assert_non_null(d);
    d->log = capture_log(said);
    VkPhysicalDevice one;
    uint32_t n = 1;
    if (gpu_instance_open(&d->instance, false, &d->log) != LEM_OK || !d->instance.handle)
        return NULL;
    const VkResult r = d->instance.EnumeratePhysicalDevices(d->instance.handle, &n, &one);
    if ((r != VK_SUCCESS && r != VK_INCOMPLETE) || n == 0 ||
        gpu_caps_read(&d->instance, one, &d->physical, &d->log) != LEM_OK ||
        !d->physical.info.caps.pipeline_statistics)
        return NULL;

    struct gpu_features features;
    gpu_caps_features(&d->physical, &features);
    const float priority = 1;
    const VkDeviceQueueCreateInfo queue = {.sType =
                                               VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
                                           .queueFamilyIndex = d->physical.family,
                                           .queueCount = 1,
                                           .pQueuePriorities = &priority};
    const VkDeviceCreateInfo info = {.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
                                     .pNext = &features.core,
                                     .queueCreateInfoCount = 1,
                                     .pQueueCreateInfos = &queue,
                                     .enabledExtensionCount = features.n_name,
                                     .ppEnabledExtensionNames = features.name};
    if (d->instance.CreateDevice(one, &info, NULL, &d->handle) != VK_SUCCESS)
        return NULL;
    gpu_instance_device_calls(&d->instance, d->handle, &d->fn);
    mutex_init(&d->kernel_lock);
    return d;
}

/* ---- asking the compiler ----------------------------------------------------------- */

static void add_stat(struct stats *s, const VkPipelineExecutableStatisticKHR *v)
{
    const uint64_t n = v->value.u64;
    if (strcmp(v->name, "VGPRs") == 0)
        s->vgprs = n;
    else if (strstr(v->name, "Spilled"))
        s->spills += n;
    else if (strcmp(v->name, "Code size") == 0)
        s->code = n;
    else if (strcmp(v->name, "LDS size") == 0)
        s->lds = n;
    else if (strcmp(v->name, "Inverse Throughput") == 0)
        s->cycles = n;
}

static struct stats stats_of(struct lem_device *d, VkPipeline pipeline)
{
    enum { MOST = 64 };
    VkPipelineExecutableStatisticKHR v[MOST];
    for (int i = 0; i < MOST; i++)
        v[i] = (VkPipelineExecutableStatisticKHR){
            .sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_STATISTIC_KHR};
    const VkPipelineExecutableInfoKHR info = {
        .sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_INFO_KHR, .pipeline = pipeline};
    uint32_t n = MOST;
    assert_int_equal(d->fn.vkGetPipelineExecutableStatisticsKHR(d->handle, &info, &n, v),
                     VK_SUCCESS);
    struct stats s = {0};
    for (uint32_t i = 0; i < n; i++)
        add_stat(&s, &v[i]);
    assert_true(s.vgprs > 0 && s.code > 0 && s.cycles > 0);
    return s;
}

/* Statistics of the kernel, or of other code with the same interface. */
static struct stats compile(struct lem_device *d, const struct gpu_kernel *k,
                            const struct gpu_shader *shader)
{
    const VkShaderModuleCreateInfo code = {
        .sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO,
        .codeSize = shader->size,
        .pCode = shader->code};
    VkShaderModule module;
    assert_int_equal(d->fn.vkCreateShaderModule(d->handle, &code, NULL, &module),
                     VK_SUCCESS);
    VkSpecializationMapEntry entry[GPU_MAX_CONSTANT];
    for (uint32_t i = 0; i < k->n_constant; i++)
        entry[i] = (VkSpecializationMapEntry){i, i * 4, 4};
    const VkSpecializationInfo constants = {k->n_constant, entry, k->n_constant * 4,
                                            k->constant};
    const VkComputePipelineCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
        .flags = VK_PIPELINE_CREATE_CAPTURE_STATISTICS_BIT_KHR,
        .stage = {.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
                  .stage = VK_SHADER_STAGE_COMPUTE_BIT,
                  .module = module,
                  .pName = "main",
                  .pSpecializationInfo = &constants},
        .layout = k->layout};
    VkPipeline pipeline;
    assert_int_equal(d->fn.vkCreateComputePipelines(d->handle, VK_NULL_HANDLE, 1, &info,
                                                    NULL, &pipeline),
                     VK_SUCCESS);
    const struct stats s = stats_of(d, pipeline);
    d->fn.vkDestroyPipeline(d->handle, pipeline, NULL);
    d->fn.vkDestroyShaderModule(d->handle, module, NULL);
    return s;
}

/* ---- the stored table ----------------------------------------------------------------
 */

struct stored {
    char key[128];
    unsigned long vgprs, spills, cycles;
};

struct table {
    char driver[128]; /* that made it */
    struct stored row[MAX_ROW];
    size_t n;
};

static void read_table(struct table *t)
{
    *t = (struct table){0};
    FILE *f = fopen(LEM_TEST_DATA "/radv.txt", "r");
    if (!f)
        return;
    if (fgets(t->driver, sizeof t->driver, f))
        t->driver[strcspn(t->driver, "\n")] = '\0';
    while (t->n < MAX_ROW &&
           fscanf(f, "%127s %lu %lu %lu", t->row[t->n].key, &t->row[t->n].vgprs,
                  &t->row[t->n].spills, &t->row[t->n].cycles) == 4)
        t->n++;
    fclose(f);
}

static const struct stored *find(const struct table *t, const char *key)
{
    for (size_t i = 0; i < t->n; i++)
        if (strcmp(t->row[i].key, key) == 0)
            return &t->row[i];
    return NULL;
}

/* ---- the checks
 * ------------------------------------------------------------------------ */

/* Weights (times rows of activations) that the compiler takes the main loop of 64 lanes
 * for. It counts 8 turns of a loop, 4 of one inside it, and 2 of one inside that; half of
 * what comes after a return that all lanes take or none; and three quarters of what is
 * under a condition of each lane, rows past the last one, which tiles do not have. A turn
 * is 32 columns, and of bytes 64 but where lanes share rows. Kernels of experts, without
 * the first half, have a loop over slots or tokens around theirs. */
static double loop_weights(const struct row *r)
{
    const bool tile = strstr(r->kernel, "_tile") != NULL, split = r->kind == MAT_VEC;
    const bool outer =
        strstr(r->kernel, "experts") && strcmp(r->kernel, "experts_glu") != 0;
    const int depth = (split ? 1 : 2) + outer;
    const double turns = depth == 1 ? 8 : depth == 2 ? 32 : 64;
    const double columns = strstr(r->type, ".i8") && !split ? 64 : 32;
    return turns * (tile ? 0.5 : 0.5 * 0.75) * LOCAL * columns * (double)r->constant[1] *
           (double)r->constant[2];
}

static const struct gpu_shader *find_shader(const struct gpu_shader *s, const char *name)
{
    while (s->name && strcmp(s->name, name) != 0)
        s++;
    return s->name ? s : NULL;
}

/* Cycles of the main loop for 1000 of those; 0, not told, for f16, whose loops the
 * compiler arranges in another way. */
static double loop_cycles(struct lem_device *d, const struct gpu_kernel *k,
                          const struct row *r, const struct stats *s, const char *name)
{
    const struct gpu_shader *without = find_shader(radv_loops, name);
    if (!without || strcmp(r->type, "f16") == 0)
        return 0;
    const struct stats none = compile(d, k, without);
    return 1000 * ((double)s->cycles - (double)none.cycles) / loop_weights(r);
}

/* Cycles of a whole product for 1000 weights, rows of 2048 columns, all its outputs
 * stored; 0, not told, where several experts share what is not in the loop. Eight lanes
 * have 64 blocks of such a row, so the main loop takes the 8 turns that the compiler
 * counts. Everything else must count once, so code is compiled that is not weighted: no
 * conditions, returns least of all, everything under them done (bias and addition, too),
 * and the sums of 64 blocks in straight code, as 64 lanes make them in one turn. The
 * comparisons that this leaves out are about 1 cycle more. */
static double cycles_at_2048(struct lem_device *d, const struct gpu_kernel *k,
                             const struct row *r, const char *name)
{
    const struct gpu_shader *once = find_shader(radv_once, name);
    if (!once || r->kind != MAT_VEC)
        return 0;
    const struct stats s = compile(d, k, once);
    return 1000 * (double)s.cycles / (LOCAL * 8.0 * 32 * (double)r->constant[1]);
}

/* 0: none. */
static double goal_of(const struct row *r)
{
    for (size_t i = 0; i < sizeof goals / sizeof *goals; i++)
        if (strcmp(r->type, goals[i].type) == 0)
            return goals[i].most;
    return 0;
}

/* Do that many registers leave fewer waves than they should? Not where shared memory lets
 * in no more anyway: 128 KiB and four SIMDs to a pair of compute units. */
static bool is_wide(const char *key, unsigned family, const struct row *r,
                    const struct stats *s)
{
    if (s->vgprs <= kinds[r->kind].max_vgprs)
        return false;
    for (size_t i = 0; i < sizeof wide_rows / sizeof *wide_rows; i++)
        if (strncmp(key, wide_rows[i].key, strlen(wide_rows[i].key)) == 0)
            return s->vgprs > wide_rows[i].vgprs;
    const uint64_t waves = r->constant[0] / LOCAL;
    return s->lds == 0 || families[family].vgprs / s->vgprs < 131072 / s->lds * waves / 4;
}

struct outcome {
    unsigned bad, rows;
    unsigned goals; /* rows that have one, compared with it */
    FILE *out;      /* the new table, or NULL */
};

static void print_row(const char *key, const struct stats *s, double loop, double at_2048,
                      const char *fault)
{
    char per[2][32] = {"", ""};
    if (loop > 0)
        snprintf(per[0], sizeof per[0], "%.1f", loop);
    if (at_2048 > 0)
        snprintf(per[1], sizeof per[1], "%.1f", at_2048);
    print_message("%-48s %3u VGPR %u spilled %5.1f KiB lds %5u cycles %6u loop %6s "
                  "@2048 %6s%s%s\n",
                  key, (unsigned)s->vgprs, (unsigned)s->spills, (double)s->code / 1024,
                  (unsigned)s->lds, (unsigned)s->cycles, per[0], per[1], fault ? " " : "",
                  fault ? fault : "");
}

static void check_row(struct lem_device *d, unsigned family, const struct row *r,
                      const struct table *t, struct outcome *o)
{
    char name[64], key[128];
    snprintf(name, sizeof name, "%s%s%s", r->kernel, r->type ? "." : "",
             r->type ? r->type : "");
    int n = snprintf(key, sizeof key, "%s:%s", families[family].name, name);
    for (uint32_t i = 0; i < r->n_constant; i++)
        n += snprintf(key + n, sizeof key - (size_t)n, "%c%u", i ? ',' : ':',
                      r->constant[i]);
    const struct gpu_kernel *k;
    assert_int_equal(gpu_kernel_get(d, name, r->constant, r->n_constant, &k), LEM_OK);
    const struct stats s = compile(d, k, k->shader);
    const double loop = loop_cycles(d, k, r, &s, name);
    const double at_2048 = cycles_at_2048(d, k, r, name);
    const bool same = strcmp(t->driver, d->physical.info.driver) == 0;
    const struct stored *was = same ? find(t, key) : NULL;
    const bool has_goal = same && at_2048 > 0 && goal_of(r) > 0;
    const char *fault = NULL;
    if (was && (double)s.cycles > 1.05 * (double)was->cycles)
        fault = "SLOWER";
    else if (same && !was && !o->out)
        fault = "NOT IN THE TABLE";
    else if (s.code > MAX_CODE || s.spills || is_wide(key, family, r, &s))
        fault = "BAD";
    else if (has_goal && at_2048 > goal_of(r))
        fault = "ABOVE ITS GOAL";
    o->goals += has_goal;
    print_row(key, &s, loop, at_2048, fault);
    if (o->out)
        fprintf(o->out, "%s %u %u %u\n", key, (unsigned)s.vgprs, (unsigned)s.spills,
                (unsigned)s.cycles);
    o->bad += fault != NULL;
    o->rows += was != NULL;
}

/* The rows above are what a GPU takes for one token: few rows, many, a vocabulary. */
static void check_shapes(const struct lem_device *d)
{
    static const uint32_t n_row[] = {2048, 4096, 151936};
    for (size_t i = 0; i < sizeof n_row / sizeof *n_row; i++) {
        const struct ops_shape s = ops_shape_pick(d, n_row[i], 2048, 1);
        assert_int_equal(s.rows, i == 0 ? 1 : 2);
        assert_int_equal(s.tokens, 1);
        assert_int_equal(s.split, 8);
    }
    assert_int_equal(ops_shape_pick(d, 4096, OPS_MOST_SPLIT + 32, 1).split, 1);
}

static void kernels_compile_well(void **state)
{
    (void)state;
    struct table t;
    read_table(&t);
    const char *path = getenv("LEM_RADV_WRITE");
    struct outcome o = {.out = path ? fopen(path, "w") : NULL};
    for (unsigned f = 0; f < sizeof families / sizeof *families; f++) {
        struct capture said = {0};
        struct lem_device *d = open_family(families[f].name, &said);
        if (!d) {
            print_message("no statistics of %s here: skipped\n", families[f].name);
            exit(GPU_FIXTURE_SKIP);
        }
        if (o.out && f == 0)
            fprintf(o.out, "%s\n", d->physical.info.driver);
        if (strcmp(t.driver, d->physical.info.driver) != 0)
            print_message("the table is of \"%s\", not of \"%s\": not compared\n",
                          t.driver, d->physical.info.driver);
        check_shapes(d);
        for (size_t i = 0; i < N_ROW; i++)
            check_row(d, f, &rows[i], &t, &o);
    }
    if (o.out)
        fclose(o.out);
    print_message("%u rows compared with the table\n", o.rows);
    if (o.rows > 0)
        assert_int_equal(o.goals, N_GOAL_ROW * (sizeof families / sizeof *families));
    if (o.bad)
        fail_msg("%u kernels spill, take too many registers or too much code, became "
                 "slower than tests/data/radv.txt allows, are not in it, or miss a goal",
                 o.bad);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(kernels_compile_well)};
    return cmocka_run_group_tests_name("radv", tests, NULL, NULL);
}
