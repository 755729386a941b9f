#include "storage/bloom_filter.hpp"
#include "storage/segment_check.hpp"
#include "storage/segment_reader.hpp"

#include <algorithm>

namespace cmem {

namespace {

bool is_zero(const_bytes bytes) noexcept {
  return std::all_of(bytes.begin(), bytes.end(), [](std::byte b) { return b == std::byte{0}; });
}

/// How far the payloads of the records so far fill a section.
class filled {
public:
  explicit filled(const segment_extent& section) : next_(section.offset) {}

  /// The block lies where the one before ends, and is padded with zeros.
  bool add(std::uint64_t at, std::uint32_t bytes, const_bytes file) noexcept {
    if (at == 0)
      return true;
    const std::uint64_t end = at + sizeof(segment_block) + bytes;
    const bool right = at == next_;
    next_ = at + segment_block_size(bytes);
    const auto padding =
      file.subspan(static_cast<std::size_t>(end), static_cast<std::size_t>(next_ - end));
    return right && std::all_of(padding.begin(), padding.end(), [](std::byte b) {
             return b == std::byte{0};
           });
  }
  [[nodiscard]] std::uint64_t next() const noexcept { return next_; }
  void skip(std::uint64_t bytes) noexcept { next_ += bytes; }

private:
  std::uint64_t next_;
};

} // namespace

result<std::uint64_t> segment_reader::verify(const verify_watch& w) const {
  segment_header h;
  if (auto done = file_.read_all_at(std::as_writable_bytes(std::span(&h, 1)), 0); !done)
    return done.error();
  const auto bytes = file_.size();
  if (!bytes)
    return bytes.error();
  if (const std::string_view fault = fault_of(h, *bytes); !fault.empty())
    return corrupt(0, fault);
  const segment_extent& table = h.at(segment_section::checksums);
  if (h.checksum != header_.checksum)
    return corrupt(0, "it has become another file");
  std::vector<std::uint64_t> checksums(checksums_.size());
  if (auto done = file_.read_all_at(std::as_writable_bytes(std::span(checksums)), table.offset);
      !done)
    return done.error();
  if (checksums != checksums_)
    return corrupt(table.offset, "the table of checksums fails its own");
  const auto tell = [&w](std::uint64_t read) {
    if (w.on_bytes)
      w.on_bytes(read);
  };
  tell(sizeof h + table.bytes);
  bool damaged = false;
  for (std::size_t s = 0; s != segment_checked_sections; ++s) {
    const std::uint64_t section = h.sections[s].bytes;
    for (std::uint64_t p = 0; p != segment_pieces(section); ++p) {
      if (auto done = check_piece(static_cast<segment_section>(s), p); !done) {
        if (!w.on_fault)
          return done.error();
        w.on_fault(done.error());
        damaged = true;
      }
      tell(std::min<std::uint64_t>(segment_block_bytes, section - p * segment_block_bytes));
    }
  }
  if (!damaged)
    if (auto done = verify_records(); !done)
      return done.error();
  return *bytes;
}

result<void> segment_reader::verify_records() const {
  using enum segment_section;
  const auto names = this->kinds();
  if (!names)
    return names.error();
  filled vectors_so_far(header_.at(vectors));
  filled content_so_far(header_.at(content));
  filled extras_so_far(header_.at(extras));
  if (const auto book = codebook(); !book)
    return book.error();
  if (codebook_block_ != 0
      && !vectors_so_far.add(header_.at(vectors).offset,
                             static_cast<std::uint32_t>(codebook_bytes().size()), mapped_.bytes()))
    return corrupt(header_.at(vectors).offset, "the codebook is not followed by zeros");
  if (header_.at(extras).bytes != 0) {
    extras_so_far.skip(segment_alignment);
    const auto head = mapped_.bytes().subspan(static_cast<std::size_t>(header_.at(extras).offset),
                                              segment_alignment);
    if (head[0] != std::byte{1} || !is_zero(head.subspan(1)))
      return corrupt(header_.at(extras).offset, "names and attributes do not begin as an archive");
  }
  std::uint64_t list = 0;
  std::uint64_t forgotten = 0;
  const segment_concept* before = nullptr;
  for (std::uint64_t i = 0; i != concept_count(); ++i) {
    const auto c = at(i);
    if (!c)
      return c.error();
    const segment_concept& r = **c;
    const std::uint64_t offset = header_.at(concepts).offset + i * sizeof r;
    if (before != nullptr && !(before->id < r.id))
      return corrupt(offset, "the ids do not ascend");
    before = &r;
    const auto listed = may_hold(r.id);
    if (!listed)
      return listed.error();
    if (!*listed)
      return corrupt(header_.at(bloom).offset, "the filter does not have " + r.id.hex());
    const auto text = this->content(r);
    const auto numbers = vector(r);
    const auto more = this->extras(r);
    const auto out = this->associations(r);
    for (const failure* f : {text ? nullptr : &text.error(), numbers ? nullptr : &numbers.error(),
                             more ? nullptr : &more.error(), out ? nullptr : &out.error()})
      if (f != nullptr)
        return *f;
    if (!content_so_far.add(r.content_at, r.content_bytes, mapped_.bytes())
        || !vectors_so_far.add(r.vector_at, r.vector_bytes, mapped_.bytes())
        || !extras_so_far.add(r.extras_at, r.extras_bytes, mapped_.bytes())
        || (r.associations != 0 && r.first_association != list))
      return corrupt(offset, "what belongs to the concept is not behind that of the one before");
    list += r.associations;
    for (const segment_association& a : *out)
      if (a.kind >= names->size())
        return corrupt(offset, "an association of the concept has a kind without a name");
    forgotten += r.has(segment_concept::forgotten);
  }
  if (list != association_count() || forgotten != header_.forgotten
      || content_so_far.next() != header_.at(content).end()
      || vectors_so_far.next() != header_.at(vectors).end()
      || extras_so_far.next() != header_.at(extras).end())
    return corrupt(0, "there is more than the concepts have");
  return {};
}

} // namespace cmem
