// Makes "postgresql://" and "postgres://" known to OpenEngine.
#include <libpq-fe.h>

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "shard/base/status_macros.h"
#include "shard/dialects/engine.h"
#include "shard/dialects/postgres/conninfo.h"
#include "shard/dialects/postgres/link.h"
#include "shard/dialects/postgres/postgres_connection.h"
#include "shard/dialects/postgres/postgres_dialect.h"
#include "shard/dialects/registry.h"
#include "shard/dialects/url.h"

namespace shard::postgres {
namespace {

// Whether the database sorts text by its bytes. The C library's C.UTF-8 sorts
// by code point, which in UTF-8 is the same; server 17 has it built in too.
absl::StatusOr<bool> ReadTextOrder(Link& link) {
  constexpr int kProvidersSince = 150000;
  const bool has_providers = PQserverVersion(link.libpq()) >= kProvidersSince;
  const std::string query =
      std::string("SELECT datcollate, pg_encoding_to_char(encoding), ") +
      (has_providers ? "datlocprovider" : "'c'") +
      " FROM pg_catalog.pg_database WHERE datname = current_database()";
  SHARD_ASSIGN_OR_RETURN(const auto rows, link.LookUp(query, {}));
  if (rows.size() != 1 || rows[0][1] != "UTF8") return false;
  const std::string& collation = rows[0][0];
  const std::string& provider = rows[0][2];
  if (provider == "b") return true;
  return provider == "c" && (collation == "C" || collation == "POSIX" ||
                             collation == "C.UTF-8" || collation == "C.utf8");
}

class PostgresOpener final : public Engine::Opener {
 public:
  PostgresOpener(ConnInfo info, EngineOptions options)
      : info_(std::move(info)), options_(std::move(options)) {}

  const Dialect& dialect() const override {
    return PostgresDialect::Instance();
  }

  absl::StatusOr<std::unique_ptr<Connection>> Open() override {
    SHARD_ASSIGN_OR_RETURN(std::unique_ptr<Link> link, Link::Connect(info_));
    SHARD_ASSIGN_OR_RETURN(const bool by_bytes, TextSortsByBytes(*link));
    return std::make_unique<PostgresConnection>(std::move(link), options_,
                                                by_bytes);
  }

 private:
  // Asked once: a database keeps its collation.
  absl::StatusOr<bool> TextSortsByBytes(Link& link) {
    const std::lock_guard lock(mutex_);
    if (!text_sorts_by_bytes_.has_value()) {
      SHARD_ASSIGN_OR_RETURN(text_sorts_by_bytes_, ReadTextOrder(link));
    }
    return *text_sorts_by_bytes_;
  }

  const ConnInfo info_;
  const EngineOptions options_;
  std::mutex mutex_;
  std::optional<bool> text_sorts_by_bytes_;
};

absl::StatusOr<std::unique_ptr<Engine::Opener>> MakeOpener(
    const Url& url, const EngineOptions& options) {
  SHARD_ASSIGN_OR_RETURN(ConnInfo info, MakeConnInfo(url, options));
  return std::make_unique<PostgresOpener>(std::move(info), options);
}

const bool registered = RegisterDialect("postgresql", &MakeOpener) &&
                        RegisterDialect("postgres", &MakeOpener);

}  // namespace
}  // namespace shard::postgres
