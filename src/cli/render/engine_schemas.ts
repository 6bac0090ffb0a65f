/** Schemas of the `--json` output of `nerve engine`; json_schemas.ts has the other commands. */
import * as z from "zod";
import { engineViewSchema } from "../../protocol/engine.ts";

/** `nerve engine list`. The local engine has no entry in nerve.yaml, and is not among `items`. */
export const engineListOutput = z.strictObject({
  items: z.array(
    z.strictObject({
      name: z.string(),
      kind: z.string(),
      ingress: z.array(z.string()),
      workflows: z.array(z.string()),
    }),
  ),
});
export type EngineListOutput = z.infer<typeof engineListOutput>;

/** `nerve engine status` */
export const engineStatusOutput = z.strictObject({ items: z.array(engineViewSchema) });
export type EngineStatusOutput = z.infer<typeof engineStatusOutput>;

/** `nerve engine register` */
export const engineRegisterOutput = engineViewSchema;
