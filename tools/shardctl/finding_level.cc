#include "shard/tools/shardctl/finding_level.h"

#include "shard/tools/shardctl/style.h"

namespace shard::shardctl {

Table::Cell LevelCell(Finding::Level level) {
  switch (level) {
    case Finding::kOk:
      return {"ok", Color::kGreen};
    case Finding::kWarning:
      return {"warning", Color::kYellow};
    case Finding::kError:
      break;
  }
  return {"error", Color::kRed};
}

ExitCode CodeOf(Finding::Level level) {
  switch (level) {
    case Finding::kOk:
      return ExitCode::kOk;
    case Finding::kWarning:
      return ExitCode::kUnfinished;
    case Finding::kError:
      break;
  }
  return ExitCode::kRefused;
}

}  // namespace shard::shardctl
