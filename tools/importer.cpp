#include "tools/importer.hpp"

#include <algorithm>
#include <array>

namespace cmem::tools {
namespace {

/// No later line can fare better.
bool ends_import(errc code) noexcept {
  return code == errc::read_only || code == errc::closed || code == errc::out_of_memory;
}

} // namespace

result<void> importer::add(std::uint64_t number, std::string_view text) {
  ++counts_.lines;
  const auto item = parse_line(text);
  const auto written = item ? std::visit([this](const auto& i) { return write(i); }, *item)
                            : result<ticket>(item.error());
  if (!written) {
    if (ends_import(written.error().code))
      return written.error();
    refuse(number, written.error());
    return {};
  }
  last_ = *written;
  pending_.push_back({*written, number, text.size(), item->index() == 1});
  pending_bytes_ += text.size();
  if (pending_.size() < 2 * window_lines && pending_bytes_ < window_bytes)
    return {};
  return settle(std::max<std::size_t>(pending_.size() / 2, 1));
}

void importer::refuse(std::uint64_t number, const failure& why) {
  ++counts_.bad;
  on_bad_(number, why);
}

result<ticket> importer::write(const data_concept& c) {
  const concept_ref id(c.id, c.name);
  const op::learn_concept learn{id, c.content, c.vector, c.strength, c.confidence};
  if (c.attributes.empty())
    return memory_.write(learn);
  std::vector<attribute_update> updates;
  for (const auto& [key, value] : c.attributes)
    updates.push_back({key, value});
  const std::array<write_op, 2> both{learn, op::set_attributes{id, updates}};
  return memory_.learn_batch(both);
}

result<ticket> importer::write(const line_association& a) {
  const auto kind = kind_of(a.kind);
  if (!kind)
    return kind.error();
  return memory_.write(op::learn_association{
    {a.source.id, a.source.name}, {a.target.id, a.target.name}, *kind, a.confidence, a.weight});
}

result<kind_id> importer::kind_of(const std::string& name) {
  if (const auto known = kinds_.find(name); known != kinds_.end())
    return known->second;
  const auto kind = memory_.register_kind(name);
  if (kind)
    kinds_.emplace(name, *kind);
  return kind;
}

result<void> importer::settle(std::size_t count) {
  if (count == 0)
    return {};
  // Entries of one thread are merged in its order: who has the last one has them all.
  for (;;) {
    const auto known = memory_.await_visible(pending_[count - 1].receipt);
    if (known || known.error().code != errc::timed_out)
      break;
  }
  const auto snapshot = memory_.share();
  for (; count != 0; --count) {
    const pending p = pending_.front();
    pending_.pop_front();
    pending_bytes_ -= p.bytes;
    const settlement s = snapshot->outcome(p.receipt);
    if (s.what == fate::applied) {
      ++(p.association ? counts_.associations : counts_.concepts);
      continue;
    }
    if (ends_import(s.reason))
      return failure{s.reason,
                     "the memory takes nothing more from line " + std::to_string(p.line) + " on"};
    refuse(p.line, {s.reason == errc::ok ? errc::unknown : s.reason, "not merged"});
  }
  return {};
}

result<void> importer::finish() {
  if (auto settled = settle(pending_.size()); !settled)
    return settled;
  if (!last_)
    return {};
  for (;;) {
    const auto durable = memory_.await_durable(*last_);
    if (durable)
      return {};
    if (durable.error().code != errc::timed_out)
      return durable.error();
  }
}

} // namespace cmem::tools
