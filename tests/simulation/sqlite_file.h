// A small SQLite file in WAL mode, as far as commits go.
#ifndef SHARD_TESTS_SIMULATION_SQLITE_FILE_H_
#define SHARD_TESTS_SIMULATION_SQLITE_FILE_H_

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "shard/dialects/participant.h"
#include "shard/tests/simulation/flaw.h"
#include "shard/tests/simulation/world.h"

namespace shard::testing {

struct FileContents {
  struct Decided {
    DecisionRow row;
    absl::Time at;
  };
  std::vector<int> tags;  // what transactions wrote, in their order
  std::map<std::string, Decided> decisions;
  std::set<std::string> peers;
};

// The file, its log, its lock and the marker beside it. All programs use it on
// one machine: the death of a process leaves what it wrote to the log, synced
// or not; a loss of power leaves what was synced, and of the rest any
// beginning.
//
// A COMMIT is written to the log, synced if it is to be durable, and published.
// One that dies or fails in between is not visible, until the log is recovered
// (by who finds its index torn, or opens the file when nobody else has it
// open) or the next COMMIT is written over it.
class SqliteFile {
 public:
  SqliteFile(World* world, Flaw flaw, Stamp stamp);

  const std::string& name() const { return stamp_.shard; }
  const Stamp& stamp() const { return stamp_; }
  const FileContents& visible() const {
    return unsynced_.empty() ? *durable_ : *unsynced_.back();
  }

  // Has always listed them.
  void ListFromTheStart(std::set<std::string> peers);
  // Even if the power goes now.
  bool ListsDurably(const std::string& identity) const {
    return durable_->peers.contains(identity);
  }

  void Open();
  void Close();
  // After the death of all programs that had it open.
  void LosePower();

  // The write lock; `owner` is a connection.
  bool LockIsFree() const { return locked_by_ == nullptr; }
  bool Owns(const void* owner) const { return locked_by_ == owner; }
  void Lock(const void* owner) { locked_by_ = owner; }
  void Unlock(const void* owner) {
    if (locked_by_ == owner) locked_by_ = nullptr;
  }

  // By the owner of the lock, who gives it up. kResourceExhausted: nothing was
  // written. kUnavailable: it failed half-way.
  absl::Status Commit(const void* owner, FileContents after, bool sync);
  // The log goes on behind what is published.
  bool HasHiddenCommit() const { return hidden_.has_value(); }
  // Syncs what is in the log, whoever wrote it.
  void SyncLog();

  const std::optional<FollowMarker>& marker() const { return marker_; }
  // By the owner of the lock.
  void WriteMarker(const FollowMarker& marker);
  void RemoveMarker();

  std::size_t Count(int tag) const;

 private:
  using Contents = std::shared_ptr<const FileContents>;
  struct Frame {
    std::size_t behind;  // so many unsynced commits
    Contents contents;
    bool synced;
  };

  void RecoverLog();
  void SyncAll();
  void SetMarker(std::optional<FollowMarker> marker);

  World& world_;
  const Flaw flaw_;
  const Stamp stamp_;
  std::size_t connections_ = 0;
  const void* locked_by_ = nullptr;

  Contents durable_ = std::make_shared<FileContents>();
  std::vector<Contents> unsynced_;  // published, the later behind the earlier
  std::optional<Frame> hidden_;     // written, not published
  // Hidden ones that were written over, but perhaps not on the disk yet.
  std::vector<Frame> ghosts_;

  std::optional<FollowMarker> marker_;
  std::vector<std::optional<FollowMarker>> earlier_markers_;
};

}  // namespace shard::testing

#endif  // SHARD_TESTS_SIMULATION_SQLITE_FILE_H_
