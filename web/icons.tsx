/**
 * The one icon set: 20 px box, 1.5 px stroke, `currentColor`, inlined once as a sprite, so no page asks for a file.
 * May not: carry a colour or a meaning alone; whoever uses an icon puts a word beside it, or a label on its button.
 */
import type { ComponentChildren } from "preact";

const shapes = {
  activity: (
    <>
      <path d="M5 3.5h10a1 1 0 0 1 1 1v12l-2-1.25L12 16.5l-2-1.25L8 16.5l-2-1.25-2 1.25v-12a1 1 0 0 1 1-1z" />
      <path d="M7 7.25h6M7 10.5h4" />
    </>
  ),
  alerts: (
    <>
      <path d="M5.25 13.25V8.75a4.75 4.75 0 0 1 9.5 0v4.5l1.25 1.5H4z" />
      <path d="M8.5 17h3" />
    </>
  ),
  approvals: (
    <>
      <rect x="2.75" y="3.75" width="14.5" height="12.5" rx="2" />
      <path d="M6 8l2.25 2L6 12M10.5 12.5H14" />
    </>
  ),
  arrow: <path d="M3.5 10h13M11.5 5l5 5-5 5" />,
  bad: (
    <>
      <path d="M6.9 2.75h6.2l4.15 4.15v6.2l-4.15 4.15H6.9L2.75 13.1V6.9z" />
      <path d="M7.5 7.5l5 5M12.5 7.5l-5 5" />
    </>
  ),
  channel: <path d="M3 4.5h14v9.5H9.5L6 17v-3H3z" />,
  clock: (
    <>
      <circle cx="10" cy="10" r="7" />
      <path d="M10 6v4.25l2.75 1.75" />
    </>
  ),
  copy: (
    <>
      <rect x="7" y="7" width="9.5" height="9.5" rx="1.75" />
      <path d="M13 4.25a1 1 0 0 0-1-.75H4.75A1.25 1.25 0 0 0 3.5 4.75V12a1 1 0 0 0 .75 1" />
    </>
  ),
  cron: (
    <>
      <rect x="3" y="4.25" width="14" height="12.5" rx="1.75" />
      <path d="M3 8.25h14M7 2.75v3M13 2.75v3M10 10.75v2l1.5 1" />
    </>
  ),
  device: (
    <>
      <rect x="6" y="2.5" width="8" height="15" rx="1.75" />
      <path d="M9 15h2" />
    </>
  ),
  diff: <path d="M10 3.5v6M7 6.5h6M7 15h6" />,
  down: <path d="M4.5 7.5L10 13l5.5-5.5" />,
  download: <path d="M10 3v9.5M6 9l4 4 4-4M3.5 16.75h13" />,
  eye: (
    <>
      <path d="M2 10c2-3.7 4.7-5.5 8-5.5s6 1.8 8 5.5c-2 3.7-4.7 5.5-8 5.5S4 13.7 2 10z" />
      <circle cx="10" cy="10" r="2.25" />
    </>
  ),
  fleet: (
    <>
      <rect x="3" y="3.5" width="14" height="5" rx="1.5" />
      <rect x="3" y="11.5" width="14" height="5" rx="1.5" />
      <path d="M6 6h.01M6 14h.01M10 6h4M10 14h4" />
    </>
  ),
  globe: (
    <>
      <circle cx="10" cy="10" r="7" />
      <path d="M3 10h14M10 3c2.2 2.2 3 4.5 3 7s-.8 4.8-3 7c-2.2-2.2-3-4.5-3-7s.8-4.8 3-7z" />
    </>
  ),
  host: (
    <>
      <rect x="3" y="5" width="14" height="10" rx="2" />
      <path d="M6 10h.01M9 10h5" />
    </>
  ),
  info: (
    <>
      <circle cx="10" cy="10" r="7" />
      <path d="M10 9.25v4M10 6.5h.01" />
    </>
  ),
  key: (
    <>
      <circle cx="6.75" cy="10" r="3.5" />
      <path d="M10.25 10h7.25v3M14 10v2.25" />
    </>
  ),
  kill: <path d="M10 2.75v6.5M6.25 5a6.5 6.5 0 1 0 7.5 0" />,
  laptop: (
    <>
      <rect x="4" y="4" width="12" height="8.5" rx="1.5" />
      <path d="M2 15.75h16" />
    </>
  ),
  lock: (
    <>
      <rect x="4" y="9" width="12" height="8" rx="1.75" />
      <path d="M6.75 9V6.5a3.25 3.25 0 0 1 6.5 0V9M10 12.25v1.5" />
    </>
  ),
  minus: <path d="M5.5 10h9" />,
  more: <path d="M4.5 10h.01M10 10h.01M15.5 10h.01" stroke-width="2.25" />,
  offline: (
    <path d="M3 3l14 14M5.5 9.8a7 7 0 0 1 2-1.25M3 7.2a10.5 10.5 0 0 1 2.1-1.45M9 4.6A10.6 10.6 0 0 1 17 7.2M12.5 8.8c.75.3 1.4.7 2 1.2M8 12.3a3.3 3.3 0 0 1 3.5-.2M10 15.5h.01" />
  ),
  ok: (
    <>
      <circle cx="10" cy="10" r="7" />
      <path d="M6.75 10.25l2.25 2.25 4.25-4.75" />
    </>
  ),
  pending: (
    <>
      <circle cx="10" cy="10" r="7" stroke-opacity=".25" />
      <path d="M10 3a7 7 0 0 1 7 7" />
    </>
  ),
  people: (
    <>
      <circle cx="7.5" cy="7" r="2.75" />
      <path d="M2.5 16c.4-2.7 2.3-4.25 5-4.25s4.6 1.55 5 4.25M12.75 4.5a2.6 2.6 0 0 1 0 5M14.5 12c1.7.5 2.8 1.9 3 4" />
    </>
  ),
  plus: <path d="M10 4v12M4 10h12" />,
  posture: (
    <path d="M3.5 3.25v7.25c0 3.25 2.75 5.25 6.5 6.25 3.75-1 6.5-3 6.5-6.25V3.25h-2.75v2h-2.25v-2H8.5v2H6.25v-2z" />
  ),
  restart: <path d="M16 10a6 6 0 1 1-1.9-4.4L16.5 8M16.5 4v4h-4" />,
  right: <path d="M7.5 4.5L13 10l-5.5 5.5" />,
  seal: (
    <>
      <path d="M3.75 3v7.25c0 3.35 2.6 5.5 6.25 6.75 3.65-1.25 6.25-3.4 6.25-6.75V3h-2.5v1.75H11.25V3h-2.5v1.75H6.25V3z" />
      <path d="M7 9.75l2.2 2.2 3.8-4.2" />
    </>
  ),
  sealbad: (
    <>
      <path d="M3.75 3v7.25c0 3.35 2.6 5.5 6.25 6.75 3.65-1.25 6.25-3.4 6.25-6.75V3h-2.5v1.75H11.25V3h-2.5v1.75H6.25V3z" />
      <path d="M7.75 8l4.5 4.5M12.25 8l-4.5 4.5" />
    </>
  ),
  sealnot: (
    <path
      d="M3.75 3v7.25c0 3.35 2.6 5.5 6.25 6.75 3.65-1.25 6.25-3.4 6.25-6.75V3h-2.5v1.75H11.25V3h-2.5v1.75H6.25V3z"
      stroke-dasharray="2.2 2"
    />
  ),
  search: (
    <>
      <circle cx="8.75" cy="8.75" r="5" />
      <path d="M12.5 12.5L17 17" />
    </>
  ),
  settings: (
    <>
      <path d="M3 6h7M14 6h3M3 14h3M10 14h7" />
      <circle cx="12" cy="6" r="2" />
      <circle cx="8" cy="14" r="2" />
    </>
  ),
  stopped: (
    <>
      <rect x="3.25" y="3.25" width="13.5" height="13.5" rx="2" />
      <path d="M8 7.5v5M12 7.5v5" />
    </>
  ),
  theme: (
    <>
      <circle cx="10" cy="10" r="6.5" />
      <path d="M10 3.5v13a6.5 6.5 0 0 0 0-13z" fill="currentColor" stroke="none" />
    </>
  ),
  todo: <circle cx="10" cy="10" r="7" />,
  touch: (
    <path d="M4.5 8.5A6 6 0 0 1 15.5 8c.8 2.4.6 4.8.2 6.5M6.25 15.5c.7-1.7.9-3.3.9-5.25a2.85 2.85 0 0 1 5.7 0c0 2.4-.3 4.6-1 6.5M10 10.25c0 2.7-.4 4.9-1.25 6.75M4.1 12.75c.2-.8.3-1.6.3-2.4" />
  ),
  undo: <path d="M7.5 4L3.5 8l4 4M3.5 8h8a5 5 0 0 1 0 10h-2" />,
  unknown: (
    <>
      <circle cx="10" cy="10" r="7" stroke-dasharray="2.6 2.27" />
      <path d="M8.1 8a1.95 1.95 0 1 1 2.65 2.05c-.5.2-.75.5-.75 1.1M10 13.6h.01" />
    </>
  ),
  up: <path d="M4.5 12.5L10 7l5.5 5.5" />,
  user: (
    <>
      <circle cx="10" cy="7" r="3.25" />
      <path d="M4 17c.5-3.1 2.8-5 6-5s5.5 1.9 6 5" />
    </>
  ),
  warn: (
    <>
      <path d="M10 3L18 16.75H2z" />
      <path d="M10 8.25v3.75M10 14.35h.01" />
    </>
  ),
  x: <path d="M5 5l10 10M15 5L5 15" />,
} satisfies Record<string, ComponentChildren>;

