/**
 * Bundles the dashboard (dashboard/) into the files that the daemon serves (src/control/dashboard/). They are
 * committed, so that nerve serves them in every form without a build, also from a clone. A house test checks that they
 * are current.
 */
import { join } from "node:path";
import { places } from "../../dashboard/places.ts";

/** The folder of the files, in the repository. */
export const servedFolder = "src/control/dashboard";

/** Returns the files by name. */
export async function bundleDashboard(repository: string): Promise<Map<string, string>> {
  const out = await Deno.makeTempDir({ prefix: "nerve-dashboard-" });
  try {
    const options = ["--frozen", "--minify", "--platform", "browser", "--outdir", out];
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["bundle", "--quiet", ...options, "dashboard/main.tsx", "dashboard/first.ts"],
      cwd: repository,
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).output();
    if (!success) throw new Error(`deno bundle failed: ${new TextDecoder().decode(stderr)}`);
    return new Map([
      ["app.js", await Deno.readTextFile(join(out, "main.js"))],
      ["first.js", await Deno.readTextFile(join(out, "first.js"))],
      ["app.css", await Deno.readTextFile(join(out, "main.css"))],
      ["index.html", addPlaces(await Deno.readTextFile(join(repository, "dashboard/index.html")))],
    ]);
  } finally {
    await Deno.remove(out, { recursive: true });
  }
}

/** Adds the navigation links to the frame of the page, which shows before any script has run. */
function addPlaces(html: string): string {
  const links = places.map(([name, part]) => `<a href="#/${part}">${name}</a>`);
  return html.replace("<!-- places -->", links.join("\n          "));
}
