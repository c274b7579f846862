/* cmd_devices.c - `lemnos devices`: the Vulkan devices and what they can do. */
#include "cli/commands.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/app.h"
#include "cli/json_out.h"

static const struct {
    const char *name;
    size_t field; /* of struct lem_device_caps */
    bool unused;  /* known, but no kernel of this version asks for it */
} flag[] = {
    {"fp16", offsetof(struct lem_device_caps, fp16), true},
    {"int8", offsetof(struct lem_device_caps, int8), true},
    {"storage_8bit", offsetof(struct lem_device_caps, storage_8bit), true},
    {"storage_16bit", offsetof(struct lem_device_caps, storage_16bit), true},
    {"subgroup_arithmetic", offsetof(struct lem_device_caps, subgroup_arithmetic), false},
    {"subgroup_quad", offsetof(struct lem_device_caps, subgroup_quad), false},
    {"subgroup_size_control", offsetof(struct lem_device_caps, subgroup_size_control),
     true},
    {"int_dot", offsetof(struct lem_device_caps, int_dot), false},
    {"host_import", offsetof(struct lem_device_caps, host_import), true},
    {"memory_budget", offsetof(struct lem_device_caps, memory_budget), false},
    {"pipeline_statistics", offsetof(struct lem_device_caps, pipeline_statistics), true},
};
enum { N_FLAG = sizeof flag / sizeof *flag };

static bool has(const struct lem_device_info *d, int i)
{
    return *(const bool *)((const char *)&d->caps + flag[i].field);
}

static const char *type_name(enum lem_device_type type)
{
    static const char *const name[] = {"other", "integrated", "discrete", "virtual",
                                       "cpu"};
    return (unsigned)type < sizeof name / sizeof *name ? name[type] : name[0];
}

struct version {
    char s[24];
};
/* Vulkan packs a version as 7 bits major, 10 minor, 12 patch. */
static struct version api_version(uint32_t v)
{
    struct version out;
    snprintf(out.s, sizeof out.s, "%u.%u.%u", v >> 22 & 0x7f, v >> 12 & 0x3ff, v & 0xfff);
    return out;
}

/* ---- for people ----------------------------------------------------------- */

static void print_flags(const struct lem_device_info *d, bool present, bool unused,
                        const char *title)
{
    printf("   %-13s", title);
    bool any = false;
    for (int i = 0; i < N_FLAG; i++) {
        if (has(d, i) != present || flag[i].unused != unused)
            continue;
        printf("%s%s", any ? ", " : "", flag[i].name);
        any = true;
    }
    puts(any ? "" : "nothing");
}

static void print_device(const struct lem_device_info *d)
{
    const struct lem_device_caps *c = &d->caps;
    printf("%u  %s\n", d->index, d->name);
    printf("   %-13s%s, vendor 0x%04x, device 0x%04x\n", "type", type_name(d->type),
           d->vendor_id, d->device_id);
    printf("   %-13s%s, Vulkan %s\n", "driver", d->driver, api_version(d->api_version).s);
    for (uint32_t i = 0; i < d->n_heap && i < LEM_DEVICE_MAX_HEAP; i++) {
        const struct lem_memory_heap *h = &d->heap[i];
        printf("   %-13s%s, %s usable%s%s\n", i ? "" : "memory", text_bytes(h->size).s,
               text_bytes(h->budget).s, h->device_local ? ", on the device" : "",
               h->host_visible ? ", seen by the host" : "");
    }
    printf("   %-13ssubgroup %u, workgroup %u, shared memory %s, binding %s, allocation "
           "%s\n",
           "limits", c->subgroup_size, c->max_workgroup,
           text_bytes(c->max_shared_bytes).s, text_bytes(c->max_buffer_range).s,
           text_bytes(c->max_alloc_bytes).s);
    print_flags(d, true, false, "would use");
    print_flags(d, false, false, "missing");
    print_flags(d, true, true, "not needed");
    if (d->missing[0])
        printf("   %-13s%s\n", "cannot run", d->missing);
}

/* ---- kernels -------------------------------------------------------------- */

/* Known of devices that could be asked. */
struct kernels {
    bool known;
    struct lem_device_kernels k;
};

static const struct lem_kernel_choice *choice_of(const struct kernels *k, int i,
                                                 const char **work)
{
    static const char *const works[] = {"tokens", "prompts", "prompts, integers"};
    const struct lem_kernel_choice *const all[] = {&k->k.token, &k->k.prompt,
                                                   &k->k.prompt_i8};
    *work = works[i];
    return all[i];
}
enum { N_WORK = 3 };

static void print_kernels(const struct kernels *k)
{
    const char *work;
    for (int i = 0; i < N_WORK && k->known; i++) {
        const struct lem_kernel_choice *c = choice_of(k, i, &work);
        if (!c->way[0])
            continue;
        printf("   %-13s%s: %s", i ? "" : "kernels", work, c->way);
        if (c->gain > 0)
            printf(c->gain == 1 ? ", the fastest by measurement"
                                : ", %.2f times as fast as by rule",
                   c->gain);
        puts("");
    }
}

/* ---- JSON ----------------------------------------------------------------- */

