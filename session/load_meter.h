// How far a load is, and how fast.
#ifndef SHARD_SESSION_LOAD_METER_H_
#define SHARD_SESSION_LOAD_METER_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "shard/session/load.h"
#include "shard/session/load_source.h"

namespace shard {

// Tells LoadOptions::on_progress, from time to time. Begins to count when it is
// made. The source and the options must outlive it.
class LoadMeter {
 public:
  LoadMeter(const LoadSource* source, const LoadOptions* options,
            const LoadPosition& start);

  // After a batch; what the callback says.
  absl::Status Tell(const LoadPosition& position, std::uint64_t refused,
                    std::uint64_t batches);
  // At the end, whenever it was told last.
  absl::Status TellEnd(const LoadPosition& position, std::uint64_t refused,
                       std::uint64_t batches);
  // The source has gone back to the start. Rates count from now on.
  void BeginAnew();
  absl::Duration elapsed() const;

 private:
  LoadProgress ProgressAt(const LoadPosition& position) const;

  const LoadSource& source_;
  const LoadOptions& options_;
  const LoadPosition start_;
  const absl::Time began_;
  absl::Time rates_from_ = began_;
  std::uint64_t begun_anew_ = 0;
  absl::Time told_ = absl::InfinitePast();
};

}  // namespace shard

#endif  // SHARD_SESSION_LOAD_METER_H_
