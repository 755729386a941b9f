// D3: every bit of a small store, wrong in turn. Whoever opens it and reads everything gets an
// error that names the file, or exactly what was there.

#include "storage/cold_reader.hpp"
#include "tests/storage/model.hpp"
#include "tests/storage/store_fixture.hpp"

#include <map>

using namespace cmem;
using namespace cmem::test;

namespace {

using files = std::map<std::string, std::vector<std::byte>>;

const std::vector<std::string> concept_names{"cat", "dog",    "bird",  "fish",   "tree",
                                             "sun", "nobody", "after", "beyond", "last"};

/// What was done last: a commit, a flush or the closing; then the power was cut.
enum class ending : std::uint8_t { in_log, flushed, closed };

/// A small store of two segments and a log with a tail, and all that may be read of it.
class small_store {
public:
  explicit small_store(ending how) {
    store_fixture s(7);
    settle(s.options);
    if (how != ending::in_log)
      s.options.store->log.spares_max = 0; // no log is left of what was flushed
    s.open();
    learn(s, how == ending::in_log);
    if (how == ending::closed)
      REQUIRE(s.close().code == errc::ok);
    s.cut_power();
    const env e(s.disk);
    const auto names = e.list("/s");
    REQUIRE(names);
    for (const std::string& name : *names)
      image["/s/" + name] = s.disk->content("/s/" + name);
    s.open();
    text = text_of(*s.memory->load());
    CHECK(text == tail_texts.back());
    s.memory.reset();
    checkpoint_text = cold_text(put());
  }

  /// On a disk of its own, one bit of a file flipped if a path is given.
  std::shared_ptr<fault_env> put(const std::string& path = "", std::size_t bit = 0) const {
    auto disk = std::make_shared<fault_env>(1);
    REQUIRE(disk->make_directory("/s") == 0);
    for (const auto& [name, bytes] : image) {
      disk->close(static_cast<int>(disk->open(name, open_mode::create)));
      if (name != path) {
        disk->set_content(name, bytes);
        continue;
      }
      auto bad = bytes;
      bad[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
      disk->set_content(name, bad);
    }
    return disk;
  }
  /// All that an engine shows, or its failure.
  std::string engine_text(const std::shared_ptr<fault_env>& disk, bool read_only) const {
    store_fixture s;
    settle(s.options);
    s.disk = disk;
    s.options.store->files = env(disk);
    s.options.store->read_only = read_only;
    if (const failure f = s.try_open(); f.code != errc::ok)
      return "failure: " + to_string(f);
    return text_of(*s.memory->load());
  }
  /// All that a cold reader shows of the names, or its failure.
  static std::string cold_text(const std::shared_ptr<fault_env>& disk) {
    const auto reader = cold_reader::open(env(disk), "/s");
    if (!reader)
      return "failure: " + to_string(reader.error());
    std::string text;
    for (const std::string& name : concept_names) {
      const auto id = concept_id::from_name(name);
      const auto got = reader->get(id);
      if (!got)
        return "failure: " + to_string(got.error());
      if (!*got)
        continue;
      text += model::describe(**got);
      const auto list = reader->neighbors(id);
      if (!list)
        return "failure: " + to_string(list.error());
      for (const association_record& a : *list)
        text += model::describe(a);
    }
    for (const std::string& kind : reader->store().kinds)
      text += kind + " ";
    return text;
  }

  files image;
  std::string text;
  std::string checkpoint_text;
  /// After each record of the log's tail, the state before it first. What a record proves durable
  /// is what came before it, so the last one alone may go unnoticed.
  std::vector<std::string> tail_texts;

private:
  static void settle(engine_options& o) {
    o.vector_dimension = 2;
    o.arena_bytes = arena_bytes_min;
  }
  void learn(store_fixture& s, bool with_tail) {
    const float v[] = {1.0F, -0.5F};
    const attribute_update colour{"colour", "red"};
    REQUIRE(s.memory->kinds().add("rhymes with"));
    for (std::size_t i = 0; i != 6; ++i) {
      s.write(op::learn_concept{concept_names[i], std::string(40 * i, static_cast<char>('a' + i)),
                                i % 2 == 0 ? std::span<const float>(v) : std::span<const float>(),
                                static_cast<float>(i), 0.5F});
      s.write(op::learn_association{concept_names[i], concept_names[(i + 1) % 6],
                                    static_cast<kind_id>(i), 0.5F, 2.0F});
    }
    s.write(op::learn_association{"cat", "nobody"});
    s.write(op::set_attributes{"cat", {&colour, 1}});
    flush(s);
    s.write(op::record_access{"cat"}); // the rest of it stays in the older segment
    s.write(op::forget_concept{"dog"});
    s.write(op::learn_concept{"bird", "sings"});
    flush(s);
    tail_texts.push_back(text_of(*s.memory->load()));
    for (std::size_t i = 7; with_tail && i != concept_names.size(); ++i) {
      s.now += 10;
      s.write(op::learn_concept{concept_names[i], "in the log"});
      s.write(op::learn_association{concept_names[i], "cat"});
      s.reconcile();
      (void) s.commit();
      tail_texts.push_back(text_of(*s.memory->load()));
    }
  }
  static void flush(store_fixture& s) {
    s.memory->ask_for_flush();
    s.reconcile();
    REQUIRE(s.memory->flush_due());
    const auto done = s.memory->flush();
    REQUIRE(done);
  }
};

/// What flipping a bit led to, in figures.
struct outcome {
  std::size_t flips = 0;
  std::size_t engines = 0; // of them, opened by these too
  std::size_t refused = 0;
  std::size_t shorter = 0; // the log's last record was taken for a torn tail
};

class sweeper {
public:
  explicit sweeper(const small_store& of) : of_(of) {}

