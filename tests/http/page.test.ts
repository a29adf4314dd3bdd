// The page as people see and use it: in a real Chromium, against a powermon that serves busy guests.

import { afterAll, beforeAll, describe, expect } from "bun:test";
import { hostname } from "node:os";
import { type Browser, chromium, type Page } from "playwright-core";
import { type BusyHost, startBusyHost } from "../helpers/busy-host.ts";
import { testNeeding } from "../helpers/needing.ts";
import { userName } from "../../internal/os/user-name.ts";
import { until } from "../helpers/until.ts";

const HTTP = '[http]\nlisten = "127.0.0.1:0"\n';
const ARGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
const BROWSER_MS = 30_000;

describe("the page", () => {
  let host: BusyHost;
  let browser: Browser;
  const executablePath = Bun.which("chromium");
  beforeAll(async () => {
    if (executablePath === null) return;
    host = await startBusyHost(256, { "db-primary": 3, edge: 2 }, `${HTTP}[limits."0"]\nceiling = 2200000\n`);
    for (let vcpu = 0; vcpu < 3; vcpu++) host.scale("db-primary", vcpu, "turbo-off");
    host.scale("edge", 0, "min");
    host.scale("edge", 1, "turbo-on");
    host.scale("edge", 0, "min", "db-primary");
    browser = await chromium.launch({ executablePath, args: ARGS });
  }, BROWSER_MS);
  afterAll(async () => {
    await browser?.close();
    await host?.stop();
  });

  /** A host whose CPUs and package are busy by themselves. */
  async function withMeters() {
    // More than the package draws: nobody pays.
    const one = await startBusyHost(8, { vm1: 2 }, `${HTTP}[budget]\nwatts = 200\n`, true);
    one.scale("vm1", 1, "max");
    one.meters?.measured(1, 2_590_000);
    const began = performance.now();
    const timer = setInterval(() => {
      const s = (performance.now() - began) / 1000;
      one.meters?.busy([0, s / 4]);
      one.meters?.energy(s * 85);
    }, 50);
    const end = async () => {
      clearInterval(timer);
      await one.stop();
    };
    return { host: one, [Symbol.asyncDispose]: end };
  }

  /** Opens the page, notes everything that goes wrong and what it loads, and resolves once it is live. */
  async function open(colorScheme: "light" | "dark" = "light", width = 1280, url = host.url) {
    const context = await browser.newContext({ colorScheme, viewport: { width, height: 900 } });
    const page = await context.newPage();
    const wrong: string[] = [];
    const loaded: string[] = [];
    page.on("console", (message) => message.type() === "error" && wrong.push(message.text()));
    page.on("pageerror", (error) => wrong.push(error.message));
    page.on("request", (request) => loaded.push(request.url()));
    await page.goto(url);
    await page.locator("#state.live").waitFor();
    return { page, wrong, loaded, [Symbol.asyncDispose]: () => context.close() };
  }

  /** Returns a pixel of the strip in the row of a CPU, `fromRight` pixels from its right end. */
  async function pixel(page: Page, cpu: number, fromRight: number): Promise<string> {
    const at = `canvas.width - ${fromRight}, Math.floor((${cpu} + 0.5) * (canvas.height - 20) / 256)`;
    return await page.evaluate(`{
      const canvas = document.querySelector("canvas");
      [...canvas.getContext("2d").getImageData(${at}, 1, 1).data].join();
    }`);
  }

  testNeeding(
    ["chromium"],
    "loads nothing from elsewhere, breaks no policy, and shows VMs, claims and refusals",
    async () => {
      await using it = await open();
      const { page, wrong, loaded } = it;
      const table = async (id: string) =>
        (await page.locator(`${id} tbody tr`).allInnerTexts()).map((row) => row.split("\t"));
      expect(await table("#claims")).toEqual([
        ["0", "db-primary vCPU 0", "2.60", "2.20", "–", "–", "1.20", "2.20", "1", "the site"],
        ["1", "db-primary vCPU 1", "2.60", "2.60", "–", "–", "1.20", "2.60", "1", ""],
        ["2", "db-primary vCPU 2", "2.60", "2.60", "–", "–", "1.20", "2.60", "1", ""],
        ["3", "edge vCPU 0", "1.20", "1.20", "–", "–", "1.20", "2.60", "1", ""],
        ["4", "edge vCPU 1", "2.60", "2.60 turbo", "–", "–", "1.20", "2.60", "1", ""],
      ]);
      const vms = await table("#vms");
      expect(vms.map(([vm, channels, , refused]) => [vm, channels, refused])).toEqual([
        ["db-primary", "1", "0"],
        ["edge", "1", "1"],
      ]);
      expect(await page.locator("#refusals").innerText()).toContain('The guest calls itself "db-primary"');
      expect(await page.locator("#summary").innerText()).toContain("256 CPUs, 5 of 256 clocks claimed");
      const origin = new URL(host.url).origin;
      expect(loaded.filter((url) => !url.startsWith(`${origin}/`) && !url.startsWith("data:"))).toEqual([]);
      expect(wrong).toEqual([]);
    },
    BROWSER_MS,
  );

  testNeeding(
    ["chromium"],
    "follows changes by itself, and says when powermon is gone",
    async () => {
      await using it = await open();
      const { page } = it;
      const gets = page.locator("#claims tbody tr", { hasText: "edge vCPU 0" }).locator("td").nth(3);
      host.scale("edge", 0, "max");
      await until("the page shows it", async () => (await gets.innerText()) === "2.60 turbo");
      host.scale("edge", 0, "min");
      await until("and back", async () => (await gets.innerText()) === "1.20");
      const other = await startBusyHost(2, { vm1: 1 }, HTTP);
      await page.goto(other.url);
      await page.locator("#state.live").waitFor();
      await other.stop();
      await page.getByText("connection lost, trying again").waitFor();
    },
    BROWSER_MS,
  );

  testNeeding(
    ["chromium"],
    "draws each CPU's last minutes: unclaimed, low, nominal and turbo in colours of their own",
    async () => {
      await using it = await open("light", 600);
      const { page, wrong } = it;
      // Just inside the strip, whose right margin has 20 pixels.
      const at = (cpu: number) => pixel(page, cpu, 22);
      const looks = async () => [await at(1), await at(3), await at(4), await at(255), "0,0,0,0"];
      await until("all four are drawn", async () => new Set(await looks()).size === 5);
      const [max = "", , , nobody = ""] = await looks();
      expect(await at(2)).toBe(max);
      expect(await at(5)).toBe(nobody);
      expect(wrong).toEqual([]);
    },
    BROWSER_MS,
  );

  testNeeding(
    ["chromium"],
    "can be used by keyboard alone, down to why a CPU runs as it does",
    async () => {
      await using it = await open("dark");
      const { page, wrong } = it;
      for (let n = 0; n < 3 && (await page.evaluate("document.activeElement.id")) !== "strip"; n++) {
        await page.keyboard.press("Tab");
      }
      expect(await page.evaluate("document.activeElement.id")).toBe("strip");
      await page.keyboard.press("End");
      expect(await page.locator("#strip-says").innerText()).toStartWith("CPU 255: nobody claims it");
      await page.keyboard.press("Home");
      await page.keyboard.press("ArrowDown");
      expect(await page.locator("#strip-says").innerText()).toStartWith(
        "CPU 1: 2.60 GHz, held by db-primary vCPU 1",
      );
      await page.keyboard.press("Enter");
      const why = page.locator("#why");
      await why.getByText('because vCPU 1 of VM "db-primary" wishes 2600000 kHz').waitFor();
      expect(await why.innerText()).toContain("acpi-cpufreq");
      await page.keyboard.press("Escape");
      expect(await why.isVisible()).toBe(false);
      expect(await page.evaluate("document.activeElement.id")).toBe("strip");
      await page.locator("#filter").fill("edge");
      expect(await page.locator("#claims tbody tr").count()).toBe(2);
      await page.locator("#claims tbody button").first().press("Enter");
      await why.getByText("Refused here").waitFor();
      expect(wrong).toEqual([]);
    },
    BROWSER_MS,
  );

  testNeeding(
    ["chromium"],
    "names its host, and shows how busy CPUs are, what was measured, watts, and what the kernel holds of unclaimed ones",
    async () => {
      await using metered = await withMeters();
      await using it = await open("light", 1280, metered.host.url);
      const { page, wrong } = it;
      expect(await page.title()).toBe(`${hostname()} – powermon`);
      expect(await page.locator("h1").innerText()).toBe(`powermon ${hostname()}`);
      const row = page.locator("#claims tbody tr", { hasText: "vm1 vCPU 1" }).locator("td");
      // A quarter of CPU 1's time; a look takes part of a second to come.
      await until("CPU 1 is busy", async () => /^[1-9]\d? %$/.test(await row.nth(5).innerText()));
      expect(await row.nth(4).innerText()).toBe("2.59");
      const machine = page.locator("#machine");
      await until("watts are told", async () => /package-0 [1-9]\d*\.\d W/.test(await machine.innerText()));
      expect(await machine.innerText()).toMatch(/^CPUs \d+ % busy, .*, coretemp Package id 0 61 °C$/);
      const budget = page.locator("#budget");
      await until("the budget is told", async () =>
        /^Power budget: [1-9]\d*\.\d of 200 W, nobody pays$/.test(await budget.innerText()),
      );
      await page.locator("#strip").press("End");
      expect(await page.locator("#strip-says").innerText()).toMatch(
        /^CPU 7: nobody claims it: left to its governor ondemand, at ≤2\.60 GHz\. \d+ % busy\.$/,
      );
      expect(wrong).toEqual([]);
    },
    BROWSER_MS,
  );

  testNeeding(
    ["chromium"],
    "shows one VM alone, and the last changes with who made them",
    async () => {
      await using it = await open();
      const { page, wrong } = it;
      await page.locator("#vms tbody button", { hasText: "db-primary" }).press("Enter");
      const vm = page.locator("#vm");
      await vm.getByText("floor min, ceiling max, turbo allowed, queries allowed").waitFor();
      const cells = (await vm.locator("tbody tr").allInnerTexts()).map((row) => row.split("\t").slice(0, 5));
      expect(cells).toEqual([
        ["0", "0", "–", "2.60", "2.20"],
        ["1", "1", "–", "2.60", "2.60"],
        ["2", "2", "–", "2.60", "2.60"],
      ]);
      expect(await vm.locator("li").count()).toBe(3);
      expect(await vm.locator("li").first().innerText()).toMatch(
        /db-primary vCPU \dCPU \d set to 2\.\d0 GHz$/,
      );
      await page.keyboard.press("Escape");
      expect(await vm.isVisible()).toBe(false);
      const changes = page.locator("#changes");
      expect(await changes.innerText()).toContain("edge vCPU 1");
      const set = await fetch("http://powermon/v1/freq/9", {
        method: "PUT",
        unix: host.socket,
        body: '{"target": "min"}',
      });
      expect(set.status).toBe(200);
      await changes.getByText("CPU 9 set to 1.20 GHz").waitFor();
      expect(await changes.locator("li").first().innerText()).toContain(
        userName(process.getuid?.() ?? 0) ?? "user",
      );
      await fetch("http://powermon/v1/freq/9", { method: "DELETE", unix: host.socket });
      expect(wrong).toEqual([]);
    },
    BROWSER_MS,
  );

  testNeeding(
    ["chromium"],
    "goes back ten minutes, an hour or a day, and goes on by itself in each",
    async () => {
      await using it = await open();
      const { page, wrong, loaded } = it;
      const last = async (): Promise<number[]> => await page.evaluate("[...clocks[20].samples.slice(-2)]");
      const set = (target: number) =>
        fetch("http://powermon/v1/freq/20", {
          method: "PUT",
          unix: host.socket,
          body: JSON.stringify({ target }),
        });
      for (const range of ["1h", "24h", "10m"]) {
        await page.locator("#range").selectOption(range);
        await until("it was asked for", () => loaded.some((url) => url.endsWith(`/live?range=${range}`)));
        await set(2_600_000);
        await until("it is drawn", async () => (await last())[1] === 2_600_000);
        await set(1_200_000);
        await page
          .locator("#claims tbody tr", { hasText: "the operator" })
          .getByText("1.20")
          .nth(1)
          .waitFor();
        // A sample of several looks is the highest of them, and may have ended just now.
        if (range !== "10m") expect(await last()).toContain(2_600_000);
        else await until("the next one is lower", async () => (await last())[1] === 1_200_000);
      }
      await fetch("http://powermon/v1/freq/20", { method: "DELETE", unix: host.socket });
      expect(wrong).toEqual([]);
    },
    BROWSER_MS,
  );

  testNeeding(
    ["chromium"],
    "has a light and a dark face, and fits a narrow window",
    async () => {
      const back = async (scheme: "light" | "dark", width: number) => {
        await using it = await open(scheme, width);
        const overflow = await it.page.evaluate("document.documentElement.scrollWidth - innerWidth");
        expect(overflow).toBeLessThanOrEqual(0);
        return String(await it.page.evaluate("getComputedStyle(document.body).backgroundColor"));
      };
      const brightness = (colour: string) =>
        (colour.match(/\d+/g) ?? []).reduce((sum, n) => sum + Number(n), 0);
      expect(brightness(await back("light", 1280))).toBeGreaterThan(600);
      expect(brightness(await back("dark", 420))).toBeLessThan(150);
    },
    BROWSER_MS,
  );
});
