#include "storage/graph_loader.hpp"

#include "storage/prefetch.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <system_error>
#include <thread>

namespace cmem {

namespace {

/// Below it threads cost more than they bring, and the order of reads is always the same.
constexpr std::uint64_t large_records = 1U << 16;
constexpr std::uint64_t keep_every = 1U << 12;
/// Look-ups under way at once. Each waits for memory twice: for its bucket, then for its record.
constexpr std::size_t window = 32;
constexpr std::size_t half_window = window / 2;
constexpr std::size_t gather_ahead = 16;

association_values values_of(const segment_association& a) noexcept {
  return {a.kind, a.confidence, a.weight, {a.created, a.last_used}};
}

/// Ids on their way into the table, each with its bucket being fetched.
class pending_ids {
public:
  explicit pending_ids(id_table& to) : to_(to) {}

  void add(const concept_id& id, std::uint32_t index) {
    const std::uint64_t hash = hash_value(id);
    to_.prefetch(hash);
    if (count_ >= waiting_.size())
      insert(count_ % waiting_.size());
    waiting_[count_++ % waiting_.size()] = {hash, index};
  }
  void finish() {
    for (std::size_t i = count_ - std::min(count_, waiting_.size()); i != count_; ++i)
      insert(i % waiting_.size());
    count_ = 0;
  }

private:
  void insert(std::size_t i) { to_.insert(waiting_[i].first, waiting_[i].second); }

