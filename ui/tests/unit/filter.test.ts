import assert from "node:assert/strict";
import test from "node:test";

import { between, complete, holds, toggle } from "../../src/filter/language";

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
