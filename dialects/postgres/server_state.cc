#include "shard/dialects/postgres/server_state.h"

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "shard/base/strings.h"

namespace shard::postgres {
namespace {

constexpr std::size_t kMostStatements = 256;
constexpr std::size_t kMostBytes = 4 << 20;

}  // namespace

std::shared_ptr<PreparedStatement> StatementCache::Find(
    std::string_view text, absl::Span<const TypeOid> types) {
  key_.assign(text);
  key_.push_back('\0');  // no text has one
  key_.append(reinterpret_cast<const char*>(types.data()),
              types.size() * sizeof(TypeOid));
  if (const auto found = by_key_.find(key_); found != by_key_.end()) {
    recent_.splice(recent_.begin(), recent_, found->second);
    return recent_.front();
  }
  auto statement = std::make_shared<PreparedStatement>();
  statement->key = key_;
  statement->name = absl::StrCat("shard_s", next_name_++);
  recent_.push_front(statement);
  by_key_.emplace(key_, recent_.begin());
  bytes_ += key_.size();
  MakeRoom();
  return statement;
}

void StatementCache::MakeRoom() {
  while (recent_.size() > 1 &&
         (recent_.size() > kMostStatements || bytes_ > kMostBytes)) {
    Drop(std::prev(recent_.end()));
  }
}

void StatementCache::Drop(Recent::iterator entry) {
  if ((*entry)->sent) dropped_.push_back((*entry)->name);
  bytes_ -= (*entry)->key.size();
  by_key_.erase((*entry)->key);
  recent_.erase(entry);
}

void StatementCache::Forget(const PreparedStatement& statement) {
  const auto found = by_key_.find(statement.key);
  if (found == by_key_.end() || found->second->get() != &statement) return;
  Drop(found->second);
}

void StatementCache::Clear() {
  recent_.clear();
  by_key_.clear();
  dropped_.clear();
  bytes_ = 0;
}

void ServerState::NoteCommandTag(std::string_view tag) {
  if (tag.empty() ||
      (tag[0] != 'R' && tag[0] != 'C' && tag[0] != 'P' && tag[0] != 'D')) {
    return;
  }
  if (tag == "ROLLBACK" || tag == "COMMIT" || tag == "PREPARE TRANSACTION" ||
      tag == "CLOSE CURSOR ALL") {
    ++era_;
  } else if (tag == "DISCARD ALL" || tag == "DEALLOCATE ALL") {
    ++era_;
    statements_.Clear();
  }
}

std::string ServerState::NewCursorName() {
  return absl::StrCat("shard_c", next_cursor_++);
}

std::vector<std::string> ServerState::TakeCursorsToClose() {
  std::vector<std::string> names;
  for (auto& [name, era] : to_close_) {
    if (era == era_) names.push_back(std::move(name));
  }
  to_close_.clear();
  return names;
}

bool WasRolledBack(std::string_view statement, std::string_view tag) {
  if (tag != "ROLLBACK") return false;
  const absl::string_view text =
      absl::StripLeadingAsciiWhitespace(ToAbsl(statement));
  return absl::StartsWithIgnoreCase(text, "commit") ||
         absl::StartsWithIgnoreCase(text, "end") ||
         absl::StartsWithIgnoreCase(text, "prepare transaction");
}

}  // namespace shard::postgres
