/** One argument of a command, as the exact bytes have it. What is long and made for machines is read, not spelt out. */
import { fromBase64url } from "../../protocol/bytes.ts";
import { MalformedError } from "../../protocol/canonical.ts";
import { preparedCodec, type Prepared } from "../../protocol/messages.ts";
import { Fact } from "../components/parts.tsx";
import { formatShortId } from "../format.ts";
import type { Scalar } from "../state/backend.ts";
import { argumentWords } from "./scenarios.ts";

interface ArgumentProps {
  readonly name: string;
  readonly value: Scalar | readonly Scalar[];
}

export function Argument({ name, value }: ArgumentProps) {
  if (name === "canary") return <Vouched text={String(value)} />;
  // Named by what it signs; whole in the exact intent.
  const shown = name === "canarySignature" ? formatShortId(String(value)) : String(value);
  return (
    <Fact name={names[name] ?? name}>
      {name === "canarySignature" ? null : argumentWords(value)} <code class="faint">{shown}</code>
    </Fact>
  );
}

const names: Readonly<Record<string, string>> = { canarySignature: "Signed by that host" };

/** Read from what will be signed: which host, which release. */
function Vouched({ text }: { readonly text: string }) {
  const prepared = parsed(text);
  return (
    <Fact name="Vouched for by">
      {prepared?.facts.agent === undefined ? (
        "nobody: every host will refuse it"
      ) : (
        <>
          host <code>{prepared.host}</code>, which runs {prepared.facts.agent.version}
        </>
      )}
    </Fact>
  );
}

function parsed(text: string): Prepared | undefined {
  try {
    return preparedCodec.decode(fromBase64url(text));
  } catch (error) {
    if (error instanceof MalformedError || error instanceof RangeError) return undefined;
    throw error;
  }
}
