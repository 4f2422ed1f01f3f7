/** What a gateway calls its models and agents, by the short names in the figures: read sealed, kept while the page is open. */
import { useEffect } from "preact/hooks";
import { useSignal } from "@preact/signals";
import { useApp } from "../../state/app.ts";
import type { HostView } from "../../state/backend.ts";

const NONE: ReadonlyMap<string, string> = new Map();

export function useNames({ id, connected }: Pick<HostView, "id" | "connected">): ReadonlyMap<string, string> {
  const { readings } = useApp().backend;
  const names = useSignal(NONE);
  useEffect(() => {
    let isOver = false;
    const question = { host: id, operation: "gateway.usage@1", args: { days: 30 } } as const;
    const read = async () => {
      // Without an answer the short names stand: they are true, and say less.
      const kept = readings.last(question);
      const result = kept === undefined && connected ? await readings.read(question) : undefined;
      const value = kept?.value ?? (result?.ok === true ? result.value.value : undefined);
      if (isOver || value === undefined) return;
      names.value = new Map([...value.models, ...value.agents].map(({ tag, name }) => [tag, name]));
    };
    names.value = NONE;
    void read();
    return () => {
      isOver = true;
    };
  }, [readings, id, connected]);
  return names.value;
}
