#include "shard/tools/shardctl/command_line.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "shard/base/status_macros.h"
#include "shard/base/strings.h"
#include "shard/session/two_phase/gid.h"
#include "shard/tools/shardctl/load_arguments.h"

namespace shard::shardctl {
namespace {

constexpr std::array<std::string_view, 9> kCommands = {
    "status", "recover", "resolve",  "check",  "stamp",
    "forget", "load",    "topology", "explain"};

absl::Status Wrong(const std::string& what) {
  return absl::InvalidArgumentError(what);
}

absl::Status SetDuration(const std::string& value, absl::Duration* duration) {
  if (absl::ParseDuration(value, duration) &&
      *duration >= absl::ZeroDuration()) {
    return absl::OkStatus();
  }
  return Wrong("needs a duration such as 500ms, 30s or 1h30m");
}

absl::Status SetTimeout(CommandLine& line, const std::string& value) {
  SHARD_RETURN_IF_ERROR(SetDuration(value, &line.timeout));
  if (line.timeout >= absl::Milliseconds(1) && line.timeout <= absl::Hours(1)) {
    return absl::OkStatus();
  }
  return Wrong("needs a duration from 1ms to 1h");
}

absl::Status AddDatabase(CommandLine& line, const std::string& value) {
  const std::size_t equals = value.find('=');
  if (equals == value.npos) {
    return Wrong("needs NAME=URL, such as eu=postgresql://host/bank");
  }
  line.databases.emplace_back(value.substr(0, equals),
                              value.substr(equals + 1));
  return absl::OkStatus();
}

absl::Status SetEpoch(CommandLine& line, const std::string& value) {
  std::int64_t epoch = 0;
  if (!absl::SimpleAtoi(value, &epoch) || epoch < 1) {
    return Wrong("needs a number from 1 on");
  }
  line.epoch = epoch;
  return absl::OkStatus();
}

absl::Status Decide(CommandLine& line, Decision decision) {
  if (line.decision.has_value() && *line.decision != decision) {
    return Wrong("cannot stand beside its opposite: say --commit or --abort");
  }
  line.decision = decision;
  return absl::OkStatus();
}

absl::Status SetOnConflict(CommandLine& line, OnConflict wanted) {
  if (line.on_conflict != OnConflict::kReport && line.on_conflict != wanted) {
    return Wrong("cannot stand beside its opposite: say --overwrite or --keep");
  }
  line.on_conflict = wanted;
  return absl::OkStatus();
}

struct Option {
  std::string_view name;
  std::string_view command;  // that takes it, "a or b" do; empty: all do
  bool takes_value;
  absl::Status (*set)(CommandLine& line, const std::string& value);
};

constexpr Option kOptions[] = {
    {"--help", "", false,
     [](CommandLine& line, const std::string&) {
       line.help = true;
       return absl::OkStatus();
     }},
    {"--json", "", false,
     [](CommandLine& line, const std::string&) {
       line.json = true;
       return absl::OkStatus();
     }},
    {"--topology", "", true,
     [](CommandLine& line, const std::string& value) {
       line.topology_file = value;
       return value.empty() ? Wrong("needs a file") : absl::OkStatus();
     }},
    {"--cluster", "", true,
     [](CommandLine& line, const std::string& value) {
       line.cluster = value;
       return absl::OkStatus();
     }},
    {"--epoch", "", true, &SetEpoch},
    {"--database", "", true, &AddDatabase},
    {"--timeout", "", true, &SetTimeout},
    {"--all", "status", false,
     [](CommandLine& line, const std::string&) {
       line.all = true;
       return absl::OkStatus();
     }},
    {"--recover-after", "recover", true,
     [](CommandLine& line, const std::string& value) {
       return SetDuration(value, &line.recover_after);
     }},
    {"--retention", "recover", true,
     [](CommandLine& line, const std::string& value) {
       return SetDuration(value, &line.retention);
     }},
    {"--commit", "resolve", false,
     [](CommandLine& line, const std::string&) {
       return Decide(line, Decision::kCommit);
     }},
    {"--abort", "resolve", false,
     [](CommandLine& line, const std::string&) {
       return Decide(line, Decision::kAbort);
     }},
    {"--overwrite", "resolve", false,
     [](CommandLine& line, const std::string&) {
       return SetOnConflict(line, OnConflict::kOverwrite);
     }},
    {"--keep", "resolve", false,
     [](CommandLine& line, const std::string&) {
       return SetOnConflict(line, OnConflict::kKeep);
     }},
    {"--yes", "resolve", false,
     [](CommandLine& line, const std::string&) {
       line.yes = true;
       return absl::OkStatus();
     }},
    {"--remove", "check", true,
     [](CommandLine& line, const std::string& value) {
       line.remove = value;
       return value.empty() ? Wrong("needs a database's name")
                            : absl::OkStatus();
     }},
    {"--table", "load or explain", true,
     [](CommandLine& line, const std::string& value) {
       line.load.table = line.explain.table = value;
       return absl::OkStatus();
     }},
    {"--key", "explain", true,
     [](CommandLine& line, const std::string& value) {
       line.explain.keys.push_back(value);
       return absl::OkStatus();
     }},
    {"--shard-by", "load", true,
     [](CommandLine& line, const std::string& value) {
       return SetList(value, &line.load.shard_by);
     }},
    {"--shards", "load", true,
     [](CommandLine& line, const std::string& value) {
       return SetList(value, &line.load.shards);
     }},
    {"--type", "load", true,
     [](CommandLine& line, const std::string& value) {
       return AddType(value, &line.load);
     }},
    {"--name", "load", true,
     [](CommandLine& line, const std::string& value) {
       line.load.name = value;
       return value.empty() ? Wrong("needs a name") : absl::OkStatus();
     }},
    {"--batch-rows", "load", true,
     [](CommandLine& line, const std::string& value) {
       return SetBatchRows(value, &line.load.batch_rows);
     }},
    {"--skip-bad", "load", false,
     [](CommandLine& line, const std::string&) {
       line.load.skip_bad = true;
       return absl::OkStatus();
     }},
    {"--refused", "load", true,
     [](CommandLine& line, const std::string& value) {
       line.load.refused_file = value;
       return value.empty() ? Wrong("needs a file") : absl::OkStatus();
     }},
    {"--all-or-nothing", "load", false,
     [](CommandLine& line, const std::string&) {
       line.load.all_or_nothing = true;
       return absl::OkStatus();
     }},
    {"--restart", "load", false,
     [](CommandLine& line, const std::string&) {
       line.load.restart = true;
       return absl::OkStatus();
     }},
    {"--mended", "load", false,
     [](CommandLine& line, const std::string&) {
       line.load.mended = true;
       return absl::OkStatus();
     }},
    {"--delimiter", "load", true,
     [](CommandLine& line, const std::string& value) {
       return SetDelimiter(value, &line.load.delimiter);
     }},
    {"--null", "load", true,
     [](CommandLine& line, const std::string& value) {
       line.load.null_text = value;
       return absl::OkStatus();
     }},
    {"--no-header", "load", false,
     [](CommandLine& line, const std::string&) {
       line.load.header = false;
       return absl::OkStatus();
     }},
    {"--columns", "load", true,
     [](CommandLine& line, const std::string& value) {
       return SetList(value, &line.load.columns);
     }},
};

// For messages. What looks like a URL may hold a password, and stays out.
std::string Shown(std::string_view argument) {
  if (argument.find("://") != argument.npos) return "a URL";
  return absl::StrCat("'", ToAbsl(argument), "'");
}

bool IsFor(const Option& option, std::string_view command) {
  const std::string_view all = option.command;
  const std::size_t either = all.find(" or ");
  return all.empty() || all == command ||
         (either != all.npos && (all.substr(0, either) == command ||
                                 all.substr(either + 4) == command));
}

class Parser {
 public:
  explicit Parser(const std::vector<std::string>& arguments)
      : arguments_(arguments) {}

