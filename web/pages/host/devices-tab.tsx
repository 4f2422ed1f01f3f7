/** The devices that may talk to a gateway, and those that ask to. */
import { Foreign } from "../../components/foreign.tsx";
import { Fact } from "../../components/parts.tsx";
import type { Column } from "../../components/sheet.tsx";
import { State } from "../../components/state.tsx";
import { Relative } from "../../components/time.tsx";
import { unknown } from "../../format.ts";
import type { ReadResult } from "../../state/readings.ts";
import { useDesk } from "./desk.ts";
import { Act, Detail, OpenLink, SignerNote, Things } from "./parts.tsx";
import { ListCard, MoreThere, useReading } from "./reading.tsx";

type Devices = ReadResult<"gateway.devices@1">;
type Device = Devices["devices"][number];
type Request = Devices["waiting"][number];

const columns: readonly Column<Device>[] = [
  { id: "name", name: "Device", cell: ({ tag, name }) => <OpenLink of={tag} name={name} />, order: ({ name }) => name },
  {
    id: "platform",
    name: "Runs on",
    cell: ({ platform }) => (platform === undefined ? unknown : <Foreign text={platform} />),
    order: ({ platform }) => platform,
    isMinor: true,
  },
  {
    id: "rights",
    name: "Rights",
    cell: ({ scopes, roles }) => <Foreign text={(scopes.length > 0 ? scopes : roles).join(", ")} />,
  },
  {
    id: "seen",
    name: "Last seen",
    cell: ({ lastSeenAt, connected }) =>
      connected ? (
        <State shape="ok">connected</State>
      ) : lastSeenAt === undefined ? (
        unknown
      ) : (
        <Relative at={lastSeenAt} ago />
      ),
    order: ({ lastSeenAt, connected }) => (connected ? Number.MAX_SAFE_INTEGER : lastSeenAt),
    isNumber: true,
  },
  {
    id: "acts",
    name: "",
    cell: (device) =>
      device.isOurs ? (
        <span class="tiny faint">Clawhold's own</span>
      ) : (
        <span class="sheet-acts">
          <Act wish={{ operation: "device.revoke@1", args: { subject: device.tag } }} about={device.name}>
            Revoke…
          </Act>
        </span>
      ),
  },
];

export function DevicesTab() {
  const { route } = useDesk();
  const read = useReading("gateway.devices@1", {});
  const open = read.kept?.value.devices.find(({ tag }) => tag === route.of);
  return (
    <>
      {open !== undefined && <DeviceDetail device={open} />}
      <ListCard id="devices" title="Devices" read={read} what="the devices">
        {({ devices, waiting, more }) => (
          <>
            <Waiting requests={waiting} />
            <Things
              label="Devices"
              rows={devices}
              columns={columns}
              keyOf={({ tag }) => tag}
              textOf={({ name, platform, client, roles, scopes }) =>
                [name, platform, client, ...roles, ...scopes].join(" ")
              }
              usual="-seen"
            />
            <MoreThere more={more} />
          </>
        )}
      </ListCard>
      <SignerNote asks={["pairing.approve@1", "device.rotate@1"]} />
    </>
  );
}

function Waiting({ requests }: { readonly requests: readonly Request[] }) {
  if (requests.length === 0) return null;
  return (
    <ul class="list" aria-label="Devices that ask to be paired">
      {requests.map(({ tag, subject, name, platform, roles, scopes, askedAt }) => (
        <li key={tag}>
          <div class="grow stack tight">
            <p class="small">
              <State shape="warn">asks to be paired</State> <Foreign text={name} />
            </p>
            <p class="tiny faint">
              {platform !== undefined && (
                <>
                  on <Foreign text={platform} />,{" "}
                </>
              )}
              wants <Foreign text={[...roles, ...scopes].join(", ")} />
              {askedAt !== undefined && (
                <>
                  , asked <Relative at={askedAt} ago />
                </>
              )}
            </p>
            <div class="acts">
              <Act wish={{ operation: "pairing.deny@1", args: { subject: tag, kind: "device" } }} about={name}>
                Deny…
              </Act>
              <Act
                wish={{ operation: "pairing.approve@1", args: { subject: tag, kind: "device" }, expect: { subject } }}
                about={name}
              >
                Approve…
              </Act>
            </div>
          </div>
        </li>
      ))}
    </ul>
  );
}

function DeviceDetail({ device }: { readonly device: Device }) {
  const { tag, subject, name, client, platform, roles, scopes, approvedVia, createdAt, isOurs } = device;
  const facts: readonly (readonly [string, string | undefined])[] = [
    ["Client", client],
    ["Runs on", platform],
    ["Roles", roles.join(", ")],
    ["Rights", scopes.join(", ")],
    ["Paired by way of", approvedVia],
  ];
  return (
    <Detail title="Device" name={name}>
      <dl class="facts">
        {facts.map(
          ([title, text]) =>
            text !== undefined &&
            text !== "" && (
              <Fact key={title} name={title}>
                <Foreign text={text} />
              </Fact>
            ),
        )}
        {createdAt !== undefined && (
          <Fact name="Since">
            <Relative at={createdAt} ago />
          </Fact>
        )}
      </dl>
      {isOurs ? (
        <p class="small muted">
          This is the agent's own way in: without it Clawhold sees nothing of this gateway, so the host refuses to
          revoke it.
        </p>
      ) : (
        <div class="acts">
          <Act wish={{ operation: "device.revoke@1", args: { subject: tag } }} look="btn sm danger">
            Revoke…
          </Act>
          <Act wish={{ operation: "device.rotate@1", args: { subject: tag }, expect: { subject } }}>
            Change its token…
          </Act>
        </div>
      )}
    </Detail>
  );
}
