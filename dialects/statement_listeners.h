// Who hears of the statements of a connection.
#ifndef SHARD_DIALECTS_STATEMENT_LISTENERS_H_
#define SHARD_DIALECTS_STATEMENT_LISTENERS_H_

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/time/time.h"

namespace shard {

// What a listener hears of each statement that was sent to the database.
struct StatementEvent {
  std::string_view engine;     // Engine::name()
  std::string_view statement;  // text with placeholders
  std::size_t parameters = 0;  // bound values, over all runs
  bool ok = true;
  // Rows that came back, or else that were changed. Of a stream: those of its
  // first batch, with which it is told.
  std::size_t rows = 0;
  // Until it was answered: since it was sent, or since the one before it was
  // answered when they were sent together.
  absl::Duration elapsed = absl::ZeroDuration();
};

using OnStatement = std::function<void(const StatementEvent&)>;

// The engine's listener, and that of whoever has the connection on loan, or of
// a guest in its place. Costs next to nothing, not even a look at the clock,
// when there is neither. Not thread-safe, like its connection.
class StatementListeners {
 public:
  using Clock = std::chrono::steady_clock;

  StatementListeners() = default;
  StatementListeners(const StatementListeners&) = delete;
  StatementListeners& operator=(const StatementListeners&) = delete;

  void SetEngine(std::string name, OnStatement listener) {
    engine_name_ = std::move(name);
    of_engine_ = std::move(listener);
  }
  // Null when the loan ends.
  void SetBorrower(OnStatement listener) {
    of_borrower_ = std::move(listener);
    told_ = &of_borrower_;
  }
  // Hears in the borrower's place, and must live until another one does. Null,
  // or empty: the borrower hears again.
  void SetGuest(const OnStatement* listener) {
    told_ = listener != nullptr && *listener ? listener : &of_borrower_;
  }

  bool any() const { return of_engine_ || *told_; }
  // When a statement began, to be handed to Tell; meaningless when nobody
  // listens.
  Clock::time_point Now() const {
    return any() ? Clock::now() : Clock::time_point();
  }
  void Tell(std::string_view text, std::size_t parameters, std::size_t rows,
            bool ok, Clock::time_point begin) const {
    if (!any()) return;
    const StatementEvent event{
        engine_name_, text, parameters,
        ok,           rows, absl::FromChrono(Clock::now() - begin)};
    if (of_engine_) of_engine_(event);
    if (*told_) (*told_)(event);
  }

 private:
  std::string engine_name_;
  OnStatement of_engine_;
  OnStatement of_borrower_;
  const OnStatement* told_ = &of_borrower_;
};

}  // namespace shard

#endif  // SHARD_DIALECTS_STATEMENT_LISTENERS_H_
