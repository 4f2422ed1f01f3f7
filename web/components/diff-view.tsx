/** A difference, line by line, of text that is not ours: each line says in a sign and a word whether it goes or comes. */
import { useMemo } from "preact/hooks";
import { Runs } from "./foreign.tsx";
import { diffLines } from "./line-diff.ts";

interface DiffViewProps {
  readonly caption: string;
  readonly before: string;
  readonly after: string;
}

const signs = { same: " ", out: "−", in: "+" } as const;
const looks = { same: undefined, out: "del", in: "add" } as const;
const words = { same: undefined, out: "goes: ", in: "comes: " } as const;

export function DiffView({ caption, before, after }: DiffViewProps) {
  const lines = useMemo(() => diffLines(before, after), [before, after]);
  const changed = lines.filter(({ kind }) => kind !== "same").length;
  return (
    <div class="untrusted">
      <div class="cap">
        <span>{caption}</span>
        <span>{changed === 0 ? "no difference" : `${changed} lines differ`}</span>
      </div>
      <pre tabIndex={0} role="region" aria-label={caption}>
        <span class="diff">
          {lines.map(({ kind, text }, index) => (
            <span key={index} class={looks[kind]}>
              <span aria-hidden="true">{signs[kind]} </span>
              {words[kind] !== undefined && <span class="sr">{words[kind]}</span>}
              <Runs text={text} />
            </span>
          ))}
        </span>
      </pre>
    </div>
  );
}
