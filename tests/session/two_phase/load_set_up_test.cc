// What no row is to blame for is no bad row, though it goes wrong with each.
#include <cstdint>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/status_macros.h"
#include "shard/base/testing.h"
#include "shard/router/vertical_resolver.h"
#include "shard/session/csv_source.h"
#include "shard/session/load.h"
#include "shard/session/sharded_session.h"
#include "shard/tests/session/models.h"
#include "shard/tests/session/two_phase/two_phase_test.h"

namespace shard::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class LoadSetUpTest : public TwoPhaseTest,
                      public ::testing::WithParamInterface<std::string> {
 protected:
  template <class E>
  absl::StatusOr<LoadReport> LoadCsv(const SessionOptions& session,
                                     const std::string& text) {
    std::istringstream stream(text);
    SHARD_ASSIGN_OR_RETURN(const auto source,
                           CsvSource::Open(&E::ClassMapping(), &stream));
    return Load(session, *source,
                {.name = "rows", .on_refused = OnRefusedRow::kSkip});
  }
};
INSTANTIATE_TEST_SUITE_P(Databases, LoadSetUpTest,
                         ::testing::Values("S", "P", "SP"),
                         [](const auto& param) { return param.param; });

TEST_P(LoadSetUpTest, ASourceMustGiveTheShardKey) {
  SHARD_OPEN_OR_SKIP(GetParam());
  EXPECT_THAT(LoadCsv<City>(options(), "id,name,population\n1,a,1\n").status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("City.continent"), HasSubstr("shard"))));
  EXPECT_THAT(ListLoads(options()).value(), IsEmpty());
}

TEST_P(LoadSetUpTest, ASourceMustGiveAKeyThatTheDatabaseDoesNotMake) {
  SHARD_OPEN_OR_SKIP(GetParam());
  auto resolver = std::make_shared<VerticalResolver>();
  resolver->BindDefault(cluster().engine(0));
  SessionOptions session;
  session.resolver = resolver;
  EXPECT_THAT(
      LoadCsv<Page>(session, "body\na\n").status(),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("Page.path")));
  // This one it makes.
  const auto report =
      LoadCsv<City>(options(), "continent,name,population\nC0,a,1\nC0,b,2\n");
  SHARD_ASSERT_OK(report);
  EXPECT_EQ(report->inserted, 2u);
}

TEST_P(LoadSetUpTest, ARowIsNotToBlameThatItsClassIsNotBound) {
  SHARD_OPEN_OR_SKIP(GetParam());
  auto resolver = std::make_shared<VerticalResolver>();
  resolver->BindClass(Page::class_info(), cluster().engine(0));
  SessionOptions unbound;
  unbound.resolver = resolver;
  unbound.autobegin = true;
  ShardedSession session(unbound);
  BulkOptions how;
  how.skip_refused = true;
  const std::vector<City::Row> rows = {
      {.id = 1, .continent = "C0", .name = "n", .population = 1}};
  EXPECT_THAT(
      session.BulkInsert<City>(rows, how).status(),
      StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("not bound")));
}

}  // namespace
}  // namespace shard::testing
