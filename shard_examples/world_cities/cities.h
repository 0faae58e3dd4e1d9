// The classes of the example: cities, and weather reports beside them.
#ifndef SHARD_EXAMPLES_WORLD_CITIES_CITIES_H_
#define SHARD_EXAMPLES_WORLD_CITIES_CITIES_H_

#include <cstdint>
#include <string>

#include "shard/session/entity.h"
#include "shard/sql/types.h"

namespace world_cities {

template <class F>
struct CityFields {
  shard::Field<F, std::int64_t, "geonameid", shard::PrimaryKey> geonameid;
  shard::Field<F, std::string, "name"> name;
  shard::Field<F, std::string, "country"> country;
  shard::Field<F, std::string, "continent"> continent;  // the shard key
  shard::Field<F, double, "latitude"> latitude;
  shard::Field<F, double, "longitude"> longitude;
  shard::Field<F, std::int64_t, "population"> population;
  shard::Field<F, std::string, "timezone"> timezone;
};
struct City : shard::Entity<City, CityFields, "cities"> {};

// Has its city's continent, so it lives on its city's shard.
template <class F>
struct ReportFields {
  shard::Field<F, std::int64_t, "id", shard::PrimaryKey> id;
  shard::Field<F, std::int64_t, "city"> city;
  shard::Field<F, std::string, "continent"> continent;
  shard::Field<F, double, "celsius"> celsius;
  shard::Field<F, shard::Timestamp, "reported",
               shard::ClientDefault<&shard::Timestamp::Now>>
      reported;
};
struct Report : shard::Entity<Report, ReportFields, "reports"> {};

}  // namespace world_cities

#endif  // SHARD_EXAMPLES_WORLD_CITIES_CITIES_H_
