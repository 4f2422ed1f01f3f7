/** A banner: one sentence that is true alone, one of consequence, one way on. */
import type { ComponentChildren } from "preact";
import { Icon } from "../icons.tsx";
import type { IconName } from "../icons.tsx";

export type BannerTone = "warn" | "bad" | "ok" | "ink" | "honest";

interface BannerProps {
  readonly tone: BannerTone;
  readonly icon: IconName;
  readonly children: ComponentChildren;
  readonly act?: ComponentChildren;
  /** Announce it: only for what became true while somebody looks. */
  readonly live?: boolean;
}

export function Banner({ tone, icon, children, act, live = false }: BannerProps) {
  return (
    <div class={`banner ${tone}`} role={live ? "status" : undefined}>
      <Icon name={icon} />
      <div class="grow">{children}</div>
      {act !== undefined && <div class="act">{act}</div>}
    </div>
  );
}
