/**
 * Maps each command to the schema of its `--json` output (json_schemas.ts). tests/integration/cli/json_schemas_test.ts
 * compares this table with the tree of commands and with what they print.
 */
import * as z from "zod";
import { reloadReplySchema, resetSchema, runSchema } from "../../protocol/api.ts";
import { approvalSchema, decisionReplySchema } from "../../protocol/approval.ts";
import { pauseSenseReplySchema } from "../../protocol/sense_pause.ts";
import { endSessionReplySchema, sessionPageSchema, sessionSchema } from "../../protocol/session.ts";
import { transcriptEntrySchema } from "../../protocol/transcript.ts";
import { sendEventReplySchema } from "../../protocol/run_event.ts";
import { senseChartOutput, senseTriggerOutput } from "./compute_schemas.ts";
import {
  approvalsOutput,
  bundleOutput,
  doctorOutput,
  eventsOutputLine,
  libraryOutput,
  logsOutputLine,
  senseLearnOutput,
  senseListOutput,
  senseQueryOutput,
  senseSchemaOutput,
  serviceStatusOutput,
  statusOutput,
  uninstallOutput,
  validateOutput,
  versionOutput,
  whyNotOutput,
  whyOutput,
  workflowInspectOutput,
  workflowListOutput,
  workflowThreadOutput,
  workflowTriggerOutput,
} from "./json_schemas.ts";
import {
  storeArchiveOutput,
  storeBackupOutput,
  storeGcOutput,
  storeRebuildRunsOutput,
  storeRestoreOutput,
  storeStatsOutput,
  storeVerifyOutput,
} from "./store_schemas.ts";
import { developOutput, worktreeCleanOutput, worktreeListOutput } from "./worktree_schemas.ts";
import { crashtestOutput } from "./crashtest_schemas.ts";
import { alertListOutput, alertShowOutput, alertTestOutput, whyAlertOutput } from "./alert_schemas.ts";
import { createTokenReplySchema, revokeTokensReplySchema, tokensSchema } from "../../protocol/access.ts";
import { dashboardOutput } from "./access_schemas.ts";
import { engineListOutput, engineRegisterOutput, engineStatusOutput } from "./engine_schemas.ts";
import { hookListOutput, hookSendOutput } from "./hook_schemas.ts";
import { alertChangedSchema } from "../../protocol/alert.ts";
import { permissionsApproveOutput, permissionsDiffOutput, permissionsOutput } from "./permission_schemas.ts";

/** `lines`: one JSON document on each line. */
export interface JsonOutput {
  readonly prints: "document" | "lines";
  readonly schema: z.ZodType;
}
const document = (schema: z.ZodType): JsonOutput => ({ prints: "document", schema });
const lines = (schema: z.ZodType): JsonOutput => ({ prints: "lines", schema });

/**
 * Keyed by the words of the command. `nerve daemon status` and `nerve daemon logs` print the same as without `daemon`.
 */
export const jsonOutputs: Readonly<Record<string, JsonOutput>> = {
  "approvals": document(z.union([approvalsOutput, approvalSchema])),
  "approve": document(decisionReplySchema),
  "bundle": document(bundleOutput),
  "crashtest": document(crashtestOutput),
  "develop": document(developOutput),
  "worktree list": document(worktreeListOutput),
  "worktree clean": document(worktreeCleanOutput),
  "alert ack": document(alertChangedSchema),
  "alert list": document(alertListOutput),
  "alert show": document(alertShowOutput),
  "alert silence": document(alertChangedSchema),
  "alert test": document(alertTestOutput),
  "alert unsilence": document(alertChangedSchema),
  "dashboard": document(dashboardOutput),
  "doctor": document(doctorOutput),
  "events": lines(eventsOutputLine),
  "engine list": document(engineListOutput),
  "engine status": document(engineStatusOutput),
  "engine register": document(engineRegisterOutput),
  "hook list": document(hookListOutput),
  "hook send": document(hookSendOutput),
  "logs": lines(logsOutputLine),
  "permissions approve": document(permissionsApproveOutput),
  "permissions diff": document(permissionsDiffOutput),
  "permissions list": document(permissionsOutput),
  "reject": document(decisionReplySchema),
  "reload": document(reloadReplySchema),
  "sense chart": document(senseChartOutput),
  "sense learn": document(senseLearnOutput),
  "sense library": document(libraryOutput),
  "sense list": document(senseListOutput),
  "sense query": document(senseQueryOutput),
  "sense reset": document(resetSchema),
  "sense schema": document(senseSchemaOutput),
  "sense trigger": document(senseTriggerOutput),
  "sense pause": document(pauseSenseReplySchema),
  "sense resume": document(pauseSenseReplySchema),
  "session end": document(endSessionReplySchema),
  "session list": document(sessionPageSchema.extend({ offset: z.int() })),
  "session log": lines(transcriptEntrySchema),
  "session show": document(sessionSchema),
  "service status": document(serviceStatusOutput),
  "status": document(statusOutput),
  "store archive": document(storeArchiveOutput),
  "store backup": document(storeBackupOutput),
  "store gc": document(storeGcOutput),
  "store rebuild-runs": document(storeRebuildRunsOutput),
  "store restore": document(storeRestoreOutput),
  "store stats": document(storeStatsOutput),
  "store verify": document(storeVerifyOutput),
  "token create": document(createTokenReplySchema),
  "token list": document(tokensSchema),
  "token revoke": document(revokeTokensReplySchema),
  "uninstall": document(uninstallOutput),
  "validate": document(validateOutput),
  "version": document(versionOutput),
  "why": document(z.union([whyOutput, whyNotOutput, whyAlertOutput])),
  "workflow fork": document(workflowTriggerOutput),
  "workflow follow": lines(eventsOutputLine),
  "workflow inspect": document(workflowInspectOutput),
  "workflow kill": document(runSchema),
  "workflow library": document(libraryOutput),
  "workflow list": document(workflowListOutput),
  "workflow pause": document(runSchema),
  "workflow rerun": document(workflowTriggerOutput),
  "workflow reset": document(resetSchema),
  "workflow resume": document(runSchema),
  "workflow send": document(sendEventReplySchema),
  "workflow thread": document(workflowThreadOutput),
  "workflow trigger": document(workflowTriggerOutput),
};
