#include "shard/tests/support/postgres_proxy.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "shard/base/status_macros.h"
#include "shard/dialects/url.h"

namespace shard::testing {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kMostMessages = 100'000;
// What waits for a slow reader before its writer has to wait.
constexpr std::size_t kMostUnwritten = 1 << 20;

// What a client's first packet asks for, in place of a protocol version.
constexpr std::uint32_t kCancelRequest = 80877102;
constexpr std::uint32_t kTlsRequest = 80877103;
constexpr std::uint32_t kGssRequest = 80877104;

std::uint32_t Number(std::string_view bytes, std::size_t at) {
  std::uint32_t number = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    number = number << 8 | static_cast<unsigned char>(bytes[at + i]);
  }
  return number;
}

// Size of the message in front: 0 while that is not known. nullopt when this
// is no message. A client's first packets have no type byte.
std::optional<std::size_t> SizeOfMessage(std::string_view bytes, bool typed) {
  constexpr std::size_t kMostOfFirst = 10'000;  // the server's own limit
  const std::size_t before = typed ? 1 : 0;
  if (bytes.size() < before + 4) return 0;
  const std::size_t length = Number(bytes, before);
  if (typed ? length < 4 || length > INT32_MAX
            : length < 8 || length > kMostOfFirst) {
    return std::nullopt;
  }
  return before + length;
}

// A request for encryption; not among the types that others see.
constexpr char kTls = '?';

char TypeOfFirst(std::string_view message) {
  switch (Number(message, 4)) {
    case kCancelRequest:
      return PostgresProxy::kCancel;
    case kTlsRequest:
    case kGssRequest:
      return kTls;
    default:
      return PostgresProxy::kStartup;
  }
}

absl::Status Failed(const char* what) {
  return absl::UnavailableError(
      absl::StrCat("PostgreSQL proxy: ", what, ": ", std::strerror(errno)));
}

absl::Status Wrong(const char* what) {
  return absl::InvalidArgumentError(absl::StrCat("PostgreSQL proxy: ", what));
}

