#include "storage/segment_writer.hpp"

#include "storage/coded_vectors.hpp"
#include "storage/graph_snapshot.hpp"
#include "storage/name_archive.hpp"
#include "storage/seeded_bug.hpp"

#include <cassert>

namespace cmem {

namespace {

// What makes the section `extras` an archive.
constexpr std::array<std::byte, segment_alignment> archive_head{std::byte{1}};

/// Sets the sections; where the last one ends.
std::uint64_t lay_out(segment_header& h, const segment_plan& plan, std::uint64_t kinds_bytes) {
  using enum segment_section;
  for (const auto s : {concepts, associations, vectors, content, extras})
    h.at(s).bytes = plan.bytes_of(s);
  h.at(kinds).bytes = kinds_bytes;
  h.at(bloom).bytes = bloom_blocks_for(plan.concepts()) * sizeof(bloom_block);
  std::uint64_t at = sizeof h;
  for (segment_extent& section : h.sections) {
    if (&section != &h.at(checksums))
      h.at(checksums).bytes += segment_pieces(section.bytes) * sizeof(std::uint64_t);
    section.offset = at;
    at = section.end();
  }
  return at;
}

std::size_t vector_bytes(const segment_entry& e) noexcept {
  return e.codes.empty() ? e.vector.size_bytes() : coded_vector_bytes(e.codes.size());
}

bool has_extras(const segment_entry& e) noexcept {
  return !e.name.empty() || !e.attributes.empty();
}

} // namespace

void segment_plan::add(const segment_entry& e, std::uint64_t list) noexcept {
  add({e.content.size(), vector_bytes(e),
       has_extras(e) ? sizeof(node_extras) + e.name.size() + e.attributes.size() : 0, list});
}

void segment_plan::add(const segment_entry_size& e) noexcept {
  using enum segment_section;
  add(concepts, sizeof(segment_concept));
  add(associations, e.list * sizeof(segment_association));
  if (e.vector != 0)
    add(vectors, segment_block_size(e.vector));
  if (e.content != 0)
    add(content, segment_block_size(e.content));
  if (e.extras == 0)
    return;
  if (bytes_of(extras) == 0)
    add(extras, sizeof archive_head);
  add(extras, segment_block_size(e.extras));
}

void segment_plan::add_vectors(std::uint64_t count, std::uint64_t bytes_each) noexcept {
  add(segment_section::vectors, count * segment_block_size(bytes_each));
}

std::uint64_t segment_file_bytes(const segment_plan& plan, const std::vector<std::string>& kinds) {
  std::vector<std::byte> names;
  archive_names(kinds, names);
  segment_header h;
  return lay_out(h, plan, segment_padded(names.size()));
}

segment_writer::segment_writer(env e, std::string directory, file to, const segment_header& h,
                               std::vector<std::byte> kinds)
  : env_(std::move(e)),
    directory_(std::move(directory)),
    file_(std::move(to)),
    header_(h),
    kinds_(std::move(kinds)),
    bloom_(h.at(segment_section::bloom).bytes / sizeof(bloom_block)) {
  for (const segment_extent& where : h.sections)
    streams_.emplace_back(where);
}

result<segment_writer> segment_writer::create(const env& e, const std::string& directory,
                                              segment_identity identity, const segment_plan& plan) {
  segment_header h;
  h.flags = identity.association_times ? segment_header::association_times : 0;
  if (!identity.codebook.empty()) {
    h.version = segment_version;
    h.flags |= segment_header::coded_vectors;
  }
  h.store = identity.store;
  h.number = identity.number;
  h.first_sequence = identity.first_sequence;
  h.last_sequence = identity.last_sequence;
  h.timestamp_us = identity.timestamp;
  h.vector_dimension = identity.vector_dimension;

  std::vector<std::byte> names;
  archive_names(identity.kinds, names);
  names.resize(segment_padded(names.size()));
  const std::uint64_t bytes = lay_out(h, plan, names.size());

  auto made = e.open(directory + "/" + segment_file_name(identity.number), open_mode::create);
  if (!made)
    return made.error();
  // One of that number that a crash left unfinished must not show through.
  if (auto done = made->truncate(0); !done)
    return done.error();
  if (auto done = made->preallocate(bytes); !done)
    return done.error();
  segment_writer w(e, directory, std::move(*made), h, std::move(names));
  if (!identity.codebook.empty())
    if (auto done = w.stream(segment_section::vectors).put_block(w.file_, {identity.codebook});
        !done)
      return done.error();
  return w;
}

result<void> segment_writer::put_concept() {
  if (!open_)
    return {};
  const segment_concept c = *open_;
  open_.reset();
  return stream(segment_section::concepts).put(file_, &c, sizeof c);
}

result<void> segment_writer::put_vector(const segment_entry& e) {
  section_stream& to = stream(segment_section::vectors);
  open_->vector_at = to.offset();
  open_->vector_bytes = static_cast<std::uint32_t>(vector_bytes(e));
  if (e.codes.empty())
    return to.put_block(file_, {std::as_bytes(e.vector)});
  assert(header_.has(segment_header::coded_vectors));
  const coded_vector_head head{to.offset() - to.where().offset, e.norm};
  return to.put_block(file_, {std::as_bytes(std::span(&head, 1)), std::as_bytes(e.codes)});
}

result<void> segment_writer::put_extras(const segment_entry& e) {
  section_stream& to = stream(segment_section::extras);
  if (to.offset() == to.where().offset)
    if (auto done = to.put(file_, archive_head); !done)
      return done;
  const node_extras head{0, static_cast<std::uint32_t>(e.name.size()),
                         static_cast<std::uint32_t>(e.attributes.size())};
  const auto name = std::as_bytes(std::span(e.name));
  open_->extras_at = to.offset();
  open_->extras_bytes = static_cast<std::uint32_t>(sizeof head + name.size() + e.attributes.size());
  return to.put_block(file_, {std::as_bytes(std::span(&head, 1)), name, e.attributes});
}

result<void> segment_writer::add(const segment_entry& e) {
  assert(!open_ || open_->id < e.id);
  if (auto done = put_concept(); !done)
    return done;
  const std::uint64_t hash = bloom_hash(e.id);
  bloom_add(bloom_[bloom_block_of(hash, bloom_.size())], hash);
  segment_concept& c = open_.emplace();
  c.id = e.id;
  c.flags = e.flags;
  if (c.has(segment_concept::forgotten)) {
    assert(c.flags == segment_concept::forgotten && e.content.empty() && vector_bytes(e) == 0
           && !has_extras(e));
    ++header_.forgotten;
    return {};
  }
  c.created = e.created;
  c.last_accessed = e.last_accessed;
  c.strength = e.strength;
  c.confidence = e.confidence;
  c.access_count = e.access_count;
  if (vector_bytes(e) != 0)
    if (auto done = put_vector(e); !done)
      return done;
  if (!e.content.empty()) {
    section_stream& to = stream(segment_section::content);
    c.content_at = to.offset();
    c.content_bytes = static_cast<std::uint32_t>(e.content.size());
    if (auto done = to.put_block(file_, {e.content}); !done)
      return done;
  }
  return has_extras(e) ? put_extras(e) : result<void>{};
}

result<void> segment_writer::add(const association_record& a) {
  assert(open_ && open_->id == a.source);
  assert(!open_->has(segment_concept::forgotten | segment_concept::older_associations));
  if (open_->associations++ == 0)
    open_->first_association = associations_;
  ++associations_;
  segment_association out;
  out.source = a.source;
  out.target = a.target;
  out.created = a.created;
  out.last_used = a.last_used;
  out.confidence = a.confidence;
  out.weight = a.weight;
  out.kind = a.kind;
  return stream(segment_section::associations).put(file_, &out, sizeof out);
}

result<void> segment_writer::put_tables() {
  using enum segment_section;
  if (auto done = stream(kinds).put(file_, kinds_); !done)
    return done;
  if (auto done = stream(bloom).put(file_, std::as_bytes(std::span(bloom_))); !done)
    return done;
  std::vector<std::uint64_t> table;
  for (section_stream& s : streams_) {
    if (&s == &stream(checksums))
      break;
    if (auto done = s.finish(file_); !done)
      return done;
    table.insert(table.end(), s.checksums().begin(), s.checksums().end());
  }
  header_.table_checksum = segment_checksum(std::as_bytes(std::span(table)));
  if (auto done = stream(checksums).put(file_, std::as_bytes(std::span(table))); !done)
    return done;
  return stream(checksums).finish(file_);
}

result<segment_ref> segment_writer::finish() {
  if (auto done = put_concept(); !done)
    return done.error();
  if (auto done = put_tables(); !done)
    return done.error();
  header_ = sealed(header_);
  if (auto done = file_.write_at(std::as_bytes(std::span(&header_, 1)), 0); !done)
    return done.error();
  if (!seeded("segment_sync_skipped"))
    if (auto done = file_.sync(); !done)
      return done.error();
  if (!seeded("segment_directory_sync_skipped"))
    if (auto done = env_.sync_directory(directory_); !done)
      return done.error();
  return segment_ref{header_.number, header_.at(segment_section::checksums).end(),
                     header_.first_sequence, header_.last_sequence, header_.checksum};
}

} // namespace cmem
