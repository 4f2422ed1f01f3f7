/** The place of the questions before commands on a host's page. */
import Approvals from "./approvals.tsx";
import { useDesk } from "./desk.ts";

export function ApprovalsTab() {
  const { host, ask } = useDesk();
  return <Approvals host={host} onAsk={ask} />;
}
