#pragma once
// Every limit of the memory, each tested at its edge.

#include <cstddef>
#include <cstdint>

namespace cmem {

inline constexpr std::size_t content_bytes_max = std::size_t{1} << 20; ///< of one concept
inline constexpr std::size_t name_bytes_max = 1024; ///< of a concept's or kind's name
inline constexpr std::size_t attributes_max = 64;   ///< of one concept
inline constexpr std::size_t attribute_key_bytes_max = 256;
inline constexpr std::size_t attribute_value_bytes_max = 4096;
inline constexpr std::size_t kinds_max = 4096; ///< built-in ones included
inline constexpr std::size_t vector_dimension_max = 4096;
inline constexpr std::uint32_t concepts_max = 0xFFFF'FF00U; ///< placeholders included
inline constexpr std::uint32_t degree_max = 1U << 24;       ///< of a concept, each direction
inline constexpr std::uint32_t path_depth_max = 1024;       ///< hops of find_path
inline constexpr std::uint32_t merge_threads_max = 2;
inline constexpr std::size_t batch_entries_max = 1'000'000; ///< of one learn_batch
inline constexpr std::size_t log_capacity_max = 10'000'000; ///< entries

} // namespace cmem
