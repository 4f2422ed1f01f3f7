/** Honest banners of a page, in their fixed order: what is true of this workspace and limits what we claim. At most two at once. */
import type { BannerKind } from "../state/banners.ts";
import { formatIndex, formatList } from "../format.ts";
import type { LedgerFailure } from "../state/ledger.ts";
import { Banner } from "./banner.tsx";

const AT_ONCE = 2;

/** What each is called where only one line is left for all of them. */
const names = {
  "ledger-broken": "the ledger does not add up",
  "not-confirmed": "not confirmed by every host",
  "one-user": "one user",
  "never-witnessed": "never witnessed",
  "one-passkey": "one passkey",
  "grants-ending": "roles end soon",
  "from-edge": "page of the edge",
  demo: "demo gateway",
} as const satisfies Record<BannerKind["kind"], string>;

/** Where something else was opened: one line that still names each, but what says that somebody cheats stays whole. */
export function FoldedBanners({ all }: { readonly all: readonly BannerKind[] }) {
  const rest = all.filter(({ kind }) => kind !== "ledger-broken");
  return (
    <>
      {all
        .filter(({ kind }) => kind === "ledger-broken")
        .map((one) => (
          <TrueBanner key={one.kind} banner={one} />
        ))}
      {rest.length > 0 && (
        <details class="more-banners">
          <summary class="small muted">To know: {formatList(rest.map(({ kind }) => names[kind]))}</summary>
          <div class="stack mid">
            {rest.map((one) => (
              <TrueBanner key={one.kind} banner={one} />
            ))}
          </div>
        </details>
      )}
    </>
  );
}

/** `all` in their fixed order; the rest is behind "and 1 more". */
export function Banners({ all }: { readonly all: readonly BannerKind[] }) {
  const rest = all.slice(AT_ONCE);
  return (
    <>
      {all.slice(0, AT_ONCE).map((one) => (
        <TrueBanner key={one.kind} banner={one} />
      ))}
      {rest.length > 0 && (
        <details class="more-banners">
          <summary class="small muted">and {rest.length} more</summary>
          <div class="stack mid">
            {rest.map((one) => (
              <TrueBanner key={one.kind} banner={one} />
            ))}
          </div>
        </details>
      )}
    </>
  );
}

function TrueBanner({ banner }: { readonly banner: BannerKind }) {
  switch (banner.kind) {
    case "ledger-broken":
      return <LedgerBroken failure={banner} />;
    case "not-confirmed":
      return (
        <Banner tone="honest" icon="unknown">
          <strong>Not confirmed by {formatList(banner.hosts)}.</strong> The newest change of who may do what has not
          reached every host. It counts there once the host confirms it.
        </Banner>
      );
    case "one-user":
      return (
        <Banner tone="warn" icon="warn">
          <strong>One user: the gateway can act as the agent.</strong> Both run as the same system user here, so our
          claim covers the edge, not a gateway that was taken over. It ends when the gateway has its own user.
        </Banner>
      );
    case "never-witnessed":
      return (
        <Banner tone="honest" icon="sealnot">
          <strong>Never witnessed.</strong>{" "}
          {banner.eligible === 0
            ? "Every host runs beside the edge, so nobody else vouches that this ledger is the only one. Add a host on another machine; until then, keep a copy elsewhere now and then."
            : "Fewer than half of the hosts away from the edge have seen this ledger, so it could still be another for somebody else. Activity names who did."}
        </Banner>
      );
    case "one-passkey":
      return (
        <Banner
          tone="ink"
          icon="key"
          act={
            <a class="btn sm" href="/people">
              Add a passkey
            </a>
          }
        >
          <strong>You have one passkey.</strong> If it is lost,{" "}
          {banner.onlyAdministrator
            ? "nobody can administer this workspace any more."
            : "you cannot sign in here until an administrator invites you for another."}{" "}
          Add a second, best a security key.
        </Banner>
      );
    case "grants-ending":
      return (
        <Banner
          tone="warn"
          icon="clock"
          act={
            <a class="btn sm" href="/people">
              Look and renew
            </a>
          }
        >
          <strong>
            The roles of {formatList(banner.people)} {banner.isOver ? "end soon, or ended" : "end soon"}.
          </strong>{" "}
          Without a renewal they allow nothing from then on. An administrator renews them with one touch.
        </Banner>
      );
    case "from-edge":
      return (
        <Banner tone="honest" icon="globe">
          <strong>This page comes from the edge.</strong> Daily operations work here. Critical ones need the dashboard
          of the machine that runs Clawhold.
        </Banner>
      );
    case "demo":
      return (
        <Banner tone="honest" icon="info">
          <strong>Demo gateway.</strong> Its sessions, tokens and cost are real measurements of a made-up workload.
        </Banner>
      );
  }
}

/** One entry does not fit, or the log is not the one that was here before. */
export function LedgerBroken({ failure, live = false }: { readonly failure: LedgerFailure; readonly live?: boolean }) {
  const { index, of, reason } = failure;
  return (
    <Banner
      tone="bad"
      icon="bad"
      live={live}
      act={
        <a class="btn sm" href={of === "entry" ? `/activity?entry=${index}` : "/activity"}>
          {of === "entry" ? `Look at entry #${formatIndex(index)}` : "Look at Activity"}
        </a>
      }
    >
      <strong>
        {of === "entry"
          ? `The ledger does not add up at entry #${formatIndex(index)}.`
          : "This is not the ledger that this browser saw before."}
      </strong>{" "}
      {reason} The edge, or who owns it, changed something. Commands still need your touch.{" "}
      {of === "entry"
        ? "Believe of Activity only what is marked as verified."
        : "Do not trust Activity until you have compared it with a copy, or with clawhold audit on a host."}
    </Banner>
  );
}
