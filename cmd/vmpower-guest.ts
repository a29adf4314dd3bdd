// vmpower-guest: the guest's executable. Its commands are in vmpower-guest/commands.ts; everything else is in internal/.

import { start } from "./start.ts";
import { VMPOWER_GUEST } from "./vmpower-guest/commands.ts";

process.exitCode = await start(VMPOWER_GUEST);
