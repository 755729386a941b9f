#pragma once
// What clients and nodes say to each other, one payload a frame (frame.hpp).
//
//   payload := cereal's portable binary archive of: type:u8 body
//
// The first payload of a client is `hello`, with the versions it speaks. The node answers
// `welcome`, which names the version that both speak from there on, or `refused`, which says why
// not. hello, welcome and refused are the same in every version, but that fields may be added
// behind the last.
//
// Writes are numbered by the client, 1, 2, 3 …, over all its connections. The node applies each
// number once: a frame that comes again is acknowledged again and changes nothing. Acknowledgements
// count up: whatever is not above `up_to` is visible, or durable.
//
// Who decodes trusts nothing: lengths are held to limits.hpp and to what the payload has left
// before anything is allocated, and bytes left over are an error (parse_error).

#include "messages/requests.hpp"
#include "messages/values.hpp"
#include "messages/writes.hpp"
#include "storage/durability.hpp"
#include "storage/records.hpp"
#include "storage/result.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace cmem::wire {

inline constexpr std::uint8_t version_lowest = 1; ///< that this build speaks
inline constexpr std::uint8_t version_newest = 1;

inline constexpr std::size_t software_bytes_max = 256;
inline constexpr std::size_t detail_bytes_max = 4096; ///< of an error; the rest is cut
inline constexpr std::size_t figures_max = 1024;

// -- a client to its node

struct hello {
  std::uint8_t lowest = version_lowest;
  std::uint8_t newest = version_newest;
  concept_id client;            ///< random; a process that goes on where it left off keeps it
  std::uint64_t next_write = 1; ///< the number of the first write that it may send
  std::string software;         ///< name and version, for logs
};

struct ping {};

/// Numbered from `first` on. They reach the node's log together, and each is applied or fails by
/// itself; as a batch (W8) they have one number and all are applied, or none is.
/// The operations borrow from the payload and from here.
struct writes {
  std::uint64_t first = 0;
  bool as_batch = false;
  std::vector<write_op> ops; ///< one at least
  std::vector<float> floats; ///< of the vectors
  std::vector<attribute_update> attributes;

  writes() = default;
  writes(writes&&) = default; // moved vectors stay where they are
  writes& operator=(writes&&) = default;

  /// The number of the last.
  [[nodiscard]] std::uint64_t last() const noexcept {
    return as_batch ? first : first + ops.size() - 1;
  }
};

/// Names of kinds, from that number on.
struct list_kinds {
  kind_id from = 0;
};
/// What concepts are called.
struct get_names {
  std::vector<concept_id> ids;
};
struct get_figures {};
struct get_health {};

using request = std::variant<msg::find, msg::neighbors, msg::find_path, msg::find_paths,
                             msg::subgraph, msg::activate, msg::search, msg::register_kind,
                             list_kinds, get_names, get_figures, get_health>;

template <class Request>
struct answer_of;
template <>
struct answer_of<msg::find> {
  using type = concept_record;
};
template <>
struct answer_of<msg::neighbors> {
  using type = msg::neighbor_list;
};
template <>
struct answer_of<msg::find_path> {
  using type = msg::path_answer;
};
template <>
struct answer_of<msg::find_paths> {
  using type = msg::path_list;
};
template <>
struct answer_of<msg::subgraph> {
  using type = msg::subgraph_found;
};
template <>
struct answer_of<msg::activate> {
  using type = msg::activation_found;
};
template <>
struct answer_of<msg::search> {
  using type = msg::search_found;
};
template <>
struct answer_of<msg::register_kind> {
  using type = struct kind_registered;
};
template <>
struct answer_of<list_kinds> {
  using type = struct kind_names;
};
template <>
struct answer_of<get_names> {
  using type = struct names;
};
template <>
struct answer_of<get_figures> {
  using type = struct figures;
};
template <>
struct answer_of<get_health> {
  using type = struct health;
};
/// What a request is answered with, where it does not fail.
template <class Request>
using answer_to = typename answer_of<Request>::type;

/// `id` is the client's, and comes back with the answer.
struct asked {
  std::uint64_t id = 0;
  request what;
};

/// Of a newer client: what was asked is not known here, but that it waits for an answer is.
struct unknown_request {
  std::uint64_t id = 0;
  std::uint8_t type = 0;
};

