// What the server's built-in types are called on the wire.
#ifndef SHARD_DIALECTS_POSTGRES_PG_TYPES_H_
#define SHARD_DIALECTS_POSTGRES_PG_TYPES_H_

#include <cstdint>

namespace shard::postgres {

using TypeOid = unsigned int;  // libpq's Oid

// The server finds the type out from where the parameter stands.
inline constexpr TypeOid kUnknownOid = 0;
inline constexpr TypeOid kBoolOid = 16;
inline constexpr TypeOid kByteaOid = 17;
inline constexpr TypeOid kNameOid = 19;
inline constexpr TypeOid kInt8Oid = 20;
inline constexpr TypeOid kInt2Oid = 21;
inline constexpr TypeOid kInt4Oid = 23;
inline constexpr TypeOid kTextOid = 25;
inline constexpr TypeOid kOidOid = 26;
inline constexpr TypeOid kJsonOid = 114;
inline constexpr TypeOid kFloat4Oid = 700;
inline constexpr TypeOid kFloat8Oid = 701;
inline constexpr TypeOid kBpcharOid = 1042;
inline constexpr TypeOid kVarcharOid = 1043;
inline constexpr TypeOid kDateOid = 1082;
inline constexpr TypeOid kTimestampOid = 1114;
inline constexpr TypeOid kTimestamptzOid = 1184;
inline constexpr TypeOid kNumericOid = 1700;
inline constexpr TypeOid kUuidOid = 2950;
inline constexpr TypeOid kJsonbOid = 3802;

// The server counts from 2000-01-01, we count from 1970-01-01.
inline constexpr std::int64_t kEpochDays = 10957;
inline constexpr std::int64_t kEpochMicroseconds =
    kEpochDays * 86400 * 1'000'000;

// What the server can hold, as it counts: from 4713 BC to 294276 AD, and to
// 5874897 AD for dates. The ends are not included.
inline constexpr std::int64_t kMinTimestamp = -211813488000000000;
inline constexpr std::int64_t kEndTimestamp = 9223371331200000000;
inline constexpr std::int64_t kMinDate = -2451545;
inline constexpr std::int64_t kEndDate = 2145031949;

}  // namespace shard::postgres

#endif  // SHARD_DIALECTS_POSTGRES_PG_TYPES_H_
