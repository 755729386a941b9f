#pragma once
// The few SVG elements that plots need.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cmem::tools {

struct svg_point {
  double x;
  double y;
};

/// Text that stands for itself between tags and in attributes. Control characters become blanks:
/// XML has no way to write them.
[[nodiscard]] std::string xml_escaped(std::string_view text);

/// Appends elements to a document of a fixed size; coordinates are pixels from the top left.
class svg_document {
public:
  svg_document(double width, double height);

  void rect(double x, double y, double width, double height, std::string_view style);
  void line(svg_point from, svg_point to, std::string_view style);
  void polyline(const std::vector<svg_point>& points, std::string_view style);
  /// `anchor` is start, middle or end.
  void text(svg_point at, std::string_view text, std::string_view anchor, std::string_view style);
  /// Text that reads upwards, centred at `at`.
  void text_upwards(svg_point at, std::string_view text, std::string_view style);
  [[nodiscard]] std::string finish() &&;

private:
  std::string out_;
};

} // namespace cmem::tools
