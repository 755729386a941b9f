#include "tools/report.hpp"
#include "tools/shown.hpp"
#include "tools/store_commands.hpp"
#include "tools/store_opening.hpp"

namespace cmem::tools {

namespace {

/// One concept that may go, as JSON has it.
nlohmann::ordered_json due_json(const concept_view& c, retention_reason why, float strength) {
  nlohmann::ordered_json j;
  j["id"] = c.id().hex();
  if (!c.name().empty())
    put_text(j, "name", c.name());
  j["reason"] = to_string(why);
  j["strength"] = json_number(strength);
  j["last_accessed"] = format_time(c.last_accessed());
  if (const auto at = c.marks().expires_at)
    j["expires_at"] = format_time(*at);
  return j;
}

std::string due_line(const nlohmann::ordered_json& j, const concept_view& c) {
  std::string text = "  " + show_name(c.id(), c.name()) + ": " + j["reason"].get<std::string>()
                     + ", strength " + j["strength"].dump() + ", last accessed "
                     + j["last_accessed"].get<std::string>();
  if (j.contains("expires_at"))
    text += ", expires " + j["expires_at"].get<std::string>();
  return text + '\n';
}

} // namespace

int prune_command(const prune_arguments& a, const console& c) {
  store_opening how;
  how.write = !a.dry_run;
  if (const auto known = stored_manifest(c.files, a.store); !known || !*known)
    return fail(c, known ? failure{errc::not_found, a.store + " is no store; check the path"}
                         : known.error());
  const auto memory = open_store(a.store, how, c);
  if (!memory)
    return fail(c, memory.error());
  nlohmann::ordered_json due = nlohmann::ordered_json::array();
  const strength_decay decay{(*memory)->snapshot()->decay().half_life, (*memory)->now()};
  prune_options options;
  options.rules = {!a.keep_expired, a.min_strength,
                   static_cast<timestamp_us>(a.unused_for_s) * 1'000'000};
  options.dry_run = a.dry_run;
  std::uint64_t shown = 0;
  options.on_due = [&](const concept_view& v, retention_reason why) {
    if (shown++ >= a.limit)
      return;
    auto j = due_json(v, why, decay(v.stored_strength(), v.last_accessed()));
    if (!a.json)
      c.out << due_line(j, v);
    else
      due.push_back(std::move(j));
  };
  const auto r = (*memory)->prune(options);
  const close_report closed = (*memory)->close();
  if (!r)
    return fail(c, r.error());
  if (closed.store_error.code != errc::ok)
    return fail(c, closed.store_error);
  if (a.json) {
    nlohmann::ordered_json j;
    j["dry_run"] = a.dry_run;
    j["concepts"] = r->examined;
    j["expired"] = r->expired;
    j["faded"] = r->faded;
    j["unused"] = r->unused;
    j["pinned"] = r->pinned;
    j["payload_bytes"] = r->payload_bytes;
    j["forgotten"] = r->forgotten;
    j["due"] = std::move(due);
    c.out << dump(j) << '\n';
    return exit_ok;
  }
  if (shown > a.limit)
    c.out << "  and " << show_count(shown - a.limit) << " more, see --limit\n";
  c.out << show_count(r->due()) << " of " << show_count(r->examined) << " concepts "
        << (a.dry_run ? "would go: " : "were due: ") << show_count(r->expired) << " expired, "
        << show_count(r->faded) << " faded, " << show_count(r->unused) << " not used; "
        << show_count(r->payload_bytes) << " bytes of content and vectors; "
        << show_count(r->pinned) << " more are pinned\n";
  if (!a.dry_run)
    c.out << show_count(r->forgotten)
          << " were forgotten; `cmem compact` takes them from the files\n";
  return exit_ok;
}

} // namespace cmem::tools
