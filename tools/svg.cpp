#include "tools/svg.hpp"

#include <array>
#include <cstdio>

namespace cmem::tools {
namespace {

std::string number(double v) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.1f", v);
  return text.data();
}

std::string attribute(std::string_view name, std::string_view value) {
  return ' ' + std::string(name) + "=\"" + xml_escaped(value) + '"';
}

} // namespace

std::string xml_escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      default: out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
  }
  return out;
}

svg_document::svg_document(double width, double height) {
  out_ = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
         "<svg xmlns=\"http://www.w3.org/2000/svg\"";
  out_ += attribute("width", number(width)) + attribute("height", number(height));
  out_ += attribute("viewBox", "0 0 " + number(width) + ' ' + number(height));
  out_ += " font-family=\"DejaVu Sans, Helvetica, Arial, sans-serif\" font-size=\"12\">\n";
  rect(0, 0, width, height, "fill:#ffffff");
}

void svg_document::rect(double x, double y, double width, double height, std::string_view style) {
  out_ += "<rect" + attribute("x", number(x)) + attribute("y", number(y))
          + attribute("width", number(width)) + attribute("height", number(height))
          + attribute("style", style) + "/>\n";
}

void svg_document::line(svg_point from, svg_point to, std::string_view style) {
  polyline({from, to}, style);
}

void svg_document::polyline(const std::vector<svg_point>& points, std::string_view style) {
  std::string all;
  for (const auto& p : points)
    all += (all.empty() ? "" : " ") + number(p.x) + ',' + number(p.y);
  out_ +=
    "<polyline" + attribute("points", all)
    + attribute("style",
                std::string("fill:none;stroke-linejoin:round;stroke-linecap:round;").append(style))
    + "/>\n";
}

void svg_document::text(svg_point at, std::string_view text, std::string_view anchor,
                        std::string_view style) {
  out_ += "<text" + attribute("x", number(at.x)) + attribute("y", number(at.y))
          + attribute("text-anchor", anchor) + attribute("style", style) + '>' + xml_escaped(text)
          + "</text>\n";
}

void svg_document::text_upwards(svg_point at, std::string_view text, std::string_view style) {
  out_ +=
    "<text"
    + attribute("transform", "translate(" + number(at.x) + ' ' + number(at.y) + ") rotate(-90)")
    + attribute("text-anchor", "middle") + attribute("style", style) + '>' + xml_escaped(text)
    + "</text>\n";
}

std::string svg_document::finish() && { return std::move(out_) + "</svg>\n"; }

} // namespace cmem::tools
