#include "shard/sql/class_info.h"

#include <algorithm>
#include <vector>

namespace shard::sql {
namespace {

void AppendAll(const ClassInfo& class_info,
               std::vector<const ClassInfo*>& classes) {
  classes.push_back(&class_info);
  for (const ClassInfo* base : class_info.bases) AppendAll(*base, classes);
}

}  // namespace

std::vector<const ClassInfo*> MroOf(const ClassInfo& class_info) {
  std::vector<const ClassInfo*> all;
  AppendAll(class_info, all);
  // Wherever a class stands its bases stand behind it, so behind its last
  // place, too.
  std::vector<const ClassInfo*> mro;
  for (auto it = all.rbegin(); it != all.rend(); ++it) {
    if (std::find(mro.begin(), mro.end(), *it) == mro.end()) {
      mro.push_back(*it);
    }
  }
  std::reverse(mro.begin(), mro.end());
  return mro;
}

const ClassInfo& RootOf(const ClassInfo& class_info) {
  const ClassInfo* root = &class_info;
  while (root->joined_to != nullptr) root = root->joined_to;
  return *root;
}

}  // namespace shard::sql
