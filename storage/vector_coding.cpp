#include "storage/vector_coding.hpp"

#include "storage/seeded_bug.hpp"

#include <algorithm>
#include <cassert>

namespace cmem {

namespace {

constexpr std::size_t sample_bytes_max = std::size_t{128} << 20;
constexpr std::size_t judged_at_once = 256; // rows

} // namespace

vector_coding::vector_coding(std::span<const segment_reader> run,
                             const vector_coding_options& options)
  : run_(run),
    options_(options),
    dimension_(run.front().header().vector_dimension),
    rows_max_(std::min(vector_codebook::sample_rows_enough,
                       sample_bytes_max / (std::max<std::size_t>(dimension_, 1) * sizeof(float)))) {
  if (parts_for(dimension_, options_.ratio) == 0)
    options_.keep_originals = true;
}

result<vector_coding> vector_coding::start(std::span<const segment_reader> run,
                                           const vector_coding_options& options) {
  assert(!run.empty());
  vector_coding made(run, options);
  for (const segment_reader& in : run) {
    made.known_of_.push_back(none);
    const auto book = in.codebook();
    if (!book)
      return book.error();
    if (!*book)
      continue;
    known_codebook read{vector_codebook(**book)};
    const auto same = std::ranges::find(
      made.known_, read.codebook,
      [](const known_codebook& k) -> const auto& { return k.codebook; });
    made.known_of_.back() = static_cast<std::size_t>(same - made.known_.begin());
    if (same == made.known_.end())
      made.known_.push_back(std::move(read));
  }
  return made;
}

result<bool> vector_coding::wants(const segment_reader& in, const vector_coding_options& options) {
  const std::size_t dimension = in.header().vector_dimension;
  if (options.keep_originals || dimension == 0 || parts_for(dimension, options.ratio) == 0)
    return false;
  const std::size_t floats = dimension * sizeof(float);
  if (!in.header().has(segment_header::coded_vectors))
    return in.header().at(segment_section::vectors).bytes / segment_block_size(floats)
           >= options.vectors_min;
  for (std::uint64_t i = 0; i != in.concept_count(); ++i) {
    const auto c = in.at(i);
    if (!c)
      return c.error();
    if ((*c)->vector_bytes == floats)
      return true;
  }
  return false;
}

/// Index in known_ of the one that tells it; none: it is floats.
std::size_t vector_coding::codebook_of(const segment_reader& in, const segment_concept& c) const {
  return c.vector_bytes == dimension_ * sizeof(float)
           ? none
           : known_of_[static_cast<std::size_t>(&in - run_.data())];
}

result<void> vector_coding::plan(const segment_reader& in, const segment_concept& c) {
  assert(phase_ == phase::plan && c.vector_at != 0);
  const std::size_t codebook = codebook_of(in, c);
  if (codebook != none)
    ++known_[codebook].vectors;
  const bool wanted = !options_.keep_originals && vectors_ % every_ == 0;
  ++vectors_;
  if (!wanted)
    return {};
  const auto vector = in.vector(c);
  if (!vector)
    return vector.error();
  add_to_sample(vector->read(room_), codebook);
  return {};
}

void vector_coding::add_to_sample(std::span<const float> vector, std::size_t codebook) {
  sample_.insert(sample_.end(), vector.begin(), vector.end());
  sampled_.push_back(codebook);
  if (sampled_.size() <= rows_max_)
    return;
  every_ *= 2; // every second row goes: those that are left are the ones that will be wanted
  std::size_t kept = 0;
  for (std::size_t row = 0; row < sampled_.size(); row += 2, ++kept) {
    sampled_[kept] = sampled_[row];
    std::copy_n(sample_.begin() + static_cast<std::ptrdiff_t>(row * dimension_), dimension_,
                sample_.begin() + static_cast<std::ptrdiff_t>(kept * dimension_));
  }
  sampled_.resize(kept);
  sample_.resize(kept * dimension_);
}

bool vector_coding::decide_some() {
  switch (phase_) {
    case phase::plan: begin_deciding(); break;
    case phase::judge: judge_some(); break;
    case phase::train: train_some(); break;
    case phase::code: break;
  }
  return phase_ == phase::code;
}

void vector_coding::begin_deciding() {
  std::size_t most = none;
  for (std::size_t i = 0; i < known_.size(); ++i)
    if (known_[i].vectors > (most == none ? 0 : known_[most].vectors))
      most = i;
  if (most != none)
    choose(known_[most].codebook, most);
  const bool enough = !options_.keep_originals && vectors_ >= options_.vectors_min;
  if (!enough)
    phase_ = phase::code;
  else if (most != none)
    phase_ = phase::judge;
  else
    begin_training();
}

/// Those that the codebook tells already are coded as well as it expects.
void vector_coding::judge_some() {
  codes_.resize(chosen_->parts());
  for (const std::size_t end = std::min(judged_ + judged_at_once, sampled_.size()); judged_ < end;
       ++judged_)
    drift_.add(
      sampled_[judged_] == chosen_of_run_
        ? chosen_->trained_error()
        : chosen_
            ->encode(std::span(sample_).subspan(judged_ * dimension_, dimension_), codes_.data())
            .error);
  if (judged_ != sampled_.size())
    return;
  if (drift_.is_due(*chosen_) && !seeded("drifted_codebook_kept"))
    begin_training();
  else
    phase_ = phase::code;
}

void vector_coding::begin_training() {
  phase_ = phase::code;
  codebook_options how;
  how.parts = parts_for(dimension_, options_.ratio);
  how.rounds = options_.rounds;
  auto training = codebook_training::start(std::move(sample_), dimension_, how);
  if (!training)
    return; // all of them are zero
  training_.emplace(std::move(*training));
  phase_ = phase::train;
}

void vector_coding::train_some() {
  if (!training_->step())
    return;
  choose(std::move(*training_).take(), none);
  training_.reset();
  phase_ = phase::code;
}

void vector_coding::choose(const vector_codebook& codebook, std::size_t of_run) {
  chosen_.emplace(codebook);
  chosen_of_run_ = of_run;
  coded_ = options_.keep_originals ? known_[of_run].vectors : vectors_;
}

void vector_coding::add_to(segment_plan& plan) const noexcept {
  assert(phase_ == phase::code);
  if (chosen_) {
    plan.add_vectors(1, vector_codebook::bytes_of(dimension_));
    plan.add_vectors(coded_, coded_vector_bytes(chosen_->parts()));
  }
  plan.add_vectors(vectors_ - coded_, dimension_ * sizeof(float));
}

std::vector<std::byte> vector_coding::codebook() const {
  return chosen_ ? chosen_->to_bytes() : std::vector<std::byte>();
}

result<void> vector_coding::code(const segment_reader& in, const segment_concept& c,
                                 segment_entry& e) {
  assert(phase_ == phase::code);
  const auto vector = in.vector(c);
  if (!vector)
    return vector.error();
  const std::size_t codebook = codebook_of(in, c);
  if (chosen_ && codebook != none && codebook == chosen_of_run_ && !seeded("codes_coded_again")) {
    e.codes = vector->codes();
    e.norm = vector->head().norm;
    return {};
  }
  e.vector = vector->read(room_);
  if (!chosen_ || options_.keep_originals)
    return {};
  codes_.resize(chosen_->parts());
  e.norm = chosen_->encode(e.vector, codes_.data()).norm;
  e.codes = codes_;
  e.vector = {};
  return {};
}

} // namespace cmem
