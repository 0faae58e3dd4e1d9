// A session's history as the test says.
#ifndef SHARD_TESTS_ROUTER_FAKE_HISTORY_H_
#define SHARD_TESTS_ROUTER_FAKE_HISTORY_H_

#include <map>

#include "shard/router/session_history.h"

namespace shard::testing {

class FakeHistory : public SessionHistory {
 public:
  EngineHistory With(const Engine& engine) const override {
    const auto found = engines.find(&engine);
    return found == engines.end() ? EngineHistory() : found->second;
  }
  bool read_only() const override { return reads_only; }

  std::map<const Engine*, EngineHistory> engines;
  bool reads_only = false;
};

}  // namespace shard::testing

#endif  // SHARD_TESTS_ROUTER_FAKE_HISTORY_H_
