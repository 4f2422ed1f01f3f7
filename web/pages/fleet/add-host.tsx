/** How another machine becomes a host: a join file, made here or beside the edge, and what to type there. */
import type { ComponentChildren } from "preact";
import { Command, Empty } from "../../components/parts.tsx";
import { saveFile } from "../../components/save-file.ts";
import { TouchFoot, useTouching } from "../../components/touching.tsx";
import { Icon } from "../../icons.tsx";
import { useApp } from "../../state/app.ts";
import type { HostInviteDesk } from "../../state/host-invites.ts";

export function NoHost() {
  return (
    <div class="card">
      <Empty icon="host" title="No host yet">
        <Joining />
      </Empty>
      <div class="card-body stack mid">
        <AddCommands />
        <p class="row small muted" role="status">
          <Icon name="pending" class="s spin" />
          Waiting for it to say hello
        </p>
      </div>
    </div>
  );
}

export function AddHost() {
  return (
    <section class="card" aria-labelledby="add-host">
      <div class="card-head">
        <h2 id="add-host">Add a host</h2>
      </div>
      <div class="card-body stack mid">
        <Joining class="small muted" />
        <AddCommands />
      </div>
    </section>
  );
}

/** An edge on this machine is one that other machines do not reach until it is told where to listen. */
function Joining({ class: name }: { readonly class?: string }) {
  const isElsewhere = useApp().backend.hostInvites !== undefined;
  return (
    <p class={name}>
      It dials out, so no port is opened on it.
      {!isElsewhere && " Start Clawhold with --bind and an address that it can reach."} You compare six words and admit
      it with your passkey.
    </p>
  );
}

function AddCommands() {
  const invites = useApp().backend.hostInvites;
  if (invites !== undefined) return <ByFile first={<JoinFile desk={invites} />} />;
  return (
    <>
      <PastedCommand />
      <details class="small">
        <summary>Another system, or without root</summary>
        <div class="stack mid">
          <ByFile first={<InviteCommand />} />
        </div>
      </details>
    </>
  );
}

/** Printed by the owner's own program, from its own copy: what this page said could be the edge's. */
function PastedCommand() {
  const { printCommand } = useApp().backend;
  return (
    <>
      <Command caption="On the machine that runs Clawhold" command={printCommand} />
      <p class="small muted">
        It prints one command. Paste it as root on a Debian 12 or 13 server. It works once, for 15 minutes, and holds a
        secret: carry it by a way you trust. At its end the server shows six words: compare them with this page.
      </p>
      <p class="tiny faint">Take that command from your own terminal, never from a page.</p>
    </>
  );
}

function InviteCommand() {
  return <Command caption="On the machine that runs Clawhold" command={useApp().backend.inviteCommand} />;
}

/** Two machines and a file between them. */
function ByFile({ first }: { readonly first: ComponentChildren }) {
  return (
    <>
      {first}
      <p class="small muted">Carry the file over by a way you trust. It works once, for 15 minutes.</p>
      <Command caption="On the machine to add" command={useApp().backend.addHostCommand} />
      <p class="tiny faint">
        In a clone, type <code>node agent/launch.cjs</code> for <code>clawhold</code>.
      </p>
    </>
  );
}

function JoinFile({ desk }: { readonly desk: HostInviteDesk }) {
  const touching = useTouching();
  if (!desk.mayMake.value) return <p class="small muted">Somebody who may admit hosts makes the join file here.</p>;
  const make = () => void touching.run(desk.make((file) => saveFile(file, "join.json")));
  return (
    <TouchFoot
      touching={touching}
      title="Make a join file"
      done="join.json is saved. Delete it on both machines when the host has joined."
      onClick={make}
    />
  );
}
