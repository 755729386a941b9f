// What a client keeps while connections come and go, with the node's side played by the test.

#include "actors/remote_link.hpp"
#include "messages/frame.hpp"
#include "tests/catch.hpp"

#include <deque>
#include <string>
#include <thread>

using namespace cmem;
using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;

namespace {

/// A node that says what the test has it say.
struct played_node {
  explicit played_node(const remote_options& o = {}) : link(o, [this] { ++wakes; }) {}

  /// The frames that the link has to send now.
  std::vector<wire::to_node> sent() {
    std::vector<char> bytes;
    link.next(bytes, std::size_t{1} << 20);
    frame_buffer frames;
    frames.append(bytes);
    std::vector<wire::to_node> all;
    for (;;) {
      const auto payload = frames.next(frame_bytes_max);
      REQUIRE(payload);
      if (!*payload)
        return all;
      kept.emplace_back(**payload);
      auto m = wire::read_to_node(kept.back()); // writes borrow from it
      REQUIRE(m);
      all.push_back(std::move(*m));
    }
  }
  /// The writes among them, as first-last; B for a batch.
  std::string sent_writes() {
    std::string text;
    for (const wire::to_node& m : sent())
      if (const auto* w = std::get_if<wire::writes>(&m))
        text += (text.empty() ? "" : " ") + std::to_string(w->first) + "-"
                + std::to_string(w->last()) + (w->as_batch ? "B" : "");
    return text;
  }
  void say(const wire::to_client& m) {
    std::vector<char> bytes;
    REQUIRE(wire::put(bytes, m, frame_bytes_max));
    const auto done =
      link.received({bytes.data() + frame_header_bytes, bytes.size() - frame_header_bytes});
    INFO((done ? "" : to_string(done.error())));
    REQUIRE(done);
  }
  void connect(wire::welcome w = {}) {
    if (w.frame_bytes == 0)
      w.frame_bytes = frame_bytes_default;
    w.level = level;
    say(w);
    (void) sent(); // asks for kinds
    wire::kind_names names{0, {}, 5};
    say(wire::answered{0, names});
  }
  ticket write(const write_op& o = op::record_access{"x"}) {
    const auto t = link.write(o);
    INFO((t ? "" : to_string(t.error())));
    REQUIRE(t);
    return *t;
  }

  int wakes = 0;
  durability level = durability::interval;
  std::deque<std::string> kept;
  remote_link link;
};

/// What was called back: "" before.
struct heard {
  remote_link::settlement_callback settled() {
    return [this](const result<settlement>& s) {
      text = !s                         ? to_string(s.error().code)
             : s->what == fate::applied ? "applied"
                                        : std::string(to_string(s->reason));
    };
  }
  remote_link::answer_callback answered() {
    return [this](const result<wire::answer>& a) {
      text = a ? "answer " + std::to_string(a->index()) : std::string(to_string(a.error().code));
    };
  }
  std::string text;
};

const auto later = remote_link::clock::now() + 1h;

} // namespace

TEST_CASE("nothing is taken before the first welcome") {
  played_node n;
  CHECK(n.link.write(op::record_access{"x"}).error().code == errc::unavailable);
  CHECK(n.link.state() == link_state::connecting);
  CHECK_FALSE(n.link.await_connected(1ms));
  n.connect();
  CHECK(n.link.state() == link_state::connected);
  CHECK(n.link.await_connected(1ms));
}

TEST_CASE("the first write goes at once, and what comes meanwhile makes the next frame") {
  played_node n;
  n.connect();
  n.write();
  CHECK(n.sent_writes() == "1-1");
  n.write();
  n.write();
  CHECK(n.sent_writes().empty());
  n.say(wire::visible{1, {}});
  CHECK(n.sent_writes() == "2-3");
  const std::vector<write_op> batch{op::record_access{"a"}, op::record_access{"b"}};
  n.write();
  CHECK(n.link.write_batch(batch)->number == 5);
  n.write();
  CHECK(n.sent_writes() == "4-4 5-5B");
  CHECK(n.link.unacknowledged() == 6);
}

TEST_CASE("a full frame does not wait") {
  remote_options o;
  o.batch_bytes = 200;
  played_node n(o);
  n.connect();
  for (int i = 0; i < 40; ++i)
    n.write(op::learn_concept{"a name of twenty bytes"});
  const std::string sent = n.sent_writes();
  CHECK_THAT(sent, ContainsSubstring("1-4 5-8 "));
  CHECK_THAT(sent, Catch::Matchers::EndsWith("37-40"));
}

