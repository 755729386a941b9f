#include "actors/client_ledger.hpp"

#include "storage/queries.hpp"
#include "storage/retention.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace cmem {

namespace {

std::string marker_of(const concept_id& client) {
  return std::string(client_ledger::marker_prefix) + client.hex();
}

std::optional<std::uint64_t> number_in(std::string_view text) {
  std::uint64_t n = 0;
  const auto [end, bad] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (bad != std::errc{} || end != text.data() + text.size())
    return std::nullopt;
  return n;
}

const std::array<attribute_update, 1> pin{attribute_update{pinned_key, "true"}};

} // namespace

client_ledger::client_ledger(const graph_snapshot& s, std::size_t clients_max)
  : clients_max_(clients_max) {
  const auto found = neighbors(s, concept_id::from_name(root_name), direction::outgoing, {});
  if (!found)
    return; // nobody wrote yet
  std::vector<std::pair<timestamp_us, concept_id>> known;
  for (const neighbor& n : *found) {
    const concept_view marker = s.at(n.index);
    const std::string_view name = marker.name();
    if (!name.starts_with(marker_prefix))
      continue;
    const auto client = concept_id::from_hex(name.substr(marker_prefix.size()));
    const auto number = number_in(marker.content());
    if (!client || !number)
      continue;
    client_record& r = clients_[*client].record;
    r.taken = r.visible = r.durable = *number;
    r.marked = true;
    known.emplace_back(marker.last_accessed(), *client);
  }
  std::sort(known.begin(), known.end());
  for (const auto& [when, client] : known) {
    clients_[client].written_at = ++clock_;
    by_age_.emplace(clock_, client);
  }
}

client_record* client_ledger::find(const concept_id& client) {
  const auto found = clients_.find(client);
  return found == clients_.end() ? nullptr : &found->second.record;
}

void client_ledger::mark(const concept_id& client, std::uint64_t last, std::vector<write_op>& ops) {
  forgotten_.reset();
  marker_ = marker_of(client);
  number_ = std::to_string(last);
  ops.push_back(op::learn_concept{marker_, number_});
  if (const client_record* record = find(client); record != nullptr && record->marked)
    return;
  ops.push_back(op::set_attributes{marker_, pin});
  ops.push_back(op::learn_concept{root_name});
  ops.push_back(op::set_attributes{root_name, pin});
  ops.push_back(op::learn_association{root_name, marker_, kinds::hierarchical});
  const auto known = clients_.find(client);
  const bool is_new = known == clients_.end() || known->second.written_at == 0;
  if (is_new && by_age_.size() >= clients_max_)
    forget_oldest(client, ops);
}

void client_ledger::forget_oldest(const concept_id& but, std::vector<write_op>& ops) {
  for (const auto& [age, client] : by_age_) {
    const client_record& r = clients_.at(client).record;
    if (client == but || !r.unseen.empty() || r.durable != r.taken)
      continue;
    forgotten_ = client;
    old_marker_ = marker_of(client);
    ops.push_back(op::forget_concept{old_marker_});
    return;
  }
}

client_record& client_ledger::marked(const concept_id& client, std::uint64_t last) {
  if (forgotten_) {
    by_age_.erase(clients_.at(*forgotten_).written_at);
    clients_.erase(*forgotten_);
    forgotten_.reset();
  }
  entry& e = clients_[client];
  e.record.taken = last;
  if (e.written_at != 0)
    by_age_.erase(e.written_at);
  e.written_at = ++clock_;
  by_age_.emplace(clock_, client);
  return e.record;
}

} // namespace cmem
