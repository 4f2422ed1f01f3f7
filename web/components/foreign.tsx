/**
 * Text that a gateway wrote, or whoever wrote to it: set apart from our words, with everything that deceives made visible.
 * In a line it is monospaced and isolated; longer text stands on its own ground with a striped edge.
 * May not: become a label, a heading or a title of ours, or be anything but text.
 */
import type { ComponentChildren } from "preact";
import { useSignal } from "@preact/signals";
import { formatBytes, formatNumberOf } from "../format.ts";
import { hiddenIn, runsOf } from "./visible.ts";

/** Of a name in a list: longer ones are cut, and say so. */
const LINE_CHARACTERS = 72;
/** Of a text: more is drawn when somebody asks for it. */
const BLOCK_CHARACTERS = 4_000;

export function Runs({ text }: { readonly text: string }) {
  return (
    <>
      {runsOf(text).map((run, index) =>
        run.hidden === undefined ? (
          run.text
        ) : (
          <span key={index} class="ctl" title={run.hidden}>
            {run.text}
          </span>
        ),
      )}
    </>
  );
}

interface ForeignProps {
  readonly text: string;
  /** Where the whole is shown beside it, or where a button has no room. */
  readonly whole?: boolean;
}

export function Foreign({ text, whole = false }: ForeignProps) {
  const open = useSignal(false);
  const isCut = !whole && text.length > LINE_CHARACTERS;
  return (
    <>
      <bdi class="foreign">
        <Runs text={isCut && !open.value ? `${text.slice(0, LINE_CHARACTERS)}…` : text} />
      </bdi>
      {isCut && <More open={open.value} onPress={() => (open.value = !open.value)} />}
    </>
  );
}

function More({ open, onPress }: { readonly open: boolean; readonly onPress: () => void }) {
  return (
    <button class="btn quiet sm" type="button" aria-expanded={open} onClick={onPress}>
      {open ? "Show less" : "Show all"}
    </button>
  );
}

interface ForeignBlockProps {
  /** In our words: whose text it is. */
  readonly caption: string;
  readonly text: string;
  readonly aside?: ComponentChildren;
  /** What tells it from others of the same caption, for who hears the page. */
  readonly label?: string;
}

export function ForeignBlock({ caption, text, aside, label = caption }: ForeignBlockProps) {
  const open = useSignal(false);
  const hidden = hiddenIn(text);
  const isCut = text.length > BLOCK_CHARACTERS;
  return (
    <div class="untrusted">
      <div class="cap">
        <span>{caption}</span>
        <span>
          {formatBytes(new TextEncoder().encode(text).length)}
          {isCut && !open.value ? ", cut" : ""}
          {hidden > 0 && `; ${formatNumberOf(hidden, "hidden character")} made visible`}
          {aside}
        </span>
      </div>
      <pre tabIndex={0} role="region" aria-label={label}>
        <Runs text={isCut && !open.value ? `${text.slice(0, BLOCK_CHARACTERS)}…` : text} />
      </pre>
      {isCut && (
        <div class="cap">
          <More open={open.value} onPress={() => (open.value = !open.value)} />
        </div>
      )}
    </div>
  );
}
