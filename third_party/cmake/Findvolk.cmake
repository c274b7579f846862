# volk: header with its implementation inside (volk.h includes volk.c when
# VOLK_IMPLEMENTATION is defined). Gives volk::volk with the Vulkan headers.
# Searched by volk.c: GNU Radio's library of the same name has a volk.h as well.
find_path(VOLK_INCLUDE_DIR volk.c PATH_SUFFIXES volk Volk)
find_path(VULKAN_HEADERS_DIR vulkan/vulkan_core.h)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(volk REQUIRED_VARS VOLK_INCLUDE_DIR VULKAN_HEADERS_DIR
    REASON_FAILURE_MESSAGE "Debian: apt-get install libvulkan-volk-dev libvulkan-dev")
if(volk_FOUND AND NOT TARGET volk::volk)
  add_library(volk::volk INTERFACE IMPORTED)
  set_target_properties(volk::volk PROPERTIES INTERFACE_SYSTEM_INCLUDE_DIRECTORIES
      "${VOLK_INCLUDE_DIR};${VULKAN_HEADERS_DIR}")
endif()
mark_as_advanced(VOLK_INCLUDE_DIR VULKAN_HEADERS_DIR)
