import assert from "node:assert/strict";
import test from "node:test";

import { bytes, clock, middle, ms, NONE, percent, rate, short, timeOfDay } from "../../src/text/numbers";
import { csv } from "../../src/text/csv";
import { language } from "../../src/text/words";

test("numbers have three digits, a prefix and a unit", () => {
  assert.equal(short(1234), "1.23k");
  assert.equal(short(999.6), "1k");
  assert.equal(rate(0.125), "0.13/s");
  assert.equal(rate(12_345_678), "12.3M/s");
  assert.equal(ms(0.34), "340 µs");
  assert.equal(ms(12.34), "12.3 ms");
  assert.equal(ms(1240), "1.24 s");
  assert.equal(ms(300_000), "5 min");
  assert.equal(bytes(1_200_000), "1.2 MB");
  assert.equal(bytes(12), "12 B");
});

test("little is not nothing, and nothing known is a dash", () => {
  assert.equal(percent(0.0004), "< 0.1 %");
  assert.equal(percent(0), "0 %");
  assert.equal(percent(0.123), "12.3 %");
  assert.equal(percent(null), NONE);
  assert.equal(ms(undefined), NONE);
  assert.equal(rate(Number.NaN), NONE);
});

test("a day is named as the language does", () => {
  const midnight = new Date(2026, 10, 24).getTime();
  const said = () => [timeOfDay(midnight), timeOfDay(midnight + 45_240_000), clock(midnight + 45_240_000, midnight + 172_800_000)];

  assert.deepEqual(said(), ["Nov 24", "12:34", "Nov 24 12:34"]);
  language.value = "zh";
  assert.deepEqual(said(), ["11月24日", "12:34", "11月24日 12:34"]);
  language.value = "en";
});

test("a long name is cut in the middle, by letters and not by halves of them", () => {
  assert.equal(middle("checkout-worker-eu-west-1", 11), "check…est-1");
  assert.equal(middle("short", 11), "short");
  assert.equal(middle("🦀🦀🦀🦀🦀", 3), "🦀…🦀");
});

test("an export holds no formula", () => {
  const text = csv(["a", "b"], [['=HYPERLINK("x")', 1], ["+1", null], ["plain, with comma", -2]]);

  assert.equal(text, 'a,b\r\n"\'=HYPERLINK(""x"")",1\r\n\'+1,\r\n"plain, with comma",-2\r\n');
});
