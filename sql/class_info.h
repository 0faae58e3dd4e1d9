// What routers and statements know of a class.
#ifndef SHARD_SQL_CLASS_INFO_H_
#define SHARD_SQL_CLASS_INFO_H_

#include <concepts>
#include <cstddef>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "shard/sql/table.h"

namespace shard::sql {

// One for each class, made on first use and alive until the program ends, so
// its address names the class. Immutable, thread-safe.
struct ClassInfo {
  std::string name;              // for messages
  const Table* table = nullptr;  // where its rows live; null: it is not mapped
  // Those that matter to routers, nearest first: mapped ones and others.
  std::vector<const ClassInfo*> bases;
  // The base whose table has the other part of each of its rows (joined
  // inheritance), or null.
  const ClassInfo* joined_to = nullptr;
};

// The class and its bases, their bases included, each once: nearest first, in
// the order in which they are named, and none before one that derives from it.
std::vector<const ClassInfo*> MroOf(const ClassInfo& class_info);

// The class whose table begins the class's rows: itself, but for joined
// inheritance.
const ClassInfo& RootOf(const ClassInfo& class_info);

namespace internal {
// "Account" out of what the compiler calls this function for it.
template <class E>
std::string_view ClassName() {
  std::string_view text = __PRETTY_FUNCTION__;
  const std::size_t begin = text.find("E = ") + 4;
  return text.substr(begin, text.find_first_of(";]", begin) - begin);
}

template <class C>
concept HasMapping = requires {
  { C::class_info() } -> std::same_as<const ClassInfo&>;
};
}  // namespace internal

// A class that binds and Bases<> can name: a mapped one, or any that has
// nothing to do with a mapping (a mixin, say). Not one that only derives from a
// mapped class: its objects are the mapped class's.
template <class C>
concept NamedClass = std::is_class_v<C> &&
    (!internal::HasMapping<C> || std::same_as<typename C::EntityClass, C>);

// Of a class that is not mapped.
template <NamedClass C>
requires(!internal::HasMapping<C>) const ClassInfo& PlainClassInfo() {
  static const ClassInfo info{
      std::string(internal::ClassName<C>()), nullptr, {}};
  return info;
}

template <NamedClass C>
const ClassInfo& ClassInfoOf() {
  if constexpr (internal::HasMapping<C>) {
    return C::class_info();
  } else {
    return PlainClassInfo<C>();
  }
}

}  // namespace shard::sql

#endif  // SHARD_SQL_CLASS_INFO_H_
