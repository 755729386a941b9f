#include "bench/redis_server.hpp"

#include "bench/workbench.hpp"

#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace cmem::bench {

namespace {

[[noreturn]] void fail(const std::string& what) {
  throw std::runtime_error("Redis: " + what + ": " + std::strerror(errno));
}

std::string find_program() {
  for (const char* directory : {"/usr/bin/", "/usr/local/bin/", "/opt/redis/bin/"})
    if (const std::string path = std::string(directory) + "redis-server";
        ::access(path.c_str(), X_OK) == 0)
      return path;
  return {};
}

} // namespace

std::unique_ptr<redis_server> redis_server::start(const std::string& directory) {
  const std::string program = find_program();
  if (program.empty())
    return nullptr;
  std::filesystem::create_directories(directory);
  const std::uint16_t port = port_of(or_throw(listen_tcp("127.0.0.1", 0)));
  std::vector<std::string> words = {program,
                                    "--bind",
                                    "127.0.0.1",
                                    "--port",
                                    std::to_string(port),
                                    "--save",
                                    "",
                                    "--appendonly",
                                    "yes",
                                    "--appendfsync",
                                    "everysec",
                                    "--dir",
                                    directory,
                                    "--auto-aof-rewrite-percentage",
                                    "0",
                                    "--daemonize",
                                    "no",
                                    "--logfile",
                                    "redis.log"};
  std::vector<char*> arguments;
  for (std::string& w : words)
    arguments.push_back(w.data());
  arguments.push_back(nullptr);
  const pid_t process = ::fork();
  if (process < 0)
    fail("no process for it");
  if (process == 0) {
    (void) ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::execv(program.c_str(), arguments.data());
    ::_exit(127);
  }
  std::unique_ptr<redis_server> server(new redis_server(process, port));
  for (int i = 0; i < 500; ++i) {
    if (connect_tcp("127.0.0.1", port, std::chrono::milliseconds(100)))
      return server;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  throw std::runtime_error("Redis does not answer at port " + std::to_string(port));
}

redis_server::~redis_server() {
  (void) ::kill(process_, SIGKILL); // its files go with it
  (void) ::waitpid(process_, nullptr, 0);
}

std::string redis_server::settings() {
  return "Redis: appendonly yes, appendfsync everysec, save \"\", no rewriting; pipelines of 1,000 "
         "commands over loopback TCP; a hash for each concept, a sorted set for each of its kinds "
         "of associations";
}

redis_client::redis_client(std::uint16_t port)
  : socket_(or_throw(connect_tcp("127.0.0.1", port, std::chrono::seconds(5)))) {
  const int flags = ::fcntl(socket_.get(), F_GETFL);
  if (flags < 0 || ::fcntl(socket_.get(), F_SETFL, flags & ~O_NONBLOCK) != 0)
    fail("its socket");
}

void redis_client::command(std::uint32_t words) {
  std::array<char, 16> number;
  const auto end = std::to_chars(number.data(), number.data() + number.size(), words).ptr;
  out_ += '*';
  out_.append(number.data(), end);
  out_ += "\r\n";
}

void redis_client::word(std::string_view w) {
  std::array<char, 24> number;
  const auto end = std::to_chars(number.data(), number.data() + number.size(), w.size()).ptr;
  out_ += '$';
  out_.append(number.data(), end);
  out_ += "\r\n";
  out_ += w;
  out_ += "\r\n";
}

void redis_client::send(std::uint64_t commands, std::uint64_t missing_max) {
  missing_ += commands;
  write_all();
  while (missing_ > missing_max)
    read_some();
}

void redis_client::write_all() {
  std::string_view left = out_;
  while (!left.empty()) {
    const ssize_t n = ::send(socket_.get(), left.data(), left.size(), MSG_NOSIGNAL);
    if (n < 0 && errno != EINTR)
      fail("writing to it");
    if (n > 0)
      left.remove_prefix(static_cast<std::size_t>(n));
  }
  out_.clear();
}

// All replies to what is sent here are numbers, a line each.
void redis_client::read_some() {
  std::array<char, 65'536> bytes;
  const ssize_t n = ::recv(socket_.get(), bytes.data(), bytes.size(), 0);
  if (n < 0 && errno == EINTR)
    return;
  if (n <= 0)
    fail("reading from it");
  for (const char c : std::string_view(bytes.data(), static_cast<std::size_t>(n))) {
    if (at_line_ && c != ':')
      throw std::runtime_error("Redis refused a command");
    at_line_ = c == '\n';
    if (at_line_)
      --missing_;
  }
}

} // namespace cmem::bench
