#pragma once
// Reads one TOML table key by key and says clearly what is wrong with it.

#include "storage/result.hpp"

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <toml++/toml.h>
#include <vector>

namespace cmem::tools {

/// Remembers the first error of a file: later ones often follow from it.
class toml_errors {
public:
  explicit toml_errors(std::string file) : file_(std::move(file)) {}

  void add(toml::source_position where, std::string_view key, std::string_view what) {
    if (first_)
      return;
    std::string at = file_;
    if (where)
      at += ':' + std::to_string(where.line);
    first_ = failure{errc::parse_error, at + ": " + std::string(key) + ": " + std::string(what)};
  }
  [[nodiscard]] const std::optional<failure>& first() const noexcept { return first_; }

private:
  std::string file_;
  std::optional<failure> first_;
};

/// Every getter leaves `out` alone when the key is absent, and reports a wrong type or value.
/// refuse_unknown() then reports keys that no getter asked for. Borrows table and errors.
class toml_table {
public:
  toml_table(const toml::table& table, std::string path, toml_errors& errors)
    : table_(table), path_(std::move(path)), errors_(errors) {}

  [[nodiscard]] bool has(std::string_view key) {
    asked_.emplace_back(key);
    return table_.contains(key);
  }
  void text(std::string_view key, std::string& out) {
    if (const auto* n = node(key)) {
      if (const auto v = n->value_exact<std::string>())
        out = *v;
      else
        wrong(*n, key, "must be a text in quotes");
    }
  }
  template <std::integral T>
  void integer(std::string_view key, T& out, std::int64_t least, std::int64_t most) {
    if (const auto* n = node(key)) {
      const auto v = n->value_exact<std::int64_t>();
      if (!v || *v < least || *v > most)
        wrong(*n, key,
              "is " + show(*n) + ": must be a whole number from " + std::to_string(least) + " to "
                + std::to_string(most));
      else
        out = static_cast<T>(*v);
    }
  }
  /// A number in [least, most]; `above` keeps `least` itself out.
  void number(std::string_view key, double& out, double least, double most, bool above = false) {
    if (const auto* n = node(key)) {
      const auto v = n->is_number() ? n->value<double>() : std::nullopt;
      if (!v || !std::isfinite(*v) || *v < least || *v > most || (above && *v <= least))
        wrong(*n, key,
              "is " + show(*n) + ": must be a number " + (above ? "above " : "from ") + show(least)
                + (above ? ", at most " : " to ") + show(most));
      else
        out = *v;
    }
  }
  /// One of `names`; `out` is its position.
  template <class Enum, class Names>
  void choice(std::string_view key, Enum& out, const Names& names) {
    if (const auto* n = node(key)) {
      const auto v = n->value_exact<std::string>();
      const auto at = v ? std::find(names.begin(), names.end(), *v) : names.end();
      if (at == names.end())
        wrong(*n, key, "is " + show(*n) + ": must be one of " + list(names));
      else
        out = static_cast<Enum>(at - names.begin());
    }
  }
  /// The table under `key`, if there is one.
  [[nodiscard]] std::optional<toml_table> table(std::string_view key) {
    const auto* n = node(key);
    if (n == nullptr)
      return std::nullopt;
    if (!n->is_table()) {
      wrong(*n, key, "must be a table, as in [" + path_ + std::string(key) + "]");
      return std::nullopt;
    }
    return toml_table(*n->as_table(), path_ + std::string(key) + ".", errors_);
  }
  [[nodiscard]] const toml::node* node(std::string_view key) {
    asked_.emplace_back(key);
    return table_.get(key);
  }
  void wrong(const toml::node& n, std::string_view key, std::string_view what) {
    errors_.add(n.source().begin, path_ + std::string(key), what);
  }
  /// The table as a whole is at fault.
  void wrong(std::string_view what) {
    const std::string name = path_.empty() ? "scenario" : path_.substr(0, path_.size() - 1);
    errors_.add(table_.source().begin, name, what);
  }
  void refuse_unknown() {
    for (const auto& [key, value] : table_)
      if (std::find(asked_.begin(), asked_.end(), key.str()) == asked_.end())
        errors_.add(key.source().begin, path_ + std::string(key.str()),
                    "unknown key; known here: " + list(asked_));
  }

  [[nodiscard]] static std::string show(const toml::node& n);
  [[nodiscard]] static std::string show(double v);
  template <class Names>
  [[nodiscard]] static std::string list(const Names& names) {
    std::string all;
    for (const auto& name : names)
      all += (all.empty() ? "" : ", ") + std::string(name);
    return all;
  }

private:
  const toml::table& table_;
  std::string path_; // with a dot at its end, empty for the whole file
  toml_errors& errors_;
  std::vector<std::string> asked_;
};

} // namespace cmem::tools
