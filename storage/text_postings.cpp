#include "storage/text_postings.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>

namespace cmem {

void pack_postings(std::span<const posting> all, std::vector<std::byte>& to) {
  assert(all.size() >= 2);
  using entry = posting_reader::table_entry;
  const std::size_t blocks = (all.size() + postings_a_block - 1) / postings_a_block;
  const std::size_t table = to.size();
  if (blocks > 1)
    to.resize(to.size() + blocks * sizeof(entry));
  const std::size_t data = to.size();
  std::array<std::uint32_t, postings_a_block> steps{};
  std::array<std::uint32_t, postings_a_block> more{};
  std::uint32_t before = ~0U;
  for (std::size_t b = 0; b != blocks; ++b) {
    const auto some =
      all.subspan(b * postings_a_block,
                  std::min<std::size_t>(postings_a_block, all.size() - b * postings_a_block));
    std::uint32_t step_most = 0;
    std::uint32_t more_most = 0;
    for (std::size_t i = 0; i != some.size(); ++i) {
      steps[i] = some[i].document - before; // modulo 2^32 for the very first
      before = some[i].document;
      more[i] = some[i].times - 1;
      step_most = std::max(step_most, steps[i]);
      more_most = std::max(more_most, more[i]);
    }
    const auto count = static_cast<std::uint32_t>(some.size());
    const std::uint32_t widths[] = {packed_width(step_most), packed_width(more_most)};
    std::size_t at = to.size();
    to.resize(at + 2 + packed_bytes(count, widths[0]) + packed_bytes(count, widths[1]));
    to[at++] = static_cast<std::byte>(widths[0]);
    to[at++] = static_cast<std::byte>(widths[1]);
    pack_bits(steps.data(), count, widths[0], to.data() + at);
    pack_bits(more.data(), count, widths[1], to.data() + at + packed_bytes(count, widths[0]));
    if (blocks > 1) {
      const entry e{before, static_cast<std::uint32_t>(to.size() - data)};
      std::memcpy(to.data() + table + b * sizeof(e), &e, sizeof(e));
    }
  }
}

void posting_reader::open(const posting_list& list) noexcept {
  list_ = list;
  blocks_ = (list.count + postings_a_block - 1) / postings_a_block;
  block_ = 0;
}

posting_reader::table_entry posting_reader::entry(std::uint32_t block) const noexcept {
  table_entry e{};
  std::memcpy(&e, list_.packed + block * sizeof(e), sizeof(e));
  return e;
}

void posting_reader::enter(std::uint32_t block) noexcept {
  block_ = block + 1;
  size_ = std::min(postings_a_block, list_.count - block * postings_a_block);
  documents_unpacked_ = false;
  times_unpacked_ = false;
  before_ = ~0U;
  data_ = list_.packed;
  if (has_table()) {
    data_ += blocks_ * sizeof(table_entry);
    if (block != 0) {
      const table_entry e = entry(block - 1);
      before_ = e.last;
      data_ += e.end;
    }
  }
}

bool posting_reader::next_block() noexcept {
  if (block_ == blocks_)
    return false;
  enter(block_);
  return true;
}

bool posting_reader::skip_to(std::uint32_t document) noexcept {
  if (!has_table())
    return true;
  std::uint32_t at = block_ - 1;
  if (entry(at).last >= document)
    return true;
  // Doubling steps, then halving them: what is near is found at once.
  std::uint32_t step = 1;
  while (at + step < blocks_ && entry(at + step).last < document) {
    at += step;
    step *= 2;
  }
  std::uint32_t count = std::min(step, blocks_ - 1 - at); // candidates behind `at`
  if (count == 0)
    return false;
  while (count > 0) {
    const std::uint32_t half = (count + 1) / 2;
    if (entry(at + half).last < document) {
      at += half;
      count -= half;
    } else {
      count = half - 1;
    }
  }
  if (at + 1 == blocks_)
    return false;
  enter(at + 1);
  return true;
}

std::uint32_t posting_reader::last() const noexcept {
  assert(has_table());
  return entry(block_ - 1).last;
}

std::span<const std::uint32_t> posting_reader::documents() noexcept {
  if (!documents_unpacked_) {
    documents_unpacked_ = true;
    if (list_.count == 1)
      documents_[0] = list_.document;
    else
      unpack_sums(data_ + 2, 0, size_, static_cast<std::uint32_t>(data_[0]), before_,
                  documents_.data());
  }
  return {documents_.data(), size_};
}

std::span<const std::uint32_t> posting_reader::times() noexcept {
  if (!times_unpacked_) {
    times_unpacked_ = true;
    if (list_.count == 1) {
      times_[0] = list_.times;
    } else {
      unpack_bits(data_ + 2 + packed_bytes(size_, static_cast<std::uint32_t>(data_[0])), 0, size_,
                  static_cast<std::uint32_t>(data_[1]), times_.data());
      for (std::uint32_t i = 0; i != size_; ++i)
        ++times_[i];
    }
  }
  return {times_.data(), size_};
}

} // namespace cmem
