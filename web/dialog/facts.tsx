/** The facts of a command, read back from the exact bytes, and those bytes themselves. */
import { APPROVAL_SECONDS } from "../../protocol/limits.ts";
import { Fact } from "../components/parts.tsx";
import { formatShortId } from "../format.ts";
import type { PreparedCommand, Scalar } from "../state/backend.ts";

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
            <Fact key={name} name={name}>
              <code>{String(value)}</code>
            </Fact>
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
    </div>
  );
}

function Expectation({ name, value }: { readonly name: string; readonly value: Scalar }) {
  if (name === "gatewayBoot") {
    return (
      <>
        still the same start: boot <code title={String(value)}>{formatShortId(String(value))}</code>
      </>
    );
  }
  return (
    <>
      {name} is still <code>{String(value)}</code>
    </>
  );
}

export function ExactIntent({ command }: { readonly command: PreparedCommand }) {
  return (
    <details>
      <summary class="small muted">Exact intent and digest</summary>
      <div class="stack tight">
        <div class="code">
          <pre class="wrap" tabIndex={0} role="region" aria-label="Exact intent">
            {command.exactIntent}
          </pre>
        </div>
        <p class="hash">digest {command.digest}</p>
      </div>
    </details>
  );
}
