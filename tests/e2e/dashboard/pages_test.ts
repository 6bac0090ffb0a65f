/**
 * Every page of the dashboard in a real browser: both themes, wide and narrow, axe's rules, the keys, 200 signals a
 * second. Screenshots go to dist/dashboard/ for people to look at.
 */
import axe from "axe-core";
import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { browserTest, goTo, Visitor } from "../../support/browser.ts";
import { makeLink, serveDashboard } from "../../support/dashboard_workspace.ts";
import { isLong } from "../../support/long_form.ts";
import { join } from "../../support/paths.ts";
import type { ServedWorkspace } from "../../support/served_workspace.ts";
import { repository } from "../../support/source_files.ts";

const options = { ...browserTest, ignore: browserTest.ignore || !isLong };

/** Fills every page; the places, and what their heading says. */
async function prepare({ workspace }: ServedWorkspace): Promise<[name: string, place: string, heading: RegExp][]> {
  const { kernel } = workspace;
  const asked = await kernel.startWorkflow("ask", { prompt: "look" });
  const slow = await kernel.startWorkflow("slow", { prompt: "rest" });
  for (const sense of ["load", "load", "shy", "many"]) await workspace.trigger(sense);
  await workspace.failure("fails");
  const id = encodeURIComponent(`${asked.runId}:approve::1`);
  return [
    ["overview", "", /Overview/],
    ["runs", "runs", /Runs/],
    ["run", `runs/${asked.runId}`, /ask/],
    ["waiting-run", `runs/${slow.runId}`, /slow/],
    ["approvals", "approvals", /Approvals/],
    ["approval", `approvals/${id}`, /onerror/],
    ["alerts", "alerts", /Alerts/],
    ["senses", "senses", /Senses/],
    ["sense", "senses/load", /load/],
    ["log", "log", /Log/],
    ["permissions", "permissions", /Permissions/],
    ["store", "store", /Store/],
    ["hooks", "hooks", /Hooks/],
  ];
}

/** What axe says is wrong, in words. */
async function findViolations(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate("axe.run(document)") as axe.AxeResults;
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 200)} ${failureSummary}`)
  );
}

/** How far the page is wider than the screen. */
function measureOverflow(page: Page): Promise<number> {
  return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth");
}

Deno.test("every page is right in both themes and on a phone", options, async () => {
  await using served = await serveDashboard();
  await using visitor = await Visitor.come();
  const folder = join(repository, "dist/dashboard"), places = await prepare(served), faults: string[] = [];
  await Deno.mkdir(folder, { recursive: true });
  for (const theme of ["light", "dark"] as const) {
    for (const [size, width, height] of [["wide", 1440, 900], ["phone", 390, 844]] as const) {
      const page = await visitor.open(await makeLink(served), { theme, width, height });
      for (const [name, place, heading] of places) {
        await goTo(page, place, heading);
        await page.locator(".waiting").first().waitFor({ state: "detached" });
        await page.screenshot({ path: join(folder, `${name}-${size}-${theme}.png`), fullPage: true });
        const wrong = await findViolations(page), wider = await measureOverflow(page);
        faults.push(...wrong.map((each) => `${name} ${size} ${theme}: ${each}`));
        if (wider > 0) faults.push(`${name} ${size} ${theme}: ${wider} pixels wider than the screen`);
      }
      await visitor.innocent(page);
    }
  }
  assert.deepEqual(faults, []);
});
