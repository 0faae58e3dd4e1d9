// Telling statements that end a savepoint from others.
#ifndef SHARD_DIALECTS_SAVEPOINT_TEXT_H_
#define SHARD_DIALECTS_SAVEPOINT_TEXT_H_

#include <string_view>

namespace shard {

// Whether the text is ROLLBACK TO or RELEASE, or several of those. They undo or
// keep what is done already, so a deadline need not hold them up: refused, they
// would leave work behind that its author has disowned. A text with comments is
// taken for something else.
bool EndsSavepoints(std::string_view text);

}  // namespace shard

#endif  // SHARD_DIALECTS_SAVEPOINT_TEXT_H_
