#pragma once
// Archives as cereal's portable binary writes them on a little-endian machine, without cereal,
// which this layer does not know: tests read them with cereal's own.
//
//   archive := 1:u8 field*        a number as it lies; a text: bytes:u64 u8[bytes]
//                                 a list: count:u64 and its elements

#include "storage/kernel.hpp"

#include <bit>
#include <cstring>
#include <string_view>
#include <type_traits>

namespace cmem {

static_assert(std::endian::native == std::endian::little, "numbers are copied as they lie");

/// Appends an archive to `out`, which it borrows.
class archive_writer {
public:
  explicit archive_writer(std::vector<std::byte>& out) : out_(out) { put(std::uint8_t{1}); }

  template <class T>
  void put(const T& number) {
    static_assert(std::is_arithmetic_v<T>);
    put_bytes(std::as_bytes(std::span(&number, 1)));
  }
  void put_text(std::string_view text) {
    put(std::uint64_t{text.size()});
    put_bytes(std::as_bytes(std::span(text)));
  }

private:
  void put_bytes(const_bytes bytes);

  std::vector<std::byte>& out_;
};

/// Reads one. Once something is missing, everything is zero or empty, and failed() says so. Borrows
/// the bytes, also in the texts that it hands out; takes no memory.
class archive_reader {
public:
  explicit archive_reader(const_bytes bytes) : rest_(bytes) {
    failed_ = get<std::uint8_t>() != 1; // 0: big-endian
  }

  template <class T>
  T get() {
    static_assert(std::is_arithmetic_v<T>);
    T number{};
    if (const const_bytes from = take(sizeof number); !from.empty())
      std::memcpy(&number, from.data(), sizeof number);
    return number;
  }
  std::string_view get_text() {
    const const_bytes text = take(get<std::uint64_t>());
    return {reinterpret_cast<const char*>(text.data()), text.size()};
  }

  [[nodiscard]] bool failed() const noexcept { return failed_; }
  [[nodiscard]] const_bytes rest() const noexcept { return rest_; }

private:
  const_bytes take(std::uint64_t bytes);

  const_bytes rest_;
  bool failed_ = false;
};

} // namespace cmem
