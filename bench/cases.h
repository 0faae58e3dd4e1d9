// All comparisons, one list for each file of cases.
#ifndef SHARD_BENCH_CASES_H_
#define SHARD_BENCH_CASES_H_

#include <vector>

#include "shard/bench/comparison.h"

namespace shard::bench {

std::vector<Case> FlushCases();
std::vector<Case> PostgresFlushCases();
std::vector<Case> UpdateCases();
std::vector<Case> BulkCases();
std::vector<Case> PostgresBulkCases();
std::vector<Case> GetCases();
std::vector<Case> PostgresGetCases();
std::vector<Case> ScalarsCases();
std::vector<Case> PlainCommitCases();
std::vector<Case> RouterCases();
std::vector<Case> PruningCases();
std::vector<Case> RoutingCases();
std::vector<Case> TwoPhaseCases();
std::vector<Case> SqliteCommitCases();

}  // namespace shard::bench

#endif  // SHARD_BENCH_CASES_H_
