#include "storage/result.hpp"

namespace cmem {

std::string_view to_string(errc code) noexcept {
  switch (code) {
    case errc::ok: return "ok";
    case errc::invalid_argument: return "invalid_argument";
    case errc::unknown_kind: return "unknown_kind";
    case errc::overloaded: return "overloaded";
    case errc::dropped: return "dropped";
    case errc::not_found: return "not_found";
    case errc::id_collision: return "id_collision";
    case errc::memory_budget: return "memory_budget";
    case errc::limit_exceeded: return "limit_exceeded";
    case errc::out_of_memory: return "out_of_memory";
    case errc::closed: return "closed";
    case errc::not_durable: return "not_durable";
    case errc::unknown: return "unknown";
    case errc::timed_out: return "timed_out";
    case errc::unsupported: return "unsupported";
    case errc::io_error: return "io_error";
    case errc::parse_error: return "parse_error";
    case errc::internal: return "internal";
    case errc::disk_full: return "disk_full";
    case errc::corrupt: return "corrupt";
    case errc::locked: return "locked";
    case errc::read_only: return "read_only";
    case errc::unavailable: return "unavailable";
  }
  return "errc?"; // a number from a newer version, over the wire
}

std::string to_string(const failure& f) {
  std::string text(to_string(f.code));
  if (!f.detail.empty())
    text.append(": ").append(f.detail);
  return text;
}

} // namespace cmem
