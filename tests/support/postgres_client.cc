#include "shard/tests/support/postgres_client.h"

#include <stdexcept>

#include "absl/strings/str_cat.h"

namespace shard::testing {
namespace {

PGconn* Connect(const std::string& url, const std::string& settings) {
  const char* const names[] = {"dbname", "options", nullptr};
  const char* const values[] = {url.c_str(), settings.c_str(), nullptr};
  const int dbname_is_url = 1;
  return PQconnectdbParams(names, values, dbname_is_url);
}

}  // namespace

PostgresClient::PostgresClient(const std::string& url,
                               const std::string& settings)
    : connection_(Connect(url, settings), &PQfinish) {
  if (PQstatus(connection_.get()) != CONNECTION_OK) {
    throw std::runtime_error(PQerrorMessage(connection_.get()));
  }
}

std::vector<std::string> PostgresClient::Run(const std::string& sql) {
  const std::unique_ptr<PGresult, decltype(&PQclear)> result(
      PQexec(connection_.get(), sql.c_str()), &PQclear);
  const ExecStatusType status = PQresultStatus(result.get());
  if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
    throw std::runtime_error(
        absl::StrCat(PQerrorMessage(connection_.get()), "by: ", sql));
  }
  std::vector<std::string> column;
  for (int row = 0; row < PQntuples(result.get()); ++row) {
    column.emplace_back(PQgetvalue(result.get(), row, 0));
  }
  return column;
}

}  // namespace shard::testing