TEST_CASE("who waits is told: applied, failed, durable") {
  played_node n;
  n.connect();
  heard a;
  heard b;
  heard c;
  heard on_disk;
  n.link.on_visible(n.write(), a.settled());
  const ticket second = n.write();
  n.link.on_visible(second, b.settled());
  n.link.on_durable(second, on_disk.settled());
  const ticket third = n.write();
  (void) n.sent();
  n.say(wire::visible{2, {{2, errc::not_found}}});
  CHECK(a.text == "applied");
  CHECK(b.text == "not_found");
  CHECK(on_disk.text.empty());
  n.link.on_visible(third, c.settled());
  CHECK(c.text.empty());
  n.say(wire::durable{2, {}});
  CHECK(on_disk.text == "not_found");
  n.say(wire::visible{3, {}});
  CHECK(c.text == "applied");
  n.link.on_visible(third, a.settled()); // known already
  CHECK(a.text == "applied");
  n.link.on_durable(third, on_disk.settled());
  n.say(wire::durable{3, {errc::disk_full, "no room"}});
  CHECK(on_disk.text == "disk_full");
  CHECK(n.link.unacknowledged() == 1); // kept: a node that starts again may take it
  n.link.on_visible({99, third.writer, third.memory}, a.settled());
  CHECK(a.text == "unknown");
}

TEST_CASE("a node without a store acknowledges by what is visible") {
  played_node n;
  n.level = durability::none;
  n.connect();
  const ticket t = n.write();
  heard a;
  n.link.on_durable(t, a.settled());
  CHECK(a.text == "not_durable");
  (void) n.sent();
  n.say(wire::visible{1, {}});
  CHECK(n.link.unacknowledged() == 0);
}

TEST_CASE("over a new connection all that is not acknowledged goes again") {
  played_node n;
  n.connect();
  n.write();
  (void) n.sent();
  n.write();
  n.say(wire::visible{1, {}});
  CHECK(n.sent_writes() == "2-2");
  heard a;
  n.link.ask(msg::find{}, later, a.answered());
  CHECK(n.sent().size() == 1);
  n.link.disconnected({errc::unavailable, "gone"});
  CHECK(n.link.state() == link_state::connecting);
  CHECK(n.link.trouble().detail == "gone");
  n.write(); // taken, and kept
  CHECK(n.sent().empty());
  CHECK(n.link.hello().next_write == 1);

  wire::welcome w;
  w.frame_bytes = frame_bytes_default;
  w.written = 2;
  w.level = n.level;
  n.say(w);
  CHECK(n.sent().size() == 2); // the question, and that for kinds
  n.say(wire::answered{0, wire::kind_names{5, {}, 5}});
  CHECK(n.sent_writes() == "1-1 2-2");
  n.say(wire::durable{2, {}});
  n.say(wire::visible{2, {}});
  CHECK(n.sent_writes() == "3-3");
  CHECK(a.text.empty());
  n.say(wire::answered{1, concept_record{}});
  CHECK(a.text == "answer 1");
}

