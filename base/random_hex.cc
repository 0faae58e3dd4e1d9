#include "shard/base/random_hex.h"

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/types/span.h"
#include "shard/base/random_bytes.h"
#include "shard/base/status_macros.h"

namespace shard {

absl::StatusOr<std::string> RandomHex(std::size_t bytes) {
  std::string random(bytes, '\0');
  SHARD_RETURN_IF_ERROR(FillRandom(absl::MakeSpan(&random[0], bytes)));
  return absl::BytesToHexString(random);
}

}  // namespace shard
