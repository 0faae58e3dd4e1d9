// The mapped class of session tests that need no more than a row.
#ifndef SHARD_TESTS_SESSION_NOTE_H_
#define SHARD_TESTS_SESSION_NOTE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "shard/session/entity.h"
#include "shard/tests/session/session_test.h"

namespace shard::testing {

// A generated key, and a region for the shards of SessionTest.
template <class F>
struct NoteFields {
  Field<F, std::int64_t, "id", PrimaryKey> id;
  Field<F, std::string, "region", ClientDefault<&HomeRegion>> region;
  Field<F, std::string, "text"> text;
};
struct Note : Entity<Note, NoteFields, "notes"> {};

inline std::shared_ptr<Note> MakeNote(std::string text) {
  auto note = std::make_shared<Note>();
  note->text = std::move(text);
  return note;
}

}  // namespace shard::testing

#endif  // SHARD_TESTS_SESSION_NOTE_H_
