#include "bench/benches.hpp"
#include "bench/redis_server.hpp"
#include "bench/scratch_directory.hpp"
#include "bench/served_memory.hpp"
#include "bench/workbench.hpp"

#include <array>
#include <charconv>
#include <thread>

namespace cmem::bench {
namespace {

constexpr std::uint64_t entries_full = 2'000'000;
constexpr std::uint64_t concepts_max = 100'000;
constexpr std::size_t pipeline = 1'000;

struct learned {
  bool association = false;
  std::uint32_t source = 0;
  std::uint32_t target = 0;
  float confidence = 1.0F;
};

/// One concept to three associations among those that were learned before; concepts come round
/// again. Equal numbers of entries give equal lists.
std::vector<learned> make_entries(std::uint64_t n) {
  tools::random_numbers random(17);
  std::vector<learned> all(n);
  std::uint64_t concepts = 0;
  for (std::uint64_t i = 0; i < n; ++i) {
    learned& e = all[i];
    e.association = i % 4 != 0;
    e.confidence = static_cast<float>(1 + random.below(1'000)) / 1'000;
    if (!e.association) {
      e.source = static_cast<std::uint32_t>(concepts++ % concepts_max);
      continue;
    }
    const std::uint64_t known = std::min(concepts, concepts_max);
    e.source = static_cast<std::uint32_t>(random.below(known));
    e.target = static_cast<std::uint32_t>(random.below(known));
  }
  return all;
}

struct named_concepts {
  std::vector<std::string> names;
  std::vector<concept_id> ids;

  named_concepts() {
    for (std::uint32_t i = 0; i < concepts_max; ++i) {
      names.push_back(name_of(i));
      ids.push_back(concept_id::from_name(names.back()));
    }
  }
};

std::string content_of(std::uint64_t entry) {
  std::string content = "what was learned of it, as of entry " + std::to_string(entry) + ' ';
  content.resize(60, '.');
  return content;
}

class remote_rig {
public:
  remote_rig(const scratch_directory& scratch, std::uint64_t entries)
    : scratch_(scratch), entries_(make_entries(entries)) {}

  double ours() {
    config c;
    c.storage_path = fresh("cmem");
    served_memory served(c);
    const auto client = served.connect();
    stopwatch watch;
    for (std::uint64_t i = 0; i < entries_.size(); ++i)
      write(*client, i);
    if (!client->drain(std::chrono::minutes(5)))
      throw std::runtime_error("writes were not acknowledged");
    const double took = watch.seconds();
    const auto concepts = std::min<std::uint64_t>((entries_.size() + 3) / 4, concepts_max);
    if (served.memory().snapshot()->concept_count() < concepts)
      throw std::logic_error("not all was learned");
    return static_cast<double>(entries_.size()) / took;
  }

  /// Precondition: there is one.
  double redis() {
    const auto server = redis_server::start(fresh("redis"));
    redis_client client(server->port());
    stopwatch watch;
    for (std::uint64_t i = 0; i < entries_.size();) {
      std::uint64_t sent = 0;
      for (; sent < pipeline && i < entries_.size(); ++sent)
        put(client, i++);
      client.send(sent, 4 * pipeline);
    }
    client.send(0, 0);
    return static_cast<double>(entries_.size()) / watch.seconds();
  }


private:
  std::string fresh(const std::string& whose) {
    return scratch_.at(whose + '-' + std::to_string(++stores_));
  }

  void write(remote_memory& client, std::uint64_t i) {
    const learned& e = entries_[i];
    const concept_id& source = all_.ids[e.source];
    std::string content;
    write_op o = op::record_access{source};
    if (e.association) {
      o = op::learn_association{source, all_.ids[e.target], kinds::semantic, e.confidence};
    } else {
      content = content_of(i);
      o = op::learn_concept{.id = concept_ref(source, all_.names[e.source]),
                            .content = content,
                            .confidence = e.confidence};
    }
    for (;;) {
      const auto t = client.write(o);
      if (t)
        return;
      if (t.error().code != errc::overloaded)
        throw std::runtime_error(to_string(t.error()));
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }

  void put(redis_client& client, std::uint64_t i) {
    const learned& e = entries_[i];
    std::array<char, 32> number;
    const auto end = std::to_chars(number.data(), number.data() + number.size(), e.confidence).ptr;
    const std::string_view confidence(number.data(), static_cast<std::size_t>(end - number.data()));
    const std::string& source = all_.names[e.source];
    if (e.association) {
      key_.assign(source).append(":0");
      client.command(4);
      client.word("ZADD");
      client.word(key_);
      client.word(confidence);
      client.word(all_.names[e.target]);
      return;
    }
    client.command(8);
    client.word("HSET");
    client.word(source);
    client.word("content");
    client.word(content_of(i));
    client.word("strength");
    client.word("1");
    client.word("confidence");
    client.word(confidence);
  }

  const scratch_directory& scratch_;
  const std::vector<learned> entries_;
  const named_concepts all_;
  std::string key_;
  int stores_ = 0;
};

} // namespace

outcome remote(const options& options) {
  outcome o;
  const scratch_directory scratch(options);
  remote_rig rig(scratch, options.scaled(entries_full));
  const bool beside_redis = redis_server::start(scratch.at("redis")) != nullptr;
  std::vector<window> windows = {[&] { return rig.ours(); }};
  if (beside_redis)
    windows.emplace_back([&] { return rig.redis(); });
  const auto medians = take_turns(windows);
  o.rows.push_back({"from one client, durable", medians[0], "entries/s", "", 0, at_least(500'000)});
  if (beside_redis)
    o.rows.push_back(
      {"beside Redis", medians[0], "entries/s", "Redis", medians[1], ratio_at_least(1)});
  o.notes.push_back(std::to_string(options.scaled(entries_full))
                    + " entries: one concept (60 bytes, a name of 20) to three associations among "
                      "100,000 concepts, single writes of one thread, until all are acknowledged "
                      "durable (level `interval`); on "
                    + scratch.file_system());
  o.notes.push_back(beside_redis ? redis_server::settings()
                                 : "Redis is left out: there is no redis-server on this machine");
  return o;
}

} // namespace cmem::bench
