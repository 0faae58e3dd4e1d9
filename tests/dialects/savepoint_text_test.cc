// Which texts end savepoints.
#include "shard/dialects/savepoint_text.h"

#include "gtest/gtest.h"

namespace shard {
namespace {

TEST(SavepointTextTest, WhatEndsOne) {
  for (const char* text : {
           "ROLLBACK TO SAVEPOINT \"a\"",
           "RELEASE SAVEPOINT \"a\"",
           "release a;",
           " rollback\nto a ; ",
           "ROLLBACK TRANSACTION TO SAVEPOINT a",
           "Rollback Work To a",
           "ROLLBACK TO SAVEPOINT a; RELEASE SAVEPOINT a",
           "RELEASE SAVEPOINT \"a;\"\"b\"; ROLLBACK TO \"c;\";",
       }) {
    EXPECT_TRUE(EndsSavepoints(text)) << text;
  }
}

TEST(SavepointTextTest, WhatDoesNot) {
  for (const char* text : {
           "",
           ";",
           "ROLLBACK",
           "ROLLBACK TRANSACTION",
           "ROLLBACK PREPARED 'to'",
           "COMMIT",
           "SAVEPOINT a",
           "SELECT 1",
           "releases",
           "rollback tomorrow",
           "RELEASE SAVEPOINT a; SELECT 1",
           "SELECT 1; RELEASE SAVEPOINT a",
           "RELEASE SAVEPOINT a;; SELECT 1",
           "RELEASE SAVEPOINT \"a\"; SELECT \"; RELEASE x\"",
       }) {
    EXPECT_FALSE(EndsSavepoints(text)) << text;
  }
}

}  // namespace
}  // namespace shard
