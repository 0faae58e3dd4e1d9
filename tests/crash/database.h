// Which databases there are.
#ifndef SHARD_TESTS_CRASH_DATABASE_H_
#define SHARD_TESTS_CRASH_DATABASE_H_

#include <string>
#include <vector>

namespace shard::bank {

struct Database {
  static constexpr char kFile[] = "sqlite:///";

  std::string name;
  std::string url;

  bool is_file() const { return url.starts_with(kFile); }
  // Of a file.
  std::string path() const { return url.substr(sizeof(kFile) - 1); }
};

inline std::vector<std::string> NamesOf(
    const std::vector<Database>& databases) {
  std::vector<std::string> names;
  for (const Database& database : databases) names.push_back(database.name);
  return names;
}

// "pg0=postgresql://...": as children are told of it.
inline std::string DatabaseText(const Database& database) {
  return database.name + "=" + database.url;
}
inline Database ParseDatabase(const std::string& text) {
  const std::size_t equals = text.find('=');
  return {text.substr(0, equals), text.substr(equals + 1)};
}

}  // namespace shard::bank

#endif  // SHARD_TESTS_CRASH_DATABASE_H_
