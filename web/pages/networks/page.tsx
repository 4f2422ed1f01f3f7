/** From where the dashboard and the agents' door answer, which addresses are banned now, and changing it by a touch. */
import { useEffect } from "preact/hooks";
import { useSignal } from "@preact/signals";
import { networkLists, type NetworkList, type Networks } from "../../../protocol/contracts/networks.ts";
import { MAX_NETWORKS } from "../../../protocol/limits.ts";
import { Banner } from "../../components/banner.tsx";
import { TextField } from "../../components/fields.tsx";
import { Empty, TroubleText, Waiting } from "../../components/parts.tsx";
import { Left } from "../../components/time.tsx";
import { TouchFoot, TouchOutcome, useTouching } from "../../components/touching.tsx";
import { formatNumberOf } from "../../format.ts";
import { useApp } from "../../state/app.ts";
import { TrustTabs } from "../people/frame.tsx";
import { listWords, readNetwork } from "./wording.ts";

export function NetworksPage() {
  const { networks } = useApp().backend;
  const may = networks.mayChange.value;
  useEffect(() => void (may && networks.load()), [networks, may]);
  const standing = networks.networks.value;
  return (
    <>
      <div class="page-head">
        <div>
          <h1>Networks</h1>
          <p>From where this control plane answers at all. A filter before the passkeys, never instead of them.</p>
        </div>
      </div>
      <TrustTabs page="networks" isAdmin={may} />
      {!may && (
        <div class="card">
          <Empty icon="lock" title="Networks are an administrator's">
            <p>They decide from where anybody reaches this control plane. Ask one to look.</p>
          </Empty>
        </div>
      )}
      {may && standing.state === "loading" && <Waiting what="Asking for networks" />}
      {may && standing.state === "failed" && (
        <div class="card">
          <Empty icon="offline" title="The networks cannot be shown">
            <p>
              <TroubleText trouble={standing.trouble} />
            </p>
          </Empty>
        </div>
      )}
      {may && standing.state === "ready" && <Lists standing={standing.value} />}
    </>
  );
}

function Lists({ standing }: { readonly standing: Networks }) {
  const { you, isLocal, isOff } = standing;
  return (
    <>
      {isOff && (
        <Banner tone="warn" icon="warn">
          <strong>The lists are switched off.</strong> The owner of this deployment set networkLists to off; nothing
          below counts until it is taken away again.
        </Banner>
      )}
      <p class="small muted">
        {you === undefined ? (
          "Nothing says from which address you come."
        ) : (
          <>
            You come from <code>{you}</code>.
          </>
        )}{" "}
        {isLocal
          ? "That is the control plane's own machine, which no list turns away."
          : "A list that would turn you away is refused."}
      </p>
      {networkLists.map((list) => (
        <ListCard key={list} list={list} held={standing.lists[list]} />
      ))}
      <Bans bans={standing.bans} />
    </>
  );
}

interface ListCardProps {
  readonly list: NetworkList;
  readonly held: readonly string[];
}

function ListCard({ list, held }: ListCardProps) {
  const { networks } = useApp().backend;
  const touching = useTouching();
  const { title, what, empty } = listWords[list];
  const remove = (network: string) => void touching.run(networks.change({ setting: "networkRemove", list, network }));
  return (
    <section class="card" aria-labelledby={`list-${list}`}>
      <div class="card-head">
        <h2 id={`list-${list}`}>
          {title} <span class="faint num">{held.length}</span>
        </h2>
      </div>
      <div class="card-body stack">
        <p class="small muted">{what}</p>
        {held.length === 0 ? (
          <p class="small muted">{empty}</p>
        ) : (
          <ul class="list">
            {held.map((network) => (
              <li key={network}>
                <code class="grow break">{network}</code>
                <button
                  class="btn sm end"
                  type="button"
                  disabled={touching.busy}
                  aria-label={`Remove ${network} from ${title}`}
                  onClick={() => remove(network)}
                >
                  Remove
                </button>
              </li>
            ))}
          </ul>
        )}
        <TouchOutcome touching={touching} />
        {held.length < MAX_NETWORKS ? (
          <AddNetwork list={list} />
        ) : (
          <p class="small muted">This list has {MAX_NETWORKS} networks, as many as it may have.</p>
        )}
      </div>
    </section>
  );
}

function AddNetwork({ list }: { readonly list: NetworkList }) {
  const { networks } = useApp().backend;
  const typed = useSignal("");
  const touching = useTouching();
  const add = async () => {
    const read = readNetwork(typed.value);
    if ("fault" in read) return touching.refuse(read.fault);
    if (await touching.run(networks.change({ setting: "networkAdd", list, network: read.network }))) typed.value = "";
  };
  return (
    <details class="narrow">
      <summary class="small">Add a network</summary>
      <div class="stack mid">
        <TextField
          id={`add-${list}`}
          label="Address or network"
          value={typed}
          maxLength={64}
          hint="For example 192.0.2.7, 192.0.2.0/24 or 2001:db8::/32."
        />
        <TouchFoot title={`Add to: ${listWords[list].title}`} touching={touching} onClick={() => void add()} />
      </div>
    </details>
  );
}

function Bans({ bans }: Pick<Networks, "bans">) {
  const { networks } = useApp().backend;
  const touching = useTouching();
  return (
    <section class="card" aria-labelledby="bans">
      <div class="card-head">
        <h2 id="bans">
          Banned now <span class="faint num">{bans.length}</span>
        </h2>
      </div>
      <div class="card-body stack">
        <p class="small muted">
          An address that fails to prove anything too often is turned away for a while, longer each time. Whoever is
          signed in is not affected.
        </p>
        {bans.length === 0 ? (
          <p class="small muted">No address is banned.</p>
        ) : (
          <ul class="list">
            {bans.map(({ network, until, times }) => (
              <li key={network}>
                <div class="grow">
                  <p>
                    <code class="break">{network}</code>
                  </p>
                  <p class="small muted">
                    for another <Left at={until} />, {formatNumberOf(times, "ban", "bans")} in a row
                  </p>
                </div>
                <button
                  class="btn sm end"
                  type="button"
                  disabled={touching.busy}
                  aria-label={`End the ban of ${network}`}
                  onClick={() => void touching.run(networks.change({ setting: "addressUnban", network }))}
                >
                  End the ban
                </button>
              </li>
            ))}
          </ul>
        )}
        <TouchOutcome touching={touching} />
      </div>
    </section>
  );
}
