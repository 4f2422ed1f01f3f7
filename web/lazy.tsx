/**
 * A page whose script is fetched when somebody goes there, or is about to. It comes from the origin of the first script
 * and from nowhere else; one that does not arrive is said and can be asked for again, never a blank page.
 * May not: decide which pages there are, or fetch anything that was not built together with the first script.
 */
import type { ComponentChildren, FunctionComponent } from "preact";
import { useEffect } from "preact/hooks";
import { signal } from "@preact/signals";
import { Empty, Waiting } from "./components/parts.tsx";
import { useApp } from "./state/app.ts";

export interface LazyPage<Props = Record<never, never>> {
  /** Of the document, while the page is open. */
  readonly title: string;
  readonly View: FunctionComponent<Props>;
  /** Fetches it unless it is here or on its way. What fails is shown only where the page is. */
  fetch(): Promise<void>;
}

interface LazyOptions<Props> {
  readonly title: string;
  readonly load: () => Promise<FunctionComponent<Props>>;
  /** Around what is shown instead of the page, where no shell is. */
  readonly Frame?: FunctionComponent<{ readonly children: ComponentChildren }>;
}

type State<Props> =
  | { readonly kind: "absent" }
  | { readonly kind: "on-its-way" | "failed"; readonly tries: number }
  | { readonly kind: "here"; readonly Body: FunctionComponent<Props> };

export function lazyPage<Props extends object>({ title, load, Frame }: LazyOptions<Props>): LazyPage<Props> {
  const state = signal<State<Props>>({ kind: "absent" });
  const fetch = async () => {
    const before = state.peek();
    if (before.kind === "on-its-way" || before.kind === "here") return;
    const tries = before.kind === "failed" ? before.tries + 1 : 1;
    state.value = { kind: "on-its-way", tries };
    try {
      state.value = { kind: "here", Body: await load() };
    } catch {
      state.value = { kind: "failed", tries }; // said where the page would be; the browser's console has the cause
    }
  };
  const View: FunctionComponent<Props> = (props) => {
    const now = state.value;
    useEffect(() => {
      if (state.peek().kind === "absent") void fetch();
    }, []);
    if (now.kind === "here") return <now.Body {...props} />;
    const instead =
      now.kind === "failed" ? (
        <NotFetched tries={now.tries} onRetry={() => void fetch()} />
      ) : (
        <Waiting what="Fetching this page" />
      );
    return Frame === undefined ? instead : <Frame>{instead}</Frame>;
  };
  return { title, View, fetch };
}

interface NotFetchedProps {
  readonly tries: number;
  readonly onRetry: () => void;
}

/** Asks at once whether it failed because its version is no longer served: then only a reload helps. */
function NotFetched({ tries, onRetry }: NotFetchedProps) {
  const { version } = useApp();
  useEffect(() => void version.look(), [version, tries]);
  const isOld = version.newer.value;
  const reload = (
    <button class="btn sm" type="button" onClick={() => version.reload()}>
      Reload
    </button>
  );
  const retry = (
    <>
      <button class="btn sm" type="button" onClick={onRetry}>
        Retry
      </button>
      {tries > 1 && reload /* some browsers remember that a script did not come, until the document is new */}
    </>
  );
  return (
    <div class="card">
      <Empty
        icon="offline"
        title={isOld ? "A newer version is here" : "This page did not arrive"}
        level={1}
        actions={isOld ? reload : retry}
      >
        <p role="status">{isOld ? OVER : ABSENT}</p>
        <p class="tiny faint">
          <code>{isOld ? "version_over" : "page_not_fetched"}</code>
        </p>
      </Empty>
    </div>
  );
}

const OVER = "Clawhold was updated while this was open, and this page comes only in the new version. Reload to go on.";
const ABSENT =
  "Each page is fetched when it is first opened, and this one could not be. Check that the control plane runs and that this machine reaches it, then retry.";
