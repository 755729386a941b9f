#pragma once
// Buffers between cereal's archives and plain bytes. For sources that include cereal.

#include "storage/kernel.hpp"

#include <streambuf>

namespace cmem {

/// Lets an archive read bytes where they are.
class archive_source : public std::streambuf {
public:
  explicit archive_source(const_bytes bytes) {
    // A get area is never written.
    auto* begin = const_cast<char*>(reinterpret_cast<const char*>(bytes.data()));
    setg(begin, begin, begin + bytes.size());
  }
  [[nodiscard]] std::size_t left() const { return static_cast<std::size_t>(egptr() - gptr()); }
  [[nodiscard]] const_bytes rest() const {
    return std::as_bytes(std::span(gptr(), static_cast<std::size_t>(egptr() - gptr())));
  }
};

/// Appends what an archive writes to a vector.
class archive_sink : public std::streambuf {
public:
  explicit archive_sink(std::vector<std::byte>& out) : out_(out) {}

private:
  int_type overflow(int_type c) override {
    if (!traits_type::eq_int_type(c, traits_type::eof()))
      out_.push_back(static_cast<std::byte>(traits_type::to_char_type(c)));
    return traits_type::not_eof(c);
  }
  std::streamsize xsputn(const char* from, std::streamsize count) override {
    const auto bytes = std::as_bytes(std::span(from, static_cast<std::size_t>(count)));
    out_.insert(out_.end(), bytes.begin(), bytes.end());
    return count;
  }

  std::vector<std::byte>& out_;
};

} // namespace cmem
