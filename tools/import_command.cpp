#include "tools/compacting.hpp"
#include "tools/importer.hpp"
#include "tools/line_source.hpp"
#include "tools/report.hpp"
#include "tools/status_line.hpp"
#include "tools/store_commands.hpp"
#include "tools/store_opening.hpp"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>

namespace cmem::tools {
namespace {

namespace fs = std::filesystem;

/// How far a pipe is read ahead for the first vector.
constexpr std::uint64_t ahead_bytes_max = std::uint64_t{16} << 20;
/// So that the log decides: small segments of a graph that grows say the same lists many times.
constexpr std::size_t flush_concepts_of_import = 2'000'000;
constexpr std::uint64_t log_file_bytes_max_of_import = std::uint64_t{64} << 20;

struct input {
  std::string name;
  std::ifstream file;      // closed: standard input
  std::uint64_t bytes = 0; // of a file, 0 where nobody knows
};

result<void> open_input(const std::string& name, input& in) {
  in.name = name;
  if (name == "-") {
    in.name = "standard input";
    return {};
  }
  in.file.open(name, std::ios::binary);
  std::error_code none;
  if (!in.file || fs::is_directory(name, none))
    return failure{errc::io_error, name + ": cannot be read; give a file of JSON lines, or -"};
  if (fs::is_regular_file(name, none))
    in.bytes = fs::file_size(name, none);
  return {};
}

/// What the store's vectors have to be, where nobody said so and there is no store yet.
std::uint32_t dimension_of(const input& in, line_source& lines) {
  if (in.bytes == 0)
    return lines.first_dimension(ahead_bytes_max, true);
  std::ifstream again(in.name, std::ios::binary);
  return line_source(again).first_dimension(~std::uint64_t{0}, false);
}

struct outcome {
  std::optional<failure> broken; // why it stopped, or is not durable
  bool stopped = false;          // by a bad line
  double seconds = 0;
};

class import_run {
public:
  import_run(const import_arguments& a, const console& c, input& in, line_source& lines,
             concurrent_memory& memory)
    : arguments_(a),
      input_(in),
      lines_(lines),
      status_(c),
      importer_(memory, [this, &c](std::uint64_t line, const failure& why) {
        status_.clear();
        const bool syntax = why.code == errc::parse_error;
        c.err << input_.name << ':' << line << ": " << (syntax ? why.detail : to_string(why))
              << '\n';
      }) {}

  outcome run() {
    const auto begin = std::chrono::steady_clock::now();
    const auto seconds = [begin] {
      return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    };
    outcome all;
    for (line_source::line l; !all.broken && !stop() && lines_.next(l);) {
      if (auto taken = take(l); !taken)
        all.broken = taken.error();
      if ((l.number & 0xFFU) == 0 && status_.due())
        status_.show(progress(seconds()));
    }
    if (!all.broken && lines_.failed())
      all.broken = failure{errc::io_error, input_.name + ": reading stopped before the end"};
    if (auto finished = importer_.finish(); !finished && !all.broken)
      all.broken = finished.error();
    all.stopped = stop();
    all.seconds = seconds();
    return all;
  }
  [[nodiscard]] const import_counts& counts() const noexcept { return importer_.counts(); }

private:
  [[nodiscard]] bool stop() const noexcept { return arguments_.strict && counts().bad != 0; }

  result<void> take(const line_source::line& l) {
    if (l.too_long) {
      importer_.refuse(l.number,
                       {errc::parse_error,
                        "has more than " + std::to_string(line_source::line_bytes_max) + " bytes"});
      return {};
    }
    if (l.text.find_first_not_of(" \t\r") == std::string_view::npos)
      return {};
    return importer_.add(l.number, l.text);
  }

  [[nodiscard]] std::string progress(double seconds) const {
    const import_counts& n = counts();
    std::string text = "import: " + show_count(n.lines) + " lines, "
                       + show_count(static_cast<std::uint64_t>(static_cast<double>(n.lines)
                                                               / std::max(seconds, 1e-9)))
                       + "/s";
    if (input_.bytes != 0)
      text += ", " + std::to_string(lines_.bytes() * 100 / input_.bytes) + " %";
    return text + ", " + show_count(n.bad) + " bad";
  }

