// SQL as PostgreSQL writes it.
#ifndef SHARD_DIALECTS_POSTGRES_POSTGRES_DIALECT_H_
#define SHARD_DIALECTS_POSTGRES_POSTGRES_DIALECT_H_

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "shard/dialects/dialect.h"
#include "shard/sql/value_type.h"

namespace shard::postgres {

class PostgresDialect final : public Dialect {
 public:
  static const PostgresDialect& Instance();

  std::string_view name() const override { return "postgresql"; }
  bool nulls_sort_low() const override { return false; }
  std::string_view ColumnsQuery() const override;
  sql::ValueType TypeOfDeclared(std::string_view type) const override;
  std::string_view MillisecondsNow() const override {
    return "CAST(extract(epoch FROM pg_catalog.clock_timestamp()) * 1000 AS "
           "pg_catalog.int8)";
  }

 private:
  PostgresDialect() = default;
  PostgresDialect(const PostgresDialect&) = default;

  std::unique_ptr<Dialect> Copy() const override;
  std::string SchemaText(const std::string& quoted) const override;
  std::string Placeholder(std::size_t n) const override;
  std::string ColumnType(const sql::Column& column) const override;
  std::string CastType(sql::ValueType type) const override;
  std::string_view BinaryCollation() const override { return "\"C\""; }
  bool supports_for_update() const override { return true; }
  std::size_t max_identifier_bytes() const override { return 63; }
};

}  // namespace shard::postgres

#endif  // SHARD_DIALECTS_POSTGRES_POSTGRES_DIALECT_H_
