/** Addresses whose touches count: signers, which people's own machines serve, and daily pages, which an edge serves. */
import { useEffect } from "preact/hooks";
import { useSignal } from "@preact/signals";
import { formatNumberOf } from "../../format.ts";
import { unusedDays } from "../../state/addresses.ts";
import type { OriginClass } from "../../state/backend.ts";
import { Icon } from "../../icons.tsx";
import { useApp } from "../../state/app.ts";
import { TextField } from "../../components/fields.tsx";
import { TrustFrame, type Desk } from "../people/frame.tsx";

export function AddressesPage() {
  return (
    <TrustFrame page="addresses" lead="Where touches count. A name has one class for ever.">
      {(desk) => <Addresses desk={desk} />}
    </TrustFrame>
  );
}

function Addresses({ desk }: { readonly desk: Desk }) {
  const { backend } = useApp();
  const { origin: here, addresses } = backend;
  const { origins } = desk.view.state;
  useEffect(() => void addresses.load(), [addresses]);
  const use = addresses.use.value;
  const unused = use === undefined ? undefined : unusedDays(desk.view, use, backend.now());
  return (
    <>
      <section class="card" aria-labelledby="addresses">
        <div class="card-head">
          <h2 id="addresses">
            Listed <span class="faint num">{origins.length}</span>
          </h2>
        </div>
        <ul class="list">
          {origins.map((listed) => (
            <li key={listed.origin}>
              <Icon name={listed.class === "signer" ? "laptop" : "globe"} class="t-ink" />
              <div class="grow">
                <p class="row wrap">
                  <code class="strong break">{listed.origin}</code>
                  {new URL(listed.origin).host === here.host && <span class="badge">this page</span>}
                </p>
                <p class="small muted">
                  {listed.class === "signer"
                    ? "Signer: served by people's own machines. Everything a role allows."
                    : "Daily: served by an edge. Daily operations only."}
                </p>
                <Unused days={unused?.get(listed.origin)} mayChange={desk.mayChange} />
              </div>
              {desk.mayChange && (
                <button
                  class="btn sm danger end"
                  type="button"
                  aria-label={`Revoke the address ${listed.origin}`}
                  onClick={() => desk.statements.ask({ kind: "origin.revoke", body: { origin: listed.origin } })}
                >
                  Revoke…
                </button>
              )}
            </li>
          ))}
        </ul>
      </section>
      {desk.mayChange && <AddressForm desk={desk} />}
    </>
  );
}

interface UnusedProps {
  readonly days: number | undefined;
  readonly mayChange: boolean;
}

function Unused({ days, mayChange }: UnusedProps) {
  if (days === undefined) return null;
  return (
    <p class="small t-warn row">
      <Icon name="warn" class="s" />
      <span>
        Nobody signed in there for {formatNumberOf(days, "day")}
        {mayChange ? "; revoke it?" : "."}
      </span>
    </p>
  );
}

export type ReadAddress =
  | { readonly ok: true; readonly origin: string; readonly rpId: string; readonly class: OriginClass }
  | { readonly ok: false; readonly why: string };

/** The class follows from the name: nobody but this very machine answers for localhost. */
export function readAddress(text: string): ReadAddress {
  let url: URL;
  try {
    url = new URL(text.trim());
  } catch {
    return { ok: false, why: "It needs a whole address, such as https://hold.example.net." };
  }
  if (url.origin !== text.trim().replace(/\/$/, ""))
    return { ok: false, why: "It needs the address alone, without a path or anything after it." };
  const isOwn = url.hostname === "localhost" || url.hostname.endsWith(".localhost");
  if (isOwn && url.protocol !== "http:")
    return { ok: false, why: "A name on people's own machines begins with http://." };
  if (!isOwn && url.protocol !== "https:")
    return { ok: false, why: "A page that an edge serves begins with https://." };
  return { ok: true, origin: url.origin, rpId: url.hostname, class: isOwn ? "signer" : "daily" };
}

function AddressForm({ desk }: { readonly desk: Desk }) {
  const text = useSignal("");
  const read = readAddress(text.value);
  const add = () => {
    if (!read.ok) return;
    const { origin, rpId } = read;
    desk.statements.ask({ kind: "origin.add", body: { origin, rpId, class: read.class } });
  };
  return (
    <section class="card" aria-labelledby="add-address">
      <div class="card-head">
        <h2 id="add-address">Add an address</h2>
      </div>
      <div class="card-body stack">
        <TextField
          id="address"
          label="Address"
          value={text}
          maxLength={255}
          hint="For a signer on another port: http://clawhold.localhost and the port, as clawhold ui prints it. For this edge under a name: its https address, as clawhold up prints it."
        />
        <div class="row wrap">
          <button class="btn" type="button" disabled={!read.ok} onClick={add}>
            Add the address…
          </button>
          <span class="small muted">
            {read.ok
              ? read.class === "signer"
                ? "A signer: only names on people's own machines can be one."
                : "A daily page: an edge serves it, so it is good for daily operations only."
              : text.value.trim() === ""
                ? ""
                : read.why}
          </span>
        </div>
      </div>
    </section>
  );
}
