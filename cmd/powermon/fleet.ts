// powermon fleet: many hosts under one budget, and settings that follow a VM, over etcd.

import { defineCommand } from "../../internal/cli/command.ts";

export default defineCommand({
  meta: {
    name: "fleet",
    summary: "watch and set a fleet of hosts: budgets of groups, settings of VMs",
  },
  commands: {
    status: async () => ({ default: (await import("./fleet/show.ts")).STATUS_OF }),
    hosts: async () => ({ default: (await import("./fleet/show.ts")).HOSTS }),
    top: async () => ({ default: (await import("./fleet/top.ts")).TOP }),
    budget: async () => ({ default: (await import("./fleet/budget.ts")).BUDGET }),
    host: async () => ({ default: (await import("./fleet/host.ts")).HOST }),
    vm: async () => ({ default: (await import("./fleet/vm.ts")).VM }),
  },
});
