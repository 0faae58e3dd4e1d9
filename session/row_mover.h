// Rows that move to other shards, and their objects with them.
#ifndef SHARD_SESSION_ROW_MOVER_H_
#define SHARD_SESSION_ROW_MOVER_H_

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "shard/router/bind_resolver.h"
#include "shard/session/identity_map.h"
#include "shard/session/object_loader.h"
#include "shard/session/session_options.h"
#include "shard/session/transaction.h"
#include "shard/session/unit_of_work.h"
#include "shard/sql/value.h"

namespace shard {

// The part of a flush that SessionOptions::shard_key_change == kMoveRow adds:
// rows of objects whose shard key was changed, so that they belong on another
// shard, are read and locked where they are, deleted there, and inserted where
// they belong, all columns of them, in the session's one atomic commit. Used
// once: Find, Open, Read and Write, in that order, before the rest of the
// flush.
//
// The object stays the object: its identity has the new shard from then on, a
// rollback (of a savepoint, too) gives it the old one back. SQL that was
// assigned is evaluated where the row was. Versions are compared, and counted
// on. Rows that follow it (BindResolver::CoLocatedWith), whether the session
// holds their objects or not, move along: what they repeat of it is changed as
// it was, and the rest of them, versions too, stays as it is.
//
// Errors, with nothing written up to the end of Read:
//   kFailedPrecondition  the shards are several databases and two_phase is off
//                        or has no topology; an object that follows was itself
//                        assigned what it repeats; a row that follows belongs
//                        elsewhere; the target is no shard
//   kUnimplemented       the class cannot (NoReturning; versions that triggers
//                        make; SQL assigned to what others repeat)
//   kAborted             the row is gone, or has another version
// and from Write: kAlreadyExists where the target has a row of that key.
class RowMover {
 public:
  struct Parts {
    BindResolver* resolver;
    Transaction* transaction;
    ObjectLoader* loader;
    IdentityMap* identity_map;
    bool two_phase;
  };
  explicit RowMover(const Parts& parts) : parts_(parts) {}

  // Which of the objects move, and whether they can.
  absl::Status Find(const std::vector<std::shared_ptr<EntityBase>>& changed);
  bool empty() const { return rows_.empty(); }
  // Takes those out of a list that Find has found.
  void RemoveFrom(std::vector<std::shared_ptr<EntityBase>>& objects) const;
  // Opens their shards, to be written to.
  absl::Status Open();
  // Reads the rows and those that follow.
  absl::Status Read();
  // On error the transaction can only be rolled back.
  absl::Status Write();

 private:
  // row_mover.cc
  absl::Status FindOne(const std::shared_ptr<EntityBase>& object);
  absl::Status CheckCanMove(const EntityBase& object, const Share& from,
                            const Bind& to) const;
  void CollectObjects();
  absl::Status CheckFollower(std::size_t index) const;
  absl::Status TakeObject(std::size_t index);
  absl::Status TakeMoved(std::size_t index);

  // Of which row, where: as IdentityKey, without a class.
  struct RowKey {
    const sql::Table* table;
    const Share* share;
    KeyValue key;
    friend bool operator==(const RowKey&, const RowKey&) = default;
    template <class H>
    friend H AbslHashValue(H h, const RowKey& id) {
      return H::combine(std::move(h), id.table, id.share, id.key);
    }
  };
  struct MovedRow {
    const sql::Table* table = nullptr;
    Share* from = nullptr;
    Share* to = nullptr;
    KeyValue key{};  // where it was
    // Null where the session has none. `asked`: its own shard key was changed.
    std::shared_ptr<EntityBase> object = nullptr;
    bool asked = false;
    // How many rows it follows, one another: it is deleted before and inserted
    // after those.
    std::size_t depth = 0;
    std::vector<sql::Value> before{}, after{};  // a cell for each column
    std::vector<const sql::Column*> repeats{};  // what it has of another row
  };
  using Indices = std::vector<std::size_t>;  // into rows_

  // row_mover_rows.cc
  // Rows of one table and share, `share` being from or to, depth by depth.
  std::vector<Indices> Groups(Share* MovedRow::*share) const;
  std::vector<Indices> GroupsOf(const Indices& rows,
                                Share* MovedRow::*share) const;
  absl::Status ReadAskedOf(const Indices& group);
  absl::Status ReadFollowers();
  absl::Status ReadFollowersOf(const Indices& group,
                               const CoLocatedRows& followers, Indices& next);
  absl::Status AddFollower(const CoLocatedRows& followers, std::size_t leader,
                           absl::Span<const sql::ValueView> cells,
                           Indices& next);
  absl::Status CheckPlace(const MovedRow& row);

  // row_mover_writes.cc
  absl::Status RunExpressions(std::size_t index);
  absl::Status Delete(const Indices& group);
  absl::Status Insert(const Indices& group);

  Parts parts_;
  std::vector<MovedRow> rows_;
  absl::flat_hash_map<RowKey, std::size_t> known_;
};

}  // namespace shard

#endif  // SHARD_SESSION_ROW_MOVER_H_
