#include "tools/vector_file.hpp"

#include "tools/shown.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <istream>
#include <limits>
#include <string_view>

namespace cmem::tools {
namespace {

constexpr std::string_view blanks = " \t\r\n";
constexpr std::string_view between = " \t\r\n,";
constexpr std::size_t bytes_max = std::size_t{1} << 20; // 256 for each of the most components

void skip_blanks(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(blanks), text.size()));
}

/// What the brackets of an array enclose; all of it, where it is none.
std::string_view inside(std::string_view text) {
  skip_blanks(text);
  text = text.substr(0, text.find_last_not_of(blanks) + 1);
  return text.size() >= 2 && text.front() == '[' && text.back() == ']'
           ? text.substr(1, text.size() - 2)
           : text;
}

result<std::string> read_text(std::istream& in, const std::string& shown) {
  std::string text(bytes_max + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (in.bad() || (in.fail() && !in.eof()))
    return failure{errc::io_error, shown + ": cannot be read"};
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (text.size() > bytes_max)
    return failure{errc::limit_exceeded, shown + ": is longer than 1 MiB, which no vector needs"};
  return text;
}

/// The number that the text begins with, which is taken off it.
result<float> next_number(std::string_view& text, const std::string& shown) {
  const std::string_view token = text.substr(0, text.find_first_of(between));
  const bool plus = token.starts_with('+') && !token.starts_with("+-");
  const std::string_view digits = token.substr(plus ? 1 : 0);
  double x = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), x);
  if ((error != std::errc() && error != std::errc::result_out_of_range)
      || end != digits.data() + digits.size())
    return failure{errc::parse_error, shown + ": \"" + show_text(token.substr(0, 40))
                                        + "\" is no number: give numbers apart by blanks or "
                                          "commas, or a JSON array"};
  if (error != std::errc()
      || (std::isfinite(x) && std::abs(x) > double{std::numeric_limits<float>::max()}))
    return failure{errc::parse_error, shown + ": " + show_text(token.substr(0, 40))
                                        + " is beyond what a number holds"};
  text.remove_prefix(token.size());
  return static_cast<float>(x);
}

} // namespace

result<std::vector<float>> read_vector(const std::string& file, const console& c) {
  const std::string shown = file == "-" ? "standard input" : show_text(file);
  std::ifstream opened;
  if (file != "-")
    opened.open(file, std::ios::binary);
  const auto text = read_text(file == "-" ? c.in : opened, shown);
  if (!text)
    return text.error();
  std::vector<float> numbers;
  std::string_view rest = inside(*text);
  for (bool more = false;;) {
    skip_blanks(rest);
    if (rest.empty() && !more)
      break;
    const auto x = next_number(rest, shown);
    if (!x)
      return x.error();
    numbers.push_back(*x);
    skip_blanks(rest);
    more = rest.starts_with(',');
    rest.remove_prefix(more ? 1 : 0);
  }
  if (numbers.empty())
    return failure{errc::parse_error, shown + ": has no numbers"};
  return numbers;
}

} // namespace cmem::tools
