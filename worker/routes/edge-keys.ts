/** Which keys this edge can sign with. Changing to another is a statement of the trust log, never a setting of the edge. */
import type { Handler } from "../mount.ts";

export const edgeKeys: Handler<"edgeKeys"> = async ({ deps }) => {
  const [dispatch, ledger] = await Promise.all([deps.heldKeys("dispatch"), deps.heldKeys("ledger")]);
  return { body: { dispatch: [...dispatch], ledger: [...ledger] } };
};
