// Who hears of each statement.
#ifndef SHARD_DIALECTS_POSTGRES_LISTENER_H_
#define SHARD_DIALECTS_POSTGRES_LISTENER_H_

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "shard/dialects/engine.h"

namespace shard::postgres {

// Calls EngineOptions::on_statement, if there is one.
class Listener {
 public:
  Listener(std::function<void(const StatementEvent&)> on_statement,
           std::string engine_name)
      : on_statement_(std::move(on_statement)),
        engine_name_(std::move(engine_name)) {}

  void Tell(std::string_view text, std::size_t parameters, bool ok) const {
    if (on_statement_) on_statement_({engine_name_, text, parameters, ok});
  }

 private:
  const std::function<void(const StatementEvent&)> on_statement_;
  const std::string engine_name_;
};

}  // namespace shard::postgres

#endif  // SHARD_DIALECTS_POSTGRES_LISTENER_H_