  id_table& to_;
  std::array<std::pair<std::uint64_t, std::uint32_t>, half_window> waiting_{};
  std::size_t count_ = 0;
};

/// None where the system has no more of them: then whoever wanted it goes without.
template <class F>
std::thread start_thread(F&& f) {
  try {
    return std::thread(std::forward<F>(f));
  } catch (const std::system_error&) {
    return {};
  }
}

/// Runs both, at the same time if `parallel` and a thread can be had. Neither may throw.
template <class F, class G>
void run_both(bool parallel, F&& f, G&& g) {
  std::thread other;
  if (parallel)
    other = start_thread(f);
  if (!other.joinable())
    f();
  g();
  if (other.joinable())
    other.join();
}

failure too_many() {
  return {errc::limit_exceeded, "the store holds more concepts than this memory takes"};
}

} // namespace

result<mapped_payloads> place_payloads(const segment_reader& in, span_ranges& ranges) {
  const segment_extent all = in.payloads();
  if (all.bytes == 0)
    return mapped_payloads{in.header().number, 0, 0, 0, {}};
  const handle first = ranges.take(in.payload_spans());
  if (first == 0)
    return failure{errc::out_of_memory, "no address space is left for " + std::to_string(all.bytes)
                                          + " bytes of " + in.path() + ": raise arena_bytes"};
  return mapped_payloads{in.header().number, first, in.payload_spans(), all.offset, {}};
}

graph_loader::graph_loader(graph_builder& to, std::span<const segment_reader> segments,
                           std::span<const mapped_payloads> payloads)
  : to_(to), segments_(segments), payloads_(payloads) {
  std::uint64_t records = 0;
  for (const segment_reader& s : segments_) {
    concepts_min_ = std::max(concepts_min_, s.concept_count());
    records += s.concept_count() + s.association_count();
  }
  large_ = records >= large_records && std::thread::hardware_concurrency() > 1;
}

result<void> graph_loader::load(const std::function<void(std::uint64_t)>& progress) {
  progress_ = progress;
  std::atomic<bool> stop{false};
  std::thread ahead;
  if (large_)
    ahead = start_thread([&] {
      for (const segment_reader& s : segments_)
        s.read_ahead(stop);
    });
  result<void> done;
  try {
    done = add_concepts();
    if (done)
      done = resolve_targets();
    if (done)
      write_lists();
  } catch (...) {
    stop.store(true, std::memory_order_relaxed);
    if (ahead.joinable())
      ahead.join();
    throw;
  }
  stop.store(!done, std::memory_order_relaxed);
  if (ahead.joinable())
    ahead.join();
  if (done)
    to_.prepare();
  return done;
}

/// Nothing of this is ever taken back.
void graph_loader::keep() {
  to_.pages_.keep_unmeasured();
  to_.added_ids_.clear();
}

result<void> graph_loader::add_concepts() {
  // Not the sum: most records of a store that is written again and again replace others.
  to_.ids_.reserve(concepts_min_);
  lists_.reserve(static_cast<std::size_t>(concepts_min_));
  pending_ids ids(to_.ids_);
  segment_merge merge(segments_);
  for (concept_parts p;;) {
    const auto more = merge.next(p);
    if (!more)
      return more.error();
    if (!*more)
      break;
    if (to_.indices_left() == 0)
      return too_many();
    std::span<const segment_association> list;
    if (p.associations.record != nullptr && p.associations.record->associations != 0) {
      const auto read = p.associations.in->associations(*p.associations.record);
      if (!read)
        return read.error();
      list = *read;
    }
    ids.add(p.head.record->id, static_cast<std::uint32_t>(lists_.size()));
    if (auto done = add(p); !done)
      return done;
    lists_.push_back(list);
    if (lists_.size() % keep_every == 0) {
      keep();
      if (progress_)
        progress_(lists_.size());
    }
  }
  ids.finish();
  return {};
}

result<void> graph_loader::add(const concept_parts& p) {
  const segment_concept& c = *p.head.record;
  concept_node& n = to_.own_node(to_.add_record(c.id));
  n.extras = payloads_of(*p.head.in).at(c.extras_at);
  if (!c.has(segment_concept::learned))
    return {};
  n.state = node_learned;
  n.created = c.created;
  n.last_accessed = c.last_accessed;
  n.strength = c.strength;
  n.confidence = c.confidence;
  n.access_count = c.access_count;
  n.payload_version = to_.version_ & concept_node::payload_version_max;
  n.content = payloads_of(*p.payload.in).at(p.payload.record->content_at);
  n.vector = payloads_of(*p.payload.in).at(p.payload.record->vector_at);
  --to_.placeholder_count_;
  ++to_.concept_count_;
  if (to_.options_.track_expiry && c.extras_at != 0) {
    const auto extras = p.head.in->extras(c);
    if (!extras)
      return extras.error();
    n.expires = expires(attribute_reader(extras->attributes));
  }
  return {};
}

result<void> graph_loader::resolve_targets() {
  list_first_.reserve(lists_.size() + 1);
  std::uint64_t total = 0;
  for (const auto& list : lists_) {
    list_first_.push_back(total);
    total += list.size();
  }
  list_first_.push_back(total);
  targets_.resize(static_cast<std::size_t>(total));
  const auto middle = static_cast<std::size_t>(
    std::lower_bound(list_first_.begin(), list_first_.end() - 1, total / 2) - list_first_.begin());
  std::uint64_t edges[2] = {};
  run_both(
    large_, [&] { edges[0] = resolve(0, middle); },
    [&] { edges[1] = resolve(middle, lists_.size()); });
  to_.edge_count_ += edges[0] + edges[1];
  for (std::size_t source = 0; source != lists_.size(); ++source)
    for (std::size_t i = 0; i != lists_[source].size(); ++i) {
      std::uint32_t& t = targets_[static_cast<std::size_t>(list_first_[source]) + i];
      if (t != graph_builder::none)
        continue;
      const concept_id& id = lists_[source][i].target; // nobody has learned it
      t = to_.find(id);
      if (t != graph_builder::none)
        continue;
      if (to_.indices_left() == 0)
        return too_many();
      t = to_.add_node(id, hash_value(id));
    }
  return {};
}

/// Finds the targets of the lists from `source` to `last`; answers how many are edges, from one
/// learned concept to another.
std::uint64_t graph_loader::resolve(std::size_t source, std::size_t last) noexcept {
  struct place {
    const segment_association* record;
    std::uint64_t hash;
    bool learned; // the source
  };
  std::array<place, window> places{};
  std::uint64_t edges = 0;
  std::uint64_t in = 0;
  std::uint64_t done = 0;
  std::uint64_t to = source == last ? 0 : list_first_[source];
  const auto find_one = [&] {
    const place& p = places[done++ % window];
    const std::uint32_t t = to_.find(p.record->target, p.hash, graph_builder::none);
    edges += p.learned && to_.learned(t) ? 1U : 0U;
    targets_[static_cast<std::size_t>(to++)] = t;
  };
  for (; source != last; ++source) {
    const bool learned = !lists_[source].empty() && to_.learned(static_cast<std::uint32_t>(source));
    for (const segment_association& a : lists_[source]) {
      if (in - done == window)
        find_one();
      const std::uint64_t hash = hash_value(a.target);
      to_.ids_.prefetch(hash);
      places[in++ % window] = {&a, hash, learned};
      if (in - done > half_window) {
        const std::uint32_t candidate =
          to_.ids_.candidate(places[(in - 1 - half_window) % window].hash);
        if (candidate != graph_builder::none)
          prefetch_line(&to_.node(candidate));
      }
    }
  }
  while (done != in)
    find_one();
  return edges;
}

void graph_loader::sort_by_target() {
  in_first_.assign(to_.index_count_ + 1, 0);
  for (const std::uint32_t t : targets_)
    ++in_first_[t + 1];
  for (std::size_t t = 1; t != in_first_.size(); ++t)
    in_first_[t] += in_first_[t - 1];
  in_order_.resize(targets_.size());
  std::vector<std::uint64_t> next(in_first_.begin(), in_first_.end() - 1);
  std::size_t k = 0;
  for (std::uint32_t source = 0; source != lists_.size(); ++source)
    for (const segment_association& a : lists_[source])
      in_order_[static_cast<std::size_t>(next[targets_[k++]]++)] = {source, &a};
}

void graph_loader::write_lists() {
  sort_by_target();
  if (to_.options_.pack_adjacency) {
    write_packed();
    return;
  }
  for (std::uint32_t i = 0; i != to_.index_count_; ++i) {
    if (i < lists_.size())
      to_.out_.make(i, static_cast<std::uint32_t>(lists_[i].size()), to_.version_);
    to_.in_.make(i, static_cast<std::uint32_t>(in_first_[i + 1] - in_first_[i]), to_.version_);
    if (i % keep_every == 0)
      keep();
  }
  keep();
  run_both(
    large_, [this] { write_out(); }, [this] { write_in(); });
  if (progress_)
    progress_(lists_.size() + targets_.size());
}

void graph_loader::write_packed() {
  const auto with = std::make_unique<packing>();
  pack_out(*with);
  pack_in(*with);
  keep();
  if (progress_)
    progress_(lists_.size() + targets_.size());
}

void graph_loader::pack_out(packing& with) {
  std::size_t k = 0;
  for (std::uint32_t source = 0; source != lists_.size(); ++source) {
    with.links.clear();
    for (const segment_association& a : lists_[source])
      with.links.push_back({targets_[k++], values_of(a)});
    to_.out_.assign(source, with, to_.version_);
    if (source % keep_every == 0)
      keep();
  }
}

void graph_loader::pack_in(packing& with) {
  const incoming* at = in_order_.data();
  const incoming* const end = at + in_order_.size();
  for (std::uint32_t target = 0; target != to_.index_count_; ++target) {
    with.links.clear();
    for (const incoming* last = in_order_.data() + in_first_[target + 1]; at != last; ++at) {
      if (static_cast<std::size_t>(end - at) > gather_ahead)
        prefetch_line(at[gather_ahead].record);
      with.links.push_back({at->source, values_of(*at->record)});
    }
    to_.in_.assign(target, with, to_.version_);
    if (target % keep_every == 0)
      keep();
  }
}

void graph_loader::write_out() noexcept {
  std::size_t k = 0;
  for (std::uint32_t source = 0; source != lists_.size(); ++source) {
    const segment_association* a = lists_[source].data();
    to_.out_.fill(source, [&] { return std::pair(targets_[k++], values_of(*a++)); });
  }
}

void graph_loader::write_in() noexcept {
  const incoming* at = in_order_.data();
  const incoming* const end = at + in_order_.size();
  for (std::uint32_t target = 0; target != to_.index_count_; ++target)
    to_.in_.fill(target, [&] {
      if (static_cast<std::size_t>(end - at) > gather_ahead)
        prefetch_line(at[gather_ahead].record);
      const incoming& i = *at++;
      return std::pair(i.source, values_of(*i.record));
    });
}

} // namespace cmem
