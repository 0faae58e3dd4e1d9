// Asking what a transaction has done together with its last statement.
#ifndef SHARD_DIALECTS_POSTGRES_LOOK_AHEAD_H_
#define SHARD_DIALECTS_POSTGRES_LOOK_AHEAD_H_

#include <optional>
#include <string>
#include <utility>

namespace shard::postgres {

// What a server said of the running transaction behind the statement that was
// sent last. Saves the round trip of asking for it at the commit. Whatever is
// sent next may write, or end the transaction, so it makes what was known void.
// Not thread-safe.
class LookAhead {
 public:
  // Of a transaction that has no number "", else "748": it wrote.
  static constexpr char kQuery[] =
      "SELECT pg_catalog.pg_current_xact_id_if_assigned()";

  // Has the next task bring the answer along.
  void Ask() { asked_ = true; }
  // Something is going to be sent. True when kQuery is to follow it.
  bool Renew() {
    number_.reset();
    return std::exchange(asked_, false);
  }
  void Learn(std::string number) { number_ = std::move(number); }
  // Of the transaction as it stands; nullopt when the server has to be asked.
  const std::optional<std::string>& number() const { return number_; }

 private:
  bool asked_ = false;
  std::optional<std::string> number_;
};

}  // namespace shard::postgres

#endif  // SHARD_DIALECTS_POSTGRES_LOOK_AHEAD_H_
