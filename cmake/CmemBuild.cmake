# Flags of every target, and the two functions that the layers share.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release)
endif()

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${CCACHE_PROGRAM}")
endif()

# clang's -Wconversion includes -Wsign-conversion, g++'s does not: asked for by name, both
# compilers refuse the same code.
add_compile_options(-Wall -Wextra -Wconversion -Wsign-conversion)
if(CMEM_WERROR)
  add_compile_options(-Werror)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # g++ 12 sees overlaps in `"text" + string` (GCC bug 105651) and unset bytes in copies of a
  # std::variant, both inside its own library. The second stays a warning; clang checks all code too.
  add_compile_options(-Wno-restrict -Wno-error=maybe-uninitialized)
endif()

# Any x86-64-v2 machine runs a release build; AVX2 and AVX-512 are chosen at run time.
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
  add_compile_options(-march=x86-64-v2)
endif()

# Traversals are templates over graphs, sides and filters: sources that hold many of them reach the
# bound of 40 % at which g++ stops inlining, and then functions of one line are called.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_BUILD_TYPE STREQUAL "Release")
  add_compile_options(--param=inline-unit-growth=400)
endif()

if(CMEM_SANITIZE STREQUAL "address")
  # CAF's headers bind references to null on purpose, hence no check of that.
  set(sanitize -fsanitize=address,undefined -fno-sanitize=null -fno-sanitize-recover=all)
elseif(CMEM_SANITIZE STREQUAL "thread")
  set(sanitize -fsanitize=thread)
elseif(CMEM_SANITIZE)
  message(FATAL_ERROR "CMEM_SANITIZE is `${CMEM_SANITIZE}`: use `address`, `thread` or nothing")
endif()
add_compile_options(${sanitize})
add_link_options(${sanitize})
if(CMEM_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
  add_link_options(-fsanitize=fuzzer-no-link)
endif()

# cmem_sources(<variable>): the .cpp files of the current folder, sorted.
# New files are found at the next build, nothing needs to be listed anywhere.
function(cmem_sources variable)
  file(GLOB files CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/*.cpp")
  list(SORT files)
  set(${variable} ${files} PARENT_SCOPE)
endfunction()

# cmem_library(<target> <source>...): a static library with the project's include root.
# A folder without sources yields a library with one empty object.
function(cmem_library target)
  set(sources ${ARGN})
  if(NOT sources)
    set(sources "${CMAKE_CURRENT_BINARY_DIR}/${target}_empty.cpp")
    file(CONFIGURE OUTPUT "${sources}" CONTENT "// no sources yet\n")
  endif()
  add_library(${target} STATIC ${sources})
  target_include_directories(${target} PUBLIC "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>")
  target_compile_features(${target} PUBLIC cxx_std_20)
endfunction()
