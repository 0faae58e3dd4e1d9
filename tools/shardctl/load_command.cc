// shardctl load: loads a file into a table that is spread over shards.
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "shard/base/status_macros.h"
#include "shard/base/strings.h"
#include "shard/session/csv_source.h"
#include "shard/session/load.h"
#include "shard/tools/shardctl/commands.h"
#include "shard/tools/shardctl/load_target.h"
#include "shard/tools/shardctl/progress_bar.h"
#include "shard/tools/shardctl/progress_display.h"
#include "shard/tools/shardctl/refused_rows.h"
#include "shard/tools/shardctl/stop_signal.h"
#include "shard/tools/shardctl/style.h"

namespace shard::shardctl {
namespace {

// The same for the same command, from whichever folder it is given. Standard
// input is another one each time.
std::string NameOf(const LoadArguments& arguments) {
  if (!arguments.name.empty() || arguments.file == "-") return arguments.name;
  std::error_code error;
  const auto path = std::filesystem::weakly_canonical(arguments.file, error);
  return absl::StrCat(arguments.table, " ",
                      error ? arguments.file : path.string());
}

constexpr std::size_t kLongestName = 200;  // LoadOptions::name

std::int64_t Signed(std::uint64_t number) {
  return static_cast<std::int64_t>(number);
}

WorkDone DoneOf(const LoadProgress& progress) {
  WorkDone done;
  done.rows = Signed(progress.position.rows - progress.refused);
  done.refused = Signed(progress.refused);
  done.bytes = Signed(progress.position.bytes);
  done.total_bytes = Signed(progress.total_bytes.value_or(0));
  done.rows_per_second = progress.rows_per_second;
  done.left = progress.time_left;
  return done;
}

std::int64_t RowsPerSecond(const LoadReport& report) {
  const double seconds = absl::ToDoubleSeconds(report.elapsed);
  return seconds > 0 ? static_cast<std::int64_t>(
                           static_cast<double>(report.inserted) / seconds)
                     : 0;
}

// "8.3s", or as ages are where there are more.
std::string SecondsText(absl::Duration time) {
  return time < absl::Minutes(1)
             ? absl::StrFormat("%.1fs", absl::ToDoubleSeconds(time))
             : AgeText(time);
}

class LoadCommand {
 public:
  explicit LoadCommand(Context& context)
      : context_(context),
        arguments_(context.line.load),
        output_(context.output),
        name_(NameOf(arguments_)) {}

  ExitCode Run() {
    if (!AllReached()) return ExitCode::kUnreachable;
    absl::Status status = Prepare();
    if (status.ok()) {
      started_ = true;
      status = Load();
      finished_ = status.ok();
      const absl::Status closed = refused_.CloseFile();
      if (status.ok()) status = closed;
      if (!finished_) ReadState();
    }
    Describe();
    if (finished_) {
      TellLoaded();
    } else if (started_) {
      TellWhatStands();
    }
    ListRefused();
    if (!status.ok() && !stopped_) {
      output_.Error(status);
      return ExitCodeOf(status);
    }
    return stopped_ || report_.refused > 0 ? ExitCode::kUnfinished
                                           : ExitCode::kOk;
  }

 private:
  bool AllReached() {
    bool all = true;
    for (const Database& database : context_.databases) {
      if (database.reached.ok()) continue;
      output_.Problem(database.name, database.reached);
      all = false;
    }
    return all;
  }

  absl::Status Prepare() {
    SHARD_ASSIGN_OR_RETURN(target_,
                           LoadTarget::Open(context_.config, context_.databases,
                                            arguments_, context_.line.timeout));
    SHARD_RETURN_IF_ERROR(OpenSource());
    if (name_.size() > kLongestName) {
      return absl::InvalidArgumentError(absl::StrCat(
          "the load's name, of the table and the file's path, has ",
          name_.size(), " bytes, and ", kLongestName,
          " is the most; give it one with --name"));
    }
    if (!arguments_.refused_file.empty()) {
      SHARD_RETURN_IF_ERROR(refused_.OpenFile(arguments_.refused_file));
    }
    if (!arguments_.restart || name_.empty()) return absl::OkStatus();
    const absl::Status forgotten = ForgetLoad(target_->Options(), name_);
    return absl::IsNotFound(forgotten) ? absl::OkStatus() : forgotten;
  }

  absl::Status OpenSource();

  LoadOptions Options() {
    LoadOptions options;
    options.name = name_;
    if (arguments_.batch_rows > 0) options.batch_rows = arguments_.batch_rows;
    options.on_refused = arguments_.skip_bad         ? OnRefusedRow::kSkip
                         : arguments_.all_or_nothing ? OnRefusedRow::kUndoAll
                                                     : OnRefusedRow::kStop;
    options.on_refused_row = [this](const RefusedLoadRow& row) {
      refused_.Add(std::string(absl::StripPrefix(row.where, "line ")),
                   std::string(ToStd(row.reason.message())));
    };
    options.most_refused_kept = 0;
    options.accept_changed_source = arguments_.mended;
    options.progress_interval = absl::Milliseconds(100);
    return options;
  }

