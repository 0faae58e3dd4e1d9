// Options of a mapped class, behind its table's name:
//
//   struct Account : Entity<Account, AccountFields, "accounts",
//                           EagerDefaults<EagerDefaultsMode::kOn>> {};
#ifndef SHARD_SESSION_CLASS_OPTIONS_H_
#define SHARD_SESSION_CLASS_OPTIONS_H_

#include <cstdint>
#include <type_traits>
#include <vector>

#include "shard/sql/class_info.h"

namespace shard {

// When values that the database makes (server defaults, SQL) are fetched.
enum class EagerDefaultsMode : std::uint8_t {
  kAuto,  // an INSERT brings them back; after an UPDATE they are expired
  kOn,    // both bring them back
  kOff,   // expired: one SELECT for each object, when next read
};

// What the options of a class come to.
struct ClassOptions {
  EagerDefaultsMode eager_defaults = EagerDefaultsMode::kAuto;
  bool returning = true;
  std::vector<const sql::ClassInfo*> bases = {};  // nearest first
};

// kAuto is the default. It costs nothing where nothing is left to the database:
// such objects go in as they would under kOff, many rows in a statement. Where
// something is, SQLite gets a statement for each object, all in one batch;
// PostgreSQL as many rows in a statement as before where the key is one
// integer, given or numbered, and no SQL was assigned, else statements like
// SQLite.
template <EagerDefaultsMode kMode>
struct EagerDefaults {
  static constexpr void Apply(ClassOptions& options) {
    options.eager_defaults = kMode;
  }
};

// The flush writes to the table without RETURNING, and does not count the rows
// of an INSERT: for views, and for tables whose triggers or rules put rows
// elsewhere or change them once RETURNING has looked (as AFTER triggers do in
// SQLite). Keys are numbered by taking numbers first: in PostgreSQL from the
// sequence that the key column owns; kFailedPrecondition where it owns none. A
// key that only RETURNING could tell (made by a server default, by SQL, or
// beside SQL) is refused before anything is written: kInvalidArgument. Under
// EagerDefaults kOn the flush reads each object back by a SELECT;
// kFailedPrecondition where its row is not there.
//
// An UPDATE or DELETE must meet its row still (kAborted), save through INSTEAD
// OF triggers of a view in SQLite, which does not count what they do: there
// nobody tells that a row was gone, and a class with a version gets
// kFailedPrecondition. A view in PostgreSQL owns no sequence: set the keys
// yourself.
struct NoReturning {
  static constexpr void Apply(ClassOptions& options) {
    options.returning = false;
  }
};

namespace internal {
template <class... Cs>
inline constexpr bool kDerivedComesFirst = true;
template <class C, class... Cs>
inline constexpr bool kDerivedComesFirst<C, Cs...> =
    (!std::is_base_of_v<C, Cs> && ...) && kDerivedComesFirst<Cs...>;
}  // namespace internal

// The base classes that a router may bind, which C++ does not tell: of any
// kind, direct or not, the nearest first. Where several of them are bound, the
// first of them counts.
//
//   struct Account : Entity<Account, AccountFields, "accounts",
//                           Bases<Audited, Tracked>>,
//                    Audited, Tracked {};
template <sql::NamedClass... Cs>
struct Bases {
  template <class E>
  static void ApplyTo(ClassOptions& options) {
    static_assert((std::is_base_of_v<Cs, E> && ...),
                  "Bases<> names a class that this one does not derive from");
    static_assert(internal::kDerivedComesFirst<Cs...>,
                  "Bases<> names a class twice, or before one that derives "
                  "from it; name the nearest first");
    (options.bases.push_back(&sql::ClassInfoOf<Cs>()), ...);
  }
};

// Applies an option of class E, which is complete by then.
template <class E, class Option>
void ApplyClassOption(ClassOptions& options) {
  if constexpr (requires { Option::template ApplyTo<E>(options); }) {
    Option::template ApplyTo<E>(options);
  } else {
    Option::Apply(options);
  }
}

}  // namespace shard

#endif  // SHARD_SESSION_CLASS_OPTIONS_H_
