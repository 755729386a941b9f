# FindCAF: the C++ Actor Framework, with or without a CMake package of its own.
#
#   find_package(CAF 0.17.6 REQUIRED COMPONENTS core io openssl)
#
# Components: core (always), io, openssl. Targets: CAF::core, CAF::io, CAF::openssl.
# Variables: CAF_FOUND, CAF_VERSION, CAF_INCLUDE_DIR, CAF_<component>_FOUND, and as a hint to the
# search CAF_ROOT.
#
# CAF 0.18 and later ship CAFConfig.cmake, which is used when it is there. CAF 0.17 (Debian's
# libcaf-dev) ships neither that nor a pkg-config file: headers and libraries are searched, and
# the version is read from caf/config.hpp.

cmake_policy(PUSH)
cmake_policy(SET CMP0074 NEW) # CAF_ROOT

if(NOT CAF_FIND_COMPONENTS)
  set(CAF_FIND_COMPONENTS core io)
endif()
if("openssl" IN_LIST CAF_FIND_COMPONENTS)
  list(PREPEND CAF_FIND_COMPONENTS io)
endif()
list(PREPEND CAF_FIND_COMPONENTS core)
list(REMOVE_DUPLICATES CAF_FIND_COMPONENTS)
set(CAF_FIND_REQUIRED_core TRUE)

include(FindPackageHandleStandardArgs)

# The package of CAF itself, unless an earlier search made the targets by hand.
if(NOT CAF_INCLUDE_DIR)
  find_package(CAF QUIET CONFIG)
endif()

if(CAF_CONFIG AND TARGET CAF::core)
  foreach(_caf_component IN LISTS CAF_FIND_COMPONENTS)
    if(TARGET CAF::${_caf_component})
      set(CAF_${_caf_component}_FOUND TRUE)
    endif()
  endforeach()
  find_package_handle_standard_args(CAF HANDLE_COMPONENTS
    REQUIRED_VARS CAF_CONFIG VERSION_VAR CAF_VERSION)
else()
  find_path(CAF_INCLUDE_DIR caf/config.hpp)
  mark_as_advanced(CAF_INCLUDE_DIR)

  if(CAF_INCLUDE_DIR)
    # 0.17: `#define CAF_VERSION 1706` is major * 10000 + minor * 100 + patch.
    # Later versions name the three parts as plain numbers, which are preferred: 1.1.0 writes
    # CAF_VERSION with a leading zero.
    set(_caf_text "")
    foreach(_caf_header IN ITEMS caf/config.hpp caf/detail/build_config.hpp)
      if(EXISTS "${CAF_INCLUDE_DIR}/${_caf_header}")
        file(READ "${CAF_INCLUDE_DIR}/${_caf_header}" _caf_header_text)
        string(APPEND _caf_text "${_caf_header_text}\n")
      endif()
    endforeach()
    set(_caf_parts "")
    foreach(_caf_part IN ITEMS MAJOR MINOR PATCH)
      if(_caf_text MATCHES "#[ \t]*define[ \t]+CAF_${_caf_part}_VERSION[ \t]+([0-9]+)")
        list(APPEND _caf_parts "${CMAKE_MATCH_1}")
      endif()
    endforeach()
    list(LENGTH _caf_parts _caf_parts_found)
    if(_caf_parts_found EQUAL 3)
      list(JOIN _caf_parts "." CAF_VERSION)
    elseif(_caf_text MATCHES "#[ \t]*define[ \t]+CAF_VERSION[ \t]+0*([0-9]+)")
      set(_caf_number "${CMAKE_MATCH_1}")
      math(EXPR _caf_major "${_caf_number} / 10000")
      math(EXPR _caf_minor "${_caf_number} / 100 % 100")
      math(EXPR _caf_patch "${_caf_number} % 100")
      set(CAF_VERSION "${_caf_major}.${_caf_minor}.${_caf_patch}")
    endif()
  endif()

  foreach(_caf_component IN LISTS CAF_FIND_COMPONENTS)
    find_library(CAF_${_caf_component}_LIBRARY NAMES caf_${_caf_component})
    mark_as_advanced(CAF_${_caf_component}_LIBRARY)
    set(_caf_header "caf/${_caf_component}/all.hpp")
    if(_caf_component STREQUAL "core")
      set(_caf_header "caf/all.hpp")
    endif()
    if(CAF_INCLUDE_DIR AND CAF_${_caf_component}_LIBRARY
        AND EXISTS "${CAF_INCLUDE_DIR}/${_caf_header}")
      set(CAF_${_caf_component}_FOUND TRUE)
    endif()
  endforeach()

  find_package_handle_standard_args(CAF HANDLE_COMPONENTS
    REQUIRED_VARS CAF_core_LIBRARY CAF_INCLUDE_DIR
    VERSION_VAR CAF_VERSION
    REASON_FAILURE_MESSAGE "On Debian and Ubuntu: apt-get install libcaf-dev")

  if(CAF_FOUND)
    find_package(Threads QUIET)
    foreach(_caf_component IN LISTS CAF_FIND_COMPONENTS)
      if(NOT CAF_${_caf_component}_FOUND OR TARGET CAF::${_caf_component})
        continue()
      endif()
      add_library(CAF::${_caf_component} UNKNOWN IMPORTED)
      set_target_properties(CAF::${_caf_component} PROPERTIES
        IMPORTED_LOCATION "${CAF_${_caf_component}_LIBRARY}"
        INTERFACE_INCLUDE_DIRECTORIES "${CAF_INCLUDE_DIR}")
    endforeach()
    if(TARGET Threads::Threads)
      set_property(TARGET CAF::core PROPERTY INTERFACE_LINK_LIBRARIES Threads::Threads)
    endif()
    if(TARGET CAF::io)
      set_property(TARGET CAF::io PROPERTY INTERFACE_LINK_LIBRARIES CAF::core)
    endif()
    if(TARGET CAF::openssl)
      set_property(TARGET CAF::openssl PROPERTY INTERFACE_LINK_LIBRARIES CAF::io)
    endif()
  endif()
endif()

foreach(_caf_name IN ITEMS component header header_text text part parts parts_found number
    major minor patch name)
  unset(_caf_${_caf_name})
endforeach()
cmake_policy(POP)
