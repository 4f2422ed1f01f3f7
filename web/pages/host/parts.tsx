/** What the tabs of a host are made of: the button of a command, the open thing with its facts, the head of a form. */
import type { ComponentChildren } from "preact";
import { createContext } from "preact";
import { useContext, useEffect, useRef } from "preact/hooks";
import { operations } from "../../../protocol/operations.ts";
import { Foreign } from "../../components/foreign.tsx";
import { runsOf } from "../../components/visible.ts";
import { Sheet, type Column } from "../../components/sheet.tsx";
import { Icon } from "../../icons.tsx";
import type { IconName } from "../../icons.tsx";
import { formatRoute } from "../../router.ts";
import { useApp } from "../../state/app.ts";
import type { OperationId } from "../../state/backend.ts";
import { useDesk, type HostWish, type Undo } from "./desk.ts";

interface ActProps {
  readonly wish: HostWish;
  readonly children: ComponentChildren;
  /** What it acts on, for who hears the page: "Disable, nightly report". */
  readonly about?: string | undefined;
  readonly undo?: Undo | undefined;
  readonly icon?: IconName;
  readonly look?: string;
  /** A reason of the tab's own, before those of the host and the role. */
  readonly why?: string | undefined;
}

/** The gateway's name of the thing that is open. */
const NameContext = createContext<string | undefined>(undefined);

/** Opens the dialog; barred with the reason in words. What is critical opens it too, and it says where that is done. */
export function Act({ wish, children, about, undo, icon, look = "btn sm", why }: ActProps) {
  const desk = useDesk();
  const opened = useContext(NameContext);
  const obstacle = why ?? desk.obstacle(wish.operation);
  return (
    <button
      class={look}
      type="button"
      aria-disabled={obstacle === undefined ? undefined : "true"}
      title={obstacle}
      onClick={() => {
        if (obstacle === undefined) desk.ask({ ...wish, about: wish.about ?? about ?? opened }, undo);
      }}
    >
      {icon !== undefined && <Icon name={icon} class="s" />}
      {children}
      {about !== undefined && <span class="sr"> {spoken(about)}</span>}
      {obstacle !== undefined && <span class="sr">: not offered, {obstacle}</span>}
    </button>
  );
}

/** A name of the gateway in what a button is called: short, and with what deceives written out. */
function spoken(name: string): string {
  return runsOf(name.slice(0, SPOKEN_CHARACTERS))
    .map(({ text }) => text)
    .join("");
}

const SPOKEN_CHARACTERS = 60;

/** Where this page is not the signer: which of its commands need it, said once. */
export function SignerNote({ asks }: { readonly asks: readonly OperationId[] }) {
  const { backend } = useApp();
  const desk = useDesk();
  if (backend.origin.class === "signer" || !asks.some((one) => operations[one].class === "critical")) return null;
  const barred = asks.find((one) => desk.obstacle(one) !== undefined);
  return (
    <p class="small muted">
      {barred === undefined
        ? "What could run code or loosen something is done in the signer"
        : "Some commands are not offered now; what could run code is done in the signer"}
      : type <code>clawhold ui</code> on your own machine.
    </p>
  );
}

interface DetailProps {
  /** In our words; the gateway's name of it stands below. */
  readonly title: string;
  readonly name?: string | undefined;
  readonly children: ComponentChildren;
}

/** The thing that was opened. Focus goes to its heading; Escape closes it. */
export function Detail({ title, name, children }: DetailProps) {
  const { view, route } = useDesk();
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), [route.of]);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== "Escape" || document.querySelector("dialog[open], :popover-open") !== null) return;
      if (event.target instanceof HTMLElement && event.target.matches("input, textarea, select")) return;
      view({ of: "" });
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, [view]);
  return (
    <section class="card" aria-labelledby="detail">
      <div class="card-head">
        <h2 id="detail" tabIndex={-1} ref={heading}>
          {title}
        </h2>
        <button
          class="btn quiet icon-only sm"
          type="button"
          aria-label={`Close: ${title}`}
          onClick={() => view({ of: "" })}
        >
          <Icon name="x" />
        </button>
      </div>
      <div class="card-body stack">
        {name !== undefined && (
          <p>
            <Foreign text={name} />
          </p>
        )}
        <NameContext.Provider value={name}>{children}</NameContext.Provider>
      </div>
    </section>
  );
}

/** Opens a thing of the list below its own address. */
export function OpenLink({ of, name }: { readonly of: string; readonly name: string }) {
  const { host, route } = useDesk();
  const isLong = name.length > 72;
  return (
    <a href={formatRoute({ ...route, id: host.id, of })}>
      <Foreign text={isLong ? `${name.slice(0, 71)}…` : name === "" ? of : name} whole />
    </a>
  );
}

interface ThingsProps<T> {
  readonly label: string;
  readonly rows: readonly T[];
  readonly columns: readonly Column<T>[];
  readonly keyOf: (row: T) => string;
  readonly textOf: (row: T) => string;
  readonly aside?: ComponentChildren;
  /** The order before somebody chose one. */
  readonly usual?: string;
}

/** A list of the host whose order and search are in the address. */
export function Things<T>({ usual = "", ...props }: ThingsProps<T>) {
  const { route, view } = useDesk();
  return <Sheet {...props} text={route.text ?? ""} sort={route.sort ?? usual} onView={view} openKey={route.of} />;
}
