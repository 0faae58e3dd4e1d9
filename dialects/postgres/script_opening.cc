#include "shard/dialects/postgres/script_opening.h"

#include <libpq-fe.h>

#include <utility>

#include "absl/strings/str_cat.h"

namespace shard::postgres {

std::string ScriptOpening::Take(std::string_view statement,
                                LateBegin& late_begin, Link& link) {
  const PGTransactionStatusType status = PQtransactionStatus(link.libpq());
  LateBegin::Opening opening = late_begin.TakeOpening(statement, status);
  std::string text;
  if (!opening.begin.empty()) absl::StrAppend(&text, opening.begin, ";");
  for (const LateBegin::Setting& setting : opening.settings) {
    absl::StrAppend(&text, setting.text, ";");
  }
  if (!opening.limit.empty()) absl::StrAppend(&text, opening.limit, ";");
  settings_ = opening.settings.size() + (opening.limit.empty() ? 0 : 1);
  link.GiveUpAt(opening.give_up_at);
  begin_ = std::move(opening.begin);
  fresh_ = status == PQTRANS_IDLE && opening.limit.empty();
  return text;
}

bool ScriptOpening::TakeAnswer(LateBegin& late_begin,
                               const StatementListeners& listeners,
                               StatementListeners::Clock::time_point* sent_at) {
  if (!begin_.empty()) {
    late_begin.NoteBegun();
    listeners.Tell(std::exchange(begin_, std::string()), 0, 0, true, *sent_at);
    *sent_at = listeners.Now();
    return true;
  }
  if (settings_ == 0) return false;
  --settings_;
  return true;
}

}  // namespace shard::postgres
