#include "shard/dialects/compiled_statement.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "shard/sql/statement.h"
#include "shard/sql/value.h"

namespace shard {

absl::Status BindParameters(const CompiledStatement& compiled,
                            const sql::Parameters& values,
                            std::vector<sql::ValueView>* out,
                            UnusedValues unused) {
  out->clear();
  out->reserve(compiled.parameters.size());
  for (const CompiledParameter& parameter : compiled.parameters) {
    const sql::Value* value = parameter.literal.has_value()
                                  ? &*parameter.literal
                                  : values.Find(parameter.name);
    if (value == nullptr) {
      return absl::InvalidArgumentError(
          absl::StrCat("parameter ':", parameter.name,
                       "' has no value; give one when running the statement"));
    }
    out->push_back(value->view());
  }
  if (unused == UnusedValues::kAllowed) return absl::OkStatus();
  for (const auto& [name, value] : values.values()) {
    bool used = false;
    for (const CompiledParameter& parameter : compiled.parameters) {
      used = used || (!parameter.literal.has_value() && parameter.name == name);
    }
    if (!used) {
      return absl::InvalidArgumentError(absl::StrCat(
          "a value was given for ':", name,
          "', which the statement does not mention; check the name"));
    }
  }
  return absl::OkStatus();
}

}  // namespace shard
