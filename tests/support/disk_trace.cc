#include "shard/tests/support/disk_trace.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

namespace shard::testing {
namespace {

constexpr std::size_t kSector = 512;

enum class Fate { kKept, kDropped, kTorn, kZeroed };

void Lengthen(std::string& contents, std::size_t size) {
  if (contents.size() < size) contents.resize(size, '\0');
}

void Apply(const DiskEvent& event, std::string& contents) {
  if (event.kind == DiskEvent::kTruncate) {
    contents.resize(event.offset, '\0');
  } else {
    Lengthen(contents, event.offset + event.data.size());
    contents.replace(event.offset, event.data.size(), event.data);
  }
}

// Decides what becomes of what was not synced.
class Dice {
 public:
  Dice(const Outage& outage, Losses& losses)
      : seed_(outage.seed),
        random_(outage.seed * 1'000'003 + outage.before_event),
        losses_(losses) {}

  // What is left of a file with these unsynced events, in their order.
  std::string Lose(std::string contents,
                   const std::vector<const DiskEvent*>& unsynced) {
    const std::size_t cut = Below(unsynced.size() + 1);
    for (std::size_t i = 0; i < unsynced.size(); ++i) {
      Survive(*unsynced[i], Choose(i, cut), contents);
    }
    return contents;
  }

  // Which of so many versions, the oldest first, a name has.
  std::size_t ChooseVersion(std::size_t versions) {
    if (seed_ < 2) return seed_ == 0 ? 0 : versions - 1;
    return Below(versions);
  }

 private:
  std::size_t Below(std::size_t limit) { return random_() % limit; }

  // Sometimes each event for itself; sometimes those before a cut survive, as
  // when all is written back in order; sometimes those behind it.
  Fate Choose(std::size_t event, std::size_t cut) {
    if (seed_ < 2) return seed_ == 0 ? Fate::kDropped : Fate::kKept;
    const std::size_t way = seed_ % 3;
    if (way == 2) return static_cast<Fate>(Below(4));
    if (event == cut) return static_cast<Fate>(2 + Below(2));
    return (event < cut) == (way == 0) ? Fate::kKept : Fate::kDropped;
  }

  void Survive(const DiskEvent& event, Fate fate, std::string& contents) {
    const bool is_write = event.kind == DiskEvent::kWrite;
    const std::size_t end = event.offset + event.data.size();
    if (is_write && fate == Fate::kTorn) {
      const std::size_t first = event.offset / kSector + 1;
      const std::size_t boundaries = (end - 1) / kSector + 1 - first;
      if (boundaries > 0) {
        DiskEvent part = event;
        part.data.resize((first + Below(boundaries)) * kSector - event.offset);
        Apply(part, contents);
        ++losses_.torn;
        return;
      }
    }
    if (is_write && fate == Fate::kZeroed && end > contents.size()) {
      Lengthen(contents, end);
      ++losses_.zeroed;
    } else if (fate == Fate::kKept) {
      Apply(event, contents);
      ++losses_.kept;
    } else {
      ++losses_.dropped;
    }
  }

  const std::uint64_t seed_;
  std::mt19937_64 random_;
  Losses& losses_;
};

}  // namespace

std::string DiskEvent::ToString() const {
  static constexpr const char* kVerbs[] = {"create", "write", "truncate",
                                           "sync", "delete"};
  std::string text = absl::StrCat(kVerbs[kind], " ", name);
  if (kind == kWrite) absl::StrAppend(&text, " ", offset, "+", data.size());
  if (kind == kTruncate) absl::StrAppend(&text, " ", offset);
  if (syncs_folder) absl::StrAppend(&text, " and folder");
  return text;
}

Losses& Losses::operator+=(const Losses& other) {
  kept += other.kept;
  dropped += other.dropped;
  torn += other.torn;
  zeroed += other.zeroed;
  return *this;
}

// The state of all files right before an event.
struct DiskTrace::Replay {
  struct FileState {
    std::string durable;
    std::vector<const DiskEvent*> unsynced;

    std::string Now() const {
      std::string contents = durable;
      for (const DiskEvent* event : unsynced) Apply(*event, contents);
      return contents;
    }
  };
  // The file of a name since the folder was synced, if there was one.
  using Versions = std::vector<std::optional<std::size_t>>;

