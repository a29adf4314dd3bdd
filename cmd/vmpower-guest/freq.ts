// vmpower-guest freq: the frequencies the host has set for this VM's vCPUs.

import { listing } from "./listing.ts";

export default listing(
  {
    name: "freq",
    summary: "show the frequency of vCPUs in kHz, as the host tells it",
    examples: ["vmpower-guest freq", "vmpower-guest freq --vcpu 0,2 --json"],
  },
  '"khz", "outcome", "message"}]}; khz is null where the host does not know it.',
  {
    question: "query-freq",
    headings: ["KHZ"],
    cells: (khz) => [khz === 0 ? "unknown" : String(khz)],
    keys: (khz) => ({ khz: khz === 0 ? null : khz }),
  },
);
