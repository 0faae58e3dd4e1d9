// CSV text as a source of rows.
#include "shard/session/csv_source.h"

#include <cstddef>
#include <cstdint>
#include <fstream>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/sql/column.h"
#include "shard/sql/value.h"
#include "shard/tests/session/models.h"

namespace shard::testing {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

using enum absl::StatusCode;

const Mapping& Things() {
  using enum sql::ValueType;
  static const Mapping things("things", {{.name = "id", .type = kInt64},
                                         {.name = "name", .type = kText},
                                         {.name = "note", .type = kText}});
  return things;
}

const Mapping& Words() {
  static const Mapping words("words", {{.name = "word"}});
  return words;
}

// A source of text that can be read once only.
class Piped {
 public:
  explicit Piped(const std::string& text, CsvOptions options = {},
                 const Mapping& mapping = Things())
      : text_(text), source_(CsvSource::Open(&mapping, &text_, options)) {}
  const absl::Status& status() const { return source_.status(); }
  CsvSource& operator*() { return **source_; }
  CsvSource* operator->() { return source_->get(); }

 private:
  std::istringstream text_;
  absl::StatusOr<std::unique_ptr<CsvSource>> source_;
};

// A source of a file.
std::string WriteFile(std::string_view text) {
  const std::string path = absl::StrCat(
      ::testing::TempDir(), "/",
      ::testing::UnitTest::GetInstance()->current_test_info()->name(), ".csv");
  std::ofstream(path, std::ios::binary) << text;
  return path;
}

// "1|ann|NULL" for each row: what the batch holds.
std::vector<std::string> Rows(CsvSource& source) {
  std::vector<std::string> rows;
  sql::ByteArena arena;
  BulkRow row;
  for (std::size_t i = 0; i < source.rows().size(); ++i) {
    SHARD_EXPECT_OK(source.rows().Read(i, &row, arena));
    std::string text;
    for (std::size_t field = 0; field < kMostFields; ++field) {
      if ((row.given >> field & 1) == 0) continue;
      const sql::ValueView& cell = row.cells[field];
      absl::StrAppend(&text, text.empty() ? "" : "|",
                      cell.holds_bytes() ? std::string(cell.bytes())
                                         : sql::DebugString(cell));
    }
    rows.push_back(std::move(text));
  }
  return rows;
}

std::vector<std::string> Read(CsvSource& source, std::size_t most = 100) {
  SHARD_EXPECT_OK(source.ReadBatch(most));
  return Rows(source);
}

std::vector<std::string> ReadText(const std::string& text,
                                  CsvOptions options = {},
                                  const Mapping& mapping = Things()) {
  Piped source(text, std::move(options), mapping);
  SHARD_EXPECT_OK(source.status());
  if (!source.status().ok()) return {};
  std::vector<std::string> rows = Read(*source);
  EXPECT_THAT(source->refused(), IsEmpty());
  return rows;
}

// "line 2: the reason" for each refused row.
std::vector<std::string> Refused(CsvSource& source) {
  std::vector<std::string> rows;
  for (const RefusedRow& row : source.refused()) {
    EXPECT_EQ(row.reason.code(), kInvalidArgument);
    rows.push_back(
        absl::StrCat(source.NameOf(row.position), ": ", row.reason.message()));
  }
  return rows;
}

TEST(CsvSourceTest, HeaderNamesTheColumns) {
  EXPECT_THAT(ReadText("name,id\nann,1\nbob,2\n"),
              ElementsAre("1|ann", "2|bob"));
}

TEST(CsvSourceTest, NothingInQuotesIsText) {
  EXPECT_THAT(ReadText("id,name,note\n1,,\"\"\n,\"\",x\n"),
              ElementsAre("1|NULL|", "NULL||x"));
}

TEST(CsvSourceTest, NullCanBeAnotherText) {
  EXPECT_THAT(ReadText("id,name,note\n1,\\N,\n", {.null_text = "\\N"}),
              ElementsAre("1|NULL|"));
}

TEST(CsvSourceTest, QuotesHoldEverything) {
  EXPECT_THAT(ReadText("id,name,note\n1,\"a,b\",\"say \"\"hi\"\"\"\n2,\"two\n"
                       "lines\",\"CR\r\nLF\"\n"),
              ElementsAre("1|a,b|say \"hi\"", "2|two\nlines|CR\r\nLF"));
}

TEST(CsvSourceTest, BlanksBelongToText) {
  EXPECT_THAT(ReadText("id,name,note\n 1 , ann ,\" x \"\n"),
              ElementsAre("1| ann | x "));
}

TEST(CsvSourceTest, LineEndsOfAllKinds) {
  EXPECT_THAT(ReadText("id,name\r\n1,ann\r\n2,bob\n3,\"cid\"\r\n4,dan"),
              ElementsAre("1|ann", "2|bob", "3|cid", "4|dan"));
  EXPECT_THAT(ReadText("id,name\n1,"), ElementsAre("1|NULL"));
  EXPECT_THAT(ReadText("id,name\n1,\"a\""), ElementsAre("1|a"));
  EXPECT_THAT(ReadText("id,name\n1,a\r"), ElementsAre("1|a"));
}

TEST(CsvSourceTest, EmptyLinesAreNothing) {
  EXPECT_THAT(ReadText("\n\r\nid,name\n\n1,ann\n\r\n\n2,bob\n\n"),
              ElementsAre("1|ann", "2|bob"));
}

TEST(CsvSourceTest, EmptyLinesOfOneColumnAreRows) {
  EXPECT_THAT(ReadText("word\na\n\nb\n", {}, Words()),
              ElementsAre("a", "NULL", "b"));
}

TEST(CsvSourceTest, ByteOrderMarkIsLeftOut) {
  EXPECT_THAT(ReadText("\xEF\xBB\xBFid,name\n1,ann\n"), ElementsAre("1|ann"));
  EXPECT_THAT(ReadText("\xEF\xBB\xBF"
                       "1,a,b\n",
                       {.has_header = false}),
              ElementsAre("1|a|b"));
}

TEST(CsvSourceTest, DelimiterCanBeChosen) {
  EXPECT_THAT(ReadText("id\tname\n1\ta b\n\tx,y\n", {.delimiter = '\t'}),
              ElementsAre("1|a b", "NULL|x,y"));
  EXPECT_THAT(ReadText("id;name\n1;a,b\n", {.delimiter = ';'}),
              ElementsAre("1|a,b"));
}

TEST(CsvSourceTest, WithoutHeaderAllColumnsOfTheTable) {
  EXPECT_THAT(ReadText("1,ann,x\n", {.has_header = false}),
              ElementsAre("1|ann|x"));
}

TEST(CsvSourceTest, ColumnsCanBeGiven) {
  EXPECT_THAT(
      ReadText("ann,1\n", {.has_header = false, .columns = {"name", "id"}}),
      ElementsAre("1|ann"));
  EXPECT_THAT(ReadText("Full name,No\nann,1\n", {.columns = {"name", "id"}}),
              ElementsAre("1|ann"));
  EXPECT_THAT(Piped("a,b,c\n", {.columns = {"name", "id"}}).status(),
              StatusIs(kInvalidArgument, HasSubstr("2 columns, and the header "
                                                   "3")));
}

TEST(CsvSourceTest, UnknownAndDoubledColumnsAreRefused) {
  EXPECT_THAT(Piped("id,nmae\n1,x\n").status(),
              StatusIs(kInvalidArgument,
                       "things has no column 'nmae', but id, name, note"));
  EXPECT_THAT(Piped("id,name,id\n").status(),
              StatusIs(kInvalidArgument, "things.id: is named twice"));
  EXPECT_THAT(
      Piped("", {.has_header = false, .columns = {"id", "id"}}).status(),
      HasCode(kInvalidArgument));
  EXPECT_THAT(Piped("id,\n1,x\n").status(), HasCode(kInvalidArgument));
}

TEST(CsvSourceTest, HeaderIsNeeded) {
  EXPECT_THAT(Piped("").status(),
              StatusIs(kInvalidArgument, HasSubstr("there is no text")));
  EXPECT_THAT(Piped("i\"d,name\n").status(),
              StatusIs(kInvalidArgument, HasSubstr("the header: a quote")));
}

TEST(CsvSourceTest, DelimiterThatCannotBe) {
  for (const char delimiter : {'"', '\n', '\r', '\0'}) {
    EXPECT_THAT(Piped("id\n", {.delimiter = delimiter}).status(),
                StatusIs(kInvalidArgument, HasSubstr("delimiter")));
  }
}

TEST(CsvSourceTest, FileThatIsNotThere) {
  EXPECT_THAT(CsvSource::Open(&Things(), "/nowhere/things.csv"),
              StatusIs(kNotFound, HasSubstr("/nowhere/things.csv")));
  EXPECT_THAT(CsvSource::Open(&Things(), ::testing::TempDir()), Not(IsOk()));
}

TEST(CsvSourceTest, ClassWorksLikeTable) {
  EXPECT_THAT(ReadText("id,owner\n1,ann\n", {}, Account::ClassMapping()),
              ElementsAre("1|ann"));
  EXPECT_THAT(Piped("id,ownr\n", {}, Account::ClassMapping()).status(),
              StatusIs(kInvalidArgument, HasSubstr("Account has no column")));
}

TEST(CsvSourceTest, BadRowsAreRefusedByLineAndColumn) {
  Piped source(
      "id,name\n"
      "1,\"two\nlines\"\n"
      "secret,x\n"
      "2,ok\n"
      "3,too,many\n"
      "4\n"
      "5,stray\"quote\n"
      "6,\"closed\" early\n"
      "7,carriage\rreturn\n"
      "8,carriage\r\"return\n"
      "99999999999999999999,x\n"
      "9,ok\n");
  EXPECT_THAT(Read(*source), ElementsAre("1|two\nlines", "2|ok", "9|ok"));
  EXPECT_THAT(
      Refused(*source),
      ElementsAre(AllOf(HasSubstr("line 4: things.id: "),
                        HasSubstr("an integer"), Not(HasSubstr("secret"))),
                  "line 6: has 3 fields, and there are 2 columns",
                  "line 7: has 1 field, and there are 2 columns",
                  HasSubstr("line 8: a quote"), HasSubstr("line 9: a quote"),
                  HasSubstr("line 10: a carriage return"),
                  HasSubstr("line 11: a carriage return"),
                  HasSubstr("line 12: things.id: the number does not fit")));
  EXPECT_EQ(source->batch_size(), 11u);
  EXPECT_EQ(source->rows().position(1), 2u);
  EXPECT_EQ(source->NameOf(2), "line 5");
  EXPECT_EQ(source->position().rows, 11u);
  EXPECT_EQ(source->position().lines, 13u);
}

TEST(CsvSourceTest, LinesThatAStrayQuoteTakesAreNamed) {
  Piped source("id,name,note\n1,\"abc,2\n3,\"x\",4\n4,d,e\n5,\"a\nb\"c,");
  EXPECT_THAT(Read(*source), ElementsAre("4|d|e"));
  EXPECT_THAT(Refused(*source),
              ElementsAre(AllOf(HasSubstr("line 2: a quote"),
                                HasSubstr("; lines 2 to 3 were left out")),
                          AllOf(HasSubstr("line 5: a quote"),
                                HasSubstr("; lines 5 to 6 were left out"))));
  Piped one("id,name\n1,a\"b\n");
  Read(*one);
  EXPECT_THAT(Refused(*one), ElementsAre(Not(HasSubstr("left out"))));
}

TEST(CsvSourceTest, NoRowBehindTheEnd) {
  Piped source("id\n1\n");
  Read(*source);
  const LoadPosition end = source->position();
  EXPECT_THAT(Read(*source), IsEmpty());
  EXPECT_EQ(source->batch_size(), 0u);
  EXPECT_EQ(source->position(), end);
}

TEST(CsvSourceTest, TheEndIsBehindEmptyLines) {
  for (const std::size_t most : {std::size_t{2}, std::size_t{10}}) {
    Piped source("id,name\n1,a\n2,b\n\n\r\n\n");
    EXPECT_THAT(Read(*source, most), ElementsAre("1|a", "2|b"));
    EXPECT_THAT(Read(*source), IsEmpty());
    EXPECT_EQ(source->position(),
              (LoadPosition{.rows = 2, .bytes = 20, .lines = 6}));
    SHARD_EXPECT_OK(source->Seek(source->position()));
  }
}

TEST(CsvSourceTest, FileThatGrowsWhileItIsRead) {
  const std::string path = WriteFile("id,name\n1,ann\n");
  SHARD_ASSERT_OK_AND_ASSIGN(auto source, CsvSource::Open(&Things(), path));
  EXPECT_THAT(Read(*source, 1), ElementsAre("1|ann"));
  WriteFile("id,name\n1,ann\n2,bob");
  SHARD_ASSERT_OK(source->Seek({}));
  EXPECT_THAT(Read(*source), ElementsAre("1|ann"));
  EXPECT_THAT(source->ReadBatch(10),
              StatusIs(kDataLoss, HasSubstr("the file changed while")));
  EXPECT_EQ(source->position().rows, 1u);
}

TEST(CsvSourceTest, FileThatIsCutWhileItIsRead) {
  const std::string path = WriteFile("id,name\n1,ann\n2,bob\n");
  SHARD_ASSERT_OK_AND_ASSIGN(auto source, CsvSource::Open(&Things(), path));
  EXPECT_THAT(Read(*source), ElementsAre("1|ann", "2|bob"));
  // What it ends with may be a part of a row.
  WriteFile("id,name\n1,ann\n2,b");
  SHARD_ASSERT_OK(source->Seek({}));
  EXPECT_THAT(Read(*source), ElementsAre("1|ann"));
  EXPECT_THAT(source->ReadBatch(10),
              StatusIs(kDataLoss, HasSubstr("the file changed while")));
  EXPECT_EQ(source->position().rows, 1u);
  WriteFile("id,name\n1,ann\n");
  SHARD_ASSERT_OK(source->Seek({}));
  EXPECT_THAT(source->ReadBatch(10), HasCode(kDataLoss));
  EXPECT_EQ(source->batch_size(), 0u);
}

TEST(CsvSourceTest, QuoteNeverClosedEndsTheTextBehindTheRowsBefore) {
  Piped source("id,name\n1,ann\n2,\"bob\n3,cid\n");
  EXPECT_THAT(Read(*source), ElementsAre("1|ann"));
  const LoadPosition before = source->position();
  EXPECT_EQ(before, (LoadPosition{.rows = 1, .bytes = 14, .lines = 2}));
  for (int i = 0; i < 2; ++i) {
    EXPECT_THAT(source->ReadBatch(10),
                StatusIs(kInvalidArgument,
                         HasSubstr("line 3: a quote of the record that begins "
                                   "here is never closed")));
    EXPECT_EQ(source->batch_size(), 0u);
    EXPECT_EQ(source->position(), before);
  }
}

TEST(CsvSourceTest, RecordWithoutEndIsNotRead) {
  std::string text = "id,name\n1,\"";
  while (text.size() < CsvReader::kMostRecordBytes + 1000) {
    text.append(1000, 'x').append("\n");
  }
  Piped source(text + "\"\n2,ann\n");
  EXPECT_THAT(source->ReadBatch(10),
              StatusIs(kInvalidArgument, HasSubstr("is a quote not closed?")));
}

TEST(CsvSourceTest, BatchEndsBehindSomeBytes) {
  const std::string long_row =
      "1," + std::string(CsvSource::kMostBatchBytes / 2, 'x') + "\n";
  Piped source("id,name\n" + long_row + long_row + long_row);
  SHARD_ASSERT_OK(source->ReadBatch(10));
  EXPECT_EQ(source->batch_size(), 2u);
  SHARD_ASSERT_OK(source->ReadBatch(10));
  EXPECT_EQ(source->batch_size(), 1u);
}

// Blocks of the reader end anywhere.
TEST(CsvSourceTest, LinesAcrossBlocks) {
  std::string text = "id,name\r\n";
  std::size_t rows = 0;
  while (text.size() < 3'000'000) {
    ++rows;
    absl::StrAppend(&text, rows, ",\"", std::string(rows % 57, 'x'),
                    "\r\n\"\"\"\r\n");
  }
  Piped source(text);
  std::size_t read = 0;
  for (;;) {
    SHARD_ASSERT_OK(source->ReadBatch(1000));
    ASSERT_THAT(source->refused(), IsEmpty());
    if (source->batch_size() == 0) break;
    for (const std::string& row : Rows(*source)) {
      ++read;
      ASSERT_EQ(row,
                absl::StrCat(read, "|", std::string(read % 57, 'x'), "\r\n\""));
    }
  }
  EXPECT_EQ(read, rows);
  EXPECT_EQ(source->position(),
            (LoadPosition{
                .rows = rows, .bytes = text.size(), .lines = 2 * rows + 1}));
}

constexpr char kFile[] =
    "id,name\n"
    "1,ann\n"
    "2,\"two\nlines\"\n"
    "bad,x\n"
    "\n"
    "4,dan\n"
    "5,eve";

// From every position that a row begins at.
TEST(CsvSourceTest, SeekGoesOnWhereItWas) {
  const std::string path = WriteFile(kFile);
  SHARD_ASSERT_OK_AND_ASSIGN(auto first, CsvSource::Open(&Things(), path));
  std::vector<LoadPosition> positions = {first->position()};
  std::vector<std::string> names;
  for (;;) {
    SHARD_ASSERT_OK(first->ReadBatch(1));
    if (first->batch_size() == 0) break;
    positions.push_back(first->position());
    names.push_back(first->NameOf(0));
  }
  EXPECT_THAT(names,
              ElementsAre("line 2", "line 3", "line 5", "line 7", "line 8"));
  for (std::size_t i = 0; i < positions.size(); ++i) {
    std::istringstream text(kFile);
    SHARD_ASSERT_OK_AND_ASSIGN(auto file, CsvSource::Open(&Things(), path));
    SHARD_ASSERT_OK_AND_ASSIGN(auto pipe, CsvSource::Open(&Things(), &text));
    for (CsvSource* source : {first.get(), file.get(), pipe.get()}) {
      SHARD_ASSERT_OK(source->Seek(positions[i]));
      EXPECT_EQ(source->batch_size(), 0u);
      EXPECT_EQ(source->position(), positions[i]);
      SHARD_ASSERT_OK(source->ReadBatch(100));
      ASSERT_EQ(source->batch_size(), 5 - i);
      EXPECT_EQ(source->position(), positions.back());
      if (i < 5) {
        EXPECT_EQ(source->NameOf(0), names[i]);
      }
    }
  }
}

TEST(CsvSourceTest, SeekToNothingIsTheBeginning) {
  SHARD_ASSERT_OK_AND_ASSIGN(auto source,
                             CsvSource::Open(&Things(), WriteFile(kFile)));
  Read(*source);
  SHARD_ASSERT_OK(source->Seek({}));
  EXPECT_THAT(Read(*source, 1), ElementsAre("1|ann"));
}

TEST(CsvSourceTest, SeekBackInFileWithoutHeader) {
  SHARD_ASSERT_OK_AND_ASSIGN(auto source,
                             CsvSource::Open(&Things(),
                                             WriteFile("\xEF\xBB\xBF"
                                                       "1,a,b\n2,c,d\n"),
                                             {.has_header = false}));
  Read(*source);
  SHARD_ASSERT_OK(source->Seek({}));
  EXPECT_THAT(Read(*source), ElementsAre("1|a|b", "2|c|d"));
}

TEST(CsvSourceTest, PipesAreNotReadTwice) {
  Piped source(kFile);
  Read(*source, 2);
  EXPECT_THAT(source->Seek({}),
              StatusIs(kFailedPrecondition, HasSubstr("once only")));
}

TEST(CsvSourceTest, SeekInAnotherTextIsRefused) {
  SHARD_ASSERT_OK_AND_ASSIGN(auto file,
                             CsvSource::Open(&Things(), WriteFile(kFile)));
  Piped pipe(kFile);
  for (CsvSource* source : {file.get(), &*pipe}) {
    EXPECT_THAT(source->Seek({.rows = 1, .bytes = 15, .lines = 2}),
                StatusIs(kFailedPrecondition, HasSubstr("another text")));
  }
  EXPECT_THAT(file->Seek({.rows = 1, .bytes = 3, .lines = 2}),
              HasCode(kFailedPrecondition));
  Piped other(kFile);
  for (CsvSource* source : {file.get(), &*other}) {
    EXPECT_THAT(source->Seek({.rows = 99, .bytes = 1000, .lines = 99}),
                HasCode(kOutOfRange));
  }
}

TEST(CsvSourceTest, SeekBackInBrokenFile) {
  const std::string path = WriteFile("id,name\n1,ann\n2,\"bob\n");
  SHARD_ASSERT_OK_AND_ASSIGN(auto source, CsvSource::Open(&Things(), path));
  EXPECT_THAT(Read(*source), ElementsAre("1|ann"));
  EXPECT_THAT(source->ReadBatch(1), HasCode(kInvalidArgument));
  SHARD_ASSERT_OK(source->Seek({}));
  EXPECT_THAT(Read(*source), ElementsAre("1|ann"));
}

TEST(CsvSourceTest, FingerprintTellsFilesApart) {
  const std::string path = WriteFile(kFile);
  SHARD_ASSERT_OK_AND_ASSIGN(auto source, CsvSource::Open(&Things(), path));
  const std::string of_file = source->Fingerprint();
  EXPECT_THAT(of_file, StartsWith(absl::StrCat("CSV of things (id, name), ",
                                               sizeof(kFile) - 1, " bytes, ")));
  EXPECT_EQ(source->total_bytes(), sizeof(kFile) - 1);
  EXPECT_EQ(source->total_rows(), std::nullopt);
  Piped pipe(kFile);
  EXPECT_EQ(pipe->Fingerprint(), "CSV of things (id, name)");
  EXPECT_EQ(pipe->total_bytes(), std::nullopt);

  // The file is read from its beginning, and another one of that size differs.
  EXPECT_EQ(Read(*source).size(), 4u);
  SHARD_ASSERT_OK_AND_ASSIGN(source, CsvSource::Open(&Things(), path));
  EXPECT_EQ(source->Fingerprint(), of_file);
  std::string other = kFile;
  other[other.find("ann")] = 'e';
  WriteFile(other);
  SHARD_ASSERT_OK_AND_ASSIGN(source, CsvSource::Open(&Things(), path));
  EXPECT_NE(source->Fingerprint(), of_file);
}

TEST(CsvSourceTest, FingerprintTellsOptionsApart) {
  EXPECT_EQ(Piped("", {.delimiter = '\t',
                       .null_text = "\\N",
                       .has_header = false,
                       .columns = {"id"}})
                ->Fingerprint(),
            "CSV of things (id) without a header, delimiter '\\t', NULL is "
            "'\\\\N'");
}

}  // namespace
}  // namespace shard::testing
