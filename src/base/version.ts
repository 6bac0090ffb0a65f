/** What this nerve is: its version, as deno.json has it, and how it was made. */
import manifest from "../../deno.json" with { type: "json" };
import stamp from "./build.json" with { type: "json" };

export const version: string = manifest.version;

/** How the daemon names itself to its clients, in the header `server`. */
export const product: string = `nerve/${version}`;

/** `source`: a clone. `portable` and `compiled`: made by `deno task build`, which writes build.json anew. */
export type Form = "source" | "portable" | "compiled";

export const build: { readonly form: Form; readonly commit: string | null } = stamp as {
  form: Form;
  commit: string | null;
};

/** The Deno that nerve is made for and tested with; what comments say is measured was measured on it. */
export const denoVersion = "2.9.6";