export type IconName = keyof typeof shapes;

/** Rendered once, at the top of the body. */
export function Sprite() {
  return (
    <svg class="sprite" aria-hidden="true" focusable="false">
      {Object.entries(shapes).map(([name, shape]) => (
        <symbol key={name} id={`i-${name}`} viewBox="0 0 20 20">
          {shape}
        </symbol>
      ))}
    </svg>
  );
}

interface IconProps {
  readonly name: IconName;
  readonly class?: string | undefined;
}

export function Icon({ name, class: more }: IconProps) {
  return (
    <svg class={more === undefined ? "icon" : `icon ${more}`} aria-hidden="true">
      <use href={`#i-${name}`} />
    </svg>
  );
}

const MARK =
  "M2.5 2.5h3.1C5.8 6.8 6.6 10.3 8.3 13.2 8.1 9.6 7.9 6 7.8 2.5h3.1C11.1 7.7 11.9 12 13.5 16c.2-4.6-.1-9-.4-13.5h3.1c.3 4.3 1.1 7.6 2.5 10.4-.1-3.6-.2-7-.3-10.4h3.1v11c0 4.4-3.7 7.1-9.5 8.5-5.8-1.4-9.5-4.1-9.5-8.5z";
const WORDMARK =
  "M11.02 7.33a6.25 6.25 0 1 0 0 8.84M15 4.5V18M26 10v8M26 14a4 4 0 1 1-8 0 4 4 0 0 1 8 0zM29.5 10L32 17.5 34.5 10.5 37 17.5 39.5 10M43 4.5V18M43 14a3.75 3.9 0 0 1 7.5 0v4M61.5 14a4 4 0 1 1-8 0 4 4 0 0 1 8 0zM65 4.5V18M76.5 14a4 4 0 1 1-8 0 4 4 0 0 1 8 0zM76.5 4.5V18";

/** The keep with three claw strokes. One colour, never tilted, animated or coloured by state. */
export function Mark() {
  return (
    <svg class="mark" viewBox="0 0 24 24" aria-hidden="true">
      <path d={MARK} />
    </svg>
  );
}

export function Wordmark() {
  return (
    <svg class="wordmark" viewBox="0 0 78 24" aria-hidden="true">
      <path d={WORDMARK} />
    </svg>
  );
}
