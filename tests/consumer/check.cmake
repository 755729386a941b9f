# Installs a build into a prefix inside it, moves that, then builds and runs the consumer against it:
# once by its CMake project, once by pkg-config and the compiler alone. See tests/CMakeLists.txt
# for the variables.

set(work "${BUILD}/package/check")
set(prefix "${work}/moved prefix") # whose name needs quoting
set(programs storage_only full)
file(REMOVE_RECURSE "${work}")

function(run)
  list(JOIN ARGN " " line)
  message(STATUS "${line}")
  execute_process(COMMAND ${ARGN} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

run("${CMAKE_COMMAND}" --install "${BUILD}" --config "${CONFIG}" --prefix "${work}/prefix")
file(RENAME "${work}/prefix" "${prefix}")
run("${prefix}/bin/cmem" --help)

run("${CMAKE_COMMAND}" -S "${CMAKE_CURRENT_LIST_DIR}" -B "${work}/cmake" -G "${GENERATOR}"
  "-DCMAKE_BUILD_TYPE=Release"
  "-DCMAKE_CXX_COMPILER=${COMPILER}"
  "-DCMAKE_CXX_COMPILER_LAUNCHER=${LAUNCHER}"
  "-DCMAKE_PREFIX_PATH=${prefix}")
run("${CMAKE_COMMAND}" --build "${work}/cmake" --parallel 2)
foreach(program IN LISTS programs)
  run("${work}/cmake/${program}")
endforeach()

find_program(PKG_CONFIG NAMES pkg-config pkgconf REQUIRED)
set(ENV{PKG_CONFIG_PATH} "${prefix}/${LIBDIR}/pkgconfig")
foreach(program IN LISTS programs)
  set(package concurrent_memory)
  if(program STREQUAL "storage_only")
    set(package concurrent_memory_storage)
  endif()
  execute_process(COMMAND "${PKG_CONFIG}" --cflags --libs ${package}
    OUTPUT_VARIABLE flags OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  separate_arguments(flags UNIX_COMMAND "${flags}")
  run(${LAUNCHER} "${COMPILER}" -std=c++20 -c "${CMAKE_CURRENT_LIST_DIR}/${program}.cpp"
    -o "${work}/${program}.o" ${flags})
  run("${COMPILER}" "${work}/${program}.o" -o "${work}/${program}" ${flags})
  run("${work}/${program}")
endforeach()
