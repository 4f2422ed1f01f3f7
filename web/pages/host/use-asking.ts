/** Asks for one command at a time on a host's page, and keeps what its receipt changed: grants, undo, what to read again. */
import { useMemo } from "preact/hooks";
import { useSignal } from "@preact/signals";
import type { Wish } from "../../dialog/order-dialog.tsx";
import { useApp } from "../../state/app.ts";
import type { HostView, OperationId, ReceiptView } from "../../state/backend.ts";
import type { ContentKind } from "../../state/readings.ts";
import type { Grant, HostWish, Undo } from "./desk.ts";

export interface Done {
  readonly operation: OperationId;
  readonly undo: Undo | undefined;
}

interface Asked {
  readonly wish: Wish;
  readonly undo: Undo | undefined;
}

export interface Asking {
  readonly wish: Wish | undefined;
  readonly done: Done | undefined;
  readonly grants: readonly Grant[];
  readonly round: number;
  readonly ask: (wish: HostWish, undo?: Undo) => void;
  readonly close: () => void;
  readonly clear: () => void;
  readonly onReceipt: (receipt: ReceiptView) => void;
  readonly dropGrants: (kind: ContentKind) => void;
}

export function useAsking({ id, label }: Pick<HostView, "id" | "label">): Asking {
  const { backend } = useApp();
  const asked = useSignal<Asked | undefined>(undefined);
  const done = useSignal<Done | undefined>(undefined);
  const grants = useSignal<readonly Grant[]>([]);
  const round = useSignal(0);
  const verbs = useMemo(
    () => ({
      ask(wish: HostWish, undo?: Undo) {
        asked.value ??= { wish: { ...wish, hosts: [{ id, label }] }, undo };
      },
      close() {
        asked.value = undefined;
      },
      clear() {
        done.value = undefined;
      },
      onReceipt({ verdict, seal }: ReceiptView) {
        round.value += 1;
        const { value } = asked;
        // Only what this browser verified counts as done.
        if (value === undefined || verdict !== "executed" || seal.state === "failed") return;
        const grant = grantOf(value.wish, backend.now());
        if (grant !== undefined) grants.value = [...grants.value, grant];
        else done.value = { operation: value.wish.operation, undo: value.undo };
      },
      dropGrants(kind: ContentKind) {
        grants.value = grants.value.filter(({ kinds }) => !kinds.includes(kind));
      },
    }),
    [asked, done, grants, round, backend, id, label],
  );
  return {
    wish: asked.value?.wish,
    done: done.value,
    grants: grants.value,
    round: round.value,
    ...verbs,
  };
}

/** What a `content.read@1` opened. It began on the host a moment before the receipt came: the page ends it no later. */
export function grantOf({ operation, args = {} }: Pick<Wish, "operation" | "args">, now: number): Grant | undefined {
  const { kinds, seconds, session } = args;
  if (operation !== "content.read@1" || typeof seconds !== "number" || !Array.isArray(kinds)) return undefined;
  return {
    kinds: kinds as readonly ContentKind[], // as this page asked for them
    ...(typeof session === "string" ? { session } : {}),
    until: now + seconds,
  };
}
