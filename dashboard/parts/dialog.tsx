/** Asks before something is done that is hard to undo. */
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { Action } from "../hooks.ts";
import { Failure } from "./basic.tsx";

export interface ConfirmProps {
  readonly title: string;
  /** The word on the button. */
  readonly verb: string;
  readonly danger?: boolean;
  readonly action: Action;
  /** Does it; the dialog closes when that succeeds. */
  readonly act: () => Promise<unknown>;
  readonly onClose: () => void;
  readonly children?: ComponentChildren;
}

export function Confirm({ title, verb, danger = false, action, act, onClose, children }: ConfirmProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    action.clear();
    dialog.current?.showModal();
  }, []);
  const submit = async (event: Event) => {
    event.preventDefault();
    if (await action.run(act)) onClose();
  };
  return (
    <dialog ref={dialog} onClose={onClose} aria-labelledby="confirm-title">
      <form onSubmit={submit}>
        <h2 id="confirm-title">{title}</h2>
        {children}
        {action.error === null ? null : <Failure error={action.error} />}
        <div class="buttons">
          <button type="button" onClick={onClose}>Cancel</button>
          <button type="submit" class={danger ? "danger" : "primary"} disabled={action.busy}>{verb}</button>
        </div>
      </form>
    </dialog>
  );
}
