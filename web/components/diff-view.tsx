/** A difference, line by line, of text that is not ours: each line says in a sign and a word whether it goes or comes. */
import { useMemo } from "preact/hooks";
import { formatNumberOf } from "../format.ts";
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

/** Nothing at all is no empty line: what was not there does not go. */
function linesOf(before: string, after: string): ReturnType<typeof diffLines> {
  const lines = diffLines(before, after);
  const nothing = before === "" ? "out" : after === "" ? "in" : undefined;
  return lines.filter(({ kind }) => kind !== nothing);
}

export function DiffView({ caption, before, after }: DiffViewProps) {
  const lines = useMemo(() => linesOf(before, after), [before, after]);
  const changed = lines.filter(({ kind }) => kind !== "same").length;
  return (
    <div class="untrusted">
      <div class="cap">
        <span>{caption}</span>
        <span>
          {changed === 0
            ? "no difference"
            : `${formatNumberOf(changed, "line")} ${changed === 1 ? "differs" : "differ"}`}
        </span>
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
