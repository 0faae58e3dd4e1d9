// Makes "postgresql://" and "postgres://" known to OpenEngine.
#include <libpq-fe.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
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

// Whether text sorts by its bytes. The C library's C.UTF-8 sorts by code point,
// which in UTF-8 is the same; server 17 has it built in too.
bool SortsByBytes(const std::string& collation, const std::string& encoding,
                  const std::string& provider) {
  if (encoding != "UTF8") return false;
  if (provider == "b") return true;
  return provider == "c" && (collation == "C" || collation == "POSIX" ||
                             collation == "C.UTF-8" || collation == "C.utf8");
}

// The database's collation, and what a restart of the server may change, in one
// query, for each connection.
absl::StatusOr<DatabaseFacts> ReadFacts(Link& link) {
  constexpr int kProvidersSince = 150000;
  constexpr std::size_t kColumns = 5;
  const bool has_providers = PQserverVersion(link.libpq()) >= kProvidersSince;
  const std::string query =
      std::string("SELECT datcollate, pg_encoding_to_char(encoding), ") +
      (has_providers ? "datlocprovider" : "'c'") +
      ", current_setting('max_prepared_transactions'),"
      " pg_catalog.pg_is_in_recovery()"
      " FROM pg_catalog.pg_database WHERE datname = current_database()";
  SHARD_ASSIGN_OR_RETURN(const TextRows rows, link.LookUp(query, {}));
  DatabaseFacts facts;
  if (rows.size() != 1 || rows[0].size() != kColumns) return facts;
  facts.text_sorts_by_bytes = SortsByBytes(rows[0][0], rows[0][1], rows[0][2]);
  if (!absl::SimpleAtoi(rows[0][3], &facts.max_prepared_transactions)) {
    facts.max_prepared_transactions = 0;
  }
  facts.standby = rows[0][4] == "t";
  return facts;
}

class PostgresOpener final : public Engine::Opener {
 public:
  PostgresOpener(ConnInfo info, EngineOptions options)
      : info_(std::move(info)), options_(std::move(options)) {}

  const Dialect& dialect() const override {
    return PostgresDialect::Instance();
  }

  absl::StatusOr<std::unique_ptr<Connection>> Open() override {
    return Connect(info_);
  }

  absl::StatusOr<std::unique_ptr<Connection>> OpenBefore(
      absl::Time until) override {
    ConnInfo info = info_;
    info.timeout =
        std::clamp(until - absl::Now(), absl::ZeroDuration(), info_.timeout);
    return Connect(info);
  }

 private:
  absl::StatusOr<std::unique_ptr<Connection>> Connect(const ConnInfo& info) {
    absl::StatusOr<std::unique_ptr<Connection>> connection = ConnectWith(info);
    if (!absl::IsDeadlineExceeded(connection.status())) return connection;
    return absl::UnavailableError(
        absl::StrCat("cannot connect: no answer within ",
                     absl::FormatDuration(info.timeout)));
  }

  absl::StatusOr<std::unique_ptr<Connection>> ConnectWith(
      const ConnInfo& info) {
    SHARD_ASSIGN_OR_RETURN(std::unique_ptr<Link> link, Link::Connect(info));
    SHARD_ASSIGN_OR_RETURN(const DatabaseFacts facts, ReadFacts(*link));
    link->set_deadline(absl::InfiniteFuture());
    return std::make_unique<PostgresConnection>(std::move(link), options_,
                                                facts);
  }

  const ConnInfo info_;
  const EngineOptions options_;
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
