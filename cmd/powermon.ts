// powermon: the host's executable. Its commands are in powermon/commands.ts; everything else is in internal/.

import { POWERMON } from "./powermon/commands.ts";
import { start } from "./start.ts";

process.exitCode = await start(POWERMON);
