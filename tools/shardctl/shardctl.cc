// The operators' program; docs/shardctl.md.
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "shard/base/status_macros.h"
#include "shard/tools/shardctl/cluster_config.h"
#include "shard/tools/shardctl/command_line.h"
#include "shard/tools/shardctl/commands.h"
#include "shard/tools/shardctl/databases.h"
#include "shard/tools/shardctl/exit_code.h"
#include "shard/tools/shardctl/help.h"
#include "shard/tools/shardctl/output.h"

namespace shard::shardctl {
namespace {

ExitCode RunCommand(Context& context) {
  const std::string& command = context.line.command;
  if (command == "status") return RunStatus(context);
  if (command == "recover") return RunRecover(context);
  if (command == "resolve") return RunResolve(context);
  if (command == "check") return RunCheck(context);
  if (command == "forget") return RunForget(context);
  if (command == "load") return RunLoad(context);
  return RunStamp(context);
}

// An error is one of usage: the databases were named wrongly.
absl::StatusOr<ExitCode> Open(const CommandLine& line, Output& output) {
  if (line.command == "topology") return RunTopologyCheck(line, output);
  if (line.command == "explain") return RunExplain(line, output);
  SHARD_ASSIGN_OR_RETURN(const ClusterConfig config, ReadClusterConfig(line));
  SHARD_ASSIGN_OR_RETURN(
      const std::vector<Database> databases,
      OpenDatabases(config, line.timeout,
                    line.command == "stamp" ? MissingFile::kIsMade
                                            : MissingFile::kIsAnError));
  output.object()["cluster"] = config.cluster;
  Context context{line, config, databases, output};
  return RunCommand(context);
}

int Usage(Output& output, const absl::Status& error) {
  output.Error(absl::Status(
      error.code(), absl::StrCat(error.message(), "; see shardctl --help")));
  return output.Finish(ExitCode::kUsage);
}

int Main(const std::vector<std::string>& arguments) {
  const absl::StatusOr<CommandLine> line = ParseCommandLine(arguments);
  // A program that asks for JSON gets it, however wrong the rest is.
  Output output(std::count(arguments.begin(), arguments.end(), "--json") > 0);
  if (!line.ok()) return Usage(output, line.status());
  if (line->help) {
    std::cout << HelpText(line->command);
    return static_cast<int>(ExitCode::kOk);
  }
  output.object()["command"] = line->command;
  const absl::StatusOr<ExitCode> code = Open(*line, output);
  return code.ok() ? output.Finish(*code) : Usage(output, code.status());
}

}  // namespace
}  // namespace shard::shardctl

int main(int argc, char** argv) {
  // `bazel run` starts programs elsewhere; paths are meant from where it is.
  const char* const from = std::getenv("BUILD_WORKING_DIRECTORY");
  if (from != nullptr && chdir(from) != 0) {
    std::cerr << "shardctl: folder '" << from << "' cannot be entered\n";
    return static_cast<int>(shard::shardctl::ExitCode::kUsage);
  }
  return shard::shardctl::Main(std::vector<std::string>(argv + 1, argv + argc));
}
