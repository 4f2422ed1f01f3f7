/** After a command was carried out: that it was, and the one press that begins to take it back. */
import { useSignal } from "@preact/signals";
import { Banner } from "../../components/banner.tsx";
import { operationWords } from "../../../protocol/operation-words.ts";
import { useDesk } from "./desk.ts";
import type { Done } from "./use-asking.ts";

interface AfterNoteProps {
  readonly done: Done | undefined;
  readonly onClosed: () => void;
}

export function AfterNote({ done, onClosed }: AfterNoteProps) {
  const desk = useDesk();
  const gone = useSignal(false);
  if (done?.undo === undefined) return null;
  const { undo, operation } = done;
  const take = async () => {
    const wish = await undo.make();
    if (wish === undefined) gone.value = true;
    else desk.ask(wish);
  };
  return (
    <Banner
      tone="ok"
      icon="ok"
      live
      act={
        <span class="row">
          {!gone.value && (
            <button class="btn sm" type="button" onClick={() => void take()}>
              {undo.title}…
            </button>
          )}
          <button class="btn quiet sm" type="button" onClick={onClosed}>
            Close
          </button>
        </span>
      }
    >
      <strong>
        {desk.host.label} {operationWords[operation].past}.
      </strong>{" "}
      {gone.value
        ? "It cannot be taken back from here: what it was about is not there any more, or the host does not answer."
        : operationWords[operation].undo}
    </Banner>
  );
}
