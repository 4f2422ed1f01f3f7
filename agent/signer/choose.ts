/**
 * Which edge, and which workspace behind it. The workspace is what everything is verified against, so it is typed by a
 * person or remembered from the time somebody typed it; an edge is never asked.
 */
import * as v from "valibot";
import { digest } from "../../protocol/fields.ts";
import { parseEdgeAddress, type EdgeAddress } from "./edge-address.ts";
import type { Memory, Remembered } from "./memory.ts";
import { SignerError } from "./signer-error.ts";

export interface Wanted {
  readonly edge: string | undefined;
  readonly edgeName: string | undefined;
  readonly workspace: string | undefined;
  /** Asks on the terminal; undefined when there is none. */
  readonly ask: ((question: string) => Promise<string>) | undefined;
}

export interface Choice {
  readonly edge: EdgeAddress;
  readonly workspace: string;
}

/** An edge at which nobody has founded a workspace: a pin typed beside it would be of another one. @throws {SignerError} */
export function chooseForSetup({ edge, edgeName, workspace }: Omit<Wanted, "ask">): EdgeAddress {
  if (edge === undefined || workspace !== undefined) {
    throw new SignerError(
      "edge_ambiguous",
      "To found a workspace, give the address of its edge with --edge, and no --workspace: its id does not exist before its root is made here.",
    );
  }
  return parseEdgeAddress(edge, edgeName);
}

/** @throws {SignerError} */
export async function choose(wanted: Wanted, memory: Memory): Promise<Choice> {
  const { workspace, edgeName } = wanted;
  if (workspace !== undefined && !v.is(digest, workspace)) throw notAnId();
  if (wanted.edge === undefined) {
    const known = only(memory.all().filter((one) => workspace === undefined || one.workspace === workspace));
    return { edge: parseEdgeAddress(known.edge, edgeName), workspace: known.workspace };
  }
  const edge = parseEdgeAddress(wanted.edge, edgeName);
  if (workspace !== undefined) return { edge, workspace };
  const there = memory.all().filter((one) => one.edge === edge.url);
  if (there.length > 0) return { edge, workspace: only(there).workspace };
  return { edge, workspace: await askWorkspace(edge, wanted.ask) };
}

/** A mistyped id is remembered too, but no page ever verified a history of it. */
function only(known: readonly Remembered[]): Remembered {
  const [first, ...others] = known.length > 1 ? known.filter(({ head }) => head !== undefined) : known;
  if (first !== undefined && others.length === 0) return first;
  if (known.length > 0) {
    throw new SignerError(
      "edge_ambiguous",
      "This machine remembers more than one workspace. Say which with --edge and --workspace.",
    );
  }
  throw new SignerError(
    "edge_ambiguous",
    "This machine remembers no such edge yet. Give its address with --edge and the workspace's id with --workspace.",
  );
}

async function askWorkspace(edge: EdgeAddress, ask: Wanted["ask"]): Promise<string> {
  if (ask === undefined) {
    throw new SignerError(
      "workspace_unknown",
      `This machine has not signed for a workspace at ${edge.url} yet, and an edge is not asked for the right one. Give its id with --workspace; clawhold status shows it on the machine of the edge and on every host.`,
    );
  }
  const typed = (await ask(`The id of the workspace at ${edge.url}, from somebody who knows it: `)).trim();
  if (!v.is(digest, typed)) throw notAnId();
  return typed;
}

function notAnId(): SignerError {
  return new SignerError(
    "workspace_unknown",
    "That is not the id of a workspace: 43 letters, digits, dashes and underscores. clawhold status shows it on the machine of the edge and on every host.",
  );
}
