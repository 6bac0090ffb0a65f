/** What a person can do in the dashboard, each in a real browser on a real kernel, with hostile words. */
import axe from "axe-core";
import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { browserTest, goTo, hostile, hostileFile, Visitor } from "../../support/browser.ts";
import { makeLink, serveDashboard } from "../../support/dashboard_workspace.ts";
import { long } from "../../support/long_form.ts";
import type { ServedWorkspace } from "../../support/served_workspace.ts";

/** Answers the dialog that is open, which must be accessible, too. */
async function confirm(page: Page, verb: string, fill: Readonly<Record<string, string>> = {}): Promise<void> {
  const dialog = page.getByRole("dialog");
  await dialog.waitFor();
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate("axe.run(document)") as axe.AxeResults;
  assert.deepEqual(violations.map(({ id, nodes }) => [id, nodes[0]?.html]), []);
  for (const [label, text] of Object.entries(fill)) await dialog.getByLabel(label).fill(text);
  await dialog.getByRole("button", { name: verb, exact: true }).click();
  await dialog.waitFor({ state: "detached" });
}

async function actOnSense(page: Page, { workspace }: ServedWorkspace): Promise<void> {
  await goTo(page, "senses/shy", /shy/);
  await page.getByRole("button", { name: "Compute now" }).click();
  await page.getByText("It computed: silent").waitFor();
  await page.getByRole("button", { name: "Pause" }).click();
  await confirm(page, "Pause", { Reason: hostile });
  await page.getByRole("button", { name: "Resume" }).waitFor();
  assert.equal(workspace.sense("shy").paused?.reason, hostile);
  await page.getByRole("button", { name: "Resume" }).click();
  await page.getByRole("button", { name: "Pause" }).waitFor();
  assert.equal(workspace.sense("shy").paused, null);
}

async function actOnAlert(page: Page, { workspace }: ServedWorkspace): Promise<void> {
  await workspace.trigger("load");
  await goTo(page, "alerts", "Alerts");
  await page.getByRole("button", { name: "Acknowledge" }).click();
  await page.getByText("acknowledged by dashboard").waitFor();
  await page.getByRole("button", { name: "Silence" }).first().click();
  await confirm(page, "Silence", { Comment: hostile });
  await page.locator(".callout").getByText("onerror").waitFor();
  await page.getByRole("button", { name: "End" }).click();
  await page.locator(".callout").waitFor({ state: "detached" });
}

async function actOnRun(page: Page, { workspace }: ServedWorkspace): Promise<void> {
  const { runId } = await workspace.kernel.startWorkflow("slow", { prompt: "rest" });
  await goTo(page, `runs/${runId}`, /slow/);
  await page.getByRole("button", { name: "Pause" }).click();
  await confirm(page, "Pause", { Reason: hostile });
  await page.locator("h1").getByText("paused").waitFor();
  await page.getByRole("button", { name: "Resume" }).click();
  await page.locator("h1").getByText("waiting").waitFor();
  await page.getByRole("button", { name: "Fork" }).click();
  await confirm(page, "Fork");
  // It goes to the fork.
  await page.waitForURL((url) => !url.hash.includes(runId));
  await page.getByRole("button", { name: "Kill" }).click();
  await confirm(page, "Kill", { Reason: hostile });
  await page.locator("h1").getByText("killed").waitFor();
}

async function rejects(page: Page, { workspace }: ServedWorkspace): Promise<void> {
  const { runId } = await workspace.kernel.startWorkflow("ask", { prompt: "look" });
  await goTo(page, "approvals", "Approvals");
  await page.locator("main td a").first().click();
  await page.getByLabel("Comment").fill(hostile);
  await page.getByRole("button", { name: "reject" }).click();
  await page.getByText("Decision", { exact: true }).waitFor();
  const decided = workspace.kernel.api.approval(`${runId}:approve::1`);
  assert.deepEqual([decided?.decision, decided?.comment], ["reject", hostile]);
}

