#include "storage/compaction.hpp"

#include "storage/seeded_bug.hpp"

#include <algorithm>
#include <cassert>

namespace cmem {

namespace {

constexpr std::uint64_t rest_every = std::uint64_t{8} << 20; // bytes read and written
constexpr std::uint32_t list_at_once = 4'096;                // associations

/// What a placeholder has no part in.
const segment_concept* payload_of(const concept_parts& p) noexcept {
  return p.head.record->has(segment_concept::learned) ? p.payload.record : nullptr;
}

std::uint64_t payload_bytes(const concept_parts& p) noexcept {
  const segment_concept* const payload = payload_of(p);
  return std::uint64_t{p.head.record->extras_bytes}
         + (payload == nullptr ? 0 : std::uint64_t{payload->content_bytes} + payload->vector_bytes);
}

failure corrupt(const segment_reader& in, std::uint64_t offset, std::string_view what) {
  std::string text = in.path() + " is corrupt at offset " + std::to_string(offset) + ": ";
  return {errc::corrupt, text.append(what)};
}

} // namespace

compaction::unfinished_file::~unfinished_file() {
  // Where it cannot be removed now, the next opening of the store tries again.
  if (!path_.empty() && !seeded("unfinished_segment_left"))
    (void) env_.remove(path_);
}

compaction::compaction(const env& e, compaction_job job, std::vector<segment_reader> run,
                       segment_identity identity, vector_coding vectors)
  : env_(e),
    job_(std::move(job)),
    run_(std::move(run)),
    identity_(std::move(identity)),
    vectors_(std::move(vectors)) {
  from_.emplace(run_);
  for (const segment_ref& s : job_.run)
    bytes_planned_ += 2 * s.bytes;
  for (const segment_reader& s : run_)
    bytes_planned_ += s.concept_count() * sizeof(segment_concept); // they are read twice
  if (!job_.vectors.keep_originals)                                // and vectors, for a sample
    for (const segment_reader& s : run_)
      bytes_planned_ += s.header().at(segment_section::vectors).bytes;
}

result<compaction> compaction::start(const env& e, compaction_job job) {
  assert(!job.run.empty());
  std::vector<segment_reader> run;
  run.reserve(job.run.size());
  for (const segment_ref& s : job.run) {
    assert(s.number != job.number);
    auto opened = segment_reader::open(e, job.directory, s, job.store);
    if (!opened)
      return opened.error();
    run.push_back(std::move(*opened));
  }
  const segment_header& newest = run.back().header();
  constexpr std::uint32_t times = segment_header::association_times;
  for (const segment_reader& s : run)
    if (s.header().vector_dimension != newest.vector_dimension
        || s.header().has(times) != newest.has(times))
      return corrupt(s, 0, "its vectors or times are not as those of the segments beside it");
  auto kinds = run.back().kinds();
  if (!kinds)
    return kinds.error();
  segment_identity identity;
  identity.store = job.store;
  identity.number = job.number;
  identity.first_sequence = run.front().header().first_sequence;
  identity.last_sequence = newest.last_sequence;
  identity.timestamp = newest.timestamp_us;
  identity.vector_dimension = newest.vector_dimension;
  identity.association_times = newest.has(times);
  identity.kinds = std::move(*kinds);
  auto vectors = vector_coding::start(run, job.vectors);
  if (!vectors)
    return vectors.error();
  return compaction(e, std::move(job), std::move(run), std::move(identity), std::move(*vectors));
}

/// Of the new record; none: there will be none.
result<std::optional<std::uint32_t>> compaction::flags_of(const run_parts& p) const {
  using flags = std::optional<std::uint32_t>;
  if (p.head.record == nullptr)
    return job_.bottom || seeded("compaction_tombstone_dropped")
             ? flags()
             : flags(segment_concept::forgotten);
  if (job_.bottom || p.ended)
    if (auto done = p.check(); !done)
      return done.error();
  std::uint32_t f = p.head.record->flags & segment_concept::learned;
  if (p.payload.record == nullptr && !seeded("compaction_older_payload_dropped"))
    f |= segment_concept::older_payload;
  if (p.associations.record == nullptr)
    f |= segment_concept::older_associations;
  return flags(f);
}

/// Both passes: true if there may be more.
result<bool> compaction::plan_one() {
  run_parts p;
  const auto more = from_->next_of_run(p);
  if (!more || !*more)
    return more;
  bytes_done_ += p.records * sizeof(segment_concept);
  const auto flags = flags_of(p);
  if (!flags)
    return flags.error();
  if (!*flags)
    return true;
  segment_entry_size size;
  if (const segment_concept* const head = p.head.record; head != nullptr) {
    size.extras = head->extras_bytes;
    if (const segment_concept* const payload = payload_of(p); payload != nullptr) {
      size.content = payload->content_bytes;
      if (payload->vector_at != 0)
        if (auto done = vectors_.plan(*p.payload.in, *payload); !done)
          return done.error();
      if (!job_.vectors.keep_originals)
        bytes_done_ += payload->vector_bytes;
    }
    if (p.associations.record != nullptr)
      size.list = p.associations.record->associations;
  }
  plan_.add(size);
  return true;
}

result<bool> compaction::write_one() {
  if (list_) {
    if (auto done = write_list(); !done)
      return done.error();
    return true;
  }
  run_parts p;
  const auto more = from_->next_of_run(p);
  if (!more || !*more)
    return more;
  bytes_done_ += p.records * sizeof(segment_concept);
  const auto flags = flags_of(p);
  if (!flags)
    return flags.error();
  if (*flags)
    if (auto done = write_record(p, **flags); !done)
      return done.error();
  return true;
}

result<void> compaction::write_record(const run_parts& p, std::uint32_t flags) {
  segment_entry e;
  e.id = p.id;
  e.flags = flags;
  bytes_done_ += sizeof(segment_concept);
  if (p.head.record == nullptr)
    return writer_->add(e);
  const segment_concept& c = *p.head.record;
  e.created = c.created;
  e.last_accessed = c.last_accessed;
  e.strength = c.strength;
  e.confidence = c.confidence;
  e.access_count = c.access_count;
  const auto extras = p.head.in->extras(c);
  if (!extras)
    return extras.error();
  e.name = extras->name;
  e.attributes = extras->attributes;
  if (const segment_concept* const payload = payload_of(p); payload != nullptr) {
    const auto content = p.payload.in->content(*payload);
    if (!content)
      return content.error();
    e.content = std::as_bytes(std::span(*content));
    if (payload->vector_at != 0)
      if (auto done = vectors_.code(*p.payload.in, *payload, e); !done)
        return done;
  }
  bytes_done_ += 2 * payload_bytes(p);
  if (p.associations.record != nullptr && p.associations.record->associations != 0)
    list_ = open_list{p.associations};
  return writer_->add(e);
}

result<void> compaction::write_list() {
  const segment_concept& c = *list_->of.record;
  const std::uint32_t count = std::min(c.associations - list_->written, list_at_once);
  const auto some = list_->of.in->associations(c, list_->written, count);
  if (!some)
    return some.error();
  for (const segment_association& a : *some) {
    if (a.kind >= identity_.kinds.size())
      return corrupt(*list_->of.in, list_->of.in->header().at(segment_section::associations).offset,
                     "an association of " + c.id.hex() + " has a kind without a name");
    const association_record out{a.source, a.target,  a.kind,     a.confidence,
                                 a.weight, a.created, a.last_used};
    if (auto done = writer_->add(out); !done)
      return done;
  }
  bytes_done_ += 2 * some->size_bytes();
  list_->written += count;
  if (list_->written == c.associations)
    list_.reset();
  return {};
}

void compaction::end_planning() {
  from_.reset();
  for (const segment_reader& s : run_)
    s.let_go();
  planned_ = true;
}

/// True: nothing is left to write.
result<bool> compaction::decide_some() {
  if (plan_.concepts() == 0) {
    run_.clear();
    return true;
  }
  if (vectors_.decide_some())
    if (auto done = begin_writing(); !done)
      return done.error();
  return false;
}

result<void> compaction::begin_writing() {
  vectors_.add_to(plan_);
  identity_.codebook = vectors_.codebook();
  file_.emplace(env_, job_.directory + "/" + segment_file_name(job_.number));
  auto w = segment_writer::create(env_, job_.directory, identity_, plan_);
  if (!w)
    return w.error();
  writer_.emplace(std::move(*w));
  from_.emplace(run_);
  return {};
}

result<void> compaction::finish() {
  const auto made = writer_->finish();
  if (!made)
    return made.error();
  made_ = *made;
  file_->keep();
  writer_.reset();
  from_.reset();
  run_.clear();
  return {};
}

/// What was read and written so far leaves memory.
result<void> compaction::rest() {
  if (bytes_done_ - rested_at_ < rest_every)
    return {};
  rested_at_ = bytes_done_;
  for (const segment_reader& s : run_)
    s.let_go();
  return writer_ ? writer_->sync() : result<void>();
}

result<bool> compaction::step(std::uint64_t bytes) {
  if (planned_ && !writer_)
    return decide_some();
  const std::uint64_t before = bytes_done_;
  do {
    const auto more = writer_ ? write_one() : plan_one();
    if (!more)
      return more;
    if (*more) {
      if (auto done = rest(); !done)
        return done.error();
    } else if (writer_) {
      if (auto done = finish(); !done)
        return done.error();
      return true;
    } else {
      end_planning();
      return decide_some();
    }
  } while (bytes_done_ - before < bytes);
  return false;
}

} // namespace cmem
