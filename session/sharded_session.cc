#include "shard/session/sharded_session.h"

#include <memory>
#include <utility>

#include "shard/router/vertical_resolver.h"

namespace shard {
namespace {

SessionOptions OptionsFor(std::shared_ptr<Engine> engine) {
  auto resolver = std::make_shared<VerticalResolver>();
  if (engine != nullptr) resolver->BindDefault(std::move(engine));
  SessionOptions options;
  options.resolver = std::move(resolver);
  return options;
}

}  // namespace

ShardedSession::ShardedSession(std::shared_ptr<Engine> engine)
    : ShardedSession(OptionsFor(std::move(engine))) {}

ShardedSession ShardedSession::Join(std::shared_ptr<Engine> engine,
                                    Connection& connection,
                                    JoinTransactionMode mode) {
  const Engine* const joined = engine.get();
  SessionOptions options = OptionsFor(std::move(engine));
  options.two_phase = false;
  options.joined.push_back({joined, &connection, mode});
  return ShardedSession(std::move(options));
}

namespace internal {

sql::Statement WithAllFields(const Mapping& mapping,
                             const sql::SelectStatement& select) {
  sql::SelectStatement all = select;
  all.columns = SelectAllFields(mapping).columns;
  return sql::Statement(std::move(all), &mapping.class_info());
}

}  // namespace internal
}  // namespace shard
