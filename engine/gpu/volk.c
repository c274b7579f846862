/* volk.c - the loader of Vulkan's functions: the implementation that comes in volk's
 * header, compiled here alone. */
#define VOLK_IMPLEMENTATION
#include <volk.h>
