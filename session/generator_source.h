// Rows that a function makes, as a source.
#ifndef SHARD_SESSION_GENERATOR_SOURCE_H_
#define SHARD_SESSION_GENERATOR_SOURCE_H_

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "shard/session/bulk_report.h"
#include "shard/session/bulk_rows.h"
#include "shard/session/entity.h"
#include "shard/session/load_source.h"
#include "shard/session/mapping.h"
#include "shard/session/struct_rows.h"

namespace shard {

// Gives the next row each time it is called, and nullopt behind the last one;
// or a Status, if it cannot go on.
template <class G, class E>
concept RowGenerator = std::move_constructible<G> && std::invocable<G&> &&
    (std::same_as<std::invoke_result_t<G&>, std::optional<typename E::Row>> ||
     std::same_as<std::invoke_result_t<G&>,
                  absl::StatusOr<std::optional<typename E::Row>>>);

// What a source cannot find out about its generator.
struct GeneratorOptions {
  std::optional<std::uint64_t> total_rows{};
  // Tells generators of one class apart (LoadSource::Fingerprint): where the
  // rows come from.
  std::string origin{};
  // The key in Row is not looked at, where it is one column: a generator of
  // SessionOptions::keys makes it, or the database.
  bool number_keys = false;
};

// Rows of E, of which it holds one batch. To be resumed, the generator must
// make the same rows again: the first ones are passed over.
//
//   GeneratorSource<Account> source(
//       [i = 0]() mutable -> std::optional<Account::Row> {
//         if (i == 5'000'000) return std::nullopt;
//         return Account::Row{.id = ++i, .owner = "ann", .balance = 0};
//       });
template <MappedClass E>
class GeneratorSource final : public LoadSource {
 public:
  using Row = typename E::Row;

  template <RowGenerator<E> G>
  explicit GeneratorSource(G generator, GeneratorOptions options = {})
      : options_(std::move(options)),
        fill_([generator = std::make_shared<G>(std::move(generator))](
                  std::size_t most, std::vector<Row>& rows) {
          return Fill(*generator, most, rows);
        }) {
    Show();
  }

  const Mapping& mapping() const override { return E::ClassMapping(); }
  std::uint64_t given() const override { return ~left_to_database(); }
  // The generator's own error comes with the batch behind the rows before it;
  // it is not called again then.
  absl::Status ReadBatch(std::size_t most) override {
    Take(most);
    Show();
    return rows_.empty() ? broken_ : absl::OkStatus();
  }
  BulkRows& rows() override { return *shown_; }
  // There are none.
  const std::vector<RefusedRow>& refused() const override { return refused_; }
  std::size_t batch_size() const override { return rows_.size(); }
  LoadPosition position() const override { return {.rows = taken_}; }
  std::string NameOf(std::size_t position_in_batch) const override {
    return absl::StrCat("row ", taken_ - rows_.size() + position_in_batch + 1);
  }
  absl::Status Seek(const LoadPosition& position) override;
  std::optional<std::uint64_t> total_rows() const override {
    return options_.total_rows;
  }
  std::string Fingerprint() const override {
    return absl::StrCat("rows of ", mapping().class_info().name,
                        options_.origin.empty() ? "" : " of ", options_.origin);
  }

 private:
  // Whether there may be more.
  template <class G>
  static absl::StatusOr<bool> Fill(G& generator, std::size_t most,
                                   std::vector<Row>& rows) {
    while (rows.size() < most) {
      auto row = generator();
      if constexpr (!std::same_as<decltype(row), std::optional<Row>>) {
        if (!row.ok()) return row.status();
        if (!row->has_value()) return false;
        rows.push_back(**std::move(row));
      } else {
        if (!row.has_value()) return false;
        rows.push_back(*std::move(row));
      }
    }
    return true;
  }

  void Take(std::size_t most) {
    rows_.clear();
    if (ended_) return;
    const absl::StatusOr<bool> more = fill_(most, rows_);
    if (!more.ok()) broken_ = more.status();
    ended_ = !more.ok() || !*more;
    taken_ += rows_.size();
  }
  std::uint64_t left_to_database() const {
    const bool numbers =
        options_.number_keys && mapping().key_fields().size() == 1;
    return numbers ? mapping().key_set() : 0;
  }
  void Show() { shown_.emplace(rows_, left_to_database()); }

  const GeneratorOptions options_;
  // A call for each batch, not for each row.
  const std::function<absl::StatusOr<bool>(std::size_t, std::vector<Row>&)>
      fill_;
  std::vector<Row> rows_;
  std::optional<StructRows<E>> shown_;
  const std::vector<RefusedRow> refused_;
  std::uint64_t taken_ = 0;
  bool ended_ = false;
  absl::Status broken_;
};

template <MappedClass E>
absl::Status GeneratorSource<E>::Seek(const LoadPosition& position) {
  constexpr std::uint64_t kStep = 1024;
  if (position.rows < taken_) {
    return absl::FailedPreconditionError(
        absl::StrCat("the rows are made once only: the generator is at row ",
                     taken_, ", past ", position.rows));
  }
  rows_.clear();
  while (taken_ < position.rows && !ended_) {
    Take(std::min(kStep, position.rows - taken_));
  }
  rows_.clear();
  Show();
  if (taken_ == position.rows) return absl::OkStatus();
  if (!broken_.ok()) return broken_;
  return absl::OutOfRangeError(absl::StrCat("the generator has ", taken_,
                                            " rows, and the position is ",
                                            position.rows));
}

}  // namespace shard

#endif  // SHARD_SESSION_GENERATOR_SOURCE_H_