  absl::StatusOr<CommandLine> Parse() {
    while (at_ < arguments_.size()) {
      const std::string& argument = arguments_[at_++];
      const bool is_option = argument.starts_with("-") && argument != "-";
      SHARD_RETURN_IF_ERROR(is_option ? ReadOption(argument)
                                      : ReadWord(argument));
    }
    if (!line_.help) SHARD_RETURN_IF_ERROR(CheckWhole());
    return line_;
  }

 private:
  absl::Status ReadOption(const std::string& argument) {
    const std::size_t equals = argument.find('=');
    const std::string name =
        argument == "-h" ? "--help" : argument.substr(0, equals);
    const Option* const option =
        std::find_if(std::begin(kOptions), std::end(kOptions),
                     [&](const Option& one) { return one.name == name; });
    if (option == std::end(kOptions)) {
      return Wrong(absl::StrCat("there is no option ", Shown(name)));
    }
    const bool has_value = equals != argument.npos;
    std::string value = has_value ? argument.substr(equals + 1) : "";
    if (has_value && !option->takes_value) {
      return Wrong(absl::StrCat(name, " takes no value"));
    }
    if (!has_value && option->takes_value) {
      if (at_ == arguments_.size()) {
        return Wrong(absl::StrCat(name, " needs a value"));
      }
      value = arguments_[at_++];
    }
    used_.push_back(option);
    const absl::Status status = option->set(line_, value);
    if (status.ok()) return status;
    return Wrong(absl::StrCat(name, " ", status.message()));
  }

