#include "actors/client_ledger.hpp"

#include "actors/concurrent_memory.hpp"
#include "tests/catch.hpp"

#include <algorithm>
#include <memory>
#include <string>

using namespace cmem;

namespace {

const concept_id a = concept_id::from_name("client a");
const concept_id b = concept_id::from_name("client b");
const concept_id c = concept_id::from_name("client c");
const concept_id d = concept_id::from_name("client d");

/// A memory, the ledger of a node on it, and what the node does with the two.
struct ledger_fixture {
  explicit ledger_fixture(std::size_t clients_max) : clients_max(clients_max) {
    config settings;
    settings.clock = [this] { return now; };
    auto opened = concurrent_memory::open(std::move(settings));
    REQUIRE(opened);
    memory = std::move(opened).value();
    read_again();
  }

  void read_again() { ledger = std::make_unique<client_ledger>(*memory->snapshot(), clients_max); }
  void write(const std::vector<write_op>& ops) {
    ++now;
    const auto t = memory->write_together(ops);
    REQUIRE(t);
    REQUIRE(memory->await_visible({t->number + ops.size() - 1, t->writer, t->memory}));
  }
  /// Takes writes up to that number, which are not acknowledged yet.
  void take(const concept_id& client, std::uint64_t last) {
    std::vector<write_op> ops;
    ledger->mark(client, last, ops);
    write(ops);
    ledger->marked(client, last);
  }
  void acknowledge(const concept_id& client) {
    client_record& r = *ledger->find(client);
    r.visible = r.durable = r.taken;
  }
  void finish(const concept_id& client, std::uint64_t last) {
    take(client, last);
    acknowledge(client);
    ledger->find(client)->marked = true; // visible
  }
  /// E.g. "a 7, b 9".
  [[nodiscard]] std::string known() const {
    std::string out;
    for (const auto& [name, id] : {std::pair{"a", a}, {"b", b}, {"c", c}, {"d", d}})
      if (const client_record* r = ledger->find(id))
        out += (out.empty() ? "" : ", ") + std::string(name) + " " + std::to_string(r->taken);
    return out;
  }
  [[nodiscard]] std::size_t markers() const {
    const auto found = memory->query_neighbors(client_ledger::root_name);
    return found ? found->size() : 0;
  }

  std::size_t clients_max;
  timestamp_us now = 1;
  std::unique_ptr<concurrent_memory> memory;
  std::unique_ptr<client_ledger> ledger;
};

} // namespace

TEST_CASE("a ledger reads back what it marked") {
  ledger_fixture f(10);
  CHECK(f.known().empty());
  CHECK(f.ledger->find(a) == nullptr);
  f.finish(a, 7);
  f.finish(b, 9);
  f.finish(a, 8);
  CHECK(f.known() == "a 8, b 9");
  f.read_again();
  CHECK(f.known() == "a 8, b 9");
  const client_record& r = *f.ledger->find(a);
  CHECK(r.visible == 8);
  CHECK(r.durable == 8);
  CHECK(r.marked);
  CHECK(f.markers() == 2);
}

TEST_CASE("a client that is known costs one operation more") {
  ledger_fixture f(10);
  std::vector<write_op> ops;
  f.ledger->mark(a, 1, ops);
  CHECK(ops.size() == 5);
  f.finish(a, 1);
  for (int again = 0; again != 2; ++again) {
    ops.clear();
    f.ledger->mark(a, 2, ops);
    CHECK(ops.size() == 1);
    f.read_again();
  }
}

TEST_CASE("until its marker is known to be there, it is written whole") {
  ledger_fixture f(10);
  std::vector<write_op> ops;
  f.ledger->mark(a, 1, ops);
  f.ledger->marked(a, 1); // and fails, or is dropped
  ops.clear();
  f.ledger->mark(a, 2, ops);
  CHECK(ops.size() == 5);
}

TEST_CASE("a mark that was not written changes nothing") {
  ledger_fixture f(1);
  f.finish(a, 7);
  std::vector<write_op> ops;
  f.ledger->mark(b, 3, ops); // would forget a
  ops.clear();
  f.ledger->mark(a, 8, ops);
  f.write(ops);
  f.ledger->marked(a, 8);
  CHECK(f.ledger->find(a)->taken == 8);
  f.read_again();
  CHECK(f.known() == "a 8");
}

TEST_CASE("over clients_max, who has not written for longest is forgotten") {
  ledger_fixture f(2);
  f.finish(a, 1);
  f.finish(b, 2);
  f.finish(a, 3);
  f.finish(c, 4);
  CHECK(f.known() == "a 3, c 4");
  f.read_again();
  CHECK(f.known() == "a 3, c 4");
  f.finish(b, 5); // as new
  CHECK(f.known() == "b 5, c 4");
  f.finish(d, 6);
  f.read_again();
  CHECK(f.known() == "b 5, d 6");
  CHECK(f.markers() == 2);
}

TEST_CASE("who has writes under way is not forgotten") {
  ledger_fixture f(1);
  f.take(a, 1); // not on the disk
  f.take(b, 2);
  CHECK(f.known() == "a 1, b 2");
  f.acknowledge(a);
  f.ledger->find(a)->unseen.emplace_back(); // not visible
  f.take(c, 3);
  CHECK(f.known() == "a 1, b 2, c 3");
  f.ledger->find(a)->unseen.clear();
  f.take(d, 4);
  CHECK(f.known() == "b 2, c 3, d 4");
  f.read_again();
  CHECK(f.known() == "b 2, c 3, d 4");
}

TEST_CASE("markers that say nothing sensible are passed over") {
  ledger_fixture f(10);
  f.finish(a, 7);
  const std::string prefix(client_ledger::marker_prefix);
  const std::string of_b = prefix + b.hex();
  const std::string of_c = prefix + c.hex();
  const std::string of_nobody = prefix + "nobody";
  std::vector<write_op> ops{op::learn_concept{of_b, "12x"}, op::learn_concept{of_c, ""},
                            op::learn_concept{of_nobody, "3"}, op::learn_concept{"rain", "4"}};
  for (const std::string_view name : {std::string_view(of_b), std::string_view(of_c),
                                      std::string_view(of_nobody), std::string_view("rain")})
    ops.push_back(op::learn_association{client_ledger::root_name, name, kinds::hierarchical});
  f.write(ops);
  f.read_again();
  CHECK(f.known() == "a 7");
  CHECK(f.ledger->size() == 1);
}
