/* instance.c - the Vulkan loader and one instance per opened device, with the
 * validation layer and its messages where asked for. */
#include "gpu/physical.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"

/* volk keeps the loader's entry points in variables of the process; this lock
 * lets several threads open devices. */
static atomic_flag volk_lock = ATOMIC_FLAG_INIT;

static void lock_volk(void)
{
    while (atomic_flag_test_and_set_explicit(&volk_lock, memory_order_acquire))
        ;
}

static void unlock_volk(void)
{
    atomic_flag_clear_explicit(&volk_lock, memory_order_release);
}

static enum lem_status load_loader(const struct lem_log *log)
{
    lock_volk();
    VkResult r = VK_SUCCESS;
    if (!vkGetInstanceProcAddr)
        r = volkInitialize();
    const uint32_t version = r == VK_SUCCESS ? volkGetInstanceVersion() : 0;
    unlock_volk();

    if (version == 0)
        return log_fail(log, LEM_ERR_NO_DEVICE,
                        "no Vulkan loader (libvulkan.so.1) on this machine: install it "
                        "(Debian: libvulkan1) and the Vulkan driver of your GPU (Mesa's: "
                        "mesa-vulkan-drivers)");
    if (version < VK_API_VERSION_1_1)
        return log_fail(log, LEM_ERR_NO_DEVICE,
                        "the Vulkan loader is of version %u.%u, needed is 1.1: update it",
                        VK_API_VERSION_MAJOR(version), VK_API_VERSION_MINOR(version));
    return LEM_OK;
}

static bool has_extension(const char *layer, const char *name)
{
    uint32_t n = 0;
    if (vkEnumerateInstanceExtensionProperties(layer, &n, NULL) != VK_SUCCESS)
        return false;
    VkExtensionProperties *list = calloc(n ? n : 1, sizeof *list);
    bool found = false;
    if (list && vkEnumerateInstanceExtensionProperties(layer, &n, list) >= VK_SUCCESS)
        for (uint32_t i = 0; i < n; i++)
            found = found || strcmp(list[i].extensionName, name) == 0;
    free(list);
    return found;
}

static bool has_layer(const char *name)
{
    uint32_t n = 0;
    if (vkEnumerateInstanceLayerProperties(&n, NULL) != VK_SUCCESS)
        return false;
    VkLayerProperties *list = calloc(n ? n : 1, sizeof *list);
    bool found = false;
    if (list && vkEnumerateInstanceLayerProperties(&n, list) >= VK_SUCCESS)
        for (uint32_t i = 0; i < n; i++)
            found = found || strcmp(list[i].layerName, name) == 0;
    free(list);
    return found;
}

static VKAPI_ATTR VkBool32 VKAPI_CALL
take_message(VkDebugUtilsMessageSeverityFlagBitsEXT severity,
             VkDebugUtilsMessageTypeFlagsEXT types,
             const VkDebugUtilsMessengerCallbackDataEXT *data, void *priv)
{
    struct gpu_instance *in = priv;
    (void)severity;
    (void)types;
    atomic_fetch_add(&in->n_message, 1);
    log_msg(&in->log, LEM_LOG_ERROR, "validation: %s", data->pMessage);
    return VK_FALSE;
}

