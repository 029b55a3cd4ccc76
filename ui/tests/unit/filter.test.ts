import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

import { between, complete, FIELDS, holds, STATES, toggle } from "../../src/filter/language";

const seen = { namespaces: ["pay", "shop", "odd name"], protocols: ["dns", "http"], kinds: ["Deployment"] };
const offers = (text: string) => complete(text, text.length, seen).map((option) => option.text);

test("completion offers fields, states and known values where they fit", () => {
  assert.ok(offers("n").includes("ns"));
  assert.ok(offers("is:un").includes("is:unexpected"));
  assert.deepEqual(offers("proto:d"), ["proto:dns"]);
  assert.deepEqual(offers("ns in (shop, p"), ["pay"]);
  assert.deepEqual(offers("ns in ("), ["pay", "shop", '"odd name"']);
  assert.ok(offers("ns = shop a").includes("and"));
});

test("every field and every state that the server knows is offered", () => {
  const server = readFileSync("../pipeline/topology/src/filter/field.rs", "utf8");
  const fields = [...server.matchAll(/^ {4}\(&\["([^"]+)"/gm)].map(([, name]) => name!);
  const states = [...server.matchAll(/^ {4}\("(\w+)", Flag::/gm)].map(([, name]) => name!);

  const offered = FIELDS.map(([name]) => name).filter((name) => !name.endsWith("."));
  assert.deepEqual([...offered].sort(), [...fields].sort());
  assert.deepEqual([...STATES].sort(), [...states].sort());
});

test("a preset is added to what is typed and taken out again", () => {
  const with_ = toggle("ns = shop", "not proto:dns");

  assert.equal(with_, "ns = shop and not proto:dns");
  assert.ok(holds(with_, "not proto:dns"));
  assert.equal(toggle(with_, "not proto:dns"), "ns = shop");
});

test("an `or` is kept together, and words in quotes or parentheses are not taken apart", () => {
  assert.equal(toggle("a or b", "is:red"), "(a or b) and is:red");
  assert.equal(toggle('name ~ "x and y" and (a and b)', "is:red"), 'name ~ "x and y" and (a and b) and is:red');
});

test("two namespaces are one list", () => {
  assert.equal(between("shop", "odd name"), 'ns in (shop, "odd name")');
});