long.test("a person can do in the dashboard what the API can", browserTest, async () => {
  await using served = await serveDashboard();
  await using visitor = await Visitor.come();
  const page = await visitor.open(await makeLink(served));
  await actOnSense(page, served);
  await actOnAlert(page, served);
  await actOnRun(page, served);
  await rejects(page, served);
  await visitor.innocent(page);
  assert.deepEqual(served.reported, []);
});

long.test("the keys go to every page, and Tab reaches the content first", browserTest, async () => {
  await using served = await serveDashboard();
  await using visitor = await Visitor.come();
  const page = await visitor.open(await makeLink(served));
  const places = {
    r: "Runs",
    a: "Approvals",
    w: "Alerts",
    s: "Senses",
    e: "Sessions",
    l: "Log",
    p: "Permissions",
    d: "Store",
    h: "Hooks",
  };
  for (const [key, heading] of Object.entries(places)) {
    await page.keyboard.press("g");
    await page.keyboard.press(key);
    await page.getByRole("heading", { level: 1, name: heading, exact: true }).waitFor();
  }
  await page.keyboard.press("?");
  await page.getByRole("heading", { name: "Keys" }).waitFor();
  await page.keyboard.press("Escape");
  const before = await page.evaluate("document.documentElement.dataset.theme");
  await page.keyboard.press("t");
  assert.notEqual(await page.evaluate("document.documentElement.dataset.theme"), before);
  await page.reload();
  await page.getByRole("heading", { level: 1 }).waitFor();
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  assert.equal(await page.evaluate("document.activeElement.id"), "main");
  await visitor.innocent(page);
});

long.test("a session that ends says so, and one that may only read changes nothing", browserTest, async () => {
  await using served = await serveDashboard();
  await using visitor = await Visitor.come();
  const reader = await visitor.open(await makeLink(served, "--scope", "read"));
  await goTo(reader, "senses/shy", /shy/);
  await reader.getByText("read only").waitFor();
  for (const [place, heading] of [["senses/shy", /shy/], ["alerts", /Alerts/], ["", /Overview/]] as const) {
    await goTo(reader, place, heading);
    const buttons = await reader.locator("main button").allInnerTexts();
    assert.deepEqual(buttons, [], place);
  }
  // What it cannot press it cannot send either.
  const status = await reader.evaluate(
    "fetch('/v1/senses/shy/trigger', { method: 'POST' }).then(({ status }) => status)",
  );
  assert.equal(status, 403);
  const page = await visitor.open(await makeLink(served));
  await page.locator(".live.is-live").waitFor();
  await served.nerve("token", "revoke", "--sessions");
  await page.getByRole("heading", { name: "This session has ended" }).waitFor();
  // An open tab asked for events every four seconds, and used up the guesses of everybody.
  const asked: string[] = [];
  page.on("request", (request) => asked.push(request.url()));
  await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))");
  await page.waitForTimeout(5_000);
  // One may have been under way.
  assert.ok(asked.length <= 1, asked.join(" "));
  await visitor.innocent(page);
});

long.test("names of files and words of agents are no more than text", browserTest, async () => {
  await using served = await serveDashboard();
  await using visitor = await Visitor.come();
  const { workspace } = served, { runId } = await workspace.kernel.startWorkflow("talk", { prompt: hostile });
  await workspace.run("completed");
  workspace.write(`drop/${hostileFile}`, "");
  // It stands where a database of a sense would: the page of the store names it.
  workspace.write(`data/senses/${hostileFile}.db/x`, "");
  const page = await visitor.open(await makeLink(served));
  await goTo(page, `runs/${runId}`, /talk/);
  await page.locator(".thread .content").getByText("onerror").waitFor();
  await goTo(page, "sessions", "Sessions");
  await page.getByText("fake").waitFor();
  await goTo(page, "store", "Store");
  await page.getByText("is a folder").waitFor();
  await goTo(page, "log", "Log");
  await page.locator(".logrow").filter({ hasText: "svg onload" }).first().dispatchEvent("click");
  await visitor.innocent(page);
});
