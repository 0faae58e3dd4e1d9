#include "shard/tests/simulation/sqlite_file.h"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace shard::testing {
namespace {

// Once in so many deaths half-way through a COMMIT the log's index is torn.
constexpr std::size_t kTornIndexOneIn = 4;

}  // namespace

SqliteFile::SqliteFile(World* world, Flaw flaw, Stamp stamp)
    : world_(*world), flaw_(flaw), stamp_(std::move(stamp)) {}

void SqliteFile::Open() {
  if (connections_++ == 0) RecoverLog();
}

void SqliteFile::Close() {
  if (--connections_ > 0 || !world_.alive()) return;
  // The last one copies the log into the database and removes it. That it is
  // removed is not synced.
  SyncAll();
  if (hidden_.has_value()) ghosts_.push_back(*std::exchange(hidden_, {}));
}

void SqliteFile::RecoverLog() {
  if (!hidden_.has_value()) return;
  world_.Note({name(), ": a COMMIT that died half-way comes to life"});
  if (hidden_->synced) {
    durable_ = hidden_->contents;
  } else {
    unsynced_.push_back(hidden_->contents);
  }
  hidden_.reset();
}

void SqliteFile::SyncAll() {
  if (!unsynced_.empty()) durable_ = unsynced_.back();
  unsynced_.clear();
  ghosts_.clear();
  if (hidden_.has_value()) hidden_->behind = 0;
}

void SqliteFile::ListFromTheStart(std::set<std::string> peers) {
  FileContents contents = *durable_;
  contents.peers = std::move(peers);
  durable_ = std::make_shared<FileContents>(std::move(contents));
}

void SqliteFile::SyncLog() {
  world_.Step();
  if (flaw_ == Flaw::kTrustUnsynced) return;
  SyncAll();
  if (hidden_.has_value()) hidden_->synced = true;
}

absl::Status SqliteFile::Commit(const void* owner, FileContents after,
                                bool sync) {
  // What ends, the death of the process too, gives up the lock.
  struct Release {
    SqliteFile& file;
    const void* owner;
    ~Release() {
      file.Unlock(owner);
      if (!file.world_.alive() && file.world_.random().OneIn(kTornIndexOneIn)) {
        file.RecoverLog();
      }
    }
  } release{*this, owner};
  world_.Step();
  Random& random = world_.random();
  if (random.OneIn(world_.pace().disk_full_one_in)) {
    world_.Note({name(), ": disk full"});
    return absl::ResourceExhaustedError("database or disk is full");
  }
  if (hidden_.has_value()) ghosts_.push_back(*hidden_);
  hidden_ = Frame{unsynced_.size(),
                  std::make_shared<FileContents>(std::move(after)), false};
  world_.Step();
  if (sync) {
    const bool fails = random.OneIn(world_.pace().sync_fails_one_in);
    if (!fails || random.Coin()) {
      SyncAll();
      hidden_->synced = true;
    }
    if (fails) {
      world_.Note({name(), ": the sync of a COMMIT fails"});
      return absl::UnavailableError("disk I/O error");
    }
    world_.Step();
  }
  const Frame published = *std::exchange(hidden_, {});
  if (published.synced) {
    durable_ = published.contents;
  } else {
    unsynced_.push_back(published.contents);
  }
  return absl::OkStatus();
}

void SqliteFile::LosePower() {
  Random& random = world_.random();
  const std::size_t survive = random.Below(unsynced_.size() + 1);
  const bool all = survive == unsynced_.size();
  if (survive > 0) durable_ = unsynced_[survive - 1];
  bool overwritten = false;  // on the disk
  if (all && hidden_.has_value() && (hidden_->synced || random.Coin())) {
    durable_ = hidden_->contents;
    overwritten = true;
  }
  // What stood there before the next frame, which did not get to the disk.
  for (auto ghost = ghosts_.rbegin(); !overwritten && ghost != ghosts_.rend();
       ++ghost) {
    if (ghost->behind != survive || random.Coin()) continue;
    durable_ = ghost->contents;
    overwritten = true;
  }
  unsynced_.clear();
  hidden_.reset();
  ghosts_.clear();
  connections_ = 0;
  locked_by_ = nullptr;
  if (!earlier_markers_.empty()) {
    const std::size_t kept = random.Below(earlier_markers_.size() + 3);
    if (kept < earlier_markers_.size()) marker_ = earlier_markers_[kept];
    if (kept == earlier_markers_.size()) marker_ = std::nullopt;
    if (kept == earlier_markers_.size() + 1) marker_ = FollowMarker();
  }
  earlier_markers_.clear();
}

void SqliteFile::SetMarker(std::optional<FollowMarker> marker) {
  earlier_markers_.push_back(std::exchange(marker_, std::move(marker)));
}

void SqliteFile::WriteMarker(const FollowMarker& marker) {
  SetMarker(FollowMarker());
  world_.Step();
  SetMarker(marker);
  world_.Step();
}

void SqliteFile::RemoveMarker() {
  SetMarker(std::nullopt);
  world_.Step();
}

std::size_t SqliteFile::Count(int tag) const {
  return static_cast<std::size_t>(
      std::count(visible().tags.begin(), visible().tags.end(), tag));
}

}  // namespace shard::testing
