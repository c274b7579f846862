# What cmake --install puts where: program, both libraries, headers, pkg-config file,
# CMake package, the default model and the documents.
include(CMakePackageConfigHelpers)

install(TARGETS lemnos RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(TARGETS lemnos_shared EXPORT lemnosTargets
    RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR}
    LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(TARGETS lemnos_static EXPORT lemnosStaticTargets
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
# In a static library hidden names are still names: they would clash with those of the
# program that it is linked into. Made one object, they can be local. Needs GNU's tools.
if(UNIX AND NOT APPLE AND CMAKE_LINKER AND CMAKE_OBJCOPY)
  set(static_to "\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_LIBDIR}")
  if(IS_ABSOLUTE ${CMAKE_INSTALL_LIBDIR})
    set(static_to "\$ENV{DESTDIR}${CMAKE_INSTALL_LIBDIR}")
  endif()
  install(CODE "
    set(one \"${PROJECT_BINARY_DIR}/lemnos_static.o\")
    set(library \"${static_to}/$<TARGET_FILE_NAME:lemnos_static>\")
    execute_process(
        COMMAND ${CMAKE_LINKER} -r --whole-archive \"$<TARGET_FILE:lemnos_static>\" -o \"\${one}\"
        COMMAND_ERROR_IS_FATAL ANY)
    execute_process(COMMAND ${CMAKE_OBJCOPY} --localize-hidden \"\${one}\"
        COMMAND_ERROR_IS_FATAL ANY)
    file(REMOVE \"\${library}\" \"\${library}.part\")
    execute_process(COMMAND ${CMAKE_AR} qcs \"\${library}.part\" \"\${one}\"
        COMMAND_ERROR_IS_FATAL ANY)
    file(RENAME \"\${library}.part\" \"\${library}\")
    file(REMOVE \"\${one}\")")
endif()
install(DIRECTORY engine/include/lemnos DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
    FILES_MATCHING PATTERN "*.h")

# Two exports, because the static library brings its dependencies along and the
# shared one does not: who wants only the latter needs nothing else installed.
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/lemnos)
install(EXPORT lemnosTargets NAMESPACE lemnos:: DESTINATION ${package_dir})
install(EXPORT lemnosStaticTargets NAMESPACE lemnos:: DESTINATION ${package_dir})
configure_package_config_file(engine/package/lemnosConfig.cmake.in lemnosConfig.cmake
    INSTALL_DESTINATION ${package_dir} NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(lemnosConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/lemnosConfig.cmake
    ${PROJECT_BINARY_DIR}/lemnosConfigVersion.cmake
    third_party/cmake/Findpcre2.cmake third_party/cmake/Findutf8proc.cmake
    DESTINATION ${package_dir})

# The prefix is stated relative to the file, so that the installed tree can be moved.
set(pc_dir ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
if(IS_ABSOLUTE ${CMAKE_INSTALL_LIBDIR})
  set(pc_prefix ${CMAKE_INSTALL_PREFIX})
  set(pc_libdir ${CMAKE_INSTALL_LIBDIR})
else()
  file(RELATIVE_PATH up /prefix/${pc_dir} /prefix)
  string(REGEX REPLACE "/$" "" up ${up})
  set(pc_prefix "\${pcfiledir}/${up}")
  set(pc_libdir "\${prefix}/${CMAKE_INSTALL_LIBDIR}")
endif()
if(IS_ABSOLUTE ${CMAKE_INSTALL_INCLUDEDIR})
  set(pc_includedir ${CMAKE_INSTALL_INCLUDEDIR})
else()
  set(pc_includedir "\${prefix}/${CMAKE_INSTALL_INCLUDEDIR}")
endif()
configure_file(engine/package/lemnos.pc.in lemnos.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/lemnos.pc DESTINATION ${pc_dir})

install(FILES assets/moe-tales-q8_0.gguf DESTINATION ${CMAKE_INSTALL_DATADIR}/lemnos)
install(FILES LICENSE README.md assets/model/MODEL_CARD.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
