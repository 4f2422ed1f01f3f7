/**
 * Which hosts have said, signed by their own key, that they hold the newest trust head, and which have not. Nothing
 * else counts as told. A host that was not heard from obeys what it held before.
 */
import { saveFile } from "../components/save-file.ts";
import { useEffect } from "preact/hooks";
import { Command } from "../components/parts.tsx";
import { Pill } from "../components/state.tsx";
import { Relative } from "../components/time.tsx";
import { formatList, formatNumberOf } from "../format.ts";
import { Icon } from "../icons.tsx";
import { useApp } from "../state/app.ts";
import type { HostView } from "../state/backend.ts";

export interface CoverageFacts {
  readonly told: number;
  readonly all: number;
  readonly missing: readonly HostView[];
}

export function coverageOf(hosts: readonly HostView[]): CoverageFacts {
  const admitted = hosts.filter((host) => host.admission === "admitted");
  const missing = admitted.filter((host) => host.trustBehind !== false);
  return { told: admitted.length - missing.length, all: admitted.length, missing };
}

export function useCoverage(): CoverageFacts | undefined {
  const { backend } = useApp();
  useEffect(() => backend.watchFleet(), [backend]);
  const fleet = backend.fleet.value;
  return fleet.state === "ready" ? coverageOf(fleet.value) : undefined;
}

export function CoveragePill({ coverage }: { readonly coverage: CoverageFacts }) {
  if (coverage.all === 0) return <Pill shape="unknown">No host yet</Pill>;
  return coverage.missing.length === 0 ? (
    <Pill shape="ok">Confirmed everywhere</Pill>
  ) : (
    <Pill shape="warn">Not everywhere yet</Pill>
  );
}

export function CoverageText({ coverage }: { readonly coverage: CoverageFacts }) {
  const { told, all, missing } = coverage;
  if (all === 0) return <p>No host is admitted, so nobody has to hear of it.</p>;
  return (
    <>
      <p class="lead">
        Confirmed by{" "}
        <strong>
          {told} of {formatNumberOf(all, "host")}
        </strong>
        .
        {missing.length > 0 && (
          <>
            {" "}
            Not confirmed by <strong>{formatList(missing.map(({ label }) => label))}</strong>.
          </>
        )}
      </p>
      {missing.length > 0 && <Missing missing={missing} />}
    </>
  );
}

function Missing({ missing }: { readonly missing: readonly HostView[] }) {
  return (
    <>
      <ul class="list card">
        {missing.map((host) => (
          <li key={host.id}>
            <div class="grow">
              <p class="strong">
                <bdi>{host.label}</bdi>
              </p>
              <p class="small muted">
                {host.lastSeenAt === undefined ? (
                  "Never heard from."
                ) : (
                  <>
                    Last heard <Relative at={host.lastSeenAt} ago />.
                  </>
                )}{" "}
                Until it confirms, it obeys what it held before. It learns of the change before anything else when it
                comes back.
              </p>
            </div>
          </li>
        ))}
      </ul>
      <Remedy />
    </>
  );
}

/** The log proves itself, so it may travel by any way. */
function Remedy() {
  const { backend } = useApp();
  const file = backend.statements.logFile();
  if (file === undefined) return null;
  const download = () => saveFile(new Blob([file.text], { type: "application/jsonl" }), file.name);
  return (
    <div class="stack mid">
      <p class="small muted">Or carry the log there yourself, by any way: it proves itself.</p>
      <div class="row">
        <button class="btn sm" type="button" onClick={download}>
          <Icon name="download" class="s" />
          {file.name}
        </button>
      </div>
      <Command caption="On the host" command={`clawhold trust import ${file.name}`} />
    </div>
  );
}