static void add_caps(struct json_out *j, struct cJSON *o, const struct lem_device_info *d)
{
    const struct lem_device_caps *c = &d->caps;
    struct cJSON *caps = json_object(j, o, "caps");
    for (int i = 0; i < N_FLAG; i++)
        json_bool(j, caps, flag[i].name, has(d, i));
    json_num(j, caps, "subgroup_size", c->subgroup_size);
    json_num(j, caps, "max_workgroup", c->max_workgroup);
    json_num(j, caps, "max_shared_bytes", c->max_shared_bytes);
    json_num(j, caps, "max_buffer_range", (double)c->max_buffer_range);
    json_num(j, caps, "max_alloc_bytes", (double)c->max_alloc_bytes);
    json_num(j, caps, "max_texel_elements", (double)c->max_texel_elements);
    json_num(j, caps, "storage_align", c->storage_align);
    json_num(j, caps, "max_storage_bindings", c->max_storage_bindings);
    struct cJSON *missing = json_array(j, o, "missing");
    for (int i = 0; i < N_FLAG; i++)
        if (!has(d, i))
            json_str(j, missing, NULL, flag[i].name);
}

static void add_kernels(struct json_out *j, struct cJSON *o, const struct kernels *k)
{
    static const char *const name[N_WORK] = {"token", "prompt", "prompt_i8"};
    const char *work;
    struct cJSON *kernels = json_object(j, o, "kernels");
    json_bool(j, kernels, "measured", k->k.measured);
    for (int i = 0; i < N_WORK; i++) {
        const struct lem_kernel_choice *c = choice_of(k, i, &work);
        struct cJSON *one = json_object(j, kernels, name[i]);
        json_str(j, one, "way", c->way);
        json_num(j, one, "gain", c->gain);
    }
}

static void add_device(struct json_out *j, struct cJSON *list,
                       const struct lem_device_info *d, const struct kernels *k)
{
    struct cJSON *o = json_object(j, list, NULL);
    json_num(j, o, "index", d->index);
    json_str(j, o, "name", d->name);
    json_str(j, o, "type", type_name(d->type));
    json_str(j, o, "driver", d->driver);
    json_str(j, o, "api_version", api_version(d->api_version).s);
    json_num(j, o, "vendor_id", d->vendor_id);
    json_num(j, o, "device_id", d->device_id);
    struct cJSON *heaps = json_array(j, o, "heaps");
    for (uint32_t i = 0; i < d->n_heap && i < LEM_DEVICE_MAX_HEAP; i++) {
        struct cJSON *h = json_object(j, heaps, NULL);
        json_num(j, h, "size", (double)d->heap[i].size);
        json_num(j, h, "budget", (double)d->heap[i].budget);
        json_bool(j, h, "device_local", d->heap[i].device_local);
        json_bool(j, h, "host_visible", d->heap[i].host_visible);
    }
    add_caps(j, o, d);
    json_bool(j, o, "usable", !d->missing[0]);
    json_str(j, o, "unusable_because", d->missing);
    if (k->known)
        add_kernels(j, o, k);
}

static bool print_json(const struct lem_device_info *d, const struct kernels *k,
                       uint32_t n)
{
    struct json_out j;
    json_begin(&j);
    struct cJSON *list = json_array(&j, NULL, "devices");
    for (uint32_t i = 0; i < n; i++)
        add_device(&j, list, &d[i], &k[i]);
    return json_print(&j);
}

/* ---- the command ---------------------------------------------------------- */

/* What only an open device tells: what it has left under the profile of --caps, and with
 * -v its kernels. */
static bool ask(struct app *app, struct lem_device_info *d, struct kernels *k)
{
    const struct args *a = app->args;
    char index[16], cache[PATHS_MAX];
    snprintf(index, sizeof index, "%u", d->index);
    const struct lem_device_params params = {
        .selector = index,
        .caps = a->caps,
        .cache_dir =
            paths_cache_dir(cache, sizeof cache, a->xdg_cache, a->home) ? cache : NULL,
        .log = app->log};
    struct lem_device *device = NULL;
    if (lem_device_open(&params, &device) != LEM_OK)
        return false;
    lem_device_get_info(device, d);
    if (a->verbose)
        k->known = lem_device_tune(device, (enum lem_kernels)a->kernels, &k->k) == LEM_OK;
    lem_device_close(&device);
    return true;
}

static bool list_devices(struct app *app, struct lem_device_info *d, struct kernels *k,
                         uint32_t cap)
{
    uint32_t n = 0;
    if (lem_device_list(&app->log, d, cap, &n) != LEM_OK)
        return false;
    n = n < cap ? n : cap; /* one may have come or gone in between */
    bool ok = true; /* one that does not open is listed, with what is known of it */
    for (uint32_t i = 0; i < n; i++)
        if (!d[i].missing[0] && (app->args->caps || app->args->verbose))
            ok = ask(app, &d[i], &k[i]) && ok;
    if (app->args->json)
        return print_json(d, k, n) && ok;
    for (uint32_t i = 0; i < n; i++) {
        print_device(&d[i]);
        print_kernels(&k[i]);
    }
    return ok;
}

int cmd_devices(struct app *app)
{
    uint32_t n = 0;
    if (lem_device_list(&app->log, NULL, 0, &n) != LEM_OK)
        return APP_FAILED;
    if (n == 0) {
        app_error(
            "there is no Vulkan device. Install the GPU's driver, or Mesa's lavapipe "
            "for the CPU (Debian: mesa-vulkan-drivers).");
        return APP_FAILED;
    }
    struct lem_device_info *d = calloc(n, sizeof *d);
    struct kernels *k = calloc(n, sizeof *k);
    bool ok = d && k;
    if (!ok)
        app_error("memory ran out for the list of %u devices.", n);
    else
        ok = list_devices(app, d, k, n);
    free(d);
    free(k);
    return ok ? APP_DONE : APP_FAILED;
}
