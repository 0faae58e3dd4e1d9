// Every C++ example in README.md and docs/ stands, word for word, in a source
// that the tests compile and run.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace {

std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream file(path);
  EXPECT_TRUE(file.good()) << path;
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::string> BlocksOf(const std::string& page) {
  const std::string begin = "```cpp\n", end = "```\n";
  std::vector<std::string> blocks;
  std::size_t at = 0;
  while ((at = page.find(begin, at)) != std::string::npos) {
    at += begin.size();
    const std::size_t to = page.find(end, at);
    EXPECT_NE(to, std::string::npos);
    blocks.push_back(page.substr(at, to - at));
    at = to;
  }
  return blocks;
}

std::vector<std::string> CompiledSources() {
  std::vector<std::string> sources;
  for (const char* folder : {"shard_examples/partitioning", "tests/examples"}) {
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      if (entry.path().extension() == ".cc") {
        sources.push_back(ReadFile(entry.path()));
      }
    }
  }
  return sources;
}

void ExpectCompiled(const std::filesystem::path& page, std::size_t at_least) {
  const std::vector<std::string> sources = CompiledSources();
  const std::vector<std::string> blocks = BlocksOf(ReadFile(page));
  EXPECT_GE(blocks.size(), at_least) << page;
  for (const std::string& block : blocks) {
    EXPECT_TRUE(std::any_of(sources.begin(), sources.end(),
                            [&block](const std::string& source) {
                              return source.find(block) != std::string::npos;
                            }))
        << page << " shows what no compiled source has:\n"
        << block;
  }
}

TEST(DocsTest, ReadmeShowsCompiledExamples) { ExpectCompiled("README.md", 3); }

TEST(DocsTest, DocsShowCompiledExamples) {
  std::size_t pages = 0;
  for (const auto& entry : std::filesystem::directory_iterator("docs")) {
    if (entry.path().extension() != ".md") continue;
    ExpectCompiled(entry.path(), 0);
    ++pages;
  }
  EXPECT_GE(pages, 4u);
}

TEST(DocsTest, ReadmeBeginsWithTheTwoCommands) {
  const std::string readme = ReadFile("README.md");
  EXPECT_LT(readme.find("./demo"), readme.find("```cpp"));
  EXPECT_LT(readme.find("./test"), readme.find("```cpp"));
}

TEST(DocsTest, VersionIsTheSameEverywhere) {
  EXPECT_NE(ReadFile("MODULE.bazel").find("version = \"0.1.0\""),
            std::string::npos);
  EXPECT_NE(ReadFile("CHANGELOG.md").find("## 0.1.0"), std::string::npos);
  EXPECT_NE(ReadFile("README.md").find("Version 0.1.0"), std::string::npos);
}

}  // namespace
