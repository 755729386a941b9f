# Installs libraries, headers, the CMake package `concurrent_memory` and the pkg-config files.
# Headers go below one folder of their own, which is the include directory of both: the include
# lines of a consumer are the project's own (#include "storage/engine.hpp").

include(CMakePackageConfigHelpers)

set(header_root "${CMAKE_INSTALL_INCLUDEDIR}/concurrent_memory")
set(package_root "${CMAKE_INSTALL_LIBDIR}/cmake/concurrent_memory")

# cmem_install_layer(<target> <folder>...): one library, the headers of its folders, its export.
function(cmem_install_layer target)
  get_target_property(component ${target} EXPORT_NAME)
  target_include_directories(${target} PUBLIC "$<INSTALL_INTERFACE:${header_root}>")
  install(TARGETS ${target} EXPORT ${component}
    ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}"
    LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}"
    RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
  foreach(folder IN LISTS ARGN)
    install(DIRECTORY "${PROJECT_SOURCE_DIR}/${folder}/" DESTINATION "${header_root}/${folder}"
      FILES_MATCHING PATTERN "*.hpp")
  endforeach()
  install(EXPORT ${component} NAMESPACE cmem:: DESTINATION "${package_root}"
    FILE concurrent_memory_${component}_targets.cmake)
endfunction()

# cmem_install_pkg_config(<name>): relocatable, as the prefix is told from where the file lies.
function(cmem_install_pkg_config name)
  set(folder "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
  file(RELATIVE_PATH up "/prefix/${folder}" "/prefix")
  string(REGEX REPLACE "/$" "" CMEM_PC_PREFIX_UP "${up}")
  configure_file("${PROJECT_SOURCE_DIR}/cmake/${name}.pc.in"
    "${PROJECT_BINARY_DIR}/package/${name}.pc" @ONLY)
  install(FILES "${PROJECT_BINARY_DIR}/package/${name}.pc" DESTINATION "${folder}")
endfunction()

cmem_install_layer(cmem_storage storage)
cmem_install_pkg_config(concurrent_memory_storage)
if(TARGET cmem_cmem)
  cmem_install_layer(cmem_cmem messages actors)
  set(CMEM_PC_CFLAGS "")
  if(NOT CMEM_TYPE_ID_BASE STREQUAL "")
    set(CMEM_PC_CFLAGS "-DCMEM_TYPE_ID_BASE=${CMEM_TYPE_ID_BASE}")
  endif()
  cmem_install_pkg_config(concurrent_memory)
  install(FILES "${PROJECT_SOURCE_DIR}/cmake/FindCAF.cmake" DESTINATION "${package_root}")
endif()
if(TARGET cmem)
  install(TARGETS cmem RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
  install(DIRECTORY "${PROJECT_SOURCE_DIR}/examples/scenarios/"
    DESTINATION "${CMAKE_INSTALL_DATADIR}/concurrent_memory/scenarios"
    FILES_MATCHING PATTERN "*.toml")
endif()

configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/concurrent_memoryConfig.cmake.in"
  "${PROJECT_BINARY_DIR}/package/concurrent_memoryConfig.cmake"
  INSTALL_DESTINATION "${package_root}")
write_basic_package_version_file(
  "${PROJECT_BINARY_DIR}/package/concurrent_memoryConfigVersion.cmake"
  COMPATIBILITY SameMinorVersion)
install(FILES
  "${PROJECT_BINARY_DIR}/package/concurrent_memoryConfig.cmake"
  "${PROJECT_BINARY_DIR}/package/concurrent_memoryConfigVersion.cmake"
  DESTINATION "${package_root}")
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE"
  DESTINATION "${CMAKE_INSTALL_DATADIR}/doc/concurrent_memory")
