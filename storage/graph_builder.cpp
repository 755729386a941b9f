#include "storage/graph_builder.hpp"

#include "storage/batch_check.hpp"
#include "storage/parallel_merge.hpp"
#include "storage/prefetch.hpp"
#include "storage/seeded_bug.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <new>

namespace cmem {

namespace {

/// What snapshots keep of a trail whose index falls behind, at least.
constexpr std::uint64_t trail_entries_min = 1'000'000;

} // namespace

graph_builder::graph_builder(page_pool& pages, payload_pool& payloads,
                             graph_builder_options options,
                             std::shared_ptr<const settlements> settled)
  : pages_(pages),
    payloads_(payloads),
    options_(std::move(options)),
    ids_(pages, retired_),
    pages_of_nodes_(pages, retired_, page_use::records),
    node_page_version_(pages.memory()),
    out_(pages, retired_, options_.association_times,
         options_.track_changes ? &changes_.lists : nullptr),
    in_(pages, retired_, false, nullptr, page_use::incoming),
    index_since_(pages.memory()) {
  if (options_.merge_threads > 1)
    parallel_ = std::make_unique<parallel_merge>(*this);
  pages_of_nodes_.extend(0, version_);
  out_.extend(0, version_);
  in_.extend(0, version_);
  prepare();
  (void) publish(0, 0, std::move(settled));
}

graph_builder::~graph_builder() {
  for (graph_snapshot* s : live_)
    delete s;
}

// -- versions

void graph_builder::prepare() {
  pages_of_nodes_.prepare();
  out_.prepare();
  in_.prepare();
}

graph_snapshot* graph_builder::publish(std::uint64_t sequence, timestamp_us timestamp,
                                       std::shared_ptr<const settlements> settled) {
  auto next = std::make_unique<graph_snapshot>();
  live_.reserve(live_.size() + 1);
  if (trail_kept_) {
    next->trail_ = trail_.publish();
    if (trail_.end() - trail_.begin() > trail_entries_min + 4 * std::uint64_t{index_count_}) {
      // Nobody makes indexes any more, or far too slowly.
      trail_.cut(trail_.end());
      index_ = nullptr;
      next->trail_ = trail_.publish();
    }
    next->index_ = index_;
  }
  next->base_ = pages_.memory().base();
  next->pages_ = pages_of_nodes_.publish(version_);
  next->out_ = out_.publish(version_);
  next->in_ = in_.publish(version_);
  next->ids_ = &ids_;
  next->index_count_ = index_count_;
  next->association_times_ = options_.association_times;
  next->vector_dimension_ = options_.vector_dimension;
  next->version_ = version_;
  next->sequence_ = sequence;
  next->decay_ = {options_.strength_half_life, timestamp};
  next->concept_count_ = concept_count_;
  next->edge_count_ = edge_count_;
  next->placeholder_count_ = placeholder_count_;
  next->settled_ = std::move(settled);

  pages_.keep();
  for (handle* field : taken_payloads_)
    *field = 0;
  taken_payloads_.clear();
  added_payloads_.clear();
  added_ids_.clear();
  vacancy_changes_.clear();
  free_indices_.resize(free_indices_.size() - free_indices_taken_);
  free_indices_taken_ = 0;
  ++version_;
  live_.push_back(next.release());
  return live_.back();
}

bool graph_builder::set_index(const std::shared_ptr<const search_index>& index) noexcept {
  if (index->covers < trail_.begin() || index->covers > newest().trail().end())
    return false;
  trail_.cut(index->covers);
  index_ = index;
  return true;
}

void graph_builder::discard() noexcept {
  const graph_snapshot& last = *live_.back();
  retired_.forget_pending();
  trail_.roll_back();
  for (const auto& [hash, index] : added_ids_)
    ids_.erase(hash, index);
  for (auto it = vacancy_changes_.rbegin(); it != vacancy_changes_.rend(); ++it)
    if (it->before.empty())
      vacancies_.erase(it->index);
    else
      vacancies_.insert(std::move(it->before)); // there was room for it, and still is
  for (const handle h : added_payloads_)
    payloads_.release(h);
  pages_of_nodes_.roll_back(last.version_);
  out_.roll_back(last.version_);
  in_.roll_back(last.version_);
  for (std::size_t p = 0; p < node_page_version_.size(); ++p)
    node_page_version_[p] = node_page_version_[p] > last.version_ ? 0 : node_page_version_[p];
  pages_.discard_since_keep();
  index_count_ = last.index_count_;
  concept_count_ = last.concept_count_;
  edge_count_ = last.edge_count_;
  placeholder_count_ = last.placeholder_count_;
  free_indices_taken_ = 0;
  taken_payloads_.clear();
  added_payloads_.clear();
  added_ids_.clear();
  vacancy_changes_.clear();
  ++version_; // never used again: a number names one content
}

void graph_builder::reclaim(const std::vector<bool>& in_use) {
  std::vector<std::uint64_t> live;
  std::vector<std::uint64_t> dead;
  for (std::size_t i = 0; i + 1 < live_.size(); ++i)
    (in_use[i] ? live : dead).push_back(live_[i]->version_);
  {
    payload_pool::returns payloads(payloads_);
    const auto free = [&](const retired_object& o) noexcept {
      switch (static_cast<retired_kind>(o.kind)) {
        case retired_kind::page:
          pages_.release(o.object, o.size, static_cast<page_use>(o.use));
          break;
        case retired_kind::payload: payloads.add(o.object); break;
        case retired_kind::index: free_index(o.object, o.size); break;
      }
    };
    const auto prefetch = [&](const retired_object& o) {
      if (static_cast<retired_kind>(o.kind) == retired_kind::payload) // its head tells its size
        prefetch_line(pages_.memory().at(o.object));
    };
    retired_.settle(live, dead, free, prefetch);
  }
  // Last, when nothing can throw any more: what is dead stays so until then.
  std::size_t kept = 0;
  for (std::size_t i = 0; i < live_.size(); ++i)
    if (i + 1 == live_.size() || in_use[i])
      live_[kept++] = live_[i];
    else
      delete live_[i];
  live_.resize(kept);
}

graph_builder::changes_taken graph_builder::take_changes() noexcept {
  return {changes_.records.take(), changes_.lists.take(), std::exchange(changes_.forgotten, {}),
          std::exchange(changes_after_, newest().version_)};
}

// -- records

void graph_builder::adopt(std::span<const mapped_parts> parts, std::uint64_t version) {
  const auto in_memory = [this](handle h) { return h != 0 && !pages_.memory().is_mapped(h); };
  for (const mapped_parts& p : parts) {
    if (p.index >= index_count_ || !learned(p.index) || node(p.index).id != p.id)
      continue;
    const concept_node& n = node(p.index);
    const bool payload =
      p.payload && n.payload_version <= version && (in_memory(n.content) || in_memory(n.vector));
    const std::uint64_t since = in_memory(n.extras) ? extras_of(n).version : 0;
    const bool extras = in_memory(n.extras) && since <= version && p.extras != 0;
    if (!payload && !extras)
      continue;
    concept_node& own = own_node_unmarked(p.index);
    if (payload) {
      retired_.retire_payload(own.payload_version, own.content);
      retired_.retire_payload(own.payload_version, own.vector);
      own.content = p.content;
      own.vector = p.vector;
    }
    if (extras) {
      retired_.retire_payload(since, own.extras);
      own.extras = p.extras;
    }
  }
  prepare();
}

void graph_builder::relocate(std::span<const moved_parts> parts,
                             std::span<const mapped_range> old) {
  const auto moves = [&](handle h) {
    return h != 0 && std::ranges::any_of(old, [h](const mapped_range& r) {
             return h >= r.first && h < r.end;
           });
  };
  const auto vector_at = [this](handle h) {
    return stored_vector(payload_pool::bytes_at(pages_.memory().base(), h),
                         options_.vector_dimension);
  };
  vector_comparison vectors;
  for (const moved_parts& p : parts) {
    const std::uint32_t i = find(p.id);
    if (i == none)
      continue;
    const concept_node& n = node(i);
    if (!moves(n.content) && !moves(n.vector) && !moves(n.extras))
      continue;
    concept_node& own = own_node_unmarked(i); // what a mapped file has is never given back
    if (moves(own.vector) && !vectors.same(vector_at(own.vector), vector_at(p.vector))
        && !seeded("coded_vector_not_noticed")) {
      own.payload_version = version_ & concept_node::payload_version_max;
      leave_trail(i);
    }
    for (const auto& [field, to] :
         {std::pair(&own.content, p.content), std::pair(&own.vector, p.vector),
          std::pair(&own.extras, p.extras)})
      if (moves(*field)) {
        assert(to != 0); // the newer file has all that the older ones had of the store
        *field = to;
      }
  }
  prepare();
}

concept_node& graph_builder::own_node(std::uint32_t i) {
  if (options_.track_changes)
    changes_.records.mark(i);
  return own_node_unmarked(i);
}

concept_node& graph_builder::own_node_unmarked(std::uint32_t i) {
  constexpr std::size_t bytes = graph_snapshot::page_nodes * sizeof(concept_node);
  const std::uint32_t p = i / graph_snapshot::page_nodes;
  if (node_page_version_[p] != version_) {
    handle& page = pages_of_nodes_.own(p, version_);
    const handle copy = pages_.allocate(bytes, page_use::records);
    if (page == 0) {
      std::memset(pages_.memory().at(copy), 0, bytes);
    } else {
      std::memcpy(pages_.memory().at(copy), pages_.memory().at(page), bytes);
      retired_.retire_page(node_page_version_[p], page, bytes, page_use::records);
    }
    page = copy;
    node_page_version_[p] = version_;
  }
  return node_page(pages_of_nodes_[p])[i % graph_snapshot::page_nodes];
}

std::uint32_t graph_builder::find(const concept_id& id, std::uint64_t hash,
                                  std::uint32_t hint) const noexcept {
  if (hint != none && node(hint).id == id)
    return hint;
  return ids_.find(hash, [&](std::uint32_t i) { return node(i).id == id; });
}

std::uint32_t graph_builder::find(const concept_id& id) const noexcept {
  return find(id, hash_value(id), none);
}

std::uint32_t graph_builder::add_node(const concept_id& id, std::uint64_t hash) {
  const std::uint32_t i = add_record(id);
  added_ids_.emplace_back(hash, i);
  ids_.insert(hash, i);
  return i;
}

std::uint32_t graph_builder::add_record(const concept_id& id) {
  std::uint32_t i = index_count_;
  const bool reused = free_indices_taken_ < free_indices_.size();
  if (reused) {
    i = free_indices_[free_indices_.size() - 1 - free_indices_taken_];
  } else {
    const std::uint32_t p = i / graph_snapshot::page_nodes;
    pages_of_nodes_.extend(p, version_);
    out_.extend(i, version_);
    in_.extend(i, version_);
    node_page_version_.extend(p + 1);
    index_since_.extend(i + 1);
  }
  concept_node& n = own_node(i);
  n = {};
  n.id = id;
  n.state = node_placeholder;
  index_since_[i] = version_;
  if (reused)
    ++free_indices_taken_;
  else
    ++index_count_;
  ++placeholder_count_;
  return i;
}

void graph_builder::revive(std::uint32_t i) {
  if (node(i).state != node_vacant)
    return;
  concept_node& n = own_node(i);
  vacancy_changes_.push_back({i, {}});
  vacancy_changes_.back().before = vacancies_.extract(i); // its retirement will do nothing
  n.state = node_placeholder;
  ++placeholder_count_;
}

void graph_builder::vacate_if_unused(std::uint32_t i) {
  if (node(i).state == node_placeholder && out_.degree(i) == 0 && in_.degree(i) == 0)
    vacate(i);
}

void graph_builder::vacate(std::uint32_t i) {
  concept_node& n = own_node(i);
  if (n.state == node_learned)
    leave_trail(i);
  if (options_.track_changes && index_since_[i] <= changes_after_)
    changes_.forgotten.push_back(n.id);
  retired_.retire_payload(n.payload_version, n.content);
  retired_.retire_payload(n.payload_version, n.vector);
  if (n.extras != 0)
    retired_.retire_payload(extras_of(n).version, n.extras);
  --(n.state == node_learned ? concept_count_ : placeholder_count_);
  const concept_id id = n.id;
  n = {};
  n.id = id; // found by it until the index is free
  if (++vacancy_token_ == 0)
    ++vacancy_token_;
  if (free_indices_.capacity() - free_indices_.size() <= vacancies_.size())
    free_indices_.reserve(2 * (free_indices_.size() + vacancies_.size() + 1)); // for free_index()
  vacancy_changes_.push_back({i, {}});
  vacancies_[i] = vacancy_token_;
  retired_.retire_index(index_since_[i], i, vacancy_token_);
}

void graph_builder::free_index(std::uint32_t i, std::uint32_t token) noexcept {
  const auto it = vacancies_.find(i);
  if (it == vacancies_.end() || it->second != token)
    return; // learned again meanwhile
  vacancies_.erase(it);
  ids_.erase(hash_value(node(i).id), i);
  free_indices_.push_back(i); // vacate() made room
}

// -- names, attributes, payloads

std::string_view graph_builder::name_of(const concept_node& n) const noexcept {
  if (n.extras == 0)
    return {};
  const node_extras* x = &extras_of(n);
  return {reinterpret_cast<const char*>(x + 1), x->name_bytes};
}

std::span<const std::byte> graph_builder::attributes_of(const concept_node& n) const noexcept {
  if (n.extras == 0)
    return {};
  const node_extras* x = &extras_of(n);
  return {reinterpret_cast<const std::byte*>(x + 1) + x->name_bytes, x->attribute_bytes};
}

bool graph_builder::name_collides(std::uint32_t i, handle name) const noexcept {
  if (name == 0 || i == none)
    return false;
  const std::string_view known = name_of(node(i));
  const auto given = payloads_.bytes(name);
  return !known.empty()
         && known != std::string_view(reinterpret_cast<const char*>(given.data()), given.size());
}

void graph_builder::keep_name(std::uint32_t i, handle name) {
  if (name == 0 || !name_of(node(i)).empty())
    return;
  const auto given = payloads_.bytes(name);
  set_extras(i, {reinterpret_cast<const char*>(given.data()), given.size()}, attributes_of(node(i)),
             {});
}

void graph_builder::set_extras(std::uint32_t i, std::string_view name,
                               std::span<const std::byte> attributes,
                               std::span<const std::byte> updates) {
  const std::size_t attribute_bytes =
    updates.empty() ? attributes.size() : merge_attributes(attributes, updates, {}).bytes;
  const handle h = payloads_.allocate(sizeof(node_extras) + name.size() + attribute_bytes);
  if (h == 0)
    throw std::bad_alloc();
  added_payloads_.push_back(h);
  auto* x = reinterpret_cast<node_extras*>(payloads_.data(h));
  *x = {version_, static_cast<std::uint32_t>(name.size()),
        static_cast<std::uint32_t>(attribute_bytes)};
  auto* bytes = reinterpret_cast<std::byte*>(x + 1);
  std::copy_n(reinterpret_cast<const std::byte*>(name.data()), name.size(), bytes);
  if (updates.empty())
    std::copy(attributes.begin(), attributes.end(), bytes + name.size());
  else
    (void) merge_attributes(attributes, updates, {bytes + name.size(), attribute_bytes});
  concept_node& n = own_node(i);
  if (n.extras != 0)
    retired_.retire_payload(extras_of(n).version, n.extras);
  n.extras = h;
  if (n.state == node_learned)
    leave_trail(i);
  if (!updates.empty())
    n.expires = expires(attribute_reader(attributes_of(n)));
}

handle graph_builder::take(handle& field) {
  if (field != 0)
    taken_payloads_.push_back(&field);
  return field;
}

// -- figures

std::uint64_t graph_builder::bytes_in_use() const noexcept {
  return pages_.bytes_in_use() + payloads_.bytes_in_use() + bookkeeping_bytes();
}

std::size_t graph_builder::bookkeeping_bytes() const noexcept {
  return pages_.bookkeeping_bytes() + pages_of_nodes_.bookkeeping_bytes() + out_.bookkeeping_bytes()
         + in_.bookkeeping_bytes() + node_page_version_.bytes() + index_since_.bytes()
         + free_indices_.capacity() * sizeof(std::uint32_t) + retired_.bookkeeping_bytes()
         + live_.size() * sizeof(graph_snapshot) + changes_.bytes() + trail_.bytes()
         + (parallel_ ? parallel_->bookkeeping_bytes() : 0);
}

std::uint64_t graph_builder::parallel_parts() const noexcept {
  return parallel_ ? parallel_->parts() : 0;
}

bool graph_builder::over_budget() const noexcept {
  return options_.memory_budget_bytes != 0 && bytes_in_use() > options_.memory_budget_bytes;
}

} // namespace cmem
