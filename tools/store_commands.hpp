#pragma once
// The commands of `cmem` on a store. Each returns an exit code (cli.hpp) and writes what it found
// to the console's `out`, as text or as one JSON object.

#include "storage/limits.hpp"
#include "tools/cli.hpp"
#include "tools/traversal_arguments.hpp"

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace cmem::tools {

/// How vectors are kept by whoever merges segments: see config.
struct vector_arguments {
  bool keep_originals = true;
  std::uint32_t code_ratio = 4;
};

struct import_arguments {
  std::string store;
  std::string file; ///< "-": the console's `in`
  bool strict = false;
  bool json = false;
  std::optional<std::uint32_t> dimension = {};   ///< of vectors; unset: as the first one has
  std::optional<std::uint64_t> half_life_s = {}; ///< of strengths; unset: as the store has it
  vector_arguments vectors = {};
};

struct export_arguments {
  std::string store;
};

struct get_arguments {
  std::string store;
  std::string id;
  bool json = false;
};

struct neighbors_arguments {
  std::string store;
  std::string id;
  std::optional<std::string> kind = {};
  std::size_t limit = std::numeric_limits<std::size_t>::max();
  float min_confidence = 0.0F;
  bool incoming = false;
  bool json = false;
};

struct path_arguments {
  std::string store;
  std::string from;
  std::string to;
  std::uint32_t max_depth = 6;
  bool weighted = false;                        ///< most confident instead of fewest hops
  std::optional<std::size_t> alternatives = {}; ///< paths at most; unset: one
  traversal_arguments bounds = {};
  bool json = false;
};

struct expand_arguments {
  std::string store;
  std::vector<std::string> ids;
  std::uint32_t hops = 2;
  std::size_t max_concepts = 100;
  std::size_t max_associations = 1'000;
  traversal_arguments bounds = {};
  bool dot = false;
  bool json = false;
};

struct activate_arguments {
  std::string store;
  std::vector<std::string> ids;
  double energy = 1.0; ///< of each
  std::uint32_t hops = 3;
  double decay = 0.5;
  double threshold = 1e-3;
  std::size_t top = 10;
  bool fan = false;
  traversal_arguments bounds = {};
  bool json = false;
};

struct search_arguments {
  std::string store;
  std::vector<std::string> words;
  bool all_words = false;
  std::string vector = {};       ///< file; "-": the console's `in`; empty: none
  std::string metric = "cosine"; ///< or "inner-product", "l2"
  std::string prefix = {};
  std::vector<std::string> near = {};
  std::vector<std::string> attributes = {}; ///< KEY=VALUE
  float min_confidence = 0.0F;
  float min_strength = 0.0F;
  std::vector<std::string> ids = {};
  std::size_t limit = 10;
  bool exact = false;
  bool json = false;
};

struct store_arguments {
  std::string store;
  bool json = false;
};

struct compact_arguments {
  std::string store;
  bool json = false;
  vector_arguments vectors = {};
};

struct prune_arguments {
  std::string store;
  bool dry_run = false;
  bool keep_expired = false;
  float min_strength = 0.0F;      ///< 0: whatever it is
  std::uint64_t unused_for_s = 0; ///< 0: however long
  std::uint64_t limit = 100;      ///< concepts that are named
  bool json = false;
};

struct backup_arguments {
  std::string store;
  std::string directory;   ///< of the backup
  bool verify_all = false; ///< read all of it again, and not only what was copied
  bool copy = false;       ///< no links
  bool json = false;
};

struct inspect_arguments {
  std::string file;
  bool entries = false;      ///< of each batch in a log
  bool json = false;         ///< one object a line
  std::uint64_t limit = 200; ///< records shown, each with a line
};

/// JSON lines into a store, which is made if it is not there. A bad line is reported by its number;
/// it goes on unless `strict`. Where originals of vectors are not kept, all segments are merged
/// then, as compact does it. Ends by saying what is durable. exit_ok: every line is in the store
/// and on the disk.
int import_command(const import_arguments& a, const console& c);
/// JSON lines that import reads, in an order that the content alone decides: concepts by id, then
/// associations by ids of source and target and the kind's name.
int export_command(const export_arguments& a, const console& c);

class concept_source;

int get_command(const get_arguments& a, const console& c);
int neighbors_command(const neighbors_arguments& a, const console& c);
/// The same of a source that is open.
int get_from(const concept_source& from, const get_arguments& a, const console& c);
int neighbors_from(const concept_source& from, const neighbors_arguments& a, const console& c);
/// That there is no path is an answer: exit_ok.
int path_command(const path_arguments& a, const console& c);
/// Concepts within some hops of others, and the associations among them.
int expand_command(const expand_arguments& a, const console& c);
/// Concepts that spreading activation reaches, with the way that brought the most.
int activate_command(const activate_arguments& a, const console& c);
/// That nothing is found is an answer: exit_ok.
int search_command(const search_arguments& a, const console& c);
int stats_command(const store_arguments& a, const console& c);

/// Merges all segments into one, in which nothing is that was forgotten or replaced.
int compact_command(const compact_arguments& a, const console& c);

/// Forgets what has expired, faded or not been used, and says what and why. exit_ok: it is
/// forgotten, on the disk too; or it was a dry run, which writes nothing.
int prune_command(const prune_arguments& a, const console& c);

/// What the log holds goes into segments, so that the next opening reads none of it. exit_ok:
/// segments hold everything.
int checkpoint_command(const store_arguments& a, const console& c);
/// A store that nobody writes is checkpointed first, and backed up as a whole; one that another
/// process writes, as of its last checkpoint, and `err` says so. exit_ok: the backup is there,
/// verified and durable.
int backup_command(const backup_arguments& a, const console& c);
/// exit_ok: the store is there, verified and durable.
int restore_command(const backup_arguments& a, const console& c);

/// Reads every checksum of every file, and the log's records down to their fields. exit_ok: all are
/// right. A torn tail, as crashes leave it, is noted, and right.
int verify_command(const store_arguments& a, const console& c);
/// One file of a store, for people. Needs no other file and takes no lock.
int inspect_command(const inspect_arguments& a, const console& c);

} // namespace cmem::tools
