/** What a lockdown would change on this host, change by change, before it is asked for. What is shown is what is pinned. */
import { Foreign } from "../../components/foreign.tsx";
import type { ReadResult } from "../../state/readings.ts";
import { Act, Detail } from "./parts.tsx";
import { Read, ReadWhen, useReading } from "./reading.tsx";
import { useRollback } from "./rollback.ts";

type Change = ReadResult<"gateway.lockdown@1">["changes"][number];

const words = {
  bind: "Listens on this machine only",
  terminal: "The terminal in the gateway is off",
  auto_pairing: "Devices are not paired by themselves",
  exec: "Commands ask first",
  exec_file: "The rules for commands ask first",
  channel: "Strangers cannot write to this channel",
} as const satisfies Record<Change["what"], string>;

export function Lockdown() {
  const read = useReading("gateway.lockdown@1", {});
  const undo = useRollback();
  return (
    <Detail title="Lock down the gateway">
      <ReadWhen read={read} />
      <Read read={read} what="what would change">
        {({ changes, subject }) =>
          changes.length === 0 ? (
            <p class="lead">Nothing would change: it is locked down already.</p>
          ) : (
            <>
              <Changes changes={changes} />
              <p class="small muted">
                {changes.some(({ restarts }) => restarts)
                  ? "The gateway restarts for it, and active sessions are cut off."
                  : "The gateway takes it up without a restart."}{" "}
                Rolling the configuration back undoes it.
              </p>
              <div class="acts">
                <Act
                  wish={{ operation: "gateway.lockdown@1", expect: { subject } }}
                  icon="lock"
                  look="btn primary"
                  undo={undo}
                >
                  Lock down…
                </Act>
              </div>
            </>
          )
        }
      </Read>
    </Detail>
  );
}

function Changes({ changes }: { readonly changes: readonly Change[] }) {
  return (
    <div class="table-wrap" tabIndex={0} role="region" aria-label="Changes of a lockdown">
      <table class="table sheet" role="table">
        <thead role="rowgroup">
          <tr role="row">
            {["Change", "Where", "Now", "Then"].map((name) => (
              <th key={name} role="columnheader" scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {changes.map(({ what, path, from, to }) => (
            <tr key={`${what} ${path}`} role="row">
              <th role="rowheader" scope="row">
                {words[what]}
              </th>
              {[
                ["Where", path],
                ["Now", from],
                ["Then", to],
              ].map(([name = "", text = ""]) => (
                <td key={name} role="cell" data-name={name}>
                  <Foreign text={text} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
