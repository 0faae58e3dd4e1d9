// PostgreSQL by hand, in the fastest way that libpq knows to insert rows and
// get their keys: one array a column, in binary. The floor of comparisons.
#ifndef SHARD_BENCH_RAW_POSTGRES_H_
#define SHARD_BENCH_RAW_POSTGRES_H_

#include <arpa/inet.h>
#include <endian.h>
#include <libpq-fe.h>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "shard/base/status_macros.h"
#include "shard/bench/items.h"

namespace shard::bench {

// A one-dimensional array without NULLs as PostgreSQL sends it.
class BinaryArray {
 public:
  // `element` is the type's number in PostgreSQL's catalogue.
  BinaryArray(std::size_t size, std::uint32_t element) {
    for (const std::uint32_t head :
         {std::uint32_t{1}, std::uint32_t{0}, element,
          static_cast<std::uint32_t>(size), std::uint32_t{1}}) {
      Put(htonl(head));
    }
  }
  void Add(std::string_view text) {
    Put(htonl(static_cast<std::uint32_t>(text.size())));
    bytes_.append(text);
  }
  void Add(std::int64_t number) {
    Put(htonl(8));
    Put(htobe64(static_cast<std::uint64_t>(number)));
  }
  void Add(double number) { Add(std::bit_cast<std::int64_t>(number)); }

  const char* data() const { return bytes_.data(); }
  int size() const { return static_cast<int>(bytes_.size()); }
  void Reserve(std::size_t bytes) { bytes_.reserve(bytes); }

 private:
  template <class Number>
  void Put(Number number) {
    bytes_.append(reinterpret_cast<const char*>(&number), sizeof(number));
  }
  std::string bytes_;
};

class RawPostgres {
 public:
  static absl::StatusOr<std::unique_ptr<RawPostgres>> Open(
      const std::string& url) {
    std::unique_ptr<RawPostgres> raw(new RawPostgres(PQconnectdb(url.c_str())));
    if (PQstatus(raw->connection_) != CONNECTION_OK) return raw->Error();
    SHARD_RETURN_IF_ERROR(raw->Run("SET client_min_messages = warning"));
    return raw;
  }
  ~RawPostgres() { PQfinish(connection_); }
  RawPostgres(const RawPostgres&) = delete;
  RawPostgres& operator=(const RawPostgres&) = delete;

  absl::Status Run(const char* sql) {
    return Check(PQexec(connection_, sql), PGRES_COMMAND_OK).status();
  }

  absl::Status PrepareInsert(const std::string& table) {
    const std::string sql = absl::StrCat(
        "INSERT INTO ", table,
        "(name,label,quantity,price) SELECT * FROM unnest($1::text[],"
        "$2::text[],$3::bigint[],$4::double precision[]) RETURNING id");
    return Check(PQprepare(connection_, "i", sql.c_str(), 0, nullptr),
                 PGRES_COMMAND_OK)
        .status();
  }
  // Inserts the rows in one statement and takes their keys.
  absl::Status Insert(std::vector<ItemRow>& rows) {
    constexpr std::uint32_t kText = 25, kInt8 = 20, kFloat8 = 701;
    BinaryArray names(rows.size(), kText), labels(rows.size(), kText),
        quantities(rows.size(), kInt8), prices(rows.size(), kFloat8);
    for (BinaryArray* array : {&quantities, &prices}) {
      array->Reserve(32 + rows.size() * 12);
    }
    for (const ItemRow& row : rows) {
      names.Add(row.name);
      labels.Add(row.label);
      quantities.Add(row.quantity);
      prices.Add(row.price);
    }
    const char* const values[] = {names.data(), labels.data(),
                                  quantities.data(), prices.data()};
    const int lengths[] = {names.size(), labels.size(), quantities.size(),
                           prices.size()};
    const int formats[] = {1, 1, 1, 1};
    SHARD_ASSIGN_OR_RETURN(
        const Result result,
        Check(PQexecPrepared(connection_, "i", 4, values, lengths, formats, 1),
              PGRES_TUPLES_OK));
    return TakeKeys(result.get(), rows);
  }

 private:
  struct Clear {
    void operator()(PGresult* result) const { PQclear(result); }
  };
  using Result = std::unique_ptr<PGresult, Clear>;

  explicit RawPostgres(PGconn* connection) : connection_(connection) {}

  static absl::Status TakeKeys(const PGresult* result,
                               std::vector<ItemRow>& rows) {
    if (static_cast<std::size_t>(PQntuples(result)) != rows.size()) {
      return absl::InternalError("raw PostgreSQL: keys are missing");
    }
    for (std::size_t i = 0; i < rows.size(); ++i) {
      std::uint64_t key;
      std::memcpy(&key, PQgetvalue(result, static_cast<int>(i), 0),
                  sizeof(key));
      rows[i].id = static_cast<std::int64_t>(be64toh(key));
    }
    return absl::OkStatus();
  }
  absl::Status Error() const {
    return absl::UnknownError(
        absl::StrCat("raw PostgreSQL: ", PQerrorMessage(connection_)));
  }
  absl::StatusOr<Result> Check(PGresult* result, ExecStatusType wanted) {
    Result owned(result);
    if (PQresultStatus(result) != wanted) return Error();
    return owned;
  }

  PGconn* const connection_;
};

}  // namespace shard::bench

#endif  // SHARD_BENCH_RAW_POSTGRES_H_
