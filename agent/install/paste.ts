/**
 * The one command that a person pastes on the machine to add. It carries both sums, so that nobody on the way, the edge
 * included, chooses what runs there. The join file holds a secret and comes as a here-document: that is in no argument list, no
 * address and no environment. The space in front keeps it out of the history of a shell that is told so (HISTCONTROL), and
 * where it is not, what stays there is a token that was spent a moment later and ends in 15 minutes.
 */

export interface Paste {
  /** wss:// address of the agents' listener. */
  readonly edge: string;
  /** True where the edge has an authority of its own, which curl does not know; the join file names it. */
  readonly hasOwnAuthority: boolean;
  readonly version: string;
  /** Lower-case hex. */
  readonly scriptSha256: string;
  readonly bundleSha256: string;
  readonly workspace: string;
  readonly joinFile: string;
  readonly label?: string;
  readonly gateway?: string;
}

/** No line of a join file can be it: those begin with a brace. */
const END = "CLAWHOLD_JOIN_FILE";
/** Larger than the script, smaller than harm. */
const MAX_SCRIPT_BYTES = 262_144;

export function pasteCommand(paste: Paste): string {
  const { hasOwnAuthority, version, scriptSha256, bundleSha256, workspace, joinFile, label, gateway } = paste;
  const url = `${httpsOf(paste.edge)}/install/${version}`;
  const options = [
    ["--url", url],
    ["--version", version],
    ["--sha256", bundleSha256],
    ...(label === undefined ? [] : [["--label", label]]),
    ...(gateway === undefined ? [] : [["--gateway", gateway]]),
  ].map(([name = "", value = ""]) => `${name} ${quoted(value)}`);
  const [curl, wget] = hasOwnAuthority ? [" -k", " --no-check-certificate"] : ["", ""];
  const insecure = hasOwnAuthority ? " --insecure" : "";
  return ` sh -c '
set -eu
umask 077
d=$(mktemp -d)
trap "rm -rf $d" EXIT
# Where it comes from proves nothing: it runs only if it is the script that this command names.
{ if command -v curl >/dev/null; then curl -fsSg${curl} --proto =https --max-time 60 "$1/install.sh"
  else wget -qO-${wget} --timeout=60 --tries=1 "$1/install.sh"; fi </dev/null; } | head -c ${String(MAX_SCRIPT_BYTES)} >"$d/install.sh"
echo "$2  $d/install.sh" | sha256sum -c --status || { echo "That is not the script that this command names, so it was not run." >&2; exit 4; }
shift 2
sh "$d/install.sh" "$@"
' clawhold ${quoted(url)} ${scriptSha256} \\
  ${options.join(" \\\n  ")}${insecure} \\
  --workspace=${quoted(workspace)} <<'${END}'
${joinFile}
${END}`;
}

function httpsOf(edge: string): string {
  return edge.replace(/^wss:/, "https:");
}

/** Nothing in single quotes means anything to a shell, but one. */
function quoted(text: string): string {
  return /^[A-Za-z0-9@%+=:,./_-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
