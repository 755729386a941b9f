#include "bench/benches.hpp"
#include "bench/scratch_directory.hpp"
#include "bench/workbench.hpp"
#include "storage/cold_reader.hpp"
#include "storage/segment_writer.hpp"
#include "tools/pacer.hpp"

#include <algorithm>
#include <numeric>

namespace cmem::bench {
namespace {

constexpr std::uint64_t segments = 20;
constexpr std::uint64_t store = 0xC01D;
constexpr std::size_t asked = 2'000; // a window: short, so that few are preempted

void check(const result<void>& done) {
  if (!done)
    throw std::runtime_error(to_string(done.error()));
}

/// Concepts [from, from + n) as one segment.
segment_ref write_segment(const env& e, const std::string& directory, std::uint64_t number,
                          std::uint64_t from, std::uint64_t n) {
  std::vector<concept_id> ids(n);
  for (std::uint64_t i = 0; i < n; ++i)
    ids[i] = id_of(from + i);
  std::sort(ids.begin(), ids.end());
  const std::string content(100, 'c');
  segment_entry entry;
  entry.flags = segment_concept::learned;
  entry.content = std::as_bytes(std::span(content));
  segment_plan plan;
  for (std::uint64_t i = 0; i < n; ++i)
    plan.add(entry, 0);
  segment_identity identity;
  identity.store = store;
  identity.number = number;
  identity.first_sequence = from + 1;
  identity.last_sequence = from + n;
  auto w = or_throw(segment_writer::create(e, directory, identity, plan));
  for (const concept_id& id : ids) {
    entry.id = id;
    check(w.add(entry));
  }
  return or_throw(w.finish());
}

/// `n` concepts, a twentieth of them in each segment.
void write_store(const env& e, const std::string& directory, std::uint64_t n) {
  manifest m;
  m.store = store;
  auto named = or_throw(manifest_file::create(e, directory, m));
  for (std::uint64_t s = 0; s < segments; ++s) {
    const std::uint64_t from = n * s / segments;
    const std::uint64_t to = n * (s + 1) / segments;
    m.segments.push_back(write_segment(e, directory, m.next_segment++, from, to - from));
    m.checkpoint = m.durable = m.reserved = to;
  }
  check(named.update(m));
}

/// Nanoseconds a `get` of an id that no segment has. No id is asked for twice.
double absent_ns(const cold_reader& r, std::uint64_t& next) {
  std::vector<concept_id> ids(asked);
  std::generate(ids.begin(), ids.end(), [&] { return id_of(next++); });
  const std::int64_t start = tools::monotonic_ns();
  for (const concept_id& id : ids)
    if (or_throw(r.get(id)))
      throw std::logic_error("an id that was never written is there");
  return static_cast<double>(tools::monotonic_ns() - start) / static_cast<double>(asked);
}

/// Microseconds that one in a hundred look-ups of ids that are there takes longer than.
double present_p99_us(const cold_reader& r, std::uint64_t concepts, std::size_t n,
                      tools::random_numbers& random) {
  std::vector<std::int64_t> ns(n);
  for (std::int64_t& one : ns) {
    const concept_id id = id_of(random.below(concepts));
    const std::int64_t start = tools::monotonic_ns();
    const bool there = or_throw(r.get(id)).has_value();
    one = tools::monotonic_ns() - start;
    if (!there)
      throw std::logic_error("an id that was written is not there");
  }
  const auto at = ns.begin() + static_cast<std::ptrdiff_t>(n * 99 / 100);
  std::nth_element(ns.begin(), at, ns.end());
  return static_cast<double>(*at) / 1'000;
}

} // namespace

outcome cold(const options& options) {
  outcome o;
  const scratch_directory scratch(options);
  const std::string directory = scratch.at("store");
  const env e;
  const std::uint64_t concepts = std::max(options.scaled(1'000'000), segments);
  write_store(e, directory, concepts);

  stopwatch opening;
  auto filtering = or_throw(cold_reader::open(e, directory));
  const double opened_ms = opening.seconds() * 1'000;
  auto searching = or_throw(cold_reader::open(e, directory));
  searching.use_filters(false);

  tools::random_numbers random(5);
  const double first_us = present_p99_us(filtering, concepts, asked, random);
  // Warm: every piece of both was read and checked once.
  for (const cold_reader* r : {&filtering, &searching})
    for (std::uint64_t i = 0; i < concepts; ++i)
      if (!or_throw(r->get(id_of(i))))
        throw std::logic_error("an id that was written is not there");

  std::uint64_t next = concepts;
  const auto before = filtering.counted();
  const comparison absent = compare([&] { return absent_ns(filtering, next); },
                                    [&] { return absent_ns(searching, next); }, o);
  const auto after = filtering.counted();
  const double p99 =
    median_of([&] { return present_p99_us(filtering, concepts, asked, random); }, o);

  o.rows.push_back({"get of an absent id", absent.subject, "ns", "filters off", absent.baseline,
                    ratio_at_most(0.2)});
  o.rows.push_back({"filters: false positives",
                    100 * static_cast<double>(after.passed - before.passed)
                      / static_cast<double>(after.asked - before.asked),
                    "%", "", 0, at_most(1)});
  o.rows.push_back({"get of a present id, p99", p99, "us", "", 0, at_most(1'000)});
  o.rows.push_back({"the same, first 2,000 after opening", first_us, "us"});
  o.rows.push_back({"opening", opened_ms, "ms"});
  o.notes.push_back(std::to_string(concepts)
                    + " concepts of 100 bytes over 20 segments, no id in "
                      "two of them; on "
                    + scratch.file_system());
  o.notes.push_back("warm: files in the page cache, checksums of every piece verified before");
  return o;
}

} // namespace cmem::bench
