/**
 * Notifies somebody: appends a line to a file, or posts to a webhook and retries when that fails.
 * A role may run more than once, so the idempotency key is sent along: in the line, where a second attempt finds it and
 * writes nothing, or in the header `Idempotency-Key`, by which the receiver recognizes a repeat.
 */
import { defineWorkflow, END, type JsonObject, option, readConfig, type RoleContext } from "nerve";
import { hideUserinfo } from "../../lib/url.ts";
import { appendOnce } from "./file.ts";
import { post } from "./webhook.ts";

function readSettings(config: JsonObject) {
  const { file, url, ...rest } = readConfig(config, {
    file: option.text(null),
    url: option.text(null),
    attempts: option.number(5, { min: 1, max: 100 }),
    timeout: option.duration("10s"),
    retry_delay: option.duration("1s"),
  });
  if (file !== null && url === null) return { ...rest, file };
  if (url === null || file !== null) throw new TypeError("config must name either file or url");
  return { ...rest, file: null, url };
}

async function send({ start, config, idempotencyKey, signal, log }: RoleContext<ReturnType<typeof readSettings>>) {
  if (config.file !== null) {
    const { file } = config;
    const wasThere = !await appendOnce(file, { key: idempotencyKey, text: start.prompt, payload: start.payload });
    return { content: `${wasThere ? "already" : "written"} in ${file}`, meta: { file, repeated: wasThere } };
  }
  const { url, attempts, timeout, retry_delay } = config;
  const { runId, workflow, prompt, payload, trigger } = start;
  const body = JSON.stringify({ key: idempotencyKey, runId, workflow, text: prompt, payload, trigger });
  const limits = { attempts, timeoutMs: timeout, firstDelayMs: retry_delay };
  const { status, attempt } = await post({ url, body, key: idempotencyKey }, limits, signal, log);
  const shown = hideUserinfo(url);
  return { content: `${shown} answered ${status} at attempt ${attempt}`, meta: { url: shown, status, attempt } };
}

export default defineWorkflow({
  config: readSettings,
  roles: { send },
  moderator: ({ messages }) => (messages.length === 0 ? "send" : END),
});
