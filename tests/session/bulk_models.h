// Mapped classes of the tests of bulk operations.
#ifndef SHARD_TESTS_SESSION_BULK_MODELS_H_
#define SHARD_TESTS_SESSION_BULK_MODELS_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "shard/session/entity.h"
#include "shard/sql/functions.h"
#include "shard/tests/session/session_test.h"

namespace shard::testing {

// A generated key and a default of each kind; note has none.
template <class F>
struct BookFields {
  Field<F, std::int64_t, "id", PrimaryKey> id;
  Field<F, std::string, "region", ClientDefault<&HomeRegion>> region;
  Field<F, std::string, "title"> title;
  Field<F, std::optional<std::string>, "note"> note;
  Field<F, std::optional<std::string>, "shelf", ServerDefault<"'top'">> shelf;
  Field<F, std::optional<std::int64_t>, "copies", ClientDefault<1>> copies;
};
struct Book : Entity<Book, BookFields, "books"> {};

inline std::shared_ptr<Book> MakeBook(std::string title) {
  auto book = std::make_shared<Book>();
  book->title = std::move(title);
  return book;
}

// A version, and a value that each update changes.
template <class F>
struct PaperFields {
  Field<F, std::int64_t, "id", PrimaryKey> id;
  Field<F, std::string, "region", ClientDefault<&HomeRegion>> region;
  Field<F, std::string, "title"> title;
  Field<F, std::int64_t, "edited", ClientDefault<0>, OnUpdate<7>> edited;
  Field<F, std::int32_t, "version", Version> version;
};
struct Paper : Entity<Paper, PaperFields, "papers"> {};

// What defaults make is SQL.
inline Expr<std::string> Shout() {
  return SqlText<std::string>("upper('made')");
}
template <class F>
struct MadeFields {
  Field<F, std::int64_t, "id", PrimaryKey> id;
  Field<F, std::string, "region", ClientDefault<&HomeRegion>> region;
  Field<F, std::string, "title"> title;
  Field<F, std::optional<std::string>, "stamp", ClientDefault<&Shout>,
        OnUpdate<&Shout>>
      stamp;
};
struct Made : Entity<Made, MadeFields, "made"> {};

// NULL is a value.
template <class F>
struct KeptFields {
  Field<F, std::int64_t, "id", PrimaryKey> id;
  Field<F, std::string, "region", ClientDefault<&HomeRegion>> region;
  Field<F, std::optional<std::string>, "word", ServerDefault<"'made'">,
        EvaluatesNone>
      word;
};
struct Kept : Entity<Kept, KeptFields, "kept"> {};

// Nothing is told by RETURNING.
template <class F>
struct MuteFields {
  Field<F, std::int64_t, "id", PrimaryKey> id;
  Field<F, std::string, "region", ClientDefault<&HomeRegion>> region;
  Field<F, std::string, "title"> title;
};
struct Mute : Entity<Mute, MuteFields, "mutes", NoReturning> {};
// Nor can it be numbered.
template <class F>
struct TaggedFields {
  Field<F, std::string, "tag", PrimaryKey, ServerDefault<"'t'">> tag;
  Field<F, std::string, "region", ClientDefault<&HomeRegion>> region;
  Field<F, std::string, "title"> title;
};
struct Tagged : Entity<Tagged, TaggedFields, "tagged", NoReturning> {};

}  // namespace shard::testing

#endif  // SHARD_TESTS_SESSION_BULK_MODELS_H_
