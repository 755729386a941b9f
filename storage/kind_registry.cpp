#include "storage/kind_registry.hpp"

#include <cassert>
#include <memory>

namespace cmem {

kind_registry::kind_registry() {
  constexpr std::string_view built_in[] = {"semantic", "causal", "temporal", "hierarchical",
                                           "compositional"};
  kind_id expected = kinds::semantic;
  for (const std::string_view name : built_in) {
    [[maybe_unused]] const auto id = add(name);
    assert(id && *id == expected);
    ++expected;
  }
  assert(expected == kinds::compositional + 1);
}

kind_registry::~kind_registry() {
  for (std::size_t i = 0; i < size(); ++i)
    delete names_[i].load(std::memory_order_relaxed);
}

result<kind_id> kind_registry::add(std::string_view name) {
  if (name.empty())
    return failure{errc::invalid_argument, "kind name is empty: must have 1 to "
                                             + std::to_string(name_bytes_max) + " bytes"};
  if (name.size() > name_bytes_max)
    return failure{errc::invalid_argument, "kind name has " + std::to_string(name.size())
                                             + " bytes: must have 1 to "
                                             + std::to_string(name_bytes_max)};
  const std::lock_guard lock(mutex_);
  if (const auto known = ids_.find(name); known != ids_.end())
    return known->second;
  const std::uint32_t n = size_.load(std::memory_order_relaxed);
  if (n == kinds_max)
    return failure{errc::limit_exceeded, "kind `" + std::string(name) + "` would be one more than "
                                           + std::to_string(kinds_max) + " kinds"};
  auto owned = std::make_unique<const std::string>(name);
  ids_.emplace(*owned, static_cast<kind_id>(n)); // may throw: nothing is visible yet
  names_[n].store(owned.release(), std::memory_order_relaxed);
  size_.store(n + 1, std::memory_order_release); // pairs with contains() and size()
  return static_cast<kind_id>(n);
}

std::optional<kind_id> kind_registry::find(std::string_view name) const {
  const std::lock_guard lock(mutex_);
  const auto known = ids_.find(name);
  return known == ids_.end() ? std::nullopt : std::optional(known->second);
}

std::string_view kind_registry::name_of(kind_id kind) const noexcept {
  assert(contains(kind));
  return *names_[kind].load(
    std::memory_order_relaxed); // ordered by contains() or by the id's way here
}

} // namespace cmem
