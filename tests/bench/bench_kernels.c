/* bench_kernels.c - times single kernels, every weight type, in turn with a kernel that
 * never changes:
 *
 *     bench_kernels [PART-OF-A-NAME [ROUNDS]]
 *
 * The best pass of each round counts, and of the rounds the median. "ratio" is the speed
 * in operations per second over that of the yardstick in the same round, on CPU devices
 * by processor time: that is what may be compared between runs, a busy machine slows
 * both. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/kernels.h"
#include "frozen.h"
#include "gpu/shader_table.h"
#include "support/blocks.h"

enum { PASSES = 5, MAX_ROUND = 99, TOKENS = 128 };

static const struct gpu_shader shaders[] = {
    {"bench.frozen", spv_frozen, sizeof spv_frozen},
    {0, 0, 0},
};

struct bench {
    struct lem_device *device;
    struct kernel frozen;
    const char *only; /* part of a name; "" = all */
    uint32_t n_round;
    bool on_cpu; /* the device is a CPU: its time is the process's */
};

static void say(void *priv, enum lem_log_level level, const char *text)
{
    (void)priv;
    if (level <= LEM_LOG_WARN)
        fprintf(stderr, "%s\n", text);
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *v, uint32_t n)
{
    qsort(v, n, sizeof *v, compare);
    return (v[(n - 1) / 2] + v[n / 2]) / 2;
}

struct pass {
    double wall, cpu; /* seconds: elapsed, and of all processors of this program */
};

/* The best of each. */
static struct pass best_pass(struct kernel *k)
{
    struct pass best = {1e9, 1e9};
    for (int i = 0; i < PASSES; i++) {
        uint64_t ns = 0;
        const clock_t start = clock();
        if (gpu_list_run(&k->list, 1, k->rows, &ns) != LEM_OK)
            exit(1);
        const double cpu = (double)(clock() - start) / CLOCKS_PER_SEC;
        best.wall = ns && (double)ns * 1e-9 < best.wall ? (double)ns * 1e-9 : best.wall;
        best.cpu = cpu < best.cpu ? cpu : best.cpu;
    }
    return best;
}

static void time_kernel(const struct bench *b, struct kernel *k)
{
    struct kernel frozen = b->frozen;
    double seconds[MAX_ROUND], ratio[MAX_ROUND];
    (void)best_pass(k); /* compiles */
    for (uint32_t i = 0; i < b->n_round; i++) {
        const struct pass f = best_pass(&frozen), p = best_pass(k);
        const double per_flop = (b->on_cpu ? p.cpu : p.wall) / (double)k->flops;
        seconds[i] = p.wall;
        ratio[i] = (b->on_cpu ? f.cpu : f.wall) / (double)frozen.flops / per_flop;
    }
    const double s = median(seconds, b->n_round);
    printf("%-30s %-7s %10.3f %9.2f %10.2f %8.2f\n", k->name, k->type, s * 1e3,
           (double)k->bytes / s * 1e-9, (double)k->flops / s * 1e-9,
           median(ratio, b->n_round));
    fflush(stdout);
}

/* Beds take hundreds of megabytes: each is made, timed and closed. */
typedef void make_fn(struct kernel *k, struct lem_device *device, uint32_t type, bool i8);

static void make_matvec(struct kernel *k, struct lem_device *device, uint32_t type,
                        bool i8)
{
    kernel_matvec(k, device, type, i8, 2048);
}

static void make_tall(struct kernel *k, struct lem_device *device, uint32_t type, bool i8)
{
    kernel_matvec(k, device, type, i8, 8192);
}

static void make_matmat(struct kernel *k, struct lem_device *device, uint32_t type,
                        bool i8)
{
    kernel_matmat(k, device, type, i8, TOKENS);
}

static void make_glu(struct kernel *k, struct lem_device *device, uint32_t type, bool i8)
{
    kernel_experts(k, device, type, i8, false);
}

static void make_down(struct kernel *k, struct lem_device *device, uint32_t type, bool i8)
{
    kernel_experts(k, device, type, i8, true);
}

static void make_grouped(struct kernel *k, struct lem_device *device, uint32_t type,
                         bool i8)
{
    kernel_grouped(k, device, type, i8, TOKENS);
}

static const struct {
    const char *name; /* what PART-OF-A-NAME is looked for in, with the type */
    make_fn *make;
} makers[] = {
    {"mat-vec", make_matvec}, {"tall mat-vec", make_tall}, {"mat-mat", make_matmat},
    {"gate+up", make_glu},    {"down", make_down},         {"grouped", make_grouped},
};

static void time_one(const struct bench *b, size_t i, const struct quant_info *q, bool i8)
{
    char name[64];
    snprintf(name, sizeof name, "%s%s %s", makers[i].name, i8 ? " i8" : "", q->name);
    if (!strstr(name, b->only) || (i8 && !kernel_takes_i8(b->device, q->type)))
        return;
    struct kernel k;
    makers[i].make(&k, b->device, q->type, i8);
    time_kernel(b, &k);
    kernel_close(&k);
}

static void time_all(const struct bench *b)
{
    for (size_t i = 0; i < sizeof makers / sizeof *makers; i++)
        for (const struct quant_info *q = NULL; (q = blocks_next_type(q));) {
            time_one(b, i, q, false);
            time_one(b, i, q, true);
        }
}

int main(int argc, char **argv)
{
    struct bench b = {.only = argc > 1 ? argv[1] : "", .n_round = 5};
    if (argc > 2)
        b.n_round = (uint32_t)strtoul(argv[2], NULL, 10);
    if (b.n_round == 0 || b.n_round > MAX_ROUND || argc > 3) {
        fprintf(stderr, "usage: bench_kernels [PART-OF-A-NAME [ROUNDS]]\n");
        return 2;
    }
    const struct lem_device_params params = {.caps = getenv("LEMNOS_CAPS"),
                                             .selector = getenv("LEMNOS_DEVICE"),
                                             .log = {.fn = say}};
    if (lem_device_open(&params, &b.device) != LEM_OK)
        return 1;
    gpu_shaders_add(b.device, shaders);
    struct lem_device_info info;
    lem_device_get_info(b.device, &info);
    b.on_cpu = info.type == LEM_DEVICE_CPU;
    kernel_frozen(&b.frozen, b.device);
    printf("%s, %s\n\n%-30s %-7s %10s %9s %10s %8s\n", info.name, info.driver, "kernel",
           "type", "ms", "GB/s", "GFLOP/s", "ratio");
    time_kernel(&b, &b.frozen);
    time_all(&b);
    kernel_close(&b.frozen);
    lem_device_close(&b.device);
    return 0;
}
