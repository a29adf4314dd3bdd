// The contract of tests/kernel on the kernel's own drivers: what the model of files is held to is what Linux 6.12 answers.
import { expect, test } from "bun:test";
import { CASES } from "../kernel/contract.ts";
import { driverScenario } from "./driver-scenario.ts";

driverScenario("contract", (host, machine) => {
  for (const one of CASES.filter((each) => each.machine === machine)) {
    test(`${machine}: ${one.name}`, async () => {
      expect(await host().answers(one)).toEqual([...one.steps]);
    });
  }
});
