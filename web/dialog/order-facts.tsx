/** What the exact bytes of a command to many hosts, or of a proposal, say: read back, host by host. */
import { APPROVAL_SECONDS } from "../../protocol/limits.ts";
import { Fact } from "../components/parts.tsx";
import { formatNumberOf } from "../format.ts";
import type { Scalar } from "../state/backend.ts";
import type { Args, NamedHost, PreparedOrder } from "../state/orders.ts";
import { Argument } from "./argument.tsx";
import { Expectation } from "./facts.tsx";

export interface ShownTarget {
  readonly host: NamedHost;
  readonly expect: Readonly<Record<string, Scalar>>;
}

/** "vps-1" for one, "5 hosts" for more. */
export function hostsInWords(hosts: readonly Pick<NamedHost, "label">[]): string {
  const [only, ...others] = hosts;
  return only !== undefined && others.length === 0 ? only.label : formatNumberOf(hosts.length, "host");
}

/** Every host by name and words: one that does not belong must be seen. */
export function TargetList({ targets }: { readonly targets: readonly ShownTarget[] }) {
  return (
    <div class="targets-scroll" tabIndex={0} role="group" aria-label="Hosts">
      <ul class="targets">
        {targets.map(({ host, expect }) => (
          <li key={host.id}>
            <strong>
              <bdi>{host.label}</bdi>
            </strong>
            <span class="mono small muted">{host.words.length === 0 ? host.id : host.words.join(" ")}</span>
            {Object.entries(expect).map(([name, value]) => (
              <span key={name} class="small muted">
                only if <Expectation name={name} value={value} />
              </span>
            ))}
          </li>
        ))}
      </ul>
    </div>
  );
}

export function ArgumentFacts({ args }: { readonly args: Args }) {
  return (
    <>
      {Object.entries(args).map(([name, value]) => (
        <Argument key={name} name={name} value={value} />
      ))}
    </>
  );
}

export function OrderFactsList({ command }: { readonly command: PreparedOrder }) {
  const { facts, hosts, actor, approvedBefore } = command;
  const targets = facts.targets.flatMap(({ hostId, expect }) => {
    const host = hosts.find(({ id }) => id === hostId);
    return host === undefined ? [] : [{ host, expect }];
  });
  return (
    <div class="stack tight">
      <p class="eyebrow">Read back from the bytes you are about to sign</p>
      <div class="intent stack tight">
        <TargetList targets={targets} />
        <dl class="facts">
          <ArgumentFacts args={facts.args} />
          {approvedBefore.length > 0 && (
            <Fact name="Approved before by">
              <bdi>{approvedBefore.join(", ")}</bdi>
            </Fact>
          )}
          <Fact name="As">
            <bdi>{actor.name}</bdi>, {actor.role}
          </Fact>
          <Fact name="Good for">{APPROVAL_SECONDS} seconds; after that, press again</Fact>
        </dl>
      </div>
    </div>
  );
}
