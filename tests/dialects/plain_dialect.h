// Dialects that differ from standard SQL in nothing, or in everything that a
// dialect may choose, for tests of what is common to all.
#ifndef SHARD_TESTS_DIALECTS_PLAIN_DIALECT_H_
#define SHARD_TESTS_DIALECTS_PLAIN_DIALECT_H_

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "shard/dialects/dialect.h"
#include "shard/sql/column.h"
#include "shard/sql/value_type.h"

namespace shard::testing {

// Placeholders "?", types by their names, names of up to 20 bytes.
class PlainDialect : public Dialect {
 public:
  static const PlainDialect& Get() {
    static const PlainDialect& dialect = *new PlainDialect;
    return dialect;
  }
  std::string_view name() const override { return "plain"; }
  bool nulls_sort_low() const override { return true; }

 protected:
  PlainDialect() = default;
  PlainDialect(const PlainDialect&) = default;

 private:
  std::unique_ptr<Dialect> Copy() const override {
    return std::unique_ptr<Dialect>(new PlainDialect(*this));
  }
  std::string Placeholder(std::size_t) const override { return "?"; }
  std::string ColumnType(const sql::Column& column) const override {
    return CastType(column.type());
  }
  std::string CastType(sql::ValueType type) const override {
    return std::string(sql::ValueTypeName(type));
  }
  std::string_view BinaryCollation() const override { return "\"BINARY\""; }
  bool supports_for_update() const override { return true; }
  std::size_t max_identifier_bytes() const override { return 20; }
};

// Numbered placeholders, decimals as text, OFFSET only behind LIMIT, no FOR
// UPDATE; it has no copies of its own.
class OddDialect : public PlainDialect {
 public:
  static const OddDialect& Get() {
    static const OddDialect& dialect = *new OddDialect;
    return dialect;
  }
  std::string_view name() const override { return "odd"; }

 private:
  std::string Placeholder(std::size_t n) const override {
    return "$" + std::to_string(n);
  }
  bool supports_for_update() const override { return false; }
  bool decimals_are_text() const override { return true; }
  std::string_view DecimalCollation() const override { return "numeric"; }
  std::string_view LikeSuffix() const override { return " ESCAPE '!'"; }
  bool offset_needs_limit() const override { return true; }
};

}  // namespace shard::testing

#endif  // SHARD_TESTS_DIALECTS_PLAIN_DIALECT_H_
