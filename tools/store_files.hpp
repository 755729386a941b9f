#pragma once
// What lies in the directory of a store.

#include "storage/env.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace cmem::tools {

enum class store_file_type : std::uint8_t { manifest, log, segment, index, lock, other };

/// By its name, which may have a path before it.
[[nodiscard]] store_file_type store_file_type_of(std::string_view name);
[[nodiscard]] std::string_view to_string(store_file_type t) noexcept;

struct store_file {
  std::string name; ///< without the path
  store_file_type type = store_file_type::other;
  std::uint64_t bytes = 0;
};

struct store_listing {
  std::vector<store_file> files; ///< by name

  [[nodiscard]] std::uint64_t bytes() const noexcept;
  [[nodiscard]] std::uint64_t bytes(store_file_type t) const noexcept;
  [[nodiscard]] std::size_t count(store_file_type t) const noexcept;
};

/// Fails: not_found where there is no store; as env does.
result<store_listing> list_store(const env& e, const std::string& directory);

} // namespace cmem::tools
