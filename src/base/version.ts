/** The version of this nerve, from deno.json, and how it was built. */
import manifest from "../../deno.json" with { type: "json" };
import stamp from "./build.json" with { type: "json" };

export const version: string = manifest.version;

/** The daemon's name in the `server` header. */
export const product: string = `nerve/${version}`;

/** `source`: a clone. `portable` and `compiled`: made by `deno task build`, which rewrites build.json. */
export type Form = "source" | "portable" | "compiled";

export const build: { readonly form: Form; readonly commit: string | null } = stamp as {
  form: Form;
  commit: string | null;
};

/** The Deno version that nerve is built with, tested with and measured on. */
export const denoVersion = "2.9.6";