  /// `engines`: not a cold reader alone, which is much faster.
  void flip(const std::string& path, std::size_t bit, bool engines) {
    const auto disk = of_.put(path, bit);
    const std::string name = path.substr(path.rfind('/') + 1);
    INFO(path << ", byte " << bit / 8 << ", bit " << bit % 8);
    ++counted.flips;
    check("cold reader", name, small_store::cold_text(disk), of_.checkpoint_text);
    if (!engines)
      return;
    ++counted.engines;
    check("read-only", name, of_.engine_text(disk, true), of_.text);
    // Last, for it mends.
    check("engine", name, of_.engine_text(disk, false), of_.text);
  }

  outcome counted;

private:
  void check(std::string_view who, const std::string& file, const std::string& got,
             const std::string& expected) {
    if (got == expected)
      return;
    if (got.starts_with("failure: ") && got.find(file) != std::string::npos) {
      ++counted.refused;
      return;
    }
    // The last record of the log: nothing proves that it was on the disk as a whole.
    if (who != "cold reader" && file.ends_with(".log") && of_.tail_texts.size() > 1
        && got == of_.tail_texts[of_.tail_texts.size() - 2]) {
      ++counted.shorter;
      return;
    }
    INFO(who);
    REQUIRE(got == expected);
  }

  const small_store& of_;
};

} // namespace

TEST_CASE("D3: any bit of a store, wrong: an error that names the file, or what was there") {
  const ending how = GENERATE(ending::in_log, ending::flushed, ending::closed);
  INFO("ending " << static_cast<int>(how));
  const small_store s(how);
  splitmix random(1);
  sweeper all(s);
  for (const auto& [path, content] : s.image)
    for (std::size_t byte = 0; byte != content.size(); ++byte) {
      // Zeros come in long rows, and few of them say anything.
      const bool dense = byte < 64 || content[byte] != std::byte{0};
      for (std::size_t bit = 8 * byte; bit != 8 * byte + 8; ++bit)
        if (random.below(1'000'000) < sweep(dense ? 1'000'000 : 250'000))
          all.flip(path, bit, random.below(1'000'000) < (dense ? 200'000 : 8'000));
    }
  CHECK(all.counted.flips > sweep(50'000));
  CHECK(all.counted.engines > sweep(4'000));
  CHECK(all.counted.refused > all.counted.flips / 50);
  CHECK((all.counted.shorter != 0) == (how == ending::in_log));
}

TEST_CASE("D3: what a store does not use may say anything: slack, spare space, old files") {
  const small_store s(GENERATE(ending::in_log, ending::flushed, ending::closed));
  const auto whole = [&](const files& image) {
    small_store other = s;
    other.image = image;
    CHECK(small_store::cold_text(other.put()) == s.checkpoint_text);
    CHECK(other.engine_text(other.put(), true) == s.text);
    CHECK(other.engine_text(other.put(), false) == s.text);
  };
  files image = s.image;
  auto& m = image.at("/s/MANIFEST");
  for (const std::size_t root : {0U, 4096U}) // between the roots, and up to the bodies
    std::fill(m.begin() + static_cast<std::ptrdiff_t>(root) + 512,
              m.begin() + static_cast<std::ptrdiff_t>(root) + 4096, std::byte{0xA5});
  whole(image);
  image["/s/notes.txt"] = {std::byte{1}};
  image["/s/MANIFEST.new"] = {std::byte{2}};             // of a creation that was cut off
  image["/s/segment-99.cmseg"] = {std::byte{3}};         // of a flush
  image["/s/wal-77.log"] = std::vector<std::byte>(4096); // made ready and not used
  whole(image);
}
