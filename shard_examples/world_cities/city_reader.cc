#include "shard_examples/world_cities/city_reader.h"

#include <cstdint>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "shard/base/status_macros.h"

namespace world_cities {
namespace {

// The cells of one line: RFC 4180, without line breaks inside quotes, which the
// data set does not have.
std::vector<std::string> SplitLine(const std::string& line) {
  std::vector<std::string> cells(1);
  bool quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '"') {
      // A doubled quote inside quotes is a quote.
      if (quoted && i + 1 < line.size() && line[i + 1] == '"') {
        cells.back().push_back(line[++i]);
      } else {
        quoted = !quoted;
      }
    } else if (line[i] == ',' && !quoted) {
      cells.emplace_back();
    } else {
      cells.back().push_back(line[i]);
    }
  }
  return cells;
}

absl::StatusOr<std::shared_ptr<City>> ToCity(std::vector<std::string> cells) {
  std::int64_t geonameid, population;
  double latitude, longitude;
  if (cells.size() != 8 || !absl::SimpleAtoi(cells[0], &geonameid) ||
      !absl::SimpleAtod(cells[4], &latitude) ||
      !absl::SimpleAtod(cells[5], &longitude) ||
      !absl::SimpleAtoi(cells[6], &population)) {
    return absl::InvalidArgumentError(
        "expected geonameid,name,country,continent,latitude,longitude,"
        "population,timezone");
  }
  auto city = std::make_shared<City>();
  city->geonameid = geonameid;
  city->name = std::move(cells[1]);
  city->country = std::move(cells[2]);
  city->continent = std::move(cells[3]);
  city->latitude = latitude;
  city->longitude = longitude;
  city->population = population;
  city->timezone = std::move(cells[7]);
  return city;
}

}  // namespace

absl::StatusOr<std::vector<std::shared_ptr<City>>> ReadCities(
    const std::string& path) {
  std::ifstream file(path);
  std::string line;
  if (!std::getline(file, line)) {
    return absl::NotFoundError(
        absl::StrCat("cannot read '", path, "'; name it by --data"));
  }
  std::vector<std::shared_ptr<City>> cities;
  for (int number = 2; std::getline(file, line); ++number) {
    absl::StatusOr<std::shared_ptr<City>> city = ToCity(SplitLine(line));
    if (!city.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat(path, ", line ", number, ": ", city.status().message()));
    }
    cities.push_back(*std::move(city));
  }
  return cities;
}

}  // namespace world_cities
