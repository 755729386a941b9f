# cmake -D ROOT=<repository> -P check_readme.cmake
# Fails unless the program that README.md shows is examples/embedded.cpp to the letter.

file(READ "${ROOT}/README.md" readme)
file(READ "${ROOT}/examples/embedded.cpp" program)
string(FIND "${readme}" "```cpp\n${program}```\n" place)
if(place EQUAL -1)
  message(FATAL_ERROR "README.md shows another program than examples/embedded.cpp: copy it anew")
endif()
