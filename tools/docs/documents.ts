/** The documents, or parts of them, that are generated. main.ts writes them; a test checks that the files match. */
import { openApi, routesSection } from "./api_document.ts";
import { cliDocument } from "./cli_document.ts";
import { configSchema } from "./config_schema.ts";
import { errorsDocument } from "./errors_document.ts";
import { libraryDocument } from "./library_document.ts";

export const routesStart =
  "<!-- Written by `deno task docs` from the OpenAPI document: from here to the end. Do not edit. -->\n\n";

export interface Repository {
  read(path: string): string;
  /** The text of every module of src/. */
  modules(): Iterable<string>;
}

/** Returns the texts by path. */
export async function generatedDocuments(repository: Repository): Promise<Map<string, string>> {
  const [written = ""] = repository.read("docs/api.md").split(routesStart);
  return new Map([
    ["docs/api.md", `${written}${routesStart}${routesSection(await openApi())}`],
    ["docs/cli.md", cliDocument()],
    ["docs/errors.md", errorsDocument(repository.modules())],
    ["docs/library.md", libraryDocument()],
    ["src/config/nerve.schema.json", configSchema(repository.read("docs/configuration.md"))],
  ]);
}
