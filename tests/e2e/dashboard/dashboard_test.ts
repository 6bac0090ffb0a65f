/**
 * The dashboard in a real browser, in a short form: what a person does with it, and that nothing of a workspace is ever
 * more than text. pages_test.ts has every page.
 */
import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { browserTest, goTo, hostile, Visitor } from "../../support/browser.ts";
import { makeLink, serveDashboard } from "../../support/dashboard_workspace.ts";
import { long } from "../../support/long_form.ts";
import type { ServedWorkspace } from "../../support/served_workspace.ts";

async function decides(page: Page, { workspace }: ServedWorkspace): Promise<void> {
  const { runId } = await workspace.kernel.startWorkflow("ask", { prompt: hostile, payload: { note: hostile } });
  await page.getByRole("heading", { name: "Needs a person" }).waitFor();
  // It comes by the stream: nobody reloads the page.
  await page.locator(".needs a").filter({ hasText: "onerror" }).first().click();
  await page.getByLabel("Your name").fill("ada");
  assert.match(await page.locator(".digest").innerText(), /[0-9a-f]{64}/);
  await page.getByRole("button", { name: "approve" }).click();
  await page.getByText("Decision", { exact: true }).waitFor();
  await workspace.run("completed");
  await goTo(page, `runs/${runId}`, /ask/);
  await page.getByText("it is done").waitFor();
  assert.equal(await page.locator(".timeline li .role").first().innerText(), "plan");
}

async function kills(page: Page, { workspace }: ServedWorkspace): Promise<void> {
  const { runId } = await workspace.kernel.startWorkflow("slow", { prompt: "rest" });
  await goTo(page, `runs/${runId}`, /slow/);
  await page.getByRole("button", { name: "Kill" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Reason").fill("enough");
  await dialog.getByRole("button", { name: "Kill" }).click();
  await page.locator("h1").getByText("killed").waitFor();
}

async function followsTheLog(page: Page, { workspace }: ServedWorkspace): Promise<void> {
  await goTo(page, "log", "Log");
  await page.locator(".live.is-live").waitFor();
  await workspace.trigger("load");
  // In one step: rows that come meanwhile move the others, and a slow machine presses one and releases another.
  await page.locator(".logrow.signal .text").filter({ hasText: "onerror" }).first().dispatchEvent("click");
  await page.getByRole("heading", { name: "Because" }).waitFor();
  await page.locator(".chain .end").getByText("by hand").waitFor();
}

Deno.test("the dashboard shows what happens, and does what a person decides", browserTest, async () => {
  await using served = await serveDashboard();
  await using visitor = await Visitor.come();
  const page = await visitor.open(await makeLink(served));
  await page.getByText("Nothing waits for you.").waitFor();
  await decides(page, served);
  await kills(page, served);
  await followsTheLog(page, served);
  await goTo(page, "senses/load", /load/);
  await page.locator("figure canvas").first().waitFor();
  await visitor.innocent(page);
  assert.deepEqual(served.reported, []);
});

long.test("a page outlives its daemon, and goes on when it is back", browserTest, async () => {
  await using served = await serveDashboard();
  await using visitor = await Visitor.come();
  const page = await visitor.open(await makeLink(served));
  await page.locator(".live.is-live").waitFor();
  await served.stop();
  await page.getByText("no daemon for").waitFor();
  await served.workspace.start();
  await served.serve();
  await page.locator(".live.is-live").waitFor();
  await served.workspace.trigger("shy");
  await goTo(page, "senses/shy", /shy/);
  await page.locator(".says").getByText("silent").waitFor();
  await visitor.innocent(page);
});

long.test(
  "the frame is there, in the reader's theme, before any script, and stays where it is",
  browserTest,
  async () => {
    await using served = await serveDashboard();
    await using visitor = await Visitor.come();
    const page = await visitor.open(await makeLink(served), { theme: "dark" });
    await page.getByRole("button", { name: "Light" }).click();
    const come = Promise.withResolvers<void>();
    await page.route("**/app.js", async (route) => {
      await come.promise;
      await route.continue();
    });
    await page.reload({ waitUntil: "commit" });
    const frame = async () => {
      const links = await page.getByRole("navigation", { name: "pages" }).getByRole("link").all();
      return await Promise.all(links.map(async (link) => [await link.innerText(), await link.boundingBox()]));
    };
    await page.getByRole("link", { name: "Hooks" }).waitFor();
    const before = await frame(), theme = await page.evaluate("document.documentElement.dataset.theme");
    assert.deepEqual([before.length, theme, await page.getByRole("heading").count()], [10, "light", 0]);
    come.resolve();
    await page.getByRole("heading", { level: 1 }).waitFor();
    assert.deepEqual(await frame(), before);
    await visitor.innocent(page);
  },
);
