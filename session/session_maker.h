// A factory of sessions.
#ifndef SHARD_SESSION_SESSION_MAKER_H_
#define SHARD_SESSION_SESSION_MAKER_H_

#include <concepts>
#include <type_traits>
#include <utility>

#include "shard/session/retry.h"
#include "shard/session/session_options.h"
#include "shard/session/sharded_session.h"

namespace shard {

// Holds the options that all sessions of a program share, and makes sessions of
// type S: ShardedSession, or a class of yours that derives from it and can be
// constructed from SessionOptions. Configure before use; making and running
// sessions is then thread-safe.
//
//   SessionMaker make_session({.resolver = resolver});
//   ShardedSession session = make_session();
//   ShardedSession quiet = make_session(
//       [](SessionOptions& options) { options.autoflush = false; });
template <std::derived_from<ShardedSession> S>
requires std::constructible_from<S, SessionOptions>
class BasicSessionMaker {
 public:
  BasicSessionMaker() = default;
  explicit BasicSessionMaker(SessionOptions options)
      : options_(std::move(options)) {}

  // Options of the sessions made from now on; those that there are keep theirs.
  SessionOptions& options() { return options_; }
  const SessionOptions& options() const { return options_; }
  // Changes some of them: Configure([&](SessionOptions& o) { o.topology = t;
  // }).
  template <std::invocable<SessionOptions&> Change>
  void Configure(Change&& change) {
    std::forward<Change>(change)(options_);
  }

  S operator()() const { return S(options_); }
  // One that differs in what `change` changes of the maker's options.
  template <std::invocable<SessionOptions&> Change>
  S operator()(Change&& change) const {
    SessionOptions options = options_;
    std::forward<Change>(change)(options);
    return S(std::move(options));
  }
  // One that takes nothing of the maker's options.
  S operator()(SessionOptions options) const { return S(std::move(options)); }

  // Runs `work` in a session and a transaction of its own: commits when it
  // returns OK, rolls back when it returns an error or throws (which passes
  // on), and closes the session in the end. What happens after it has returned
  // does not undo it. Returns what `work` does, an absl::Status or an
  // absl::StatusOr<T>, or else the error of Commit (see there: a commit that is
  // pending somewhere is OK).
  //
  //   absl::StatusOr<int64_t> id = make_session.InTransaction(
  //       [&](ShardedSession& session) -> absl::StatusOr<int64_t> {
  //         SHARD_RETURN_IF_ERROR(session.Add(account));
  //         SHARD_RETURN_IF_ERROR(session.Flush());
  //         return account->id.value();
  //       });
  template <SessionWork<S> Work>
  std::invoke_result_t<Work&, S&> InTransaction(Work&& work) const {
    S session(options_);
    return internal::RunAndCommit(session, work);
  }

  // The same, and once more, each time in a fresh session, as long as it fails
  // with kAborted and the policy allows. So `work` may run several times: what
  // it does besides (files, messages) must bear that, and it must not commit
  // itself. Not done again: any other error, among them a commit that is in
  // doubt (InDoubtOf) or whose answer was lost (AnswerLostOf), which may have
  // happened. With SessionOptions::joined it is done once only: what it met has
  // cost the transaction around it, too, which is its owner's to do again.
  template <SessionWork<S> Work>
  std::invoke_result_t<Work&, S&> Run(Work&& work,
                                      const RetryPolicy& policy = {}) const {
    if (!options_.joined.empty()) return InTransaction(work);
    Retries retries(policy);
    while (true) {
      auto result = InTransaction(work);
      if (!retries.Again(internal::StatusOf(result))) return result;
    }
  }

 private:
  SessionOptions options_;
};

using SessionMaker = BasicSessionMaker<ShardedSession>;

}  // namespace shard

#endif  // SHARD_SESSION_SESSION_MAKER_H_
