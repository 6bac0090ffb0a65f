/**
 * Every page of the dashboard in a real browser: both themes, wide and narrow, axe's rules, the keys, 200 signals a
 * second. Screenshots go to dist/dashboard/ for people to look at.
 */
import axe from "axe-core";
import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { browserTest, goTo, Visitor } from "../../support/browser.ts";
import { makeLink, serveDashboard } from "../../support/dashboard_workspace.ts";
import { long } from "../../support/long_form.ts";
import { join } from "../../support/paths.ts";
import { type ServedWorkspace, serveWorkspace } from "../../support/served_workspace.ts";
import { repository } from "../../support/source_files.ts";

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
    ["sessions", "sessions", /Sessions/],
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

/** Begins to add up what moves in the page without being asked to. */
const watchShifts = `globalThis.shifts = 0; new PerformanceObserver((list) => {
  for (const each of list.getEntries()) if (!each.hadRecentInput) globalThis.shifts += each.value;
}).observe({ type: "layout-shift", buffered: true });`;
/** What counts as good (https://web.dev/articles/cls). Quiet, all pages are below 0.01; on a starved machine two moved by 0.036. */
const shiftMax = 0.1;

/** Between a phone and a wide screen, tables were wider than a tablet. */
const sizes = [["wide", 1440, 900], ["tablet", 768, 1024], ["phone", 390, 844]] as const;

/** How far the page is wider than the screen. */
function measureOverflow(page: Page): Promise<number> {
  return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth");
}

long.test("every page is right in both themes and on a phone", browserTest, async () => {
  await using served = await serveDashboard();
  await using visitor = await Visitor.come();
  const folder = join(repository, "dist/dashboard"), places = await prepare(served), faults: string[] = [];
  await Deno.mkdir(folder, { recursive: true });
  for (const theme of ["light", "dark"] as const) {
    for (const [size, width, height] of sizes) {
      const page = await visitor.open(await makeLink(served), { theme, width, height });
      await page.evaluate(watchShifts);
      for (const [name, place, heading] of places) {
        await goTo(page, place, heading);
        await page.locator(".waiting").first().waitFor({ state: "detached" });
        await page.screenshot({ path: join(folder, `${name}-${size}-${theme}.png`), fullPage: true });
        const wrong = await findViolations(page), wider = await measureOverflow(page);
        faults.push(...wrong.map((each) => `${name} ${size} ${theme}: ${each}`));
        const shifts = await page.evaluate("const sum = globalThis.shifts; globalThis.shifts = 0; sum") as number;
        if (shifts > shiftMax) faults.push(`${name} ${size} ${theme}: moves by ${shifts}`);
        if (wider > 0) faults.push(`${name} ${size} ${theme}: ${wider} pixels wider than the screen`);
      }
      await visitor.innocent(page);
    }
  }
  assert.deepEqual(faults, []);
});

/** How often the page changes, and how many frames it draws, in a second. */
async function measureWork(page: Page): Promise<{ changes: number; frames: number }> {
  const [changes, frames, ms] = await page.evaluate(`new Promise((resolve) => {
    let frames = 0, first = 0, changes = 0;
    const observer = new MutationObserver(() => changes++);
    observer.observe(document.getElementById("main"), { subtree: true, childList: true, characterData: true });
    const draw = (time) => {
      first ||= time;
      if (time - first >= 3000) return observer.disconnect(), resolve([changes, frames, time - first]);
      frames++;
      requestAnimationFrame(draw);
    };
    requestAnimationFrame(draw);
  })`) as [number, number, number];
  return { changes: changes / ms * 1_000, frames: frames / ms * 1_000 };
}

/** A tenth of a second is a change, and so is each second of the times, and each answer. */
const changesMax = 20;

const flooding = Array.from({ length: 20 }, (_, at) => `s${at}`);

long.test(
  "200 signals a second change a page ten times a second, and a hidden page asks for nothing",
  browserTest,
  async () => {
    await using served = await serveWorkspace({
      yaml: {
        listen: "127.0.0.1:0",
        senses: Object.fromEntries(flooding.map((name) => [name, { group: "all" }])),
        reflexes: flooding.map((sense) => ({ sense, interval: "100ms" })),
      },
      senses: Object.fromEntries(
        flooding.map((name) => [name, "let n = 0; export const compute = () => ({ n: ++n });\n"]),
      ),
    });
    await using visitor = await Visitor.come();
    const page = await visitor.open(await makeLink(served)), figures: Record<string, unknown> = {};
    await page.locator(".live.is-live").waitFor();
    for (const [place, heading] of [["", /Overview/], ["log", /Log/], ["senses/s1", /s1/]] as const) {
      await goTo(page, place, heading);
      const work = figures[place] = await measureWork(page);
      assert.ok(work.changes > 0 && work.changes <= changesMax, `${place} changes ${work.changes} times a second`);
    }
    await page.reload();
    await page.locator(".live.is-live").waitFor();
    figures.firstPaintMs = await page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime");
    let asked = 0;
    page.on("request", () => asked++);
    await page.evaluate(
      "Object.defineProperty(document, 'hidden', { get: () => true }); document.dispatchEvent(new Event('visibilitychange'));",
    );
    asked = 0;
    await page.waitForTimeout(6_000);
    figures.askedWhileHidden = asked;
    Deno.stdout.writeSync(new TextEncoder().encode(`${JSON.stringify(figures)}\n`));
    assert.equal(asked, 0);
    await visitor.innocent(page);
  },
);
