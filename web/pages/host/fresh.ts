/** The digest of a thing as the host shows it now: for taking back what has just changed it. */
import { useMemo } from "preact/hooks";
import { useApp } from "../../state/app.ts";
import type { ReadArgs, ReadName, ReadResult } from "../../state/readings.ts";
import { useDesk } from "./desk.ts";

export type Fresh = <N extends ReadName, T>(
  operation: N,
  args: ReadArgs<N>,
  pick: (value: ReadResult<N>) => T | undefined,
) => Promise<T | undefined>;

export function useFresh(): Fresh {
  const { backend } = useApp();
  const { id } = useDesk().host;
  return useMemo<Fresh>(
    () => async (operation, args, pick) => {
      const answer = await backend.readings.read({ host: id, operation, args });
      return answer.ok ? pick(answer.value.value) : undefined;
    },
    [backend, id],
  );
}
