/**
 * A real browser, Debian's Chromium, for tests of the dashboard. A page fails its test when it does what a page must
 * not do: an error, a message on its console, a request to another host, a script from elsewhere.
 */
import assert from "node:assert/strict";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { hasProgram } from "./debian.ts";

/** Whether tests of the dashboard can run here. */
export const hasBrowser: boolean = Deno.build.os === "linux" && await hasProgram("chromium", "chromium");

/** Options for `Deno.test`: playwright keeps the pipe to the browser and its timers open. */
export const browserTest = { ignore: !hasBrowser, sanitizeOps: false, sanitizeResources: false } as const;

export interface PageOptions {
  readonly theme?: "light" | "dark";
  readonly width?: number;
  readonly height?: number;
}

/** A variable that is set when a text runs as a script: see `hostile`. */
const ran = "__ran";

/** A text that acts in a page that treats any part of it as more than text. */
export const hostile = `"><img src=x onerror="${ran}=1"><script>${ran}=2</script>javascript:${ran}=3//`;

/** Like `hostile`, for use as a file name. */
export const hostileFile = `"><img src=x onerror="${ran}=4"><svg onload=${ran}=5>`;

export class Visitor implements AsyncDisposable {
  /** What the page did that a page must not do, in words. */
  readonly faults: string[] = [];
  readonly #browser: Browser;
  readonly #contexts: BrowserContext[] = [];

  private constructor(browser: Browser) {
    this.#browser = browser;
  }

  static async come(): Promise<Visitor> {
    const args = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"];
    return new Visitor(await chromium.launch({ executablePath: "/usr/bin/chromium", args }));
  }

  /** A new browser session that follows `link` to the dashboard. */
  async open(link: string, options: PageOptions = {}): Promise<Page> {
    const { theme = "light", width = 1280, height = 800 } = options, viewport = { width, height };
    const context = await this.#browser.newContext({ viewport, colorScheme: theme, reducedMotion: "reduce" });
    this.#contexts.push(context);
    const page = await context.newPage(), { host } = new URL(link);
    page.on("pageerror", (error) => this.faults.push(`error: ${error.message}`));
    page.on("console", (message) => {
      // Failed requests are expected in tests of a stopped daemon.
      const isUsual = /Failed to load resource|ERR_CONNECTION|net::ERR/.test(message.text());
      if (message.type() === "error" && !isUsual) this.faults.push(`console: ${message.text()}`);
    });
    page.on("request", (request) => {
      const url = new URL(request.url());
      if (url.protocol !== "data:" && url.host !== host) this.faults.push(`a request to ${url.host}`);
    });
    await page.goto(link);
    await page.getByRole("heading", { level: 1 }).waitFor();
    return page;
  }

  /** Fails with every fault so far. */
  async innocent(page: Page): Promise<void> {
    const scripted = await page.evaluate((name: string) => Reflect.get(globalThis, name), ran);
    assert.deepEqual([this.faults, scripted], [[], undefined]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const context of this.#contexts) await context.close();
    await this.#browser.close();
  }
}

/** Goes to a place of the dashboard, such as `runs`, and waits for its heading. */
export async function goTo(page: Page, place: string, heading: RegExp | string): Promise<void> {
  await page.evaluate((hash: string) => void Reflect.set(location, "hash", hash), `#/${place}`);
  await page.getByRole("heading", { level: 1, name: heading }).waitFor();
}
