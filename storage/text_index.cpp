#include "storage/text_index.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace cmem {

dead_documents dead_documents::with(std::span<const std::uint32_t> others) const {
  dead_documents more = *this;
  more.count_ += static_cast<std::uint32_t>(others.size());
  for (std::size_t i = 0; i != others.size();) {
    const std::uint32_t number = others[i] / page_documents;
    const page* const known = at(number);
    auto fresh = known != nullptr ? std::make_shared<page>(*known) : std::make_shared<page>();
    for (; i != others.size() && others[i] / page_documents == number; ++i) {
      assert(!test(*fresh, others[i]));
      (*fresh)[others[i] % page_documents / 64] |= std::uint64_t{1} << others[i] % 64;
    }
    more.pages_[number] = std::move(fresh);
  }
  return more;
}

std::size_t dead_documents::bytes() const noexcept {
  std::size_t all = pages_.capacity() * sizeof(pages_[0]);
  for (const auto& p : pages_)
    all += p ? sizeof(page) + 2 * sizeof(void*) : 0;
  return all;
}

text_index::text_index(std::vector<piece> pieces, std::uint64_t words)
  : pieces_(std::move(pieces)), words_(words) {
  std::sort(pieces_.begin(), pieces_.end(),
            [](const piece& a, const piece& b) { return a.live() > b.live(); });
  for (const piece& p : pieces_)
    documents_ += p.live();
}

std::optional<text_index::place> text_index::locate(std::uint32_t index) const noexcept {
  for (std::uint32_t i = 0; i != pieces_.size(); ++i) {
    const std::uint32_t number = pieces_[i].part->number_of(index);
    if (number != text_part::none && !pieces_[i].dead.test(number))
      return place{i, number};
  }
  return std::nullopt;
}

std::size_t text_index::bytes() const noexcept {
  std::size_t all = sizeof(*this) + pieces_.capacity() * sizeof(piece);
  for (const piece& p : pieces_)
    all += p.part->bytes().size() + p.dead.bytes() + sizeof(text_part);
  return all;
}

} // namespace cmem
