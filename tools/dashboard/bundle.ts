/**
 * Bundles the dashboard (dashboard/) into the files that the daemon serves (src/control/dashboard/). They are committed,
 * so that nerve serves them in every form, also from a clone, without a build. A house test holds that they are fresh.
 */
import { join } from "node:path";
import { places } from "../../dashboard/places.ts";

/** Where the files go, in the repository. */
export const servedFolder = "src/control/dashboard";

/** The files by name. */
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

/** The frame that is there before any script has run shows where one can go. */
function addPlaces(html: string): string {
  const links = places.map(([name, part]) => `<a href="#/${part}">${name}</a>`);
  return html.replace("<!-- places -->", links.join("\n          "));
}
