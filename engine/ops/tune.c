/* tune.c - which kernels a device takes: measured at its first use, then known. */
#include "ops/measure.h"

#include <stdio.h>

#include "base/log.h"

static const char note[] = "kernels";

/* Below that it is chance, or not worth other rounding than everybody else's. */
static const double worth = 1.15;

/* The ways to try for a use, the rule's first; how weights and activations are fetched is
 * settled by single tokens. */
static uint32_t find_ways(const struct lem_device *device, enum ops_use use,
                          enum ops_way token, enum ops_way *way)
{
    uint32_t n = 0;
    way[n++] = ops_way_by_rule(device, use);
    /* Devices that fetch texels have integers of 16 bits by default, and those by texels.
     */
    if (use == OPS_USE_TOKEN && gpu_fetches_texels(device))
        return n;
    for (enum ops_way w = OPS_WAY_REGISTER; w < OPS_N_WAY; w++) {
        const bool alike =
            use != OPS_USE_PROMPT || ops_way_has_texels(w) == ops_way_has_texels(token);
        if (w != way[0] && alike && ops_way_possible(device, use, w))
            way[n++] = w;
    }
    return n;
}

static enum lem_status tune_use(struct ops_bed *bed, const struct lem_device *device,
                                enum ops_use use, struct ops_tuned *tuned)
{
    enum ops_way way[OPS_N_WAY];
    uint64_t best[OPS_N_WAY] = {0};
    const uint32_t n = find_ways(device, use, tuned[OPS_USE_TOKEN].way, way);
    tuned[use] = (struct ops_tuned){.way = way[0]};
    if (n == 1)
        return LEM_OK;
    const enum lem_status st = ops_bed_time(bed, use, way, n, best);
    tuned[use].gain = 1;
    for (uint32_t i = 1; i < n && st == LEM_OK; i++) {
        const double gain = best[i] ? (double)best[0] / (double)best[i] : 0;
        if (gain >= worth && gain > tuned[use].gain)
            tuned[use] = (struct ops_tuned){way[i], gain};
    }
    return st;
}

/* The bed decides by what is chosen: nothing else is, meanwhile. */
static enum lem_status measure(struct lem_device *device, struct ops_tuned *tuned)
{
    struct ops_bed *bed = NULL;
    enum lem_status st = ops_bed_open(device, &bed);
    for (int use = 0; use < OPS_N_USE && st == LEM_OK; use++)
        st = tune_use(bed, device, (enum ops_use)use, tuned);
    ops_bed_close(&bed);
    return st;
}

static void choose_all(struct lem_device *device, const struct ops_tuned *tuned)
{
    for (int use = 0; use < OPS_N_USE; use++)
        ops_way_choose(device, (enum ops_use)use, tuned ? tuned[use].way : OPS_WAY_ANY);
}

/* Is there memory for the measurement? Not asking would log an error. */
static bool has_room(const struct lem_device *device)
{
    const uint64_t need = (uint64_t)64 << 20;
    struct lem_device_info info;
    lem_device_get_info(device, &info);
    for (uint32_t i = 0; i < info.n_heap; i++)
        if (info.heap[i].device_local && info.heap[i].budget >= need)
            return true;
    return false;
}

/* True when *tuned is what was measured, now or earlier. CPU devices run the lanes of a
 * workgroup one after the other, which tiles are not made for: the outcome is known, and
 * one of their kernels takes longer to compile than others to run. */
static bool know(struct lem_device *device, bool cpu_too, struct ops_tuned *tuned)
{
    char text[256];
    if (!gpu_keeps_notes(device) || (gpu_type(device) == LEM_DEVICE_CPU && !cpu_too))
        return false;
    if (gpu_note_read(device, note, text, sizeof text) &&
        ops_tuned_read(device, text, tuned))
        return true;
    /* A folder that takes no notes is none: two runs must not take different kernels. */
    if (!has_room(device) || !gpu_note_write(device, note, "measuring"))
        return false;
    log_msg(gpu_log(device), LEM_LOG_INFO,
            "\"%s\": trying kernels, once for this device and driver", gpu_name(device));
    if (measure(device, tuned) != LEM_OK) {
        log_msg(gpu_log(device), LEM_LOG_WARN,
                "\"%s\": its kernels could not be measured; those that its type "
                "suggests are taken",
                gpu_name(device));
        return false;
    }
    ops_tuned_write(tuned, text, sizeof text);
    return gpu_note_write(device, note, text);
}

/* Families by name: of registers or tiles, fetched by the rule. */
static void force(struct lem_device *device, bool tiles)
{
    for (int use = 0; use < OPS_N_USE; use++) {
        enum ops_way way = ops_way_by_rule(device, (enum ops_use)use);
        const enum ops_way tile =
            ops_way_has_texels(way) ? OPS_WAY_TILE_TEXEL : OPS_WAY_TILE;
        if (tiles && ops_way_possible(device, (enum ops_use)use, tile))
            way = tile;
        ops_way_choose(device, (enum ops_use)use, way);
    }
}

static struct lem_kernel_choice describe(const struct lem_device *device,
                                         enum ops_use use, const struct ops_tuned *tuned)
{
    const enum ops_way way = ops_way_of(device, use);
    const bool none = use == OPS_USE_PROMPT_I8 &&
                      !ops_way_possible(device, use, ops_way_by_rule(device, use));
    return (struct lem_kernel_choice){.way = none ? "" : ops_way_name(way),
                                      .gain = tuned ? tuned[use].gain : 0};
}

enum lem_status ops_tune(struct lem_device *device, enum lem_kernels kernels,
                         bool cpu_too, struct lem_device_kernels *out)
{
    if (!device)
        return LEM_ERR_ARGUMENT;
    if (kernels > LEM_KERNELS_TILES)
        return log_fail(gpu_log(device), LEM_ERR_ARGUMENT,
                        "lem_device_tune: there are no kernels %d", (int)kernels);
    struct ops_tuned tuned[OPS_N_USE] = {{0}};
    bool known = false;
    choose_all(device, NULL);
    if (kernels == LEM_KERNELS_AUTO) {
        known = know(device, cpu_too, tuned);
        choose_all(device, known ? tuned : NULL);
    } else if (kernels != LEM_KERNELS_RULE) {
        force(device, kernels == LEM_KERNELS_TILES);
    }
    if (out)
        *out = (struct lem_device_kernels){
            .measured = known,
            .token = describe(device, OPS_USE_TOKEN, known ? tuned : NULL),
            .prompt = describe(device, OPS_USE_PROMPT, known ? tuned : NULL),
            .prompt_i8 = describe(device, OPS_USE_PROMPT_I8, known ? tuned : NULL)};
    return LEM_OK;
}

enum lem_status lem_device_tune(struct lem_device *device, enum lem_kernels kernels,
                                struct lem_device_kernels *out)
{
    return ops_tune(device, kernels, false, out);
}
