#pragma once
// One stream of things to learn, for stores that are compared by what they write.

#include "storage/records.hpp"
#include "tools/random.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace cmem::bench {

/// So many concepts, then as many that replace one of them, chosen evenly, in batches. Contents are
/// 150 to 250 bytes of words that never were; one concept of four has a name. Equal numbers of
/// concepts give equal streams. Threads: one at a time.
class learned_stream {
public:
  static constexpr std::size_t batch = 1'000;

  explicit learned_stream(std::uint64_t concepts);

  /// The next batch, valid until the next call; empty: that was all.
  [[nodiscard]] std::span<const write_op> next();

private:
  void fill(std::string& content);

  const std::uint64_t concepts_;
  std::vector<std::string> vocabulary_; // const
  tools::random_numbers random_{41};
  std::uint64_t learned_ = 0; // and updated
  std::vector<std::string> names_;
  std::vector<std::string> contents_;
  std::vector<write_op> ops_;
};

/// What an operation hands in: its id (16 bytes) or its name, content, vector, and its two numbers.
/// Precondition: it learns a concept.
[[nodiscard]] std::uint64_t learned_bytes(const write_op& o);
/// All of it as a value, for a store that knows nothing but keys and values: the id is its key.
void encode_value(const write_op& o, std::string& value);

} // namespace cmem::bench
