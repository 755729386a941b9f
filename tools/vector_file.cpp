#include "tools/vector_file.hpp"

#include "tools/shown.hpp"

#include <charconv>
#include <fstream>
#include <iterator>
#include <string_view>

namespace cmem::tools {
namespace {

constexpr std::string_view between = " \t\r\n,";

/// What the brackets of an array enclose; all of it, where it is none.
std::string_view inside(std::string_view text) {
  const auto first = text.find_first_not_of(between);
  if (first == std::string_view::npos)
    return {};
  const auto last = text.find_last_not_of(between);
  text = text.substr(first, last + 1 - first);
  return text.size() >= 2 && text.front() == '[' && text.back() == ']'
           ? text.substr(1, text.size() - 2)
           : text;
}

} // namespace

result<std::vector<float>> read_vector(const std::string& file, const console& c) {
  const std::string shown = file == "-" ? "standard input" : show_text(file);
  std::string text;
  if (file == "-") {
    text.assign(std::istreambuf_iterator<char>(c.in), {});
  } else {
    std::ifstream in(file, std::ios::binary);
    text.assign(std::istreambuf_iterator<char>(in), {});
    if (!in.is_open() || in.bad())
      return failure{errc::io_error, shown + ": cannot be read"};
  }
  std::vector<float> numbers;
  std::string_view rest = inside(text);
  while (true) {
    rest.remove_prefix(std::min(rest.find_first_not_of(between), rest.size()));
    if (rest.empty())
      break;
    const std::string_view token = rest.substr(0, rest.find_first_of(between));
    float x = 0;
    const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), x);
    if (error != std::errc() || end != token.data() + token.size())
      return failure{errc::parse_error, shown + ": \"" + show_text(token.substr(0, 40))
                                          + "\" is no number: give numbers apart by blanks or "
                                            "commas, or a JSON array"};
    numbers.push_back(x);
    rest.remove_prefix(token.size());
  }
  if (numbers.empty())
    return failure{errc::parse_error, shown + ": has no numbers"};
  return numbers;
}

} // namespace cmem::tools