TEST_CASE("what is not taken goes again, from there, and not before its time") {
  remote_options o;
  o.batch_bytes = 1;
  played_node n(o);
  n.connect();
  for (int i = 0; i < 3; ++i)
    n.write();
  CHECK(n.sent_writes() == "1-1 2-2 3-3");
  n.say(wire::not_taken{2, {errc::overloaded, "full"}, 40});
  std::vector<char> out;
  const auto until = n.link.next(out, 1'000);
  CHECK(out.empty());
  REQUIRE(until);
  std::this_thread::sleep_until(*until);
  CHECK(n.sent_writes() == "2-2 3-3");
}

TEST_CASE("what is not acknowledged is bounded") {
  remote_options o;
  o.unacknowledged_max = 3;
  played_node n(o);
  n.connect();
  for (int i = 0; i < 3; ++i)
    n.write();
  CHECK(n.link.write(op::record_access{"x"}).error().code == errc::overloaded);
  (void) n.sent();
  n.say(wire::visible{1, {}});
  CHECK(n.link.write(op::record_access{"x"}).error().code == errc::overloaded);
  n.say(wire::durable{1, {}});
  CHECK(n.write().number == 4);
}

TEST_CASE("questions end with their time, and say why there is no answer") {
  played_node n;
  n.connect();
  heard a;
  heard b;
  const auto now = remote_link::clock::now();
  n.link.ask(msg::find{}, now + 1s, a.answered());
  n.link.ask(msg::find{}, now + 3s, b.answered());
  n.link.expire(now + 2s);
  CHECK(a.text == "timed_out");
  n.link.disconnected({errc::unavailable, "gone"});
  n.link.expire(now + 4s);
  CHECK(b.text == "unavailable");
  n.connect();
  CHECK(n.sent().empty());
  n.say(wire::answered{1, concept_record{}}); // late
  CHECK(a.text == "timed_out");
}

TEST_CASE("an answer that failed is a failure, and one that is newer is unsupported") {
  played_node n;
  n.connect();
  heard a;
  n.link.ask(msg::find{}, later, a.answered());
  n.say(wire::answered{1, wire::failed{{errc::not_found, "none"}, 0}});
  CHECK(a.text == "not_found");
}

TEST_CASE("a closed link fails what is under way") {
  played_node n;
  n.connect();
  heard a;
  heard b;
  std::string states;
  n.link.on_state([&](link_state s, const failure&) { states += to_string(s); });
  n.link.on_durable(n.write(), a.settled());
  n.link.ask(msg::find{}, later, b.answered());
  n.link.close();
  CHECK(a.text == "closed");
  CHECK(b.text == "closed");
  CHECK(states == "closed");
  CHECK(n.link.write(op::record_access{"x"}).error().code == errc::closed);
  n.link.ask(msg::find{}, later, a.answered());
  CHECK(a.text == "closed");
  CHECK(n.sent().empty());
}

TEST_CASE("a node of another make is not gone on with") {
  played_node n;
  wire::welcome w;
  w.frame_bytes = frame_bytes_default;
  w.version = 9;
  CHECK(n.link.welcomed(w).error().code == errc::unsupported);
  CHECK(n.link.state() == link_state::closed);

  played_node m;
  m.connect();
  wire::welcome other;
  other.frame_bytes = frame_bytes_default;
  other.dimension = 7;
  m.link.disconnected({errc::unavailable, "gone"});
  CHECK(m.link.welcomed(other).error().code == errc::unsupported);
}

TEST_CASE("settings that cannot be are refused by name") {
  const auto refused = [](const remote_options& o) { return to_string(validate(o).error()); };
  CHECK_THAT(refused({.node = "::1"}), ContainsSubstring("node: "));
  CHECK_THAT(refused({.node = "here:0"}), ContainsSubstring("port 0"));
  CHECK_THAT(refused({.deadline = 0ms}), ContainsSubstring("deadline"));
  CHECK_THAT(refused({.backoff_min = 2s}), ContainsSubstring("backoff_max"));
  CHECK_THAT(refused({.unacknowledged_max = 0}), ContainsSubstring("unacknowledged_max"));
  CHECK(validate(remote_options{}));
}

TEST_CASE("a node that has forgotten kinds is told of them again, and other kinds are refused") {
  played_node n;
  n.connect();
  n.link.ask(wire::list_kinds{5}, later, [](const result<wire::answer>&) {});
  n.say(wire::answered{0, wire::kind_names{0, {}, 5}});
  const auto learn = [&](std::vector<std::string> names) {
    wire::welcome w;
    w.frame_bytes = frame_bytes_default;
    w.level = n.level;
    n.say(w);
    const auto count = static_cast<std::uint32_t>(names.size());
    (void) n.sent();
    n.say(wire::answered{0, wire::kind_names{0, std::move(names), count}});
  };
  const std::vector<std::string> built_in{"semantic", "causal", "temporal", "hierarchical",
                                          "compositional"};
  auto with_likes = built_in;
  with_likes.emplace_back("likes");
  learn(with_likes);
  CHECK(n.link.kinds().size() == 6);

  learn(built_in); // it was killed before anything was learned of the new one
  const auto again = n.sent();
  REQUIRE(again.size() == 1);
  const auto& asked = std::get<msg::register_kind>(std::get<wire::asked>(again[0]).what);
  CHECK(asked.name == "likes");
  n.say(wire::answered{0, wire::kind_registered{5}});
  n.say(wire::answered{0, wire::kind_names{0, with_likes, 6}});
  CHECK(n.link.await_connected(1ms));

  with_likes.back() = "hates"; // somebody else was faster
  learn(with_likes);
  CHECK(n.link.state() == link_state::closed);
  CHECK_THAT(n.link.trouble().detail, ContainsSubstring("kind 5 is `hates`"));
}
