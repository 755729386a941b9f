#pragma once
// How the fields of messages stand in payloads (wire.hpp), behind the type: save() and load() of
// each, for wire.cpp. What comes in is not trusted, and errors are exceptions, as in
// archive_fields.hpp.

#include "messages/archive.hpp"
#include "messages/archive_fields.hpp"
#include "messages/wire.hpp"

#include <cstdint>
#include <type_traits>
#include <vector>

namespace cmem::wire {

using archive::reader;
using archive::writer;

// -- to a node: wire_requests.cpp, wire_writes.cpp

void save(writer& out, const hello& m);
void load(reader& in, hello& m);
void save(writer& out, const writes& m);
void load(reader& in, writes& m);
void save(writer& out, const msg::find& m);
void load(reader& in, msg::find& m);
void save(writer& out, const msg::neighbors& m);
void load(reader& in, msg::neighbors& m);
void save(writer& out, const msg::find_path& m);
void load(reader& in, msg::find_path& m);
void save(writer& out, const msg::find_paths& m);
void load(reader& in, msg::find_paths& m);
void save(writer& out, const msg::subgraph& m);
void load(reader& in, msg::subgraph& m);
void save(writer& out, const msg::activate& m);
void load(reader& in, msg::activate& m);
void save(writer& out, const msg::search& m);
void load(reader& in, msg::search& m);
void save(writer& out, const msg::register_kind& m);
void load(reader& in, msg::register_kind& m);
void save(writer& out, const get_names& m);
void load(reader& in, get_names& m);
void save(writer& out, const list_kinds& m);
void load(reader& in, list_kinds& m);
void save(writer& out, const msg::activation_seed& m);
void load(reader& in, msg::activation_seed& m);

// -- to a client: wire_answers.cpp

void save(writer& out, const welcome& m);
void load(reader& in, welcome& m);
void save(writer& out, const refused& m);
void load(reader& in, refused& m);
void save(writer& out, const visible& m);
void load(reader& in, visible& m);
void save(writer& out, const durable& m);
void load(reader& in, durable& m);
void save(writer& out, const not_taken& m);
void load(reader& in, not_taken& m);
void save(writer& out, const failed& m);
void load(reader& in, failed& m);
void save(writer& out, const msg::neighbor_list& m);
void load(reader& in, msg::neighbor_list& m);
void save(writer& out, const msg::path_answer& m);
void load(reader& in, msg::path_answer& m);
void save(writer& out, const msg::path_list& m);
void load(reader& in, msg::path_list& m);
void save(writer& out, const msg::subgraph_found& m);
void load(reader& in, msg::subgraph_found& m);
void save(writer& out, const msg::activation_found& m);
void load(reader& in, msg::activation_found& m);
void save(writer& out, const msg::search_found& m);
void load(reader& in, msg::search_found& m);
void save(writer& out, const kind_registered& m);
void load(reader& in, kind_registered& m);
void save(writer& out, const kind_names& m);
void load(reader& in, kind_names& m);
void save(writer& out, const names& m);
void load(reader& in, names& m);
void save(writer& out, const figures& m);
void load(reader& in, figures& m);
void save(writer& out, const health& m);
void load(reader& in, health& m);
void save(writer& out, const failed_write& m);
void load(reader& in, failed_write& m);
void save(writer& out, const distant_concept& m);
void load(reader& in, distant_concept& m);
void save(writer& out, const activated_concept& m);
void load(reader& in, activated_concept& m);
void save(writer& out, const found_concept& m);
void load(reader& in, found_concept& m);

// -- both

/// Messages without fields.
template <class Message>
requires std::is_empty_v<Message>
void save(writer&, const Message&) {}
template <class Message>
requires std::is_empty_v<Message>
void load(reader&, Message&) {}

template <class T>
void save_all(writer& out, const std::vector<T>& list) {
  save_list(out, list, [&](const T& x) { save(out, x); });
}
template <class T>
void load_all(reader& in, std::vector<T>& list, const char* what) {
  load_list(in, list, archive_list_max, what, [&](T& x) { load(in, x); });
}

} // namespace cmem::wire