static bool load_calls(struct gpu_instance *in, bool debug)
{
    bool ok = true;
#define GPU_LOAD(name)                                                                   \
    in->name = (PFN_vk##name)vkGetInstanceProcAddr(in->handle, "vk" #name);              \
    ok = ok && in->name;
    GPU_INSTANCE_CALLS(GPU_LOAD)
    if (debug) {
        GPU_DEBUG_CALLS(GPU_LOAD)
    }
#undef GPU_LOAD
    return ok;
}

/* All that vkCreateInstance wants, and the structs it points to. */
struct wish {
    VkApplicationInfo app;
    VkInstanceCreateInfo info;
    VkDebugUtilsMessengerCreateInfoEXT messenger;
    VkValidationFeaturesEXT features;
    const char *ext[3], *layer[1];
};

static const VkValidationFeatureEnableEXT sync_validation =
    VK_VALIDATION_FEATURE_ENABLE_SYNCHRONIZATION_VALIDATION_EXT;

static void wish_validation(struct wish *w, struct gpu_instance *in)
{
    w->layer[0] = "VK_LAYER_KHRONOS_validation";
    w->messenger = (VkDebugUtilsMessengerCreateInfoEXT){
        .sType = VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT,
        .messageSeverity = VK_DEBUG_UTILS_MESSAGE_SEVERITY_WARNING_BIT_EXT |
                           VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT,
        .messageType = VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT,
        .pfnUserCallback = take_message,
        .pUserData = in,
    };
    w->features = (VkValidationFeaturesEXT){
        .sType = VK_STRUCTURE_TYPE_VALIDATION_FEATURES_EXT,
        .pNext = &w->messenger,
        .enabledValidationFeatureCount = 1,
        .pEnabledValidationFeatures = &sync_validation,
    };
    w->info.enabledLayerCount = 1;
    w->info.ppEnabledLayerNames = w->layer;
    w->info.pNext = &w->features;
}

static bool make_wish(struct wish *w, struct gpu_instance *in, bool validation)
{
    *w = (struct wish){0};
    /* 1.1 and extensions, not the newest version: then the validation layer also
     * watches that nothing newer is used unasked. */
    w->app = (VkApplicationInfo){
        .sType = VK_STRUCTURE_TYPE_APPLICATION_INFO,
        .pApplicationName = "lemnos",
        .pEngineName = "lemnos",
        .engineVersion = VK_MAKE_API_VERSION(0, LEM_VERSION_MAJOR, LEM_VERSION_MINOR,
                                             LEM_VERSION_PATCH),
        .apiVersion = VK_API_VERSION_1_1,
    };
    w->info = (VkInstanceCreateInfo){
        .sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
        .pApplicationInfo = &w->app,
        .ppEnabledExtensionNames = w->ext,
    };
    const bool debug = has_extension(NULL, VK_EXT_DEBUG_UTILS_EXTENSION_NAME);
    if (debug)
        w->ext[w->info.enabledExtensionCount++] = VK_EXT_DEBUG_UTILS_EXTENSION_NAME;
    if (has_extension(NULL, VK_KHR_PORTABILITY_ENUMERATION_EXTENSION_NAME)) {
        w->ext[w->info.enabledExtensionCount++] =
            VK_KHR_PORTABILITY_ENUMERATION_EXTENSION_NAME;
        w->info.flags |= VK_INSTANCE_CREATE_ENUMERATE_PORTABILITY_BIT_KHR;
    }
    if (validation && debug && has_layer("VK_LAYER_KHRONOS_validation")) {
        wish_validation(w, in);
        w->ext[w->info.enabledExtensionCount++] =
            VK_EXT_VALIDATION_FEATURES_EXTENSION_NAME;
    }
    return debug;
}

enum lem_status gpu_instance_open(struct gpu_instance *in, bool validation,
                                  const struct lem_log *log)
{
    *in = (struct gpu_instance){0};
    if (log)
        in->log = *log;
    enum lem_status st = load_loader(log);
    if (st != LEM_OK)
        return st;

    struct wish w;
    const bool debug = make_wish(&w, in, validation);
    const bool layered = w.info.enabledLayerCount != 0;
    if (validation && !layered)
        log_msg(log, LEM_LOG_WARN,
                "VK_LAYER_KHRONOS_validation is not installed (Debian: "
                "vulkan-validationlayers): going on without validation");

    const VkResult r = vkCreateInstance(&w.info, NULL, &in->handle);
    if (r != VK_SUCCESS)
        in->handle = VK_NULL_HANDLE;
    if (r == VK_ERROR_INCOMPATIBLE_DRIVER) /* how loaders say "no driver at all" */
        return LEM_OK;
    if (r == VK_ERROR_OUT_OF_HOST_MEMORY)
        return log_fail(log, LEM_ERR_MEMORY, "no memory for a Vulkan instance");
    if (r != VK_SUCCESS)
        return log_fail(log, LEM_ERR_GPU,
                        "vkCreateInstance failed (VkResult %d): check the Vulkan drivers "
                        "and layers of this machine with vulkaninfo",
                        (int)r);

    if (!load_calls(in, debug)) {
        in->handle = VK_NULL_HANDLE; /* vkDestroyInstance itself may be missing */
        return log_fail(log, LEM_ERR_GPU,
                        "the Vulkan loader lacks functions of Vulkan 1.1: update it");
    }
    if (layered && in->CreateDebugUtilsMessengerEXT(in->handle, &w.messenger, NULL,
                                                    &in->messenger) != VK_SUCCESS) {
        gpu_instance_close(in);
        return log_fail(log, LEM_ERR_GPU, "no messenger for the validation layer");
    }
    return LEM_OK;
}

void gpu_instance_close(struct gpu_instance *in)
{
    if (!in->handle)
        return;
    if (in->messenger)
        in->DestroyDebugUtilsMessengerEXT(in->handle, in->messenger, NULL);
    in->DestroyInstance(in->handle, NULL);
    in->messenger = VK_NULL_HANDLE;
    in->handle = VK_NULL_HANDLE;
}

void gpu_instance_device_calls(const struct gpu_instance *in, VkDevice device,
                               struct VolkDeviceTable *out)
{
    lock_volk();
    volkLoadInstanceOnly(in->handle);
    volkLoadDeviceTable(out, device);
    unlock_volk();
}
