/** What only the host will read of a command, line by line, read back from the very bytes that were sealed. */
import { Fact } from "../components/parts.tsx";

interface Leaf {
  readonly path: string;
  readonly text: string;
}

export function SealedFacts({ content, host }: { readonly content: unknown; readonly host: string }) {
  return (
    <div class="stack tight">
      <p class="eyebrow">
        Sealed for <bdi>{host}</bdi>: nobody else reads it, the control plane sees its size
      </p>
      <div class="intent">
        <dl class="facts">
          {leavesOf(content, "").map(({ path, text }) => (
            <Fact key={path} name={path}>
              <pre class="wrap">{text}</pre>
            </Fact>
          ))}
        </dl>
      </div>
    </div>
  );
}

export function leavesOf(value: unknown, path: string): readonly Leaf[] {
  if (typeof value !== "object" || value === null) return [{ path, text: visible(String(value)) }];
  return Object.entries(value).flatMap(([name, member]) => leavesOf(member, path === "" ? name : `${path}.${name}`));
}

/** Characters that make a text read differently from what it is are written out; lines stay lines. */
export function visible(text: string): string {
  return text.replaceAll(/[^\P{C}\n\t]|\p{Zl}|\p{Zp}|\p{Default_Ignorable_Code_Point}/gu, (character) => {
    const point = character.codePointAt(0) ?? 0;
    return `\\u{${point.toString(16)}}`;
  });
}