absl::Status CheckUrl(const Url& url) {
  if (url.host.empty() || url.host.front() == '/') {
    return Wrong("the URL names no host to reach by TCP");
  }
  for (const auto& [name, value] : url.query) {
    if (name == "host" || name == "hostaddr" || name == "port") {
      return Wrong("write host and port before the URL's path");
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> AddressOf(const Url& url) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const std::string port = absl::StrCat(url.port.value_or(5432));
  const int error = getaddrinfo(url.host.c_str(), port.c_str(), &hints, &found);
  if (error != 0) {
    return absl::UnavailableError(absl::StrCat(
        "PostgreSQL proxy: host ", url.host, ": ", gai_strerror(error)));
  }
  std::string address(reinterpret_cast<const char*>(found->ai_addr),
                      found->ai_addrlen);
  freeaddrinfo(found);
  return address;
}

// As text, so that nothing else of the URL changes.
std::string ReplaceHost(std::string_view url, std::string_view host) {
  const std::size_t begin = url.find("://") + 3;
  const std::size_t end = std::min(url.find_first_of("/?", begin), url.size());
  const std::size_t at = url.substr(0, end).rfind('@');
  std::string out(url.substr(0, at == url.npos ? begin : at + 1));
  out += host;
  out += url.substr(end);
  return out;
}

// So that an endless wait does not overflow.
std::chrono::nanoseconds ToChrono(absl::Duration duration) {
  return absl::ToChronoNanoseconds(
      std::clamp(duration, absl::ZeroDuration(), absl::Hours(24 * 365)));
}

}  // namespace

// A file descriptor. Shut down and not only closed at its end: a child process
// may hold a copy, with which the other side would not hear of the end.
class PostgresProxy::Socket {
 public:
  explicit Socket(int fd) : fd_(fd) {}
  ~Socket() {
    if (fd_ < 0) return;
    shutdown(fd_, SHUT_RDWR);
    close(fd_);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  int fd() const { return fd_; }
  void SendAtOnce() const {
    const int yes = 1;
    setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
  }

 private:
  const int fd_;
};

// One direction of one connection.
struct PostgresProxy::Flow {
  Flow(const Socket& reader, const Socket& writer)
      : from(reader.fd()), to(writer.fd()) {}

  bool wants_to_read() const {
    if (from_ended) return false;
    return discards || (!held_until && out.size() < kMostUnwritten);
  }
  bool wants_to_write() const { return !out.empty(); }

  void Read();
  void Write();
  // Writes what was passed on, then lets `to` see the end.
  void End() {
    ends = true;
    Write();
  }
  // What is here and what comes later is thrown away, the end as well.
  void Discard() {
    in.clear();
    held_until.reset();
    discards = true;
  }

  const int from;
  const int to;
  std::string in;                               // not passed on yet
  std::string out;                              // passed on, not written yet
  std::optional<Clock::time_point> held_until;  // the message in front
  bool discards = false;
  bool from_ended = false;  // no more will come
  bool ends = false;        // `to` is to see the end behind `out`
  bool to_ended = false;    // it has, or it is gone
};

void PostgresProxy::Flow::Read() {
  char bytes[1 << 16];
  const ssize_t count = recv(from, bytes, sizeof(bytes), 0);
  if (count > 0) {
    if (!discards) in.append(bytes, count);
  } else if (count == 0 ||
             (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)) {
    from_ended = true;
  }
}

void PostgresProxy::Flow::Write() {
  std::size_t written = 0;
  while (written < out.size()) {
    const ssize_t count =
        send(to, out.data() + written, out.size() - written, MSG_NOSIGNAL);
    if (count > 0) {
      written += count;
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      break;
    } else if (errno != EINTR) {
      // It hung up. What it still sends is none of this direction's business.
      written = out.size();
      to_ended = true;
      Discard();
    }
  }
  out.erase(0, written);
  if (!ends || to_ended || !out.empty()) return;
  // Not closed before it hangs up too: closing with unread bytes would reset
  // the connection, and what is on its way could be lost.
  shutdown(to, SHUT_WR);
  to_ended = true;
}

// One client with its connection to the server.
struct PostgresProxy::Wire {
  Wire(std::size_t its_number, std::unique_ptr<Socket> its_client,
       std::unique_ptr<Socket> its_server)
      : number(its_number),
        client(std::move(its_client)),
        server(std::move(its_server)),
        flows{Flow(*client, *server), Flow(*server, *client)} {}

  Flow& to_server() { return flows[kToServer]; }
  Flow& to_client() { return flows[kToClient]; }
  bool over() const {
    return std::all_of(flows.begin(), flows.end(), [](const Flow& flow) {
      return flow.from_ended && flow.out.empty();
    });
  }
  void Discard() {
    for (Flow& flow : flows) flow.Discard();
  }
  void Cut() {
    Discard();
    for (Flow& flow : flows) flow.End();
  }
  // We must read what passes.
  void DeclineTls() {
    to_client().out += 'N';
    to_client().Write();
  }
  // The server was told that this is the end, and has not hung up yet.
  bool backend_is_ending() {
    return (to_server().ends || to_server().to_ended) &&
           !to_client().from_ended;
  }

  const std::size_t number;
  const std::unique_ptr<Socket> client;
  const std::unique_ptr<Socket> server;
  std::array<Flow, 2> flows;  // by direction
  bool started = false;       // the client's messages have a type by now
};

PostgresProxy::PostgresProxy() = default;

absl::StatusOr<std::unique_ptr<PostgresProxy>> PostgresProxy::Start(
    std::string_view server_url) {
  SHARD_ASSIGN_OR_RETURN(const Url url, Url::Parse(server_url));
  SHARD_RETURN_IF_ERROR(CheckUrl(url));
  std::unique_ptr<PostgresProxy> proxy(new PostgresProxy);
  SHARD_ASSIGN_OR_RETURN(proxy->server_, AddressOf(url));
  SHARD_ASSIGN_OR_RETURN(const std::string host, proxy->Listen());
  proxy->url_ = ReplaceHost(server_url, host);
  proxy->thread_ = std::thread(&PostgresProxy::Run, proxy.get());
  return proxy;
}

absl::StatusOr<std::string> PostgresProxy::Listen() {
  waker_ = std::make_unique<Socket>(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (waker_->fd() < 0) return Failed("eventfd");
  listener_ = std::make_unique<Socket>(
      socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const int fd = listener_->fd();
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  if (fd < 0 || bind(fd, any, size) != 0 || listen(fd, SOMAXCONN) != 0 ||
      getsockname(fd, any, &size) != 0) {
    return Failed("cannot listen on 127.0.0.1");
  }
  return absl::StrCat("127.0.0.1:", ntohs(address.sin_port));
}

PostgresProxy::~PostgresProxy() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  Wake();
  thread_.join();
}

void PostgresProxy::Wake() {
  const std::uint64_t one = 1;
  // Full means that it is awake.
  [[maybe_unused]] const ssize_t written =
      write(waker_->fd(), &one, sizeof(one));
}

void PostgresProxy::Count(const std::optional<Fault>& fault) {
  const std::lock_guard lock(mutex_);
  fault_ = fault;
  fault_happened_ = false;
  passed_ = {};
  messages_.clear();
}

bool PostgresProxy::fault_happened() const {
  const std::lock_guard lock(mutex_);
  return fault_happened_;
}

std::vector<PostgresProxy::Message> PostgresProxy::messages() const {
  const std::lock_guard lock(mutex_);
  return messages_;
}

void PostgresProxy::CutAll() {
  const std::lock_guard lock(mutex_);
  for (const auto& wire : wires_) wire->Cut();
  Wake();
}

void PostgresProxy::Refuse(bool refuse) {
  const std::lock_guard lock(mutex_);
  refusing_ = refuse;
}

std::size_t PostgresProxy::open_clients() const {
  const std::lock_guard lock(mutex_);
  return std::count_if(wires_.begin(), wires_.end(), [](const auto& wire) {
    return !wire->to_server().from_ended;
  });
}

bool PostgresProxy::WaitForFault(absl::Duration timeout) const {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, ToChrono(timeout),
                           [this] { return fault_happened_; });
}

bool PostgresProxy::WaitForBackends(absl::Duration timeout) const {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, ToChrono(timeout), [this] {
    return std::none_of(wires_.begin(), wires_.end(), [](const auto& wire) {
      return wire->backend_is_ending();
    });
  });
}

void PostgresProxy::Run() {
  std::vector<pollfd> polled;
  const auto add = [&](int fd, bool reads, bool writes) {
    const short events = (reads ? POLLIN : 0) | (writes ? POLLOUT : 0);
    // poll tells of hang-ups unasked, again and again: not where we cannot act.
    polled.push_back({events == 0 ? -1 : fd, events, 0});
  };
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    polled.clear();
    add(waker_->fd(), true, false);
    add(listener_->fd(), true, false);
    for (const auto& wire : wires_) {
      const Flow& up = wire->to_server();
      const Flow& down = wire->to_client();
      add(up.from, up.wants_to_read(), down.wants_to_write());
      add(down.from, down.wants_to_read(), up.wants_to_write());
    }
    const int wait = MillisecondsToWait();
    lock.unlock();
    poll(polled.data(), polled.size(), wait);
    lock.lock();
    std::uint64_t woken;
    [[maybe_unused]] const ssize_t count =
        read(waker_->fd(), &woken, sizeof(woken));
    for (std::size_t i = 0; i < wires_.size(); ++i) {
      Serve(*wires_[i], kToServer, polled[2 + 2 * i].revents);
      Serve(*wires_[i], kToClient, polled[3 + 2 * i].revents);
    }
    std::erase_if(wires_, [](const auto& wire) { return wire->over(); });
    if (polled[1].revents != 0) Accept();
    changed_.notify_all();
  }
  wires_.clear();
}

