/** Pages that say one thing: this browser cannot, nothing is here, the control plane does not answer. */
import { Banner } from "../components/banner.tsx";
import { Command, Empty, TroubleText } from "../components/parts.tsx";
import { Left } from "../components/time.tsx";
import { Gatehouse } from "../shell.tsx";
import { useApp } from "../state/app.ts";
import type { Phase } from "../state/backend.ts";
import { titleOf } from "./alerts/title.ts";

type Unsupported = Extract<Phase, { kind: "unsupported" }>["reason"];

interface Text {
  readonly title: string;
  readonly why: string;
  readonly next: string;
}

const texts = {
  "no-webauthn": {
    title: "This browser cannot use passkeys",
    why: "Clawhold has no password, so a browser without WebAuthn cannot sign in.",
    next: "Open this address in a current Chromium, Chrome, Edge or Firefox.",
  },
  "insecure-address": {
    title: "This browser cannot use passkeys here",
    why: "Browsers allow passkeys at secure addresses only, and this is not one.",
    next: "Open the exact address from your terminal: it starts with http://clawhold.localhost.",
  },
  "no-ed25519": {
    title: "This browser is too old",
    why: "Each session is signed with an Ed25519 key that never leaves the browser, and this one cannot make such a key.",
    next: "Open this address in Chromium 137, Firefox 130 or newer.",
  },
} satisfies Record<Unsupported, Text>;

/** At an address without passkeys, the one that has them: same port, the signer's own name. */
function addressFor(reason: Unsupported, { origin, port }: Pick<Location, "origin" | "port">): string {
  if (reason !== "insecure-address") return origin;
  return `http://clawhold.localhost${port === "" ? "" : `:${port}`}`;
}

export function UnsupportedPage({ reason }: { readonly reason: Unsupported }) {
  const { origin } = useApp().backend;
  const { title, why, next } = texts[reason];
  return (
    <Gatehouse title={title} foot={<span>{origin.host}</span>}>
      <div class="gatehouse-card stack">
        <div class="card">
          <Empty icon="key" title={title} level={1}>
            <p>
              {why} {next}
            </p>
          </Empty>
          <div class="card-body">
            <Command caption="The address to open" command={addressFor(reason, location)} />
          </div>
        </div>
        <p class="tiny faint">
          <code>{reason.replaceAll("-", "_")}</code>
        </p>
      </div>
    </Gatehouse>
  );
}

export function NotFoundPage() {
  return (
    <div class="card">
      <Empty
        icon="search"
        title="Nothing is at this address"
        level={1}
        actions={
          <a class="btn sm" href="/">
            Go to the fleet
          </a>
        }
      >
        <p>The link may be from a newer version, or a letter was lost on the way.</p>
      </Empty>
    </div>
  );
}

/** Above every page while the edge shows an older or another history than this machine has seen. */
export function PastBanner() {
  const trouble = useApp().backend.past.value;
  if (trouble === undefined) return null;
  return (
    <Banner tone="bad" icon="bad" live>
      <TroubleText trouble={trouble} />
    </Banner>
  );
}

/** Above every page but their own: critical alerts that nobody has taken up. */
export function AlertsBanner() {
  const { backend, router, now } = useApp();
  const list = backend.alerts.list.value;
  if (list.state !== "ready" || router.route.value.page === "alerts") return null;
  const [first, ...others] = list.value.filter(({ severity, state }) => severity === "critical" && state === "open");
  if (first === undefined) return null;
  return (
    <Banner
      tone="bad"
      icon="alerts"
      live
      act={
        <a class="btn sm" href="/alerts">
          {others.length === 0 ? "Look at it" : `Look at all ${others.length + 1}`}
        </a>
      }
    >
      <strong>{titleOf(first, now.value)}.</strong> The page Alerts says what to do.
    </Banner>
  );
}

/** Above every page while the control plane does not answer; figures below stay and grow old. */
export function ReachBanner() {
  const { backend } = useApp();
  const reach = backend.reach.value;
  if (reach.state === "ok") return null;
  return (
    <Banner
      tone="warn"
      icon="offline"
      live
      act={
        <button class="btn sm" type="button" onClick={() => backend.retryNow()}>
          Try now
        </button>
      }
    >
      <strong>The control plane does not answer.</strong> Your gateways keep running; hosts do not need it to work. You
      cannot command them from here until it is back. Trying again in <Left at={reach.retryAt} />.
    </Banner>
  );
}

/** Above every page after an update: what is open goes on working, pages not opened yet may not arrive. */
export function VersionBanner() {
  const { version } = useApp();
  if (!version.newer.value) return null;
  return (
    <Banner
      tone="ink"
      icon="info"
      live
      act={
        <button class="btn sm" type="button" onClick={() => version.reload()}>
          Reload
        </button>
      }
    >
      <strong>A newer version is here.</strong> Finish what you are doing, then reload.
    </Banner>
  );
}
