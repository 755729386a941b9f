#pragma once
// How one compaction keeps vectors: as floats, or as codes of one codebook, as
// vector_coding_options.hpp says.

#include "storage/codebook_training.hpp"
#include "storage/segment_reader.hpp"
#include "storage/segment_writer.hpp"
#include "storage/vector_coding_options.hpp"

#include <optional>
#include <span>
#include <vector>

namespace cmem {

/// For one compaction: first plan() of each vector that stays, then decide_some() until it has
/// decided, then code() of each. Borrows the readers. In memory it has the codebooks, and, where
/// originals are not kept, a sample of at most 16,384 vectors and 128 MiB. Fails: `corrupt`,
/// `io_error`. Threads: one at a time. Throws std::bad_alloc: of no use then.
class vector_coding {
public:
  /// `run`: not empty, of one dimension.
  static result<vector_coding> start(std::span<const segment_reader> run,
                                     const vector_coding_options& options);

  /// In the order of ids. Precondition: the record is of that reader of the run, and has a vector.
  result<void> plan(const segment_reader& in, const segment_concept& c);
  /// Some milliseconds' work. True: it has decided.
  bool decide_some();

  // Precondition of the following: it has decided.

  void add_to(segment_plan& plan) const noexcept;
  /// For segment_identity: empty where none is needed.
  [[nodiscard]] std::vector<std::byte> codebook() const;
  /// Sets vector or codes of the entry, which borrows them until the next call.
  result<void> code(const segment_reader& in, const segment_concept& c, segment_entry& e);

  /// Whether a compaction of this segment alone would code vectors.
  static result<bool> wants(const segment_reader& in, const vector_coding_options& options);

private:
  static constexpr std::size_t none = ~std::size_t{0};
  /// A codebook of the run, of one segment or of several.
  struct known_codebook {
    vector_codebook codebook;
    std::uint64_t vectors = 0; // that it tells
  };
  enum class phase { plan, judge, train, code };

  vector_coding(std::span<const segment_reader> run, const vector_coding_options& options);
  [[nodiscard]] std::size_t codebook_of(const segment_reader& in, const segment_concept& c) const;
  void add_to_sample(std::span<const float> vector, std::size_t codebook);
  void begin_deciding();
  void judge_some();
  void begin_training();
  void train_some();
  void choose(const vector_codebook& codebook, std::size_t of_run);

  std::span<const segment_reader> run_; // const, as the next two
  vector_coding_options options_;
  std::size_t dimension_;
  std::size_t rows_max_;              // of the sample
  std::vector<known_codebook> known_; // of the run
  std::vector<std::size_t> known_of_; // by reader: index in known_, or none
  std::uint64_t vectors_ = 0;         // planned
  phase phase_ = phase::plan;
  std::vector<float> sample_;        // each every_th vector
  std::vector<std::size_t> sampled_; // by row: index in known_, or none
  std::uint64_t every_ = 1;
  std::size_t judged_ = 0; // rows
  codebook_drift drift_;
  std::optional<codebook_training> training_;
  std::optional<vector_codebook> chosen_;
  std::size_t chosen_of_run_ = none; // index in known_; none: it was trained
  std::uint64_t coded_ = 0;          // vectors that will be codes
  std::vector<float> room_;          // reused, as the next
  std::vector<std::uint8_t> codes_;
};

} // namespace cmem
