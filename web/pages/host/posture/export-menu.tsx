/** Saves what this page opened as a file. Made here, in the browser: the control plane never holds the evidence. */
import type { Report } from "../../../../protocol/posture/report.ts";
import { saveFile } from "../../../components/save-file.ts";
import { Icon } from "../../../icons.tsx";
import { useApp } from "../../../state/app.ts";
import { useDesk } from "../desk.ts";
import { exportFormats, exportOf, type ExportName } from "./export.ts";

export function ExportMenu({ report }: { readonly report: Report }) {
  const { backend } = useApp();
  const { host } = useDesk();
  const save = (name: ExportName) => {
    const workspace = backend.workspace.peek() ?? "";
    const { text, type, file } = exportOf(name, { report, host: host.label, hostId: host.id, workspace });
    saveFile(new Blob([text], { type }), file);
  };
  return (
    <div class="row wrap" role="group" aria-label="Save what was found">
      {Object.entries(exportFormats).map(([name, word]) => (
        <button key={name} class="btn sm" type="button" onClick={() => save(name as ExportName)}>
          <Icon name="download" class="s" />
          {word}
        </button>
      ))}
      <span class="tiny faint">Made in this browser, with the evidence in it.</span>
    </div>
  );
}
