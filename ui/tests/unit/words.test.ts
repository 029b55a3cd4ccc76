import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import test from "node:test";

import { en } from "../../src/text/en";
import { zh } from "../../src/text/zh";
import { isWord, type Word } from "../../src/text/words";

const words = Object.keys(en) as Word[];
const valuesOf = (text: string) => [...new Set(text.match(/\{\w+\}/g))].sort();

test("both languages put in the same values", () => {
  for (const word of words) assert.deepEqual(valuesOf(zh[word]), valuesOf(en[word]), word);
});

test("every word of the catalogue is said somewhere", () => {
  const files = readdirSync("src", { recursive: true, encoding: "utf8" }).filter((name) => /\.tsx?$/.test(name) && !/text\/(en|zh)\.ts$/.test(name));
  const source = files.map((name) => readFileSync(`src/${name}`, "utf8")).join("\n");
  const made = new Set([...source.matchAll(/`([\w.]+\.)\$\{/g)].map(([, start]) => start!));
  const said = (word: string) => source.includes(`"${word}"`) || [...made].some((start) => word.startsWith(start));

  assert.deepEqual(words.filter((word) => !said(word)), []);
});

test("every built-in rule has a name in words", () => {
  const rules = readFileSync("../pipeline/topology/src/rules/default.yaml", "utf8");
  const names = [...rules.matchAll(/^ {2}- name: (\S+)$/gm)].map(([, name]) => name!);

  assert.ok(names.length > 0);
  assert.deepEqual(names.filter((name) => !isWord(`rule.${name}`)), []);
});

test("every reason for which the server leaves something out has words", () => {
  const rooms = ["../pipeline/topology/src", "../pipeline/exporters/src/topology"];
  const files = rooms.flatMap((room) => readdirSync(room, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".rs")).map((name) => `${room}/${name}`));
  const source = files.map((name) => readFileSync(name, "utf8")).join("\n");
  const reasons = [...source.matchAll(/(?:applied\.\w+,|note_lost\(|\.dropped\(|dropped\.insert\()\s*"(\w+)"/g)].map(([, reason]) => reason!);

  assert.ok(reasons.includes("too_old") && reasons.includes("intake_full"));
  assert.deepEqual(reasons.filter((reason) => !isWord(`dropped.${reason}`)), []);
});
