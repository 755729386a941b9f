#pragma once
// The kinds of associations a memory knows, by name.

#include "storage/concept_id.hpp"
#include "storage/limits.hpp"
#include "storage/result.hpp"

#include <array>
#include <atomic>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace cmem {

/// Grows only: an id is good for ever, and so is the view that name_of() hands out.
/// Threads: all calls from any thread; contains() and name_of() are wait-free (writers use them),
/// add() and find() take a mutex.
class kind_registry {
public:
  /// Knows the built-in kinds, under their names in cmem::kinds.
  kind_registry();
  ~kind_registry();
  kind_registry(const kind_registry&) = delete;
  kind_registry& operator=(const kind_registry&) = delete;

  /// The id of `name`, registered if it is new. Fails: empty or too long a name (invalid_argument),
  /// more than kinds_max (limit_exceeded).
  result<kind_id> add(std::string_view name);
  [[nodiscard]] std::optional<kind_id> find(std::string_view name) const;
  [[nodiscard]] bool contains(kind_id kind) const noexcept {
    return kind < size_.load(std::memory_order_acquire); // pairs with add()
  }
  /// Precondition: contains(kind).
  [[nodiscard]] std::string_view name_of(kind_id kind) const noexcept;
  [[nodiscard]] std::size_t size() const noexcept { return size_.load(std::memory_order_acquire); }

private:
  mutable std::mutex mutex_;                                       // guards ids_ and writing names_
  std::unordered_map<std::string_view, kind_id> ids_;              // views of what names_ owns
  std::array<std::atomic<const std::string*>, kinds_max> names_{}; // slots below size_ never change
  std::atomic<std::uint32_t> size_{0};                             // released after its name is set
};

} // namespace cmem
