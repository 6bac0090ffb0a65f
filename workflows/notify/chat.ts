/** The requests for ntfy, Slack, Discord and Telegram. Used by index.ts; webhook.ts sends them. */
import type { Json } from "nerve";
import { clipBytes, clipText, isObject, marks, type Notice } from "./notice.ts";
import type { Delivery } from "./webhook.ts";

export interface ChatSettings {
  readonly url: string;
  readonly secret: string | null;
  /** The topic of ntfy, the chat of Telegram. */
  readonly to: string | null;
  /** The id of the message that first reported this incident; null: the incident is new, or the id is not known. */
  readonly before: string | null;
}

/** Limits of the services. */
const discordMaxChars = 2_000, telegramMaxChars = 4_096, slackMaxChars = 4_000;
/** In bytes: an ntfy server turns more than 4,096 into an attachment. */
const ntfyMaxBytes = 3_500;

/**
 * https://docs.ntfy.sh/publish/#publish-as-json. A server that supports `sequence_id` replaces the incident's
 * notification; an older one shows another one.
 */
export function toNtfy(notice: Notice, { url, secret, to }: ChatSettings): Delivery {
  if (to === null) throw new TypeError("config.to must name the topic");
  const tags =
    { firing: "rotating_light", still: "rotating_light", resolved: "white_check_mark", info: null }[notice.state];
  return {
    url,
    key: notice.key,
    headers: secret === null ? {} : { authorization: `Bearer ${secret}` },
    body: JSON.stringify({
      topic: to,
      title: clipText(notice.title, 250),
      message: clipBytes(notice.text, ntfyMaxBytes),
      priority: toPriority(notice),
      ...tags === null ? {} : { tags: [tags] },
      ...notice.incident === null ? {} : { sequence_id: notice.incident },
    }),
  };
}

function toPriority({ state, severity }: Notice): number {
  if (state === "resolved" || state === "info") return 3;
  return severity === "critical" ? 5 : severity === "info" ? 3 : 4;
}

/** https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks; Mattermost and Rocket.Chat take it. */
export function toSlack(notice: Notice, { url }: ChatSettings): Delivery {
  const escaped = describeNotice(
    notice,
    (text) => `*${text}*`,
    (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;"),
  );
  return { url, key: notice.key, body: JSON.stringify({ text: clipText(escaped, slackMaxChars) }) };
}

/** https://discord.com/developers/docs/resources/webhook: the end of an incident edits the message that reported it. */
export function toDiscord(notice: Notice, { url, before }: ChatSettings): Delivery {
  const content = describeNotice(notice, (text) => `**${text}**`, (text) => text.replaceAll(/[*_`~|>#[\]\\]/g, "\\$&"));
  const body = JSON.stringify({ content: clipText(content, discordMaxChars), allowed_mentions: { parse: [] } });
  const target = new URL(url), changes = notice.state === "resolved" && before !== null;
  if (changes) target.pathname += `/messages/${encodeURIComponent(before)}`;
  else target.searchParams.set("wait", "true");
  return { url: target.href, key: notice.key, body, method: changes ? "PATCH" : "POST" };
}

/** https://core.telegram.org/bots/api#sendmessage: later notices reply to the message that reported the incident. */
export function toTelegram(notice: Notice, { url, secret, to, before }: ChatSettings): Delivery {
  if (to === null) throw new TypeError("config.to must name the chat");
  if (secret === null) throw new TypeError("config.secret_env must name the variable of the bot's token");
  return {
    url: `${url.replace(/\/+$/, "")}/bot${secret}/sendMessage`,
    key: notice.key,
    body: JSON.stringify({
      chat_id: to,
      text: clipText(describeNotice(notice, (text) => text, (text) => text), telegramMaxChars),
      link_preview_options: { is_disabled: true },
      ...before === null ? {} : { reply_parameters: { message_id: Number(before), allow_sending_without_reply: true } },
    }),
  };
}

function describeNotice(notice: Notice, bold: (text: string) => string, escape: (text: string) => string): string {
  return `${marks[notice.state]} ${bold(escape(notice.title))}\n${escape(notice.text)}`;
}

/** The id of the message in the answer of Discord or Telegram; null when there is none. */
export function readMessageId(answer: string): string | null {
  let parsed: Json;
  try {
    parsed = JSON.parse(answer) as Json;
  } catch {
    // Slack answers "ok", a proxy with a page.
    return null;
  }
  if (!isObject(parsed)) return null;
  const { id, result } = parsed, told = isObject(result ?? null) ? (result as { message_id?: Json }).message_id : id;
  return typeof told === "string" || typeof told === "number" ? String(told) : null;
}
