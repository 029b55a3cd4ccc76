import assert from "node:assert/strict";
import test from "node:test";

import { DEFAULTS, format, parse } from "../../src/state/address";
import { parsePick } from "../../src/state/pick";

test("the address of the first visit is empty", () => {
  assert.equal(format(DEFAULTS), "");
  assert.deepEqual(parse(""), DEFAULTS);
});

test("every part of the state reads back from the address", () => {
  const state = {
    ...DEFAULTS,
    view: "service" as const,
    show: "table" as const,
    mode: "baseline" as const,
    from: "1764000000",
    to: "1764003600",
    open: ["ns:prod/shop", "ext:MySQL"],
    shut: ["ns:prod/pay"],
    focus: ["prod/shop/Deployment/cart", "prod/a%2Fb/Job/x>prod//IP/10.0.0.1"],
    depth: 3,
    dir: "up" as const,
    filter: 'ns in (shop, pay) and name ~ "^a|b&c=1"',
    pick: "e:prod/shop/Deployment/cart>prod//Redis/r%3A6379",
    tab: "network" as const,
    rail: false,
    theme: "dark" as const,
    lang: "zh",
  };

  assert.deepEqual(parse(format(state)), state);
});

test("what nobody understands is as if it were not there", () => {
  assert.deepEqual(parse("?view=galaxy&depth=-1&dir=sideways&unknown=1&theme=pink&toString=1&__proto__=1"), DEFAULTS);
});

test("a pick names a node, a group or an edge, and nothing else", () => {
  assert.deepEqual(parsePick("n:c/n/Deployment/a"), { is: "node", id: "c/n/Deployment/a" });
  assert.deepEqual(parsePick("g:ns:c/n"), { is: "group", id: "ns:c/n" });
  assert.deepEqual(parsePick("e:a>b"), { is: "edge", source: "a", target: "b" });
  assert.equal(parsePick("e:a"), null);
  assert.equal(parsePick("javascript:alert(1)"), null);
});