  const import_arguments& arguments_;
  const input& input_;
  line_source& lines_;
  status_line status_;
  importer importer_;
};

void print_text(const console& c, const std::string& store, const import_counts& n,
                const outcome& o, const memory_stats& s) {
  const auto rate = static_cast<double>(n.lines) / std::max(o.seconds, 1e-9);
  c.out << show_count(n.lines) << " lines at " << show_count(static_cast<std::uint64_t>(rate))
        << "/s: " << show_count(n.concepts) << " concepts, " << show_count(n.associations)
        << " associations, " << show_count(n.bad) << " bad lines\n"
        << store << " holds " << show_count(s.snapshot.concept_count) << " concepts and "
        << show_count(s.snapshot.edge_count) << " associations\n";
  if (s.storage.durable_sequence >= s.snapshot.sequence)
    c.out << "durable: all of it, up to sequence " << s.storage.durable_sequence
          << (s.storage.checkpoint >= s.snapshot.sequence
                ? "; flushed: segments hold all of it\n"
                : "; flushed up to sequence " + std::to_string(s.storage.checkpoint)
                    + ": the log holds the rest\n");
  else
    c.out << "NOT DURABLE: on the disk up to sequence " << s.storage.durable_sequence << " of "
          << s.snapshot.sequence << '\n';
}

void print_json(const console& c, const import_counts& n, const outcome& o, const memory_stats& s) {
  nlohmann::ordered_json j;
  j["lines"] = n.lines;
  j["concepts"] = n.concepts;
  j["associations"] = n.associations;
  j["bad_lines"] = n.bad;
  j["stopped"] = o.stopped || o.broken;
  j["seconds"] = o.seconds;
  j["lines_per_s"] = static_cast<double>(n.lines) / std::max(o.seconds, 1e-9);
  j["sequence"] = s.snapshot.sequence;
  j["durable_sequence"] = s.storage.durable_sequence;
  j["durable"] = s.storage.durable_sequence >= s.snapshot.sequence;
  j["flushed_sequence"] = s.storage.checkpoint;
  c.out << j.dump(2) << '\n';
}

} // namespace

int import_command(const import_arguments& a, const console& c) {
  input in;
  if (const auto opened = open_input(a.file, in); !opened)
    return fail(c, opened.error());
  line_source lines(a.file == "-" ? c.in : in.file);
  store_opening how;
  how.write = true;
  how.strength_half_life_s = a.half_life_s;
  how.keep_originals = a.vectors.keep_originals;
  how.vector_code_ratio = a.vectors.code_ratio;
  how.flush_concepts = flush_concepts_of_import;
  how.log_file_bytes =
    in.bytes == 0 ? log_file_bytes_max_of_import
                  : std::clamp(in.bytes, std::uint64_t{1} << 16, log_file_bytes_max_of_import);
  const auto known = stored_manifest(c.files, a.store);
  if (!known)
    return fail(c, known.error());
  if (a.dimension && *known && *a.dimension != (*known)->vector_dimension)
    return fail(c, {errc::invalid_argument,
                    "--dimension " + std::to_string(*a.dimension) + ": the vectors of " + a.store
                      + " have " + std::to_string((*known)->vector_dimension) + " numbers"});
  if (!*known)
    how.vector_dimension = a.dimension ? *a.dimension : dimension_of(in, lines);
  const auto memory = open_store(a.store, how, c);
  if (!memory)
    return fail(c, memory.error());
  import_run run(a, c, in, lines, **memory);
  outcome all = run.run();
  if (!a.vectors.keep_originals && !all.broken)
    if (const auto done = compact_all(**memory, c); !done)
      all.broken = done.error();
  const close_report closed = (*memory)->close();
  const memory_stats s = (*memory)->stats();
  if (a.json)
    print_json(c, run.counts(), all, s);
  else
    print_text(c, a.store, run.counts(), all, s);
  if (all.stopped)
    c.err << "cmem: stopped at a bad line, as --strict says\n";
  if (all.broken)
    return fail(c, *all.broken);
  const bool durable = closed.not_durable == 0 && closed.store_error.code == errc::ok;
  return durable && run.counts().bad == 0 ? exit_ok : exit_missed;
}

} // namespace cmem::tools
