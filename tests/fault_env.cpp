#include "tests/fault_env.hpp"

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <utility>

namespace cmem::test {

namespace {

constexpr std::uint32_t bit(fault f) noexcept { return 1U << static_cast<unsigned>(f); }

constexpr std::uint32_t any_call = bit(fault::eio) | bit(fault::power_off);
constexpr std::uint32_t blocking = any_call | bit(fault::eintr);
constexpr std::uint32_t taking_space = any_call | bit(fault::enospc);
constexpr std::uint32_t reading = bit(fault::bit_flip) | bit(fault::truncation);

} // namespace

std::string_view to_string(fault f) noexcept {
  constexpr std::array<std::string_view, faults> names{
    "eio", "enospc", "short_io", "eintr", "sync_eio", "bit_flip", "truncation", "power_off"};
  return names[static_cast<std::size_t>(f)];
}

fault_env::fault_env(std::uint64_t seed) : root_(std::make_shared<inode>()), random_(seed) {
  root_->directory = true;
}

fault_env::~fault_env() = default;

// -- control
// ---------------------------------------------------------------------------------------

void fault_env::inject(fault f, std::uint64_t n, bool for_ever) {
  const std::lock_guard guard(mutex_);
  plan_ = plan{f, n, for_ever};
  hit_ = false;
  hit_call_.clear();
}

void fault_env::heal() {
  const std::lock_guard guard(mutex_);
  plan_.reset();
}

bool fault_env::hit() const {
  const std::lock_guard guard(mutex_);
  return hit_;
}

std::string fault_env::hit_call() const {
  const std::lock_guard guard(mutex_);
  return hit_call_;
}

std::uint64_t fault_env::sites(fault f) const {
  const std::lock_guard guard(mutex_);
  return sites_[static_cast<std::size_t>(f)];
}

std::string fault_env::last_call() const {
  const std::lock_guard guard(mutex_);
  return last_call_;
}

void fault_env::forget_process() {
  descriptors_.clear();
  locks_.clear();
  powered_off_ = false;
  plan_.reset();
}

void fault_env::power_cut(std::uint64_t seed) {
  const std::lock_guard guard(mutex_);
  splitmix random(seed);
  // All that a name leads to, or may lead to once its directory has settled.
  std::vector<std::shared_ptr<inode>> reached{root_};
  const auto reach = [&](const std::shared_ptr<inode>& i) {
    if (i != nullptr && std::find(reached.begin(), reached.end(), i) == reached.end())
      reached.push_back(i);
  };
  for (std::size_t i = 0; i != reached.size(); ++i) {
    const std::shared_ptr<inode> at = reached[i];
    for (const auto& [name, target] : at->names_disk)
      reach(target);
    for (const inode::change& c : at->changes)
      reach(c.target);
    for (const auto& [name, target] : at->names_now)
      reach(target);
  }
  for (const auto& i : reached)
    i->settle(random);
  for (const auto& i : reached)
    i->restart();
  forget_process();
}

void fault_env::kill() {
  const std::lock_guard guard(mutex_);
  forget_process();
}

void fault_env::set_capacity(std::uint64_t bytes) {
  const std::lock_guard guard(mutex_);
  capacity_ = bytes;
}

void fault_env::advance_us(std::int64_t by) {
  const std::lock_guard guard(mutex_);
  now_us_ += by;
}

std::vector<std::byte> fault_env::content(const std::string& path) const {
  const std::lock_guard guard(mutex_);
  const auto at = find(path);
  return at && at->there ? at->there->now : std::vector<std::byte>{};
}

void fault_env::set_content(const std::string& path, const std::vector<std::byte>& bytes) {
  const std::lock_guard guard(mutex_);
  const auto at = find(path);
  assert(at && at->there && !at->there->directory);
  at->there->clean();
  at->there->now = bytes;
  at->there->disk = bytes;
}

// -- system calls
// ----------------------------------------------------------------------------------

fault_env::verdict fault_env::enter(std::string_view call, const std::string& path,
                                    std::uint32_t can_meet) {
  last_call_.assign(call).append(" ").append(path);
  for (std::size_t f = 0; f != faults; ++f)
    sites_[f] += (can_meet >> f) & 1U;
  if (powered_off_)
    return {-EIO, {}};
  if (!plan_ || (can_meet & bit(plan_->what)) == 0)
    return {};
  if (plan_->left != 0) {
    --plan_->left;
    return {};
  }
  if (!std::exchange(hit_, true))
    hit_call_ = last_call_;
  const fault what = plan_->what;
  if (!plan_->for_ever)
    plan_.reset();
  else if (what == fault::eintr)
    plan_->left = 1; // a call that is always interrupted would never end
  switch (what) {
    case fault::eio: return {-EIO, {}};
    case fault::enospc: return {-ENOSPC, {}};
    case fault::eintr: return {-EINTR, {}};
    default: return {0, what};
  }
}

fault_env::answer fault_env::leave(const verdict& v, answer done) {
  if (v.also != fault::power_off)
    return done;
  powered_off_ = true;
  return -EIO;
}

std::optional<fault_env::place> fault_env::find(const std::string& path) const {
  place at{nullptr, "", root_};
  std::string_view rest = path;
  while (!rest.empty()) {
    const std::size_t slash = rest.find('/');
    const std::string_view name = rest.substr(0, slash);
    rest = slash == std::string_view::npos ? std::string_view() : rest.substr(slash + 1);
    if (name.empty())
      continue;
    if (at.there == nullptr || !at.there->directory)
      return std::nullopt;
    at.directory = at.there;
    at.name = name;
    const auto found = at.directory->names_now.find(at.name);
    at.there = found == at.directory->names_now.end() ? nullptr : found->second;
  }
  return at;
}

fault_env::inode* fault_env::opened(int fd) const {
  const auto found = descriptors_.find(fd);
  return found == descriptors_.end() ? nullptr : found->second.first.get();
}

std::string fault_env::path_of(int fd) const {
  const auto found = descriptors_.find(fd);
  return found == descriptors_.end() ? "?" : found->second.second;
}

bool fault_env::full(std::uint64_t more) const {
  if (capacity_ == ~std::uint64_t{0} || more == 0)
    return false;
  std::uint64_t taken = more;
  std::vector<const inode*> open{root_.get()};
  std::set<const inode*> counted; // a file may have several names
  while (!open.empty()) {
    const inode* const at = open.back();
    open.pop_back();
    taken += counted.insert(at).second ? at->now.size() : 0;
    for (const auto& [name, target] : at->names_now)
      open.push_back(target.get());
  }
  return taken > capacity_;
}

fault_env::answer fault_env::open(const std::string& path, open_mode mode) {
  const std::lock_guard guard(mutex_);
  const bool creates = mode == open_mode::create || mode == open_mode::create_new;
  const verdict v = enter("open", path, creates ? blocking | taking_space : blocking);
  if (v.error < 0)
    return v.error;
  auto at = find(path);
  if (!at || (at->there == nullptr && !creates))
    return -ENOENT;
  if (at->there != nullptr && mode == open_mode::create_new)
    return -EEXIST;
  if (at->there != nullptr && at->there->directory != (mode == open_mode::directory))
    return at->there->directory ? -EISDIR : -ENOTDIR;
  if (at->there == nullptr) {
    at->there = std::make_shared<inode>();
    at->directory->names_now[at->name] = at->there;
    at->directory->changes.push_back({"", at->name, at->there});
  }
  const int fd = next_descriptor_++;
  descriptors_[fd] = {at->there, path};
  return leave(v, fd);
}

void fault_env::close(int fd) {
  const std::lock_guard guard(mutex_);
  if (const auto lock = locks_.find(opened(fd)); lock != locks_.end()) {
    lock->second.by.erase(fd);
    if (lock->second.by.empty())
      locks_.erase(lock);
  }
  descriptors_.erase(fd);
}

fault_env::answer fault_env::pread(int fd, std::span<std::byte> into, std::uint64_t offset) {
  const std::lock_guard guard(mutex_);
  const verdict v = enter("pread", path_of(fd), blocking | reading | bit(fault::short_io));
  if (v.error < 0)
    return v.error;
  inode* const i = opened(fd);
  if (i == nullptr)
    return -EBADF;
  if (v.also == fault::truncation)
    i->ends_early = random_.below(i->now.size() + 1);
  const std::size_t end = std::min(i->now.size(), i->ends_early.value_or(i->now.size()));
  if (offset >= end)
    return leave(v, 0);
  std::size_t bytes = std::min<std::size_t>(into.size(), end - offset);
  if (v.also == fault::short_io && bytes > 1)
    bytes = 1 + random_.below(bytes - 1);
  std::memcpy(into.data(), i->now.data() + offset, bytes);
  if (v.also == fault::bit_flip && bytes != 0)
    into[random_.below(bytes)] ^= static_cast<std::byte>(1U << random_.below(8));
  return leave(v, static_cast<answer>(bytes));
}

fault_env::answer fault_env::pwritev(int fd, std::span<const const_bytes> parts,
                                     std::uint64_t offset) {
  const std::lock_guard guard(mutex_);
  const verdict v = enter("pwritev", path_of(fd), blocking | taking_space | bit(fault::short_io));
  if (v.error < 0)
    return v.error;
  inode* const i = opened(fd);
  if (i == nullptr)
    return -EBADF;
  std::vector<std::byte> all;
  for (const const_bytes part : parts)
    all.insert(all.end(), part.begin(), part.end());
  if (offset + all.size() > i->now.size() && full(offset + all.size() - i->now.size()))
    return -ENOSPC;
  if (v.also == fault::short_io && all.size() > 1)
    all.resize(1 + random_.below(all.size() - 1));
  i->write(all, offset);
  return leave(v, static_cast<answer>(all.size()));
}

fault_env::answer fault_env::fallocate(int fd, std::uint64_t bytes) {
  const std::lock_guard guard(mutex_);
  const verdict v = enter("fallocate", path_of(fd), blocking | taking_space);
  if (v.error < 0)
    return v.error;
  inode* const i = opened(fd);
  if (i == nullptr)
    return -EBADF;
  if (bytes > i->now.size()) {
    if (full(bytes - i->now.size()))
      return -ENOSPC;
    i->resize(bytes);
  }
  return leave(v, 0);
}

fault_env::answer fault_env::ftruncate(int fd, std::uint64_t bytes) {
  const std::lock_guard guard(mutex_);
  const verdict v = enter("ftruncate", path_of(fd), blocking);
  if (v.error < 0)
    return v.error;
  inode* const i = opened(fd);
  if (i == nullptr)
    return -EBADF;
  i->resize(bytes);
  return leave(v, 0);
}

fault_env::answer fault_env::fdatasync(int fd) {
  const std::lock_guard guard(mutex_);
  const verdict v = enter("fdatasync", path_of(fd), blocking | taking_space | bit(fault::sync_eio));
  if (v.error == -EINTR)
    return v.error;
  inode* const i = opened(fd);
  if (i == nullptr)
    return -EBADF;
  if (powered_off_ || v.also == fault::power_off)
    return leave(v, -EIO); // power_cut() settles what got through
  if (v.error < 0 || v.also == fault::sync_eio) {
    // As on Linux: what could not be written is clean from now on, and a later sync succeeds.
    i->settle(random_);
    return v.error < 0 ? v.error : -EIO;
  }
  i->sync();
  return 0;
}

fault_env::answer fault_env::size(int fd) {
  const std::lock_guard guard(mutex_);
  const verdict v = enter("size", path_of(fd), any_call);
  if (v.error < 0)
    return v.error;
  const inode* const i = opened(fd);
  if (i == nullptr)
    return -EBADF;
  return leave(v, static_cast<answer>(i->ends_early.value_or(i->now.size())));
}

fault_env::answer fault_env::lock(int fd, lock_mode mode) {
  const std::lock_guard guard(mutex_);
  const verdict v = enter("lock", path_of(fd), blocking);
  if (v.error < 0)
    return v.error;
  const inode* const i = opened(fd);
  if (i == nullptr)
    return -EBADF;
  held& h = locks_[i];
  const bool alone = h.by.empty() || h.by == std::set<int>{fd};
  if (!alone && (h.mode == lock_mode::exclusive || mode == lock_mode::exclusive))
    return leave(v, -EWOULDBLOCK);
  h.mode = mode;
  h.by.insert(fd);
  return leave(v, 0);
}

fault_env::answer fault_env::map(int fd, std::size_t bytes, const std::byte*& at) {
  const std::lock_guard guard(mutex_);
  const verdict v = enter("map", path_of(fd), any_call | bit(fault::bit_flip));
  if (v.error < 0)
    return v.error;
  const inode* const i = opened(fd);
  if (i == nullptr)
    return -EBADF;
  assert(bytes != 0 && bytes <= i->now.size());
  auto copy = std::make_unique<std::byte[]>(bytes);
  std::memcpy(copy.get(), i->now.data(), bytes);
  if (v.also == fault::bit_flip)
    copy[random_.below(bytes)] ^= static_cast<std::byte>(1U << random_.below(8));
  at = copy.get();
  mappings_[at] = std::move(copy);
  return leave(v, 0);
}

void fault_env::unmap(const std::byte* at, std::size_t) noexcept {
  const std::lock_guard guard(mutex_);
  mappings_.erase(at);
}

fault_env::answer fault_env::map_at(int fd, std::uint64_t offset, std::size_t bytes,
                                    std::byte* at) {
  const std::lock_guard guard(mutex_);
  const verdict v = enter("map_at", path_of(fd), any_call | bit(fault::bit_flip));
  if (v.error < 0)
    return v.error;
  const inode* const i = opened(fd);
  if (i == nullptr)
    return -EBADF;
  assert(bytes != 0 && offset + bytes <= i->now.size());
  std::memcpy(at, i->now.data() + offset, bytes);
  if (v.also == fault::bit_flip)
    at[random_.below(bytes)] ^= static_cast<std::byte>(1U << random_.below(8));
  const answer done = leave(v, 0);
  placed_ += done == 0 ? 1U : 0U;
  return done;
}

std::size_t fault_env::mapped_files() const {
  const std::lock_guard guard(mutex_);
  return placed_;
}

void fault_env::unmap_at(std::byte* at, std::size_t bytes) noexcept {
  const std::lock_guard lock(mutex_);
  std::memset(at, 0, bytes);
  --placed_;
}

fault_env::answer fault_env::rename(const std::string& from, const std::string& to) {
  const std::lock_guard guard(mutex_);
  const verdict v = enter("rename", from + " " + to, taking_space);
  if (v.error < 0)
    return v.error;
  const auto source = find(from);
  const auto target = find(to);
  if (!source || !target || source->there == nullptr || target->directory == nullptr)
    return -ENOENT;
  assert(source->directory == target->directory); // all that the store does
  if (source->there == target->there)
    return leave(v, 0);
  auto& directory = *source->directory;
  directory.names_now.erase(source->name);
  directory.names_now[target->name] = source->there;
  directory.changes.push_back({source->name, target->name, source->there});
  return leave(v, 0);
}

fault_env::answer fault_env::link(const std::string& from, const std::string& to) {
  const std::lock_guard guard(mutex_);
  const verdict v = enter("link", from + " " + to, taking_space);
  if (v.error < 0)
    return v.error;
  const auto source = find(from);
  const auto target = find(to);
  if (!source || !target || source->there == nullptr || target->directory == nullptr)
    return -ENOENT;
  if (target->there != nullptr)
    return -EEXIST;
  if (source->there->directory)
    return -EPERM;
  target->directory->names_now[target->name] = source->there;
  target->directory->changes.push_back({"", target->name, source->there});
  return leave(v, 0);
}

fault_env::answer fault_env::remove(const std::string& path) {
  const std::lock_guard guard(mutex_);
  const verdict v = enter("remove", path, any_call);
  if (v.error < 0)
    return v.error;
  const auto at = find(path);
  if (!at || at->there == nullptr)
    return -ENOENT;
  if (at->there->directory)
    return -EISDIR;
  at->directory->names_now.erase(at->name);
  at->directory->changes.push_back({"", at->name, nullptr});
  return leave(v, 0);
}

fault_env::answer fault_env::make_directory(const std::string& path) {
  const std::lock_guard guard(mutex_);
  const verdict v = enter("make_directory", path, taking_space);
  if (v.error < 0)
    return v.error;
  const auto at = find(path);
  if (!at)
    return -ENOENT;
  if (at->there != nullptr)
    return -EEXIST;
  const auto made = std::make_shared<inode>();
  made->directory = true;
  at->directory->names_now[at->name] = made;
  at->directory->changes.push_back({"", at->name, made});
  return leave(v, 0);
}

fault_env::answer fault_env::list(const std::string& path, std::vector<std::string>& names) {
  const std::lock_guard guard(mutex_);
  const verdict v = enter("list", path, blocking);
  if (v.error < 0)
    return v.error;
  const auto at = find(path);
  if (!at || at->there == nullptr)
    return -ENOENT;
  if (!at->there->directory)
    return -ENOTDIR;
  names.clear();
  for (const auto& [name, target] : at->there->names_now)
    names.push_back(name);
  return leave(v, 0);
}

fault_env::answer fault_env::random(std::span<std::byte> into) {
  const std::lock_guard guard(mutex_);
  const verdict v = enter("random", "", blocking);
  if (v.error < 0)
    return v.error;
  for (std::byte& b : into)
    b = static_cast<std::byte>(random_.next());
  return leave(v, static_cast<answer>(into.size()));
}

std::int64_t fault_env::wall_us() noexcept {
  const std::lock_guard guard(mutex_);
  return now_us_;
}

std::int64_t fault_env::monotonic_ns() noexcept {
  const std::lock_guard guard(mutex_);
  return now_us_ * 1'000;
}

} // namespace cmem::test