  absl::Status ReadWord(const std::string& word) {
    if (line_.command.empty()) {
      if (word == "help") {
        line_.help = true;
        return absl::OkStatus();
      }
      if (std::find(kCommands.begin(), kCommands.end(), word) ==
          kCommands.end()) {
        return Wrong(absl::StrCat(
            Shown(word),
            " is no command; there are status, recover, resolve, check, stamp, "
            "forget, load, topology and explain"));
      }
      line_.command = word;
      return absl::OkStatus();
    }
    if (line_.command == "resolve" && line_.gid.empty()) {
      line_.gid = word;
      return absl::OkStatus();
    }
    if (line_.command == "forget" && line_.identity.empty()) {
      line_.identity = word;
      return absl::OkStatus();
    }
    if (line_.command == "topology" && line_.action.empty()) {
      line_.action = word;
      return absl::OkStatus();
    }
    if ((line_.command == "topology" || line_.command == "explain") &&
        line_.topology_file.empty()) {
      line_.topology_file = word;
      return absl::OkStatus();
    }
    if (line_.command == "load" && line_.load.file.empty()) {
      line_.load.file = word;
      return absl::OkStatus();
    }
    return Wrong(
        absl::StrCat(line_.command, " takes no argument ", Shown(word)));
  }

  absl::Status CheckWhole() const {
    if (line_.command.empty()) {
      return Wrong(
          "say what to do: status, recover, resolve, check, stamp, forget, "
          "load, topology check or explain");
    }
    for (const Option* option : used_) {
      if (IsFor(*option, line_.command)) continue;
      return Wrong(absl::StrCat(ToAbsl(option->name), " is for ",
                                ToAbsl(option->command), ", not for ",
                                line_.command));
    }
    if (line_.command == "forget" && line_.identity.size() != 32) {
      return Wrong(
          "forget needs the identity of the database that is gone: 32 "
          "hexadecimal digits, as the error that sent you here has it");
    }
    if (line_.command == "topology" || line_.command == "explain") {
      return CheckFileCommand();
    }
    if (line_.command == "load") return CheckLoadArguments(line_.load);
    return line_.command == "resolve" ? CheckResolve() : absl::OkStatus();
  }

  // Of a command that is about the topology file itself.
  absl::Status CheckFileCommand() const {
    if (line_.command == "topology" && line_.action != "check") {
      return Wrong("topology needs what to do: topology check FILE.json");
    }
    if (line_.cluster.has_value() || line_.epoch.has_value() ||
        !line_.databases.empty()) {
      return Wrong(absl::StrCat(
          line_.command,
          " goes by the file: leave out --cluster, --epoch and --database"));
    }
    if (line_.topology_file.empty()) {
      return Wrong(
          absl::StrCat(line_.command, " needs a topology file: FILE.json"));
    }
    if (line_.command == "explain" && line_.explain.table.empty()) {
      return Wrong("explain needs --table T, a table that the file describes");
    }
    return absl::OkStatus();
  }

  absl::Status CheckResolve() const {
    if (line_.gid.empty()) {
      return Wrong("resolve needs the gid of a transaction; status lists them");
    }
    if (!line_.decision.has_value()) {
      return Wrong("resolve needs --commit or --abort");
    }
    if (line_.on_conflict != OnConflict::kReport &&
        line_.decision != Decision::kCommit) {
      return Wrong("--overwrite and --keep are for --commit");
    }
    if (Gid::Parse(line_.gid).ok()) return absl::OkStatus();
    return Wrong(absl::StrCat(
        Shown(line_.gid),
        " is no gid; one reads shard1/<cluster>/<identity>/<txn>/<number>/"
        "<branch>, and status lists them"));
  }

  const std::vector<std::string>& arguments_;
  std::size_t at_ = 0;
  CommandLine line_;
  std::vector<const Option*> used_;
};

}  // namespace

absl::StatusOr<CommandLine> ParseCommandLine(
    const std::vector<std::string>& arguments) {
  return Parser(arguments).Parse();
}

}  // namespace shard::shardctl
