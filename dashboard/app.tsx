/** The frame of every page: the navigation, whether the page is live, and the keys. */
import { useEffect, useRef, useState } from "preact/hooks";
import type { Health } from "../src/protocol/api.ts";
import { onSignedOut } from "./api.ts";
import { useLiveStatus, useMayAct, useResource } from "./hooks.ts";
import { Alerts } from "./pages/alerts.tsx";
import { ApprovalPageOf, Approvals } from "./pages/approvals.tsx";
import { Hooks } from "./pages/hooks_page.tsx";
import { Log } from "./pages/log.tsx";
import { Overview } from "./pages/overview.tsx";
import { Permissions } from "./pages/permissions.tsx";
import { RunPage } from "./pages/run.tsx";
import { Runs } from "./pages/runs.tsx";
import { SensePage } from "./pages/sense.tsx";
import { Senses } from "./pages/senses.tsx";
import { Sessions } from "./pages/sessions.tsx";
import { Store } from "./pages/store.tsx";
import { Command, Mark, When } from "./parts/basic.tsx";
import { Pulse } from "./parts/pulse.tsx";
import { places } from "./places.ts";
import { go, type Route, useRoute } from "./route.ts";
import { toggleTheme, useTheme } from "./theme.ts";

export function App() {
  const route = useRoute(), [isOut, setIsOut] = useState(false), [showsKeys, setShowsKeys] = useState(false);
  const main = useRef<HTMLElement>(null), place = route.parts.join("/"), shown = useRef(place);
  useEffect(() => onSignedOut(() => setIsOut(true)), []);
  useKeys(() => setShowsKeys((before) => !before));
  useEffect(() => {
    const name = places.find(([, part]) => part === (route.parts[0] ?? ""))?.[0] ?? "Overview";
    document.title = `${[route.parts[1], name].filter((part) => part !== undefined).join(" · ")} · nerve`;
    if (shown.current === place) return;
    shown.current = place;
    scrollTo(0, 0);
    main.current?.querySelector<HTMLElement>("h1")?.focus({ preventScroll: true });
  }, [place]);
  if (isOut) return <SignedOut />;
  return (
    <>
      <a class="skip" href="#main" onClick={(event) => skip(event, main.current)}>To the content</a>
      <Side route={route} />
      <div class="page">
        <Top showKeys={() => setShowsKeys(true)} />
        <main id="main" ref={main} tabIndex={-1} class={route.parts[0] === "log" ? "full" : ""}>
          <Page key={place} route={route} />
        </main>
      </div>
      {showsKeys ? <Keys close={() => setShowsKeys(false)} /> : null}
    </>
  );
}

function skip(event: Event, main: HTMLElement | null): void {
  event.preventDefault();
  main?.focus();
}

function Page({ route: { parts: [first, second], query } }: { readonly route: Route }) {
  switch (first) {
    case "runs":
      return second === undefined ? <Runs query={query} /> : <RunPage id={second} />;
    case "approvals":
      return second === undefined ? <Approvals /> : <ApprovalPageOf id={second} />;
    case "alerts":
      return <Alerts />;
    case "senses":
      return second === undefined ? <Senses /> : <SensePage name={second} />;
    case "sessions":
      return <Sessions />;
    case "log":
      return (
        <Log
          key={["source", "type", "refId", "sinceMs"].map((part) => query.get(part)).join(" ")}
          query={query}
        />
      );
    case "permissions":
      return <Permissions />;
    case "store":
      return <Store />;
    case "hooks":
      return <Hooks />;
    default:
      return <Overview />;
  }
}

