// vmpower-guest caps: what the physical CPUs under this VM's vCPUs can do.

import { listing } from "./listing.ts";

const yesNo = (yes: boolean): string => (yes ? "yes" : "no");

export default listing(
  {
    name: "caps",
    summary: "show whether vCPUs can use turbo and have a higher base frequency than others",
    examples: ["vmpower-guest caps", "vmpower-guest caps --vcpu 0"],
  },
  '"turbo", "priority", "outcome", "message"}]}.',
  {
    question: "query-caps",
    headings: ["TURBO", "PRIORITY"],
    cells: ({ turbo, priority }) => [yesNo(turbo), yesNo(priority)],
    keys: (caps) => caps,
  },
);
