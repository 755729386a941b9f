#pragma once
// What the code must know of sanitizers: where free memory lies, and what their run-times do not
// survive.

#if defined(__has_feature)
#  if __has_feature(address_sanitizer)
#    define CMEM_ASAN 1
#  endif
#  if __has_feature(thread_sanitizer)
#    define CMEM_TSAN 1
#  endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#  define CMEM_ASAN 1
#endif
#if defined(__SANITIZE_THREAD__)
#  define CMEM_TSAN 1
#endif

#ifdef CMEM_ASAN
#  include <sanitizer/asan_interface.h>
#  define CMEM_POISON(address, bytes) ASAN_POISON_MEMORY_REGION(address, bytes)
#  define CMEM_UNPOISON(address, bytes) ASAN_UNPOISON_MEMORY_REGION(address, bytes)
#else
#  define CMEM_POISON(address, bytes) ((void) (address), (void) (bytes))
#  define CMEM_UNPOISON(address, bytes) ((void) (address), (void) (bytes))
#endif