function Side({ route }: { readonly route: Route }) {
  const health = useResource<Health>("/v1/health", {
    everyMs: 10_000,
    minMs: 3_000,
    wakes: ({ type }) => type.startsWith("approval.") || type.startsWith("alert.") || type === "kernel.started",
  });
  const counts: Readonly<Record<string, number>> = {
    approvals: health.data?.approvals.open ?? 0,
    alerts: health.data?.alerts.firing ?? 0,
  };
  const { workspace = "" } = health.data ?? {}, nav = useRef<HTMLElement>(null), [here = ""] = route.parts;
  useEffect(() => showCurrent(nav.current), [here]);
  return (
    <header class="side">
      <a class="brand" href="#/" aria-label="nerve, overview">
        <svg viewBox="0 0 44 16" aria-hidden="true">
          <path
            d="M0 10h12l4-8 5 13 4-9 2 4h17"
            fill="none"
            stroke="currentColor"
            stroke-width="1.8"
            stroke-linejoin="round"
          />
        </svg>
        nerve
      </a>
      <nav ref={nav} aria-label="pages">
        {places.map(([name, part]) => {
          const isHere = here === part, count = counts[part] ?? 0;
          return (
            <a key={part} href={`#/${part}`} aria-current={isHere ? "page" : undefined}>
              {name}
              {count === 0 ? null : <span class={`badge num ${part}`}>{count}</span>}
            </a>
          );
        })}
      </nav>
      <p class="workspace" title={workspace}>{workspace.slice(workspace.lastIndexOf("/") + 1)}</p>
    </header>
  );
}

/** On a phone the places are a line that scrolls. */
function showCurrent(nav: HTMLElement | null): void {
  const current = nav?.querySelector<HTMLElement>("[aria-current]");
  if (nav == null || current == null) return;
  nav.scrollLeft = current.offsetLeft - nav.offsetLeft - (nav.clientWidth - current.offsetWidth) / 2;
}

function Top({ showKeys }: { readonly showKeys: () => void }) {
  const { status, lostAt } = useLiveStatus(), theme = useTheme(), mayAct = useMayAct();
  return (
    <section class="top" aria-label="state">
      <Pulse />
      <p class={`live is-${status}`} role="status">
        <Mark tone={status === "live" ? "good" : status === "lost" ? "bad" : "wait"} />
        {status === "live" ? "live" : status === "connecting" ? "connecting" : (
          <>
            no daemon for <When at={lostAt} bare />
          </>
        )}
      </p>
      {mayAct
        ? null
        : <p class="scope" title="This session changes nothing: nerve dashboard opens one that may.">read only</p>}
      <button type="button" class="small plain" onClick={toggleTheme}>{theme === "dark" ? "Light" : "Dark"}</button>
      <button type="button" class="small plain wide" onClick={showKeys} aria-keyshortcuts="?">Keys</button>
    </section>
  );
}

function SignedOut() {
  return (
    <main class="out">
      <h1>This session has ended</h1>
      <p>Ask the daemon for a new link, in the workspace:</p>
      <Command text="nerve dashboard" />
    </main>
  );
}

function Keys({ close }: { readonly close: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} onClose={close} aria-labelledby="keys-title">
      <h2 id="keys-title">Keys</h2>
      <dl class="keys">
        {places.map(([name, , key]) => (
          <div key={key}>
            <dt>
              <kbd>g</kbd> <kbd>{key}</kbd>
            </dt>
            <dd>{name}</dd>
          </div>
        ))}
        <div>
          <dt>
            <kbd>/</kbd>
          </dt>
          <dd>the filter of the page</dd>
        </div>
        <div>
          <dt>
            <kbd>t</kbd>
          </dt>
          <dd>dark or light</dd>
        </div>
        <div>
          <dt>
            <kbd>?</kbd>
          </dt>
          <dd>these keys</dd>
        </div>
      </dl>
      <div class="buttons">
        <button type="button" class="primary" onClick={close}>Close</button>
      </div>
    </dialog>
  );
}

const chordMs = 1_200;

function useKeys(toggleHelp: () => void): void {
  useEffect(() => {
    let began = -Infinity;
    const press = (event: KeyboardEvent) => {
      const { key, target, ctrlKey, metaKey, altKey, timeStamp } = event;
      const isTyping = target instanceof HTMLElement && /^(INPUT|SELECT|TEXTAREA)$/.test(target.tagName);
      if (isTyping || ctrlKey || metaKey || altKey || document.querySelector("dialog[open]") !== null) return;
      const place = timeStamp - began < chordMs ? places.find(([, , letter]) => letter === key) : undefined;
      began = -Infinity;
      if (place !== undefined) go(`#/${place[1]}`);
      else if (key === "g") began = timeStamp;
      else if (key === "t") toggleTheme();
      else if (key === "?") toggleHelp();
      else if (key === "/") {
        event.preventDefault();
        document.querySelector<HTMLElement>("[type=search]")?.focus();
      }
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, []);
}
