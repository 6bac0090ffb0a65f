/** Schemas of the `--json` output of `nerve permissions` and its subcommands; json_schemas.ts has the others. */
import * as z from "zod";
import { permissionNames } from "../../config/types.ts";
import { reloadReplySchema } from "../../protocol/api.ts";

/** Grants that are refused (errors), or that open the sandbox (warnings). */
const grantProblems = z.array(z.strictObject({
  kind: z.enum(["sense", "workflow"]),
  name: z.string(),
  severity: z.enum(["error", "warning"]),
  message: z.string(),
}));

/** `nerve permissions`: each group and workflow with its grants. `gained`: declared by another sense of the group. */
export const permissionsOutput = z.strictObject({
  items: z.array(z.strictObject({
    kind: z.enum(["group", "workflow"]),
    name: z.string(),
    senses: z.array(z.string()),
    grants: z.array(z.strictObject({
      permission: z.enum([...permissionNames, "unconfined"]),
      /** A path, host or name, or true for everything. */
      value: z.union([z.literal(true), z.string()]),
      why: z.string(),
      declaredBy: z.string().nullable(),
      origin: z.enum(["declared", "gained", "implied"]),
    })),
    problems: grantProblems,
  })),
});

const lockChanges = z.array(z.strictObject({
  kind: z.enum(["sense", "workflow", "approver"]),
  name: z.string(),
  /**
   * For an approver: `key`, `member` (of a group) or `everybody`. Otherwise a permission, `peers` (the senses whose
   * databases it reads) or `agents`.
   */
  permission: z.string(),
  values: z.union([z.literal(true), z.array(z.string())]),
}));

/** `nerve permissions diff`: `added` is requested but not approved, `removed` is approved but no longer requested. */
export const permissionsDiffOutput = z.strictObject({
  lock: z.string(),
  exists: z.boolean(),
  /** Why the lock cannot be used; it then approves nothing. */
  problem: z.string().nullable(),
  added: lockChanges,
  removed: lockChanges,
  /** The problems of the units that `added` names. */
  problems: grantProblems,
});
export type PermissionsDiffOutput = z.infer<typeof permissionsDiffOutput>;

/** `nerve permissions approve`: what was approved, and the reply of a running daemon; null when none runs. */
export const permissionsApproveOutput = permissionsDiffOutput.extend({
  written: z.boolean(),
  daemon: reloadReplySchema.nullable(),
});
export type PermissionsApproveOutput = z.infer<typeof permissionsApproveOutput>;