  absl::Status Load() {
    const StopSignal stop;
    ProgressDisplay display(output_.json());
    LoadOptions options = Options();
    options.on_progress = [&](const LoadProgress& progress) {
      display.Show(DoneOf(progress));
      if (progress.finished || !stop.caught()) return absl::OkStatus();
      stopped_ = true;
      return absl::CancelledError("interrupted");
    };
    SHARD_ASSIGN_OR_RETURN(
        report_, shard::Load(target_->Options(arguments_.all_or_nothing),
                             *source_, options));
    return absl::OkStatus();
  }

  // What stands of a load that did not come to its end.
  void ReadState() {
    if (name_.empty() || target_ == nullptr) return;
    const auto loads = ListLoads(target_->Options());
    if (!loads.ok()) return;
    for (const LoadState& load : *loads) {
      if (load.name != name_) continue;
      report_.position = load.position;
      report_.refused = load.refused;
    }
  }

  void Describe();
  void TellWhatStands();
  void TellLoaded();
  void ListRefused();

  std::int64_t loaded() const {
    return Signed(report_.position.rows - report_.refused);
  }

  Context& context_;
  const LoadArguments& arguments_;
  Output& output_;
  const std::string name_;
  std::unique_ptr<LoadTarget> target_;
  std::unique_ptr<CsvSource> source_;
  RefusedRows refused_;
  LoadReport report_;
  bool started_ = false;
  bool stopped_ = false;
  bool finished_ = false;
};

absl::Status LoadCommand::OpenSource() {
  CsvOptions options;
  options.delimiter = arguments_.delimiter;
  options.null_text = arguments_.null_text;
  options.has_header = arguments_.header;
  options.columns = arguments_.columns;
  const Mapping* const mapping = &target_->mapping();
  absl::StatusOr<std::unique_ptr<CsvSource>> source =
      arguments_.file == "-"
          ? CsvSource::Open(mapping, &std::cin, std::move(options))
          : CsvSource::Open(mapping, arguments_.file, std::move(options));
  if (source.ok()) {
    source_ = *std::move(source);
    return absl::OkStatus();
  }
  const std::string left_out = target_->LeftOut();
  if (!absl::IsInvalidArgument(source.status()) || left_out.empty()) {
    return source.status();
  }
  return absl::InvalidArgumentError(absl::StrCat(
      source.status().message(), "; what cannot be loaded: ", left_out));
}

// To programs.
void LoadCommand::Describe() {
  Json& object = output_.object();
  object["table"] = arguments_.table;
  object["shards"] = target_ == nullptr ? arguments_.shards : target_->shards();
  object["name"] = TextJson(name_);
  object["finished"] = finished_;
  object["rows"] = loaded();
  object["rows_before"] = Signed(report_.resumed_at);
  object["refused"] = report_.refused;
  object["bytes"] = report_.position.bytes;
  object["seconds"] = AgeJson(report_.elapsed);
  object["rows_per_second"] = RowsPerSecond(report_);
  Json rows = Json::array();
  for (const RefusedRows::Row& row : refused_.first()) {
    rows.push_back({{"line", row.line}, {"reason", row.reason}});
  }
  object["refused_rows"] = std::move(rows);
}

// Of a load that did not come to its end.
void LoadCommand::TellWhatStands() {
  if (stopped_)
    output_.text() << output_.Paint("interrupted: ", Color::kYellow);
  if (arguments_.all_or_nothing) {
    output_.text() << "nothing is loaded; the same command begins anew\n";
  } else if (name_.empty()) {
    output_.text() << "the load has no name to go on by (--name), and begins "
                      "anew\n";
  } else {
    output_.text() << CountText(loaded())
                   << " rows are loaded; the same command goes on behind them, "
                      "with --mended if the file is changed\n";
  }
}

void LoadCommand::TellLoaded() {
  if (report_.already_finished) {
    output_.text() << "finished already: " << CountText(loaded())
                   << " rows; --restart begins anew\n";
    return;
  }
  output_.text() << output_.Paint("loaded", Color::kGreen) << ": "
                 << CountText(loaded()) << " rows into '" << arguments_.table
                 << "' on " << absl::StrJoin(target_->shards(), ", ");
  if (report_.resumed_at > 0) {
    output_.text() << ", " << CountText(Signed(report_.inserted))
                   << " of them now";
  }
  output_.text() << ", in " << SecondsText(report_.elapsed) << " ("
                 << CountText(RowsPerSecond(report_)) << " rows/s)\n";
}

void LoadCommand::ListRefused() {
  if (report_.refused == 0) return;
  if (!refused_.first().empty()) {
    Table table({"LINE", "REASON"});
    for (const RefusedRows::Row& row : refused_.first()) {
      table.Add({row.line, row.reason});
    }
    output_.Print(table);
  }
  output_.text() << output_.Paint(
      absl::StrCat(CountText(Signed(report_.refused)), " refused"),
      Color::kYellow);
  if (refused_.count() > refused_.first().size()) {
    output_.text() << ", the first " << refused_.first().size()
                   << " of this run above";
  }
  if (!arguments_.refused_file.empty()) {
    output_.text() << ", all in " << arguments_.refused_file;
  }
  output_.text() << "\n";
}

}  // namespace

ExitCode RunLoad(Context& context) { return LoadCommand(context).Run(); }

}  // namespace shard::shardctl
