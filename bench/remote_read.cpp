#include "bench/benches.hpp"
#include "bench/round_trips.hpp"
#include "bench/served_memory.hpp"
#include "bench/workbench.hpp"
#include "messages/wire.hpp"

namespace cmem::bench {
namespace {

constexpr std::uint32_t degree = 8;

template <class Message>
std::size_t frame_bytes_of(const Message& m) {
  std::vector<char> frame;
  if (!wire::put(frame, m, frame_bytes_default))
    throw std::logic_error("no frame");
  return frame.size();
}

/// What one question is: over the network, and on the memory itself.
struct question {
  std::string name;
  std::function<void()> choose; ///< what is asked about
  std::function<void()> remote;
  std::function<void()> direct;
  std::size_t request_bytes = 0;
  std::size_t answer_bytes = 0;
};

void measure(const question& q, std::size_t trips, outcome& o) {
  io_system here(1); // as a client's own
  io_system there;
  echo bare(here.get(), there.get(), q.request_bytes, q.answer_bytes);
  bool direct_first = false;
  const auto ours = [&] {
    q.choose();
    direct_first = !direct_first;
    return added(q.remote, q.direct, direct_first);
  };
  const compared_latency c = compare_trips(
    ours, [&] { return bare.ask(); }, trips);
  const std::string echoed = "CAF echo, " + std::to_string(q.request_bytes) + " and "
                             + std::to_string(q.answer_bytes) + " bytes";
  o.rows.push_back(
    {q.name + ", p50 added", c.subject.p50, "ns", echoed, c.baseline.p50, ratio_at_most(1.3)});
  o.rows.push_back({q.name + ", p99 added", c.subject.p99, "ns", echoed, c.baseline.p99});
  std::vector<double> direct(trips);
  std::generate(direct.begin(), direct.end(), [&] {
    q.choose();
    return timed(q.direct);
  });
  o.rows.push_back({q.name + ", called directly, p50", latency_of(std::move(direct)).p50, "ns"});
}

} // namespace

outcome remote_read(const options& options) {
  outcome o;
  const auto concepts = static_cast<std::uint32_t>(options.scaled(100'000));
  served_memory served({});
  concurrent_memory& memory = served.memory();
  learn_random_graph(memory, concepts, degree);
  const auto client = served.connect();
  std::vector<concept_id> ids;
  for (std::uint32_t i = 0; i < concepts; ++i)
    ids.push_back(concept_id::from_name(name_of(i)));
  tools::random_numbers random(5);
  concept_id a, b;
  const auto any = [&] { return ids[random.below(concepts)]; };

  question find{"find", [&] { a = any(); }, [&] { (void) or_throw(client->query_concept(a)); },
                [&] { (void) or_throw(memory.query_concept(a)); }};
  find.request_bytes = frame_bytes_of(wire::to_node(wire::asked{1, msg::find{any()}}));
  find.answer_bytes =
    frame_bytes_of(wire::to_client(wire::answered{1, or_throw(memory.query_concept(any()))}));
  question path{"path",
                [&] {
                  a = any();
                  b = any();
                },
                [&] { (void) or_throw(client->find_path(a, b)); },
                [&] { (void) or_throw(memory.find_path(a, b)); }};
  path.request_bytes = frame_bytes_of(wire::to_node(wire::asked{1, msg::find_path{any(), any()}}));
  msg::path_answer typical{1, true, {}};
  typical.path.hops.resize(5);
  path.answer_bytes = frame_bytes_of(wire::to_client(wire::answered{1, typical}));

  a = b = ids.front();
  const auto trips = static_cast<std::size_t>(std::max<std::uint64_t>(options.scaled(2'000), 50));
  measure(find, trips, o);
  measure(path, trips, o);
  o.notes.push_back(
    std::to_string(concepts) + " concepts, " + std::to_string(degree)
    + " associations of each; one client, one question at a time; what the same "
      "call takes on the memory itself, right before or behind, in turns, is taken off");
  o.notes.emplace_back("CAF echo: an event-based actor that CAF's middleman published on loopback, "
                       "asked for a string from a second actor system by a scoped_actor; workers "
                       "as ours");
  return o;
}

} // namespace cmem::bench
