#include "shard/dialects/compiler.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <variant>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "shard/sql/text_parameters.h"

namespace shard {

absl::StatusOr<std::shared_ptr<const CompiledStatement>> Compiler::Run(
    const sql::Statement& statement) && {
  std::visit([this](const auto& body) { Compile(body); }, statement.body());
  if (!status_.ok()) return status_;
  static std::atomic<std::uint64_t> latest_serial = 0;
  out_.serial = ++latest_serial;
  return std::make_shared<const CompiledStatement>(std::move(out_));
}

void Compiler::Compile(const sql::TextStatement& text) {
  const auto pieces = sql::SplitParameters(text.text);
  if (!pieces.ok()) return Fail(pieces.status());
  for (const sql::TextPiece& piece : *pieces) {
    if (piece.is_parameter) {
      AddParameter({piece.text, std::nullopt, sql::ValueType::kNull});
    } else {
      Append(piece.text);
    }
  }
  out_.is_write = true;
}

void Compiler::Where(const sql::Expression& condition) {
  if (condition.empty()) return;
  Append(" WHERE ");
  Write(condition);
}

void Compiler::Identifier(std::string_view name) {
  auto quoted = dialect_.QuoteIdentifier(name);
  if (!quoted.ok()) return Fail(quoted.status());
  Append(*quoted);
}

void Compiler::Table(const sql::TableRef& table) {
  auto quoted = dialect_.QuoteTable(table.table->name());
  if (!quoted.ok()) return Fail(quoted.status());
  Append(*quoted);
  if (table.alias.empty() && !dialect_.naming().renames()) return;
  // One that goes by another name there has its own in the statement, so that
  // columns are named as ever, in text of the caller's, too.
  Append(" AS ");
  Identifier(table.alias.empty() ? table.table->name() : table.alias);
}

void Compiler::AddParameter(CompiledParameter parameter) {
  out_.parameters.push_back(std::move(parameter));
  Append(dialect_.Placeholder(out_.parameters.size()));
}

}  // namespace shard
