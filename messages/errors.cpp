#include "messages/errors.hpp"

#include <caf/deep_to_string.hpp>
#include <caf/exit_reason.hpp>
#include <caf/sec.hpp>

namespace cmem {

namespace {

constexpr auto code_max = static_cast<std::uint8_t>(errc_last);

std::string detail_of(const caf::error& e) {
  const auto& context = e.context();
  if (context.match_elements<std::string>())
    return context.get_as<std::string>(0);
  return {};
}

} // namespace

caf::error to_caf_error(const failure& f) { return caf::make_error(f.code, f.detail); }

bool is_failure(const caf::error& e) noexcept {
#if CMEM_CAF_0
  return e && e.category() == caf::detail::error_factory<errc>::category;
#else
  return e && e.category() == caf::type_id_v<errc>;
#endif
}

failure to_failure(const caf::error& e) {
  assert(e);
  if (is_failure(e)) {
    // From another node it may be any number.
    if (e.code() == 0 || e.code() > code_max)
      return {errc::internal, "an error of unknown code " + std::to_string(e.code())};
    return {static_cast<errc>(e.code()), detail_of(e)};
  }
  auto text = caf::deep_to_string(e);
  if (e == caf::sec::request_timeout)
    return {errc::timed_out, std::move(text)};
  if (e == caf::sec::request_receiver_down || e == caf::exit_reason::user_shutdown
      || e == caf::exit_reason::kill || e == caf::exit_reason::remote_link_unreachable)
    return {errc::closed, "the actor is gone: " + text};
  return {errc::internal, std::move(text)};
}

} // namespace cmem