  Replay(const DiskTrace& trace, std::size_t events) {
    for (const File& file : trace.files_) files.push_back({file.contents, {}});
    for (const auto& [name, file] : trace.durable_names_) names[name] = {file};
    for (std::size_t i = 0; i < events; ++i) Add(trace.events_[i]);
  }

  void Add(const DiskEvent& event) {
    FileState& file = files[event.file];
    switch (event.kind) {
      case DiskEvent::kCreate:
      case DiskEvent::kDelete: {
        Versions& versions = names.try_emplace(event.name, 1).first->second;
        versions.push_back(event.kind == DiskEvent::kCreate
                               ? std::optional(event.file)
                               : std::nullopt);
        break;
      }
      case DiskEvent::kWrite:
      case DiskEvent::kTruncate:
        file.unsynced.push_back(&event);
        break;
      case DiskEvent::kSync:
        file.durable = file.Now();
        file.unsynced.clear();
        break;
    }
    if (!event.syncs_folder) return;
    for (auto& [name, versions] : names) versions = {versions.back()};
  }

  std::vector<FileState> files;
  std::map<std::string, Versions> names;
};

DiskTrace::DiskTrace(const FolderContents& durable) {
  for (const auto& [name, contents] : durable) {
    durable_names_[name] = files_.size();
    files_.push_back({name, contents});
  }
  names_ = durable_names_;
}

std::optional<std::size_t> DiskTrace::Find(std::string_view name) const {
  const auto found = names_.find(std::string(name));
  if (found == names_.end()) return std::nullopt;
  return found->second;
}

std::size_t DiskTrace::Create(const std::string& name) {
  if (names_.contains(name)) throw std::logic_error(name + " is there already");
  const std::size_t file = files_.size();
  files_.push_back({name, ""});
  names_[name] = file;
  events_.push_back({DiskEvent::kCreate, file, name});
  return file;
}

void DiskTrace::Write(std::size_t file, std::size_t offset,
                      std::string_view data) {
  events_.push_back({DiskEvent::kWrite, file, files_.at(file).name, offset,
                     std::string(data)});
}

void DiskTrace::Truncate(std::size_t file, std::size_t size) {
  events_.push_back({DiskEvent::kTruncate, file, files_.at(file).name, size});
}

void DiskTrace::Sync(std::size_t file, bool syncs_folder) {
  events_.push_back(
      {DiskEvent::kSync, file, files_.at(file).name, 0, "", syncs_folder});
}

void DiskTrace::Delete(const std::string& name, bool syncs_folder) {
  const auto found = names_.find(name);
  if (found == names_.end()) throw std::logic_error(name + " is not there");
  events_.push_back(
      {DiskEvent::kDelete, found->second, name, 0, "", syncs_folder});
  names_.erase(found);
}

FolderContents DiskTrace::Now() const {
  return After({Outage::kProcessDeath, events_.size()});
}

FolderContents DiskTrace::After(const Outage& outage, Losses* losses) const {
  Losses unused;
  const bool power_loss = outage.kind == Outage::kPowerLoss;
  Dice dice(outage, losses == nullptr ? unused : *losses);
  const Replay replay(*this, std::min(outage.before_event, events_.size()));
  FolderContents left;
  for (const auto& [name, versions] : replay.names) {
    const auto file = power_loss ? versions[dice.ChooseVersion(versions.size())]
                                 : versions.back();
    if (!file.has_value()) continue;
    const Replay::FileState& state = replay.files[*file];
    left[name] =
        power_loss ? dice.Lose(state.durable, state.unsynced) : state.Now();
  }
  return left;
}

DiskTrace DiskTrace::Until(std::size_t event) const {
  DiskTrace before = *this;
  before.events_.resize(std::min(event, events_.size()));
  const Replay replay(before, before.events_.size());
  before.names_.clear();
  for (const auto& [name, versions] : replay.names) {
    if (versions.back().has_value()) before.names_[name] = *versions.back();
  }
  return before;
}

void DiskTrace::Restart() {
  const Replay replay(*this, events_.size());
  for (std::size_t i = 0; i < files_.size(); ++i) {
    files_[i].contents = replay.files[i].Now();
  }
  durable_names_ = names_;
  events_.clear();
}

}  // namespace shard::testing
