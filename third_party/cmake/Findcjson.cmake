# cjson: gives cjson::cjson.
find_path(CJSON_INCLUDE_DIR cjson/cJSON.h)
find_library(CJSON_LIBRARY cjson)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(cjson REQUIRED_VARS CJSON_LIBRARY CJSON_INCLUDE_DIR
    REASON_FAILURE_MESSAGE "Debian: apt-get install libcjson-dev")
if(cjson_FOUND AND NOT TARGET cjson::cjson)
  add_library(cjson::cjson UNKNOWN IMPORTED)
  set_target_properties(cjson::cjson PROPERTIES IMPORTED_LOCATION "${CJSON_LIBRARY}"
      INTERFACE_INCLUDE_DIRECTORIES "${CJSON_INCLUDE_DIR}")
endif()
mark_as_advanced(CJSON_INCLUDE_DIR CJSON_LIBRARY)
