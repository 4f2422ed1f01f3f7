/**
 * What every tab of a host's page shares: the host, who may do what on it, how a command is asked for and taken back, and
 * what was opened by touch. Given down once by the page.
 * May not: read anything of a host by itself.
 */
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { Wish } from "../../dialog/order-dialog.tsx";
import type { HostRoute } from "../../router.ts";
import type { HostView, OperationId } from "../../state/backend.ts";
import type { ContentKind } from "../../state/readings.ts";

export type HostWish = Omit<Wish, "hosts">;

/** Offered after a command was carried out. */
export interface Undo {
  /** A verb with its object. */
  readonly title: string;
  /** From what is so by then; undefined: there is nothing to take back any more. */
  readonly make: () => Promise<HostWish | undefined>;
}

/** What one touch opened, as the host holds it in its memory. */
export interface Grant {
  readonly kinds: readonly ContentKind[];
  /** One session's transcript only. */
  readonly session?: string | undefined;
  /** Edge time. */
  readonly until: number;
}

export interface HostDesk {
  readonly host: HostView;
  readonly route: HostRoute;
  /** Changes the address of this tab in place. */
  readonly view: (part: Partial<Pick<HostRoute, "text" | "sort" | "of">>) => void;
  /** Opens the dialog. */
  readonly ask: (wish: HostWish, undo?: Undo) => void;
  /** Why it cannot be asked for now, for the words beside the button. */
  readonly obstacle: (operation: OperationId) => string | undefined;
  readonly grants: readonly Grant[];
  /** The host does not hold it any more. */
  readonly dropGrants: (kind: ContentKind) => void;
  /** Grows with every receipt: what was read before may be otherwise now. */
  readonly round: number;
}

export const DeskContext = createContext<HostDesk | undefined>(undefined);

export function useDesk(): HostDesk {
  const desk = useContext(DeskContext);
  if (desk === undefined) throw new TypeError("useDesk needs DeskContext above it");
  return desk;
}

export function grantFor(grants: readonly Grant[], wanted: { kind: ContentKind; session?: string }, now: number) {
  return grants.find(
    ({ kinds, session, until }) =>
      until > now && kinds.includes(wanted.kind) && (session === undefined || session === wanted.session),
  );
}
