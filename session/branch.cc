#include "shard/session/branch.h"

#include <string>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "shard/dialects/errors.h"

namespace shard {

using Work = CommitMember::Work;

absl::Status NamedError(const absl::Status& error, bool is_shard,
                        const std::string& name) {
  const std::string where = absl::StrCat(is_shard ? "shard '" : "'", name, "'");
  return absl::StartsWith(error.message(), where) ? error
                                                  : Annotate(error, where);
}

void Branch::AddShard(ShardId shard) {
  if (shares_++ == 0) shard_ = shard;
  speaker_ = &name();
}

void Branch::Touch(bool writes) {
  if (work_ == Work::kRead) work_ = Work::kUnknown;
  may_have_written_ = may_have_written_ || writes;
}

void Branch::NoteError(const absl::Status& error) {
  if (!first_error_.ok()) return;
  first_error_ = error;
  error_depth_ = depth_;
}

void Branch::ForgetErrors(std::size_t depth) {
  if (error_depth_ >= depth) first_error_ = absl::OkStatus();
}

absl::Status Branch::Refused(const absl::Status& error) const {
  return NamedError(error, is_one_shard(), name());
}

absl::Status Branch::Failed(const absl::Status& error) {
  absl::Status named = Refused(error);
  NoteError(named);
  return named;
}

}  // namespace shard
