// Reading the data set.
#ifndef SHARD_EXAMPLES_WORLD_CITIES_CITY_READER_H_
#define SHARD_EXAMPLES_WORLD_CITIES_CITY_READER_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "shard_examples/world_cities/cities.h"

namespace world_cities {

// All cities of data/cities.csv, as new objects. kNotFound when the file cannot
// be opened; kInvalidArgument, naming the line, for a line that is no city.
absl::StatusOr<std::vector<std::shared_ptr<City>>> ReadCities(
    const std::string& path);

}  // namespace world_cities

#endif  // SHARD_EXAMPLES_WORLD_CITIES_CITY_READER_H_
