// PostgreSQL by hand, in the fastest ways that libpq knows. Rows are inserted,
// with their keys, as one array a column, or by COPY behind a block of numbers
// of the sequence; both in binary. The floor of comparisons.
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

  // The same by COPY, with keys taken from the sequence before.
  absl::Status Copy(const std::string& table, std::vector<ItemRow>& rows) {
    SHARD_RETURN_IF_ERROR(TakeBlock(table, rows));
    return CopyRows(table, rows, true);
  }
  // By COPY, without telling their keys.
  absl::Status CopyUnnumbered(const std::string& table,
                              const std::vector<ItemRow>& rows) {
    return CopyRows(table, rows, false);
  }

  absl::Status PrepareUpdate(const std::string& table) {
    const std::string sql = absl::StrCat(
        "UPDATE ", table,
        " AS t SET quantity=v.q FROM unnest($1::bigint[],$2::bigint[]) AS "
        "v(k,q) WHERE t.id=v.k");
    return Check(PQprepare(connection_, "u", sql.c_str(), 0, nullptr),
                 PGRES_COMMAND_OK)
        .status();
  }
  // Rows 1 to `count`, in one statement.
  absl::Status Update(std::size_t count, std::int64_t quantity) {
    constexpr std::uint32_t kInt8 = 20;
    BinaryArray keys(count, kInt8), quantities(count, kInt8);
    for (BinaryArray* array : {&keys, &quantities}) {
      array->Reserve(32 + count * 12);
    }
    for (std::size_t i = 1; i <= count; ++i) {
      keys.Add(static_cast<std::int64_t>(i));
      quantities.Add(quantity);
    }
    const char* const values[] = {keys.data(), quantities.data()};
    const int lengths[] = {keys.size(), quantities.size()};
    const int formats[] = {1, 1};
    SHARD_ASSIGN_OR_RETURN(
        const Result result,
        Check(PQexecPrepared(connection_, "u", 2, values, lengths, formats, 1),
              PGRES_COMMAND_OK));
    return std::to_string(count) == PQcmdTuples(result.get())
               ? absl::OkStatus()
               : absl::InternalError("raw PostgreSQL: rows are missing");
  }
  absl::Status PrepareGet(const std::string& table) {
    const std::string sql = absl::StrCat(
        "SELECT id,name,label,quantity,price FROM ", table, " WHERE id=$1");
    const Oid kInt8 = 20;
    return Check(PQprepare(connection_, "g", sql.c_str(), 1, &kInt8),
                 PGRES_COMMAND_OK)
        .status();
  }
  // Reads the row with that key; false when there is none.
  absl::StatusOr<bool> Get(std::int64_t id, ItemRow* row) {
    const std::uint64_t key = htobe64(static_cast<std::uint64_t>(id));
    const char* const value = reinterpret_cast<const char*>(&key);
    const int length = sizeof(key), format = 1;
    SHARD_ASSIGN_OR_RETURN(
        const Result result,
        Check(PQexecPrepared(connection_, "g", 1, &value, &length, &format, 1),
              PGRES_TUPLES_OK));
    if (PQntuples(result.get()) == 0) return false;
    row->id = static_cast<std::int64_t>(NumberAt(result.get(), 0));
    row->name.assign(PQgetvalue(result.get(), 0, 1),
                     PQgetlength(result.get(), 0, 1));
    row->label.assign(PQgetvalue(result.get(), 0, 2),
                      PQgetlength(result.get(), 0, 2));
    row->quantity = static_cast<std::int64_t>(NumberAt(result.get(), 3));
    row->price = std::bit_cast<double>(NumberAt(result.get(), 4));
    return true;
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
  static std::uint64_t NumberAt(const PGresult* result, int column) {
    std::uint64_t number;
    std::memcpy(&number, PQgetvalue(result, 0, column), sizeof(number));
    return be64toh(number);
  }
  template <class Number>
  static void PutNumber(Number number, std::string* bytes) {
    bytes->append(reinterpret_cast<const char*>(&number), sizeof(number));
  }
  static void PutCell(std::uint64_t number, std::string* bytes) {
    PutNumber(htonl(8), bytes);
    PutNumber(htobe64(number), bytes);
  }
  static void PutCell(const std::string& text, std::string* bytes) {
    PutNumber(htonl(static_cast<std::uint32_t>(text.size())), bytes);
    bytes->append(text);
  }
  absl::Status PutCopy(const std::string& bytes) {
    return PQputCopyData(connection_, bytes.data(),
                         static_cast<int>(bytes.size())) == 1
               ? absl::OkStatus()
               : Error();
  }
  absl::Status CopyRows(const std::string& table,
                        const std::vector<ItemRow>& rows, bool with_keys) {
    const std::string copy =
        absl::StrCat("COPY ", table, with_keys ? "(id," : "(",
                     "name,label,quantity,price) FROM STDIN (FORMAT binary)");
    SHARD_RETURN_IF_ERROR(
        Check(PQexec(connection_, copy.c_str()), PGRES_COPY_IN).status());
    constexpr std::string_view kHeader("PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0",
                                       19);
    std::string bytes(kHeader);
    for (const ItemRow& row : rows) {
      PutNumber(htons(with_keys ? 5 : 4), &bytes);
      if (with_keys) PutCell(static_cast<std::uint64_t>(row.id), &bytes);
      PutCell(row.name, &bytes);
      PutCell(row.label, &bytes);
      PutCell(static_cast<std::uint64_t>(row.quantity), &bytes);
      PutCell(std::bit_cast<std::uint64_t>(row.price), &bytes);
      if (bytes.size() < 1 << 16) continue;
      SHARD_RETURN_IF_ERROR(PutCopy(bytes));
      bytes.clear();
    }
    PutNumber(static_cast<std::uint16_t>(0xffff), &bytes);
    SHARD_RETURN_IF_ERROR(PutCopy(bytes));
    if (PQputCopyEnd(connection_, nullptr) != 1) return Error();
    return Check(PQgetResult(connection_), PGRES_COMMAND_OK).status().ok() &&
                   PQgetResult(connection_) == nullptr
               ? absl::OkStatus()
               : Error();
  }
  // Gives the rows the next numbers of the table's sequence.
  absl::Status TakeBlock(const std::string& table, std::vector<ItemRow>& rows) {
    const std::string sql =
        absl::StrCat("SELECT nextval(s) FROM (SELECT pg_get_serial_sequence('",
                     table, "','id')::regclass AS s OFFSET 0) AS q, ",
                     "generate_series(1, ", rows.size(), ")");
    SHARD_ASSIGN_OR_RETURN(
        const Result result,
        Check(PQexecParams(connection_, sql.c_str(), 0, nullptr, nullptr,
                           nullptr, nullptr, 1),
              PGRES_TUPLES_OK));
    return TakeKeys(result.get(), rows);
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
