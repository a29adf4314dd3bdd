// The daemon with a collaborator that has a bug: its log throws where a refusal is told, in the middle of serving a guest.

import { loadConfig } from "../../../internal/config/load.ts";
import { judge } from "../../../internal/config/read.ts";
import { serve } from "../../../cmd/powermon/run/serve.ts";
import { Log } from "../../../internal/log.ts";

class BrokenLog extends Log {
  override warnFolded(): void {
    throw new TypeError("a bug in the middle");
  }
}

const [root = ""] = process.argv.slice(2);
const stateDir = `${root}/state`;
const says = {
  state_dir: stateDir,
  channels: { dirs: [`${root}/channels`] },
  pinning: { sources: ["static"] },
  vm: { vm1: { pins: { 0: 2 } } },
};
const read = judge("test.toml", says);
if (!read.ok) throw new Error(JSON.stringify(read.error));
const load = () => loadConfig(undefined, undefined, [{ from: "flags", read: read.value }]);
const config = load();
if (!config.ok) throw new Error(JSON.stringify(config.error));
process.exitCode = await serve({
  config: config.value,
  load,
  log: new BrokenLog(),
  sysfsRoot: `${root}/sys`,
  procRoot: `${root}/proc`,
  socket: `${stateDir}/control.sock`,
  dropInDir: `${stateDir}/powermon.d`,
});
