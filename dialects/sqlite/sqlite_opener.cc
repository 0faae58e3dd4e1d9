// Makes "sqlite://" URLs known to OpenEngine.
#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "shard/base/status_macros.h"
#include "shard/dialects/engine.h"
#include "shard/dialects/registry.h"
#include "shard/dialects/sqlite/sqlite_connection.h"
#include "shard/dialects/sqlite/sqlite_database.h"
#include "shard/dialects/sqlite/sqlite_dialect.h"
#include "shard/dialects/url.h"

namespace shard {
namespace {

class SqliteOpener : public Engine::Opener {
 public:
  explicit SqliteOpener(SqliteOptions options) : options_(std::move(options)) {}

  const Dialect& dialect() const override { return SqliteDialect::Get(); }
  absl::StatusOr<std::unique_ptr<Connection>> Open() override {
    return SqliteConnection::Open(options_);
  }
  // A database in memory belongs to its connection and ends with it.
  std::size_t LimitPoolSize(std::size_t wanted) override {
    return options_.path.empty() ? 1 : wanted;
  }

 private:
  const SqliteOptions options_;
};

absl::Status CheckUrl(const Url& url) {
  if (!url.host.empty() || url.port.has_value()) {
    return absl::InvalidArgumentError(
        "sqlite:// has no host; write sqlite:///path, with three slashes (four "
        "for an absolute path)");
  }
  if (!url.user.empty() || !url.password.empty()) {
    return absl::InvalidArgumentError(
        "sqlite:// has no user or password; write sqlite:///path");
  }
  if (url.path.find('\0') != std::string::npos) {
    return absl::InvalidArgumentError("the path of a sqlite:// URL has a NUL");
  }
  return absl::OkStatus();
}

absl::Status ReadOption(const std::string& name, const std::string& value,
                        SqliteOptions* options) {
  if (name == "synchronous") {
    if (value != "full" && value != "normal") {
      return absl::InvalidArgumentError(absl::StrCat(
          "synchronous '", value, "' is not known; there are full and normal"));
    }
    options->synchronous_full = value == "full";
    return absl::OkStatus();
  }
  if (name != "mode") {
    return absl::InvalidArgumentError(
        absl::StrCat("sqlite:// has no option '", name,
                     "'; there are mode=ro and synchronous=normal"));
  }
  if (value != "ro") {
    return absl::InvalidArgumentError(
        absl::StrCat("mode '", value, "' is not known; there is mode=ro only"));
  }
  if (options->path.empty()) {
    return absl::InvalidArgumentError(
        "a database in memory cannot be read-only; leave out mode=ro");
  }
  options->read_only = true;
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<Engine::Opener>> MakeSqliteOpener(
    const Url& url, const EngineOptions& engine) {
  SHARD_RETURN_IF_ERROR(CheckUrl(url));
  SqliteOptions options;
  if (!url.path.empty() && url.path != ":memory:") {
    // Now, so that all connections open one file wherever the program goes.
    std::error_code error;
    options.path = std::filesystem::absolute(url.path, error).string();
    if (error) {
      return absl::UnavailableError(
          absl::StrCat("the current folder is not known: ", error.message()));
    }
  }
  for (const auto& [name, value] : url.query) {
    SHARD_RETURN_IF_ERROR(ReadOption(name, value, &options));
  }
  options.engine_name = engine.name;
  options.busy_timeout = engine.busy_timeout;
  options.on_statement = engine.on_statement;
  return std::make_unique<SqliteOpener>(std::move(options));
}

[[maybe_unused]] const bool registered =
    RegisterDialect("sqlite", &MakeSqliteOpener);

}  // namespace
}  // namespace shard
