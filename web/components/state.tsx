/** States: shape, word, then colour. Seals: what this browser computed, and nothing else may look like one. */
import type { ComponentChildren } from "preact";
import { Icon } from "../icons.tsx";
import type { IconName } from "../icons.tsx";
import type { Seal } from "../state/backend.ts";
import type { Shape } from "../state/condition.ts";

interface Look {
  readonly icon: IconName;
  readonly tone: string;
  readonly turns?: boolean;
}

export const looks = {
  ok: { icon: "ok", tone: "ok" },
  warn: { icon: "warn", tone: "warn" },
  bad: { icon: "bad", tone: "bad" },
  unknown: { icon: "unknown", tone: "unknown" },
  stopped: { icon: "stopped", tone: "" },
  pending: { icon: "pending", tone: "", turns: true },
} as const satisfies Record<Shape, Look>;

interface StateProps {
  readonly shape: Shape;
  readonly children: ComponentChildren;
}

function ShapeIcon({ shape }: { readonly shape: Shape }) {
  const look: Look = looks[shape];
  return <Icon name={look.icon} class={look.turns === true ? "spin" : undefined} />;
}

export function State({ shape, children }: StateProps) {
  return (
    <span class={`state ${looks[shape].tone}`}>
      <ShapeIcon shape={shape} />
      {children}
    </span>
  );
}

export function Pill({ shape, children }: StateProps) {
  return (
    <span class={`pill ${looks[shape].tone}`}>
      <ShapeIcon shape={shape} />
      {children}
    </span>
  );
}

const seals = {
  verified: { icon: "seal", tone: "", word: "Verified" },
  unverified: { icon: "sealnot", tone: " not", word: "Not verified yet" },
  "no-receipt": { icon: "sealnot", tone: " not", word: "No receipt yet" },
  failed: { icon: "sealbad", tone: " fail", word: "Does not add up" },
} as const satisfies Record<Seal["state"], { icon: IconName; tone: string; word: string }>;

export function SealMark({ seal }: { readonly seal: Seal }) {
  const { icon, tone, word } = seals[seal.state];
  return (
    <span class={`verified${tone}`} title={seal.state === "failed" ? seal.reason : undefined}>
      <Icon name={icon} />
      {word}
    </span>
  );
}

/** The same seal with words of the place it stands in. */
export function SealWith({ state, children }: { readonly state: Seal["state"]; readonly children: ComponentChildren }) {
  const { icon, tone } = seals[state];
  return (
    <span class={`verified${tone}`}>
      <Icon name={icon} />
      {children}
    </span>
  );
}
