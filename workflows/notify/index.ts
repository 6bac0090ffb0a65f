/**
 * Sends a notification: by a line in a file, a webhook, a push message, a chat, an e-mail or the system's log. A
 * service that does not answer is tried again.
 * A role may run more than once, so the idempotency key is sent along: in the line, where a second attempt finds it and
 * writes nothing, or in the header `Idempotency-Key`, by which the receiver recognizes a repeat.
 */
import { defineWorkflow, END, type JsonObject, option, readConfig, type RoleContext } from "nerve";
import { fillTemplate } from "../../lib/template.ts";
import { readMessageId, toDiscord, toNtfy, toSlack, toTelegram } from "./chat.ts";
import { appendOnce } from "./file.ts";
import { mailNotice } from "./mail.ts";
import { isObject, type Notice, toNotice } from "./notice.ts";
import { readSettings, type Settings } from "./settings.ts";
import { sendToSystem } from "./system.ts";
import { type Delivery, post } from "./webhook.ts";

/** Values of variables are read only when a notice is sent. */
function readWritten(config: JsonObject) {
  return readConfig(config, {
    channel: option.text(null),
    file: option.text(null),
    url: option.text(null),
    url_env: option.text(null),
    secret_env: option.text(null),
    to: option.list({ fallback: [] }),
    from: option.text(null),
    user: option.text(null),
    ca_file: option.text(null),
    body: option.text(null),
    attempts: option.number(5, { min: 1, max: 100 }),
    timeout: option.duration("10s"),
    retry_delay: option.duration("1s"),
  });
}

type NotifyContext = RoleContext<ReturnType<typeof readWritten>>;

async function send(context: NotifyContext) {
  const { start, config, idempotencyKey, signal } = context, settings = readSettings(config);
  const notice = await toNotice(start, idempotencyKey), { file, channel } = settings;
  if (file !== null && channel === "file") {
    const wasThere = !await appendOnce(file, { key: idempotencyKey, text: start.prompt, payload: start.payload });
    return { content: `${wasThere ? "already" : "written"} in ${file}`, meta: { file, repeated: wasThere } };
  }
  if (channel === "syslog" || channel === "desktop") {
    await sendToSystem(channel, notice, settings, signal);
    return { content: `told by ${channel}`, meta: { channel } };
  }
  if (channel === "mail") {
    const { response, attempt } = await mailNotice(notice, settings, signal, context.log);
    return { content: `${settings.shown} answered ${response}`, meta: { channel, attempt, incident: notice.incident } };
  }
  return await deliver(toDelivery(notice, settings, context), notice, settings, context);
}

function toDelivery(notice: Notice, settings: Settings, context: NotifyContext): Delivery {
  const { url = "", secret, to, template, channel } = settings, before = findMessage(notice, context);
  const chat = { url: url ?? "", secret, to: to[0] ?? null, before };
  switch (channel) {
    case "ntfy":
      return toNtfy(notice, chat);
    case "slack":
      return toSlack(notice, chat);
    case "discord":
      return toDiscord(notice, chat);
    case "telegram":
      return toTelegram(notice, chat);
    default: {
      const { runId, workflow, prompt, payload, trigger } = notice.start;
      const values = { key: notice.key, runId, workflow, text: prompt, payload, trigger: { ...trigger } };
      const { title, state, severity, incident } = notice;
      const body = template === null ? values : fillTemplate(template, { ...values, title, state, severity, incident });
      const headers: Record<string, string> = secret === null ? {} : { authorization: `Bearer ${secret}` };
      return { url: chat.url, body: JSON.stringify(body), key: notice.key, headers };
    }
  }
}

async function deliver(delivery: Delivery, notice: Notice, settings: Settings, { signal, log }: NotifyContext) {
  const { attempts, timeout, retry_delay, shown, channel } = settings;
  const limits = { attempts, timeoutMs: timeout, firstDelayMs: retry_delay, shown };
  const { status, attempt, answer } = await post(delivery, limits, signal, log);
  const content = `${shown} answered ${status} at attempt ${attempt}`, sent = { url: shown, status, attempt };
  if (channel === "webhook") return { content, meta: sent };
  const message = channel === "discord" || channel === "telegram" ? readMessageId(answer) : null;
  return { content, meta: { channel, ...sent, incident: notice.incident, message } };
}

/** How many of the workflow's newest messages are searched for the one that first reported an incident. */
const rowsLooked = 1_000;

/** The id of the message that first reported the incident: earlier runs have it in their messages. */
function findMessage({ incident, start }: Notice, { logs }: NotifyContext): string | null {
  if (incident === null) return null;
  const rows = logs.query({ source: `workflow:${start.workflow}`, type: "run.message", limit: rowsLooked });
  const told = rows.flatMap(({ payload }) => {
    const meta = isObject(payload) ? payload.meta ?? null : null;
    return isObject(meta) && meta.incident === incident && typeof meta.message === "string" ? [meta.message] : [];
  });
  return told.at(-1) ?? null;
}

export default defineWorkflow({
  config: readWritten,
  roles: { send },
  moderator: ({ messages }) => (messages.length === 0 ? "send" : END),
});
