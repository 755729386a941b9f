#pragma once
// failure <-> caf::error, both ways: code and detail survive a mailbox and a wire.

#include "messages/type_ids.hpp"

namespace cmem {

/// An error of category errc whose context is the detail.
[[nodiscard]] caf::error to_caf_error(const failure& f);

/// The failure in an error of category errc. CAF's own become timed_out (a request's), closed (the
/// actor is gone) or internal, and say so in the detail. Precondition: `e` is an error.
[[nodiscard]] failure to_failure(const caf::error& e);

/// Whether `e` is of category errc.
[[nodiscard]] bool is_failure(const caf::error& e) noexcept;

/// For handlers: the value, or the error that its failure becomes.
template <class T>
caf::result<T> to_caf_result(result<T> r) {
  if (!r)
    return to_caf_error(r.error());
  return std::move(r).value();
}

} // namespace cmem
