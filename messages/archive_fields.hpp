#pragma once
// How the fields of values stand in an archive: save() and load() of each, for archive.cpp and
// wire.cpp. Bytes that are read are not trusted: lengths are checked before anything is allocated.
// Errors are exceptions here, as cereal's are; who calls turns them into failures.

#include "messages/values.hpp"
#include "storage/concept_id.hpp"
#include "storage/records.hpp"

#include <cereal/archives/portable_binary.hpp>

#include <algorithm>
#include <cstdint>
#include <istream>
#include <ostream>
#include <stdexcept>
#include <streambuf>
#include <string>
#include <string_view>
#include <vector>

namespace cmem::archive {

/// Appends what is written to a vector of bytes.
class append_buffer : public std::streambuf {
public:
  explicit append_buffer(std::vector<char>& out) : out_(out) {}

private:
  std::streamsize xsputn(const char* from, std::streamsize bytes) override {
    out_.insert(out_.end(), from, from + bytes);
    return bytes;
  }
  int_type overflow(int_type c) override {
    out_.push_back(static_cast<char>(c));
    return c;
  }

  std::vector<char>& out_;
};

/// Lets an archive read bytes where they are.
class view_buffer : public std::streambuf {
public:
  explicit view_buffer(std::string_view bytes) {
    auto* begin = const_cast<char*>(bytes.data()); // a get area is never written
    setg(begin, begin, begin + bytes.size());
  }
  [[nodiscard]] std::size_t left() const { return static_cast<std::size_t>(egptr() - gptr()); }
  /// The next bytes, in place. Throws when so many are not left.
  [[nodiscard]] std::string_view take(std::size_t bytes) {
    if (bytes > left())
      throw std::runtime_error("it ends within a text of " + std::to_string(bytes) + " bytes");
    const std::string_view taken(gptr(), bytes);
    setg(eback(), gptr() + bytes, egptr());
    return taken;
  }

private:
  std::streamsize xsgetn(char* to, std::streamsize bytes) override {
    const auto n = std::min(bytes, static_cast<std::streamsize>(left()));
    std::copy_n(gptr(), n, to);
    setg(eback(), gptr() + n, egptr());
    return n;
  }
};

/// Of bytes at the end of `out`.
struct writer : cereal::PortableBinaryOutputArchive {
  using PortableBinaryOutputArchive::PortableBinaryOutputArchive;
};

struct reader : cereal::PortableBinaryInputArchive {
  reader(std::istream& stream, view_buffer& buffer)
    : PortableBinaryInputArchive(stream), bytes(buffer) {}

  view_buffer& bytes;       ///< what the stream reads
  std::uint8_t version = 0; ///< of what is read
};

/// Throws for one over the limit. `what` names it.
std::size_t load_size(reader& in, std::size_t limit, const char* what);

void save_text(writer& out, std::string_view s);
std::string load_text(reader& in, std::size_t limit, const char* what);
/// The same, in place.
std::string_view load_view(reader& in, std::size_t limit, const char* what);

/// An enumeration as one byte, at most `last`.
template <class T>
void save_enum(writer& out, T x) {
  out(static_cast<std::uint8_t>(x));
}
template <class T>
T load_enum(reader& in, T last, const char* what) {
  std::uint8_t number = 0;
  in(number);
  if (number > static_cast<std::uint8_t>(last))
    throw std::runtime_error("no " + std::string(what) + " has the number "
                             + std::to_string(number));
  return static_cast<T>(number);
}
inline void save_flag(writer& out, bool x) { out(static_cast<std::uint8_t>(x ? 1 : 0)); }
bool load_flag(reader& in);

template <class List, class Save>
void save_list(writer& out, const List& list, Save save) {
  out(static_cast<std::uint64_t>(list.size()));
  for (const auto& x : list)
    save(x);
}

/// It grows as its elements arrive, a step at a time: what a length claims is not worth memory yet.
template <class T, class Load>
void load_list(reader& in, std::vector<T>& list, std::size_t limit, const char* what, Load load) {
  constexpr std::size_t step = 4096;
  const auto n = load_size(in, limit, what);
  if (n > in.bytes.left()) // an element is a byte at least
    throw std::runtime_error("it ends within " + std::string(what));
  list.reserve(std::min(n, step));
  for (std::size_t i = 0; i < n; ++i)
    load(list.emplace_back());
}

void save(writer& out, const concept_id& id);
void load(reader& in, concept_id& id);
void save(writer& out, const concept_record& r);
void load(reader& in, concept_record& r);
void save(writer& out, const association_record& r);
void load(reader& in, association_record& r);
void save(writer& out, const neighbor_record& r);
void load(reader& in, neighbor_record& r);
void save(writer& out, const path_record& r);
void load(reader& in, path_record& r);

} // namespace cmem::archive
