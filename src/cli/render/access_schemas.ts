/** The schema of the `--json` output of `nerve dashboard`; json_schema_by_command.ts has the other commands. */
import * as z from "zod";

/** `expires`: when the link expires, in milliseconds. */
export const dashboardOutput = z.strictObject({ url: z.string(), expires: z.number(), opened: z.boolean() });
export type DashboardOutput = z.infer<typeof dashboardOutput>;
