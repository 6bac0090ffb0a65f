/** Pages, and pages of several sources as one. */
import assert from "node:assert/strict";
import { mergePages, type Page, PageFill } from "../../../src/store/reading/pages.ts";
import fc from "../../support/fast_check.ts";

function pageOf(items: readonly number[], limit: number, maxBytes = Infinity): Page<number> {
  const fill = new PageFill<number>({ limit, maxBytes });
  for (const item of items) fill.add(item, item);
  return fill.toPage();
}

Deno.test("a page holds what fits, at least one item, and says whether others follow", () => {
  assert.deepEqual(pageOf([5, 6], 2), { items: [5, 6], more: false });
  assert.deepEqual(pageOf([5, 6, 7], 2), { items: [5, 6], more: true });
  assert.deepEqual(pageOf([5, 6, 7], 9, 11), { items: [5, 6], more: true });
  assert.deepEqual(pageOf([50, 6], 9, 11), { items: [50], more: true });
  assert.deepEqual(pageOf([], 9), { items: [], more: false });
});

Deno.test("merged pages, followed to the end, have each item once and in order, whatever each source leaves for later", () => {
  const ids = fc.uniqueArray(fc.integer({ min: 1, max: 60 }));
  fc.assert(fc.property(
    ...[ids, ids, fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 150 }), fc.boolean()] as const,
    (one, other, limit, maxBytes, descending) => {
      const sign = descending ? -1 : 1, ordered = (list: readonly number[]) => list.toSorted((a, b) => sign * (a - b));
      const order = { descending, keyOf: (item: number) => item, bytesOf: (item: number) => item };
      const found: number[] = [];
      for (let after = -Infinity, more = true; more;) {
        // Their own bounds differ: one is cut by its bytes, the other by its number.
        const rest = (list: readonly number[]) => ordered(list).filter((id) => sign * id > after);
        const sources = [pageOf(rest(one), limit, maxBytes), pageOf(rest(other), limit)];
        const page = mergePages(sources, { limit, maxBytes }, order);
        found.push(...page.items);
        more = page.more;
        assert.ok(!more || page.items.length > 0);
        after = sign * (page.items.at(-1) ?? 0);
      }
      assert.deepEqual(found, ordered([...new Set([...one, ...other])]));
    },
  ));
});
