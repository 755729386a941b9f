#include "tools/line_source.hpp"

#include "tools/jsonl_line.hpp"

#include <limits>

namespace cmem::tools {

line_source::line_source(std::istream& in)
  : in_(in), buffer_(std::make_unique_for_overwrite<char[]>(line_bytes_max + 2)) {}

bool line_source::next(line& out) {
  if (ahead_.empty())
    return read(out);
  current_ = std::move(ahead_.front());
  ahead_.pop_front();
  out = {current_.number, current_.text, current_.too_long};
  return true;
}

bool line_source::read(line& out) {
  in_.getline(buffer_.get(), static_cast<std::streamsize>(line_bytes_max + 2));
  auto size = static_cast<std::size_t>(in_.gcount());
  bytes_ += size;
  if (in_.bad() || (in_.fail() && size == 0 && in_.eof()))
    return false;
  out = {++number_, {}, in_.fail()};
  if (out.too_long) {
    in_.clear();
    in_.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
    bytes_ += static_cast<std::uint64_t>(in_.gcount());
    return !in_.bad();
  }
  if (!in_.eof())
    --size; // the line's end, which was counted and not stored
  out.text = {buffer_.get(), size};
  return true;
}

std::uint32_t line_source::first_dimension(std::uint64_t bytes_max, bool keep) {
  std::uint32_t dimension = 0;
  for (line l; dimension == 0 && bytes_ < bytes_max && read(l);) {
    if (l.text.find("\"vector\"") != std::string_view::npos)
      if (const auto item = parse_line(l.text))
        if (const auto* c = std::get_if<data_concept>(&*item))
          dimension = static_cast<std::uint32_t>(c->vector.size());
    if (keep)
      ahead_.push_back({l.number, std::string(l.text), l.too_long});
  }
  return dimension;
}

} // namespace cmem::tools
