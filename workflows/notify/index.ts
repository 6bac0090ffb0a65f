/**
 * Tells somebody: appends a line to a file, or posts to a webhook and tries again when that fails.
 * A role runs at least once, so the run's key goes along: into the line, where a second attempt finds it and writes
 * nothing, or into the header `Idempotency-Key`, by which the receiver can tell a repeat.
 */
import { defineWorkflow, END, option, readConfig, type RoleContext } from "nerve";
import { appendOnce } from "./file.ts";
import { post } from "./webhook.ts";

async function send({ start, config, idempotencyKey, signal, log }: RoleContext) {
  const { file, url, attempts, timeout, retry_delay } = readConfig(config, {
    file: option.text(null),
    url: option.text(null),
    attempts: option.number(5, { min: 1, max: 100 }),
    timeout: option.duration("10s"),
    retry_delay: option.duration("1s"),
  });
  if (file !== null && url === null) {
    const wasThere = !await appendOnce(file, { key: idempotencyKey, text: start.prompt, payload: start.payload });
    return { content: `${wasThere ? "stood already" : "written"} in ${file}`, meta: { file, repeated: wasThere } };
  }
  if (url === null || file !== null) throw new TypeError("config must name either file or url");
  const { runId, workflow, prompt, payload, trigger } = start;
  const body = JSON.stringify({ key: idempotencyKey, runId, workflow, text: prompt, payload, trigger });
  const limits = { attempts, timeoutMs: timeout, firstDelayMs: retry_delay };
  const { status, attempt } = await post({ url, body, key: idempotencyKey }, limits, signal, log);
  return { content: `${url} answered ${status} at attempt ${attempt}`, meta: { url, status, attempt } };
}

export default defineWorkflow({
  roles: { send },
  moderator: ({ messages }) => (messages.length === 0 ? "send" : END),
});