using to_node = std::variant<hello, ping, writes, asked, unknown_request>;

// -- a node to its client

struct welcome {
  std::uint8_t version = version_newest; ///< that both speak from here on
  concept_id node;                       ///< random, one for each start of it
  std::uint64_t written = 0;     ///< the highest number that it knows of this client's writes
  std::uint64_t sequence = 0;    ///< of its newest snapshot
  std::uint32_t frame_bytes = 0; ///< of a payload, at most, either way
  std::uint32_t dimension = 0;   ///< of vectors
  durability level = durability::none;
  bool read_only = false; ///< this client may not write
};

/// The connection ends behind it.
struct refused {
  failure why;
};

struct pong {};

struct failed_write {
  std::uint64_t number = 0;
  errc why = errc::ok;
};

/// All writes up to that number have met their fate: these failed, and the others are in the newest
/// snapshot. Those that were told before are not told again.
struct visible {
  std::uint64_t up_to = 0;
  std::vector<failed_write> failed;
};

/// And so many are on the disk; or, where code is not ok, none will be from here on.
struct durable {
  std::uint64_t up_to = 0;
  failure why;
};

/// Neither the writes from `first` on nor what was sent behind them was taken: send them again,
/// from there, after so long. 0: sending them again will not help.
struct not_taken {
  std::uint64_t first = 0;
  failure why;
  std::uint32_t retry_after_ms = 0;
};

struct failed {
  failure why;
  std::uint32_t retry_after_ms = 0; ///< 0: trying again will not help
};
struct kind_registered {
  kind_id id = 0;
};
struct kind_names {
  kind_id from = 0;
  std::vector<std::string> names; ///< fewer than there are: ask again behind the last
  std::uint32_t kinds = 0;        ///< there are
};
/// In the order of the ids; empty where there is none. Fewer than were asked for: ask for the rest.
struct names {
  std::vector<std::string> of;
};
/// By name, e.g. "snapshot.concept_count": what one side does not know it passes over.
struct figures {
  std::vector<std::pair<std::string, std::uint64_t>> of;
};
struct health_issue {
  std::string what;
  std::uint64_t value = 0;
  std::uint64_t limit = 0;
  std::string advice;
};
struct health {
  std::vector<health_issue> issues; ///< none: it is healthy
};

using answer = std::variant<failed, concept_record, msg::neighbor_list, msg::path_answer,
                            msg::path_list, msg::subgraph_found, msg::activation_found,
                            msg::search_found, kind_registered, kind_names, names, figures, health>;

struct answered {
  std::uint64_t id = 0;
  answer what;
};

using to_client = std::variant<welcome, refused, pong, visible, durable, not_taken, answered>;

// -- bytes

/// Appends the frame of a message. Fails (limit_exceeded), and appends nothing, when that is over
/// `bytes_max`.
result<void> put(std::vector<char>& out, const to_node& m, std::uint32_t bytes_max);
result<void> put(std::vector<char>& out, const to_client& m, std::uint32_t bytes_max);

/// What a payload says. Fails: parse_error; unsupported, for a type that this version does not
/// know.
[[nodiscard]] result<to_node> read_to_node(std::string_view payload);
[[nodiscard]] result<to_client> read_to_client(std::string_view payload);

/// Makes the frame of a `writes`, operation by operation. Threads: one at a time.
class writes_encoder {
public:
  /// Numbers from `first` on.
  writes_encoder(std::uint64_t first, bool as_batch);
  ~writes_encoder();
  writes_encoder(const writes_encoder&) = delete;
  writes_encoder& operator=(const writes_encoder&) = delete;

  /// Precondition: valid (validate.hpp).
  void add(const write_op& o);
  /// Takes the last one back. Precondition: one was added since.
  void drop_last();

  [[nodiscard]] std::uint32_t count() const noexcept { return count_; }
  [[nodiscard]] std::size_t payload_bytes() const noexcept;
  /// Precondition: count() >= 1, and the payload is within the connection's limit.
  [[nodiscard]] std::vector<char> finish() &&;

private:
  struct stream;

  std::vector<char> frame_;
  std::unique_ptr<stream> stream_; // writes to frame_
  std::size_t last_begins_ = 0;
  std::uint32_t count_ = 0;
};

} // namespace cmem::wire