// Until the first message that is held back may go.
int PostgresProxy::MillisecondsToWait() const {
  std::optional<Clock::time_point> first;
  for (const auto& wire : wires_) {
    for (const Flow& flow : wire->flows) {
      if (!flow.held_until) continue;
      first = std::min(first.value_or(*flow.held_until), *flow.held_until);
    }
  }
  if (!first) return -1;
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(*first - Clock::now());
  return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, INT32_MAX));
}

void PostgresProxy::Accept() {
  while (true) {
    auto client = std::make_unique<Socket>(accept4(
        listener_->fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (client->fd() < 0) return;
    if (refusing_) continue;
    const auto* const address =
        reinterpret_cast<const sockaddr*>(server_.data());
    auto server = std::make_unique<Socket>(socket(
        address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (server->fd() < 0) continue;
    client->SendAtOnce();
    server->SendAtOnce();
    const int result = connect(server->fd(), address, server_.size());
    if (result != 0 && errno != EINPROGRESS) continue;
    // A connection that fails later ends like one that the server ends.
    wires_.push_back(std::make_unique<Wire>(accepted_++, std::move(client),
                                            std::move(server)));
  }
}

// `happened`: what poll says of the socket from which `direction` reads.
void PostgresProxy::Serve(Wire& wire, Direction direction, short happened) {
  Flow& flow = wire.flows[direction];
  Flow& back = wire.flows[direction == kToServer ? kToClient : kToServer];
  if (happened != 0) {
    if (flow.wants_to_read()) flow.Read();
    if (back.wants_to_write()) back.Write();
  }
  Pass(wire, direction);
  if (flow.from_ended && !flow.discards && !flow.held_until) flow.ends = true;
  flow.Write();
}

// Moves what may go from `in` to `out`.
void PostgresProxy::Pass(Wire& wire, Direction direction) {
  Flow& flow = wire.flows[direction];
  std::size_t done = 0;
  while (!flow.discards) {
    const std::string_view rest = std::string_view(flow.in).substr(done);
    const bool typed = direction == kToClient || wire.started;
    const std::optional<std::size_t> size = SizeOfMessage(rest, typed);
    if (!size) return wire.Cut();
    if (*size == 0 || rest.size() < *size) break;
    const std::string_view message = rest.substr(0, *size);
    const char type = typed ? message[0] : TypeOfFirst(message);
    if (flow.held_until) {
      // It has been admitted, and now its time may have come.
      if (Clock::now() < *flow.held_until) break;
      flow.held_until.reset();
      flow.out += message;
    } else if (!typed && type == kTls) {
      wire.DeclineTls();
    } else if (!Admit(wire, direction, message, type)) {
      break;
    }
    if (!typed && type == kStartup) wire.started = true;
    done += *size;
  }
  flow.in.erase(0, std::min(done, flow.in.size()));
}

// Counts the message and passes it on, unless a fault says otherwise: then
// false, and it stays where it is or has been thrown away.
bool PostgresProxy::Admit(Wire& wire, Direction direction,
                          std::string_view message, char type) {
  const std::size_t number = passed_[direction]++;
  if (messages_.size() < kMostMessages) {
    messages_.push_back({direction, type, wire.number});
  }
  Flow& flow = wire.flows[direction];
  const bool hit =
      fault_ && fault_->direction == direction && fault_->message == number;
  if (!hit || fault_->action == kCutAfter) flow.out += message;
  if (!hit) return true;
  fault_happened_ = true;
  switch (fault_->action) {
    case kCutBefore:
    case kCutAfter:
      wire.Cut();
      break;
    case kStall:
      flow.Discard();
      break;
    case kStallBoth:
      wire.Discard();
      break;
    case kDelay:
      flow.held_until = Clock::now() + ToChrono(fault_->delay);
      break;
  }
  return false;
}

}  // namespace shard::testing
