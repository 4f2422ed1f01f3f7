/** The facts of a command, read back from the exact bytes, and those bytes themselves. */
import { APPROVAL_SECONDS } from "../../protocol/limits.ts";
import { Fact } from "../components/parts.tsx";
import { formatShortId } from "../format.ts";
import type { PreparedCommand, Scalar } from "../state/backend.ts";
import { Argument } from "./argument.tsx";
import { SealedFacts } from "./sealed-facts.tsx";

export function IntentFactsList({ command }: { readonly command: PreparedCommand }) {
  const { facts, host, actor } = command;
  return (
    <div class="stack tight">
      <p class="eyebrow">Read back from the bytes you are about to sign</p>
      <div class="intent">
        <dl class="facts">
          <Fact name="Host">
            <strong>
              <bdi>{host.label}</bdi>
            </strong>
          </Fact>
          <Fact name="Host words">
            <span class="mono">{host.words.join(" ")}</span>
          </Fact>
          {Object.entries(facts.args).map(([name, value]) => (
            <Argument key={name} name={name} value={value} />
          ))}
          {Object.entries(facts.expect).map(([name, value]) => (
            <Fact key={name} name="Only if">
              <Expectation name={name} value={value} />
            </Fact>
          ))}
          <Fact name="As">
            <bdi>{actor.name}</bdi>, {actor.role}
          </Fact>
          <Fact name="Good for">{APPROVAL_SECONDS} seconds; after that, press again</Fact>
        </dl>
      </div>
      {command.content !== undefined && <SealedFacts content={command.content} host={host.label} />}
    </div>
  );
}

const STILL: Readonly<Record<string, string>> = {
  configHash: "the configuration is still as you read it",
  subject: "it is still exactly as it was shown to you",
};

export function Expectation({ name, value }: { readonly name: string; readonly value: Scalar }) {
  if (name === "gatewayBoot") {
    return (
      <>
        still the same start: boot <code title={String(value)}>{formatShortId(String(value))}</code>
      </>
    );
  }
  const still = STILL[name] ?? `${name} is still`;
  return (
    <>
      {still} <code title={String(value)}>{formatShortId(String(value))}</code>
    </>
  );
}

export function ExactIntent({ command }: { readonly command: Pick<PreparedCommand, "exactIntent" | "digest"> }) {
  return <ExactBytes what="intent" text={command.exactIntent} digest={command.digest} />;
}

interface ExactProps {
  readonly what: string;
  readonly text: string;
  readonly digest: string;
}

export function ExactBytes({ what, text, digest }: ExactProps) {
  return (
    <details>
      <summary class="small muted">Exact {what} and digest</summary>
      <div class="stack tight">
        <div class="code">
          <pre class="wrap" tabIndex={0} role="region" aria-label={`Exact ${what}`}>
            {text}
          </pre>
        </div>
        <p class="hash">digest {digest}</p>
      </div>
    </details>
  );
}
