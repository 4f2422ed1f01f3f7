/**
 * After `clawhold trust reset` on the machine that runs the edge: its agent joins the edge's workspace again only when a
 * person types which one that is. Decides nothing where there was no reset.
 */
import { fromBase64url } from "../../../protocol/bytes.ts";
import { digestOf } from "../../../protocol/signing.ts";
import type { SignedRoot } from "../../../protocol/trust/statements.ts";
import { standingReset, type HostState } from "../../host/state.ts";
import { CliError, EXIT, type CliIo } from "../io.ts";
import { askWorkspace } from "../join.ts";

/** The workspace of the edge, typed by a person; undefined where this machine was not reset. */
export async function typedWorkspace({ root }: SignedRoot, state: HostState, io: CliIo): Promise<string | undefined> {
  if (standingReset(state) === undefined) return undefined;
  const typed = await askWorkspace(state, io);
  if (typed === undefined)
    throw new CliError(
      "workspace_untyped",
      "This machine was reset, so a person has to type which workspace it may join. Start clawhold up in a terminal once.",
      EXIT.refused,
    );
  if (typed === digestOf("root", fromBase64url(root))) return typed;
  throw new CliError(
    "workspace_typed",
    "The edge here serves another workspace than the one you typed, so this machine did not join it. clawhold status shows the id on any other host of your workspace.",
    EXIT.refused,
  );
}
