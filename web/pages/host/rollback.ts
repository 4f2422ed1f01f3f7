/** Takes a change of the configuration back: to the version before the one that is newest by then. */
import { useMemo } from "preact/hooks";
import { useApp } from "../../state/app.ts";
import { useDesk, type Undo } from "./desk.ts";

export function useRollback(): Undo {
  const { backend } = useApp();
  const { id } = useDesk().host;
  return useMemo(
    () => ({
      title: "Roll back",
      make: async () => {
        const answer = await backend.readings.read({ host: id, operation: "gateway.config@1", args: {} });
        const [newest, before] = answer.ok ? answer.value.value.versions : [];
        if (newest === undefined || before === undefined || !answer.ok) return undefined;
        const configHash = answer.value.value.hash;
        return { operation: "config.rollback@1", args: { version: before.version }, expect: { configHash } };
      },
    }),
    [backend, id],
  );
}
