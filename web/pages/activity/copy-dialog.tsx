/** Takes a copy of what the list is narrowed to. */
import type { LedgerFilter } from "../../../protocol/contracts/ledger.ts";
import { ledgerActions } from "../../../protocol/ledger.ts";
import { Modal, TITLE_ID } from "../../dialog/modal.tsx";
import { Icon } from "../../icons.tsx";
import type { ActivityRoute } from "../../router.ts";
import { CopyForm } from "../keeping/copy-form.tsx";

interface CopyDialogProps {
  readonly route: ActivityRoute;
  readonly nameOf: (id: string) => string;
  readonly onClosed: () => void;
}

export function CopyDialog({ route, nameOf, onClosed }: CopyDialogProps) {
  return (
    <Modal onClosed={onClosed}>
      {(close) => (
        <>
          <div class="dialog-head">
            <h2 id={TITLE_ID} tabIndex={-1}>
              Take a copy of this log
            </h2>
            <button class="btn quiet icon-only" type="button" aria-label="Close" onClick={close}>
              <Icon name="x" />
            </button>
          </div>
          <div class="dialog-body">
            <CopyForm filter={copied(route)} nameOf={nameOf} />
            {(route.show !== "all" || route.text !== "") && (
              <p class="tiny faint">
                Tabs and the search field narrow the page only. Time, person, host and action go with the copy.
              </p>
            )}
          </div>
        </>
      )}
    </Modal>
  );
}

function copied({ since, until, actor, host, action }: ActivityRoute): LedgerFilter {
  const known = ledgerActions.find((one) => one === action);
  return {
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until }),
    ...(actor === undefined ? {} : { actor }),
    ...(host === undefined ? {} : { host }),
    ...(known === undefined ? {} : { action: known }),
  };
}
