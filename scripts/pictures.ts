// The pictures of docs/images: the page and powermon top as they are now, of a machine of files that is busy for some time.
// `unshare -u sh -c 'hostname kvm7; bun scripts/pictures.ts 600'` (seconds; as root, for a name of its own); needs Chromium.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { ControlClient } from "../internal/control/client.ts";
import { frame } from "../internal/top/frame.ts";
import { glance } from "../internal/top/glance.ts";
import { START } from "../internal/top/state.ts";
import { startBusyHost } from "../tests/helpers/busy-host.ts";

const IMAGES = join(import.meta.dir, "../docs/images");
const SECONDS = Number(process.argv[2] ?? 600);
const CPUS = 16;
const VMS = { "db-primary": 4, edge: 2, "web.2": 5 } as const;
const CONFIG = `[http]\nlisten = "127.0.0.1:0"\n[limits."0"]\nceiling = 2200000\n`;
/** Of a character of the terminal, in pixels. */
const [WIDE, HIGH, PAD] = [8, 18, 12];
const [COLUMNS, LINES] = [100, 36];

const host = await startBusyHost(CPUS, VMS, CONFIG, true);
const { meters } = host;
const client = new ControlClient(host.socket);
const busyS = Array.from({ length: CPUS }, () => 0);
let joules = 0;
/** What each vCPU asked last. */
const asked = new Map<number, string>();

/** How much CPU `cpu` has to do after `s` seconds, 0 to 1: each VM in its own rhythm, and some CPUs nothing. */
function loadOf(cpu: number, s: number): number {
  if (cpu >= 11) return cpu === 13 ? 0.08 : 0.01;
  const period = [170, 260, 90][cpu < 4 ? 0 : cpu < 6 ? 1 : 2] ?? 100;
  return Math.max(0.02, Math.min(1, 0.55 + 0.6 * Math.sin((2 * Math.PI * (s + cpu * 13)) / period)));
}

/** One second of the machine: guests ask for what they need, meters go on. */
function second(s: number): void {
  let cpu = 0;
  for (const [vm, count] of Object.entries(VMS))
    for (let vcpu = 0; vcpu < count; vcpu++, cpu++) {
      const load = loadOf(cpu, s);
      const step = load > 0.9 ? "max" : load > 0.5 ? "up" : load > 0.1 ? "down" : "min";
      if (asked.get(cpu) !== step || s % 20 === vcpu) host.scale(vm, vcpu, step);
      asked.set(cpu, step);
    }
  for (let n = 0; n < CPUS; n++) {
    const load = loadOf(n, s);
    busyS[n] = (busyS[n] ?? 0) + load;
    joules += 2 + 6 * load;
  }
  meters?.busy(busyS);
  meters?.energy(joules);
}

/** Returns lines of the terminal as a picture; a line may begin with the sequence for reverse or for faint. */
function svgOf(lines: readonly string[]): string {
  const [width, height] = [COLUMNS * WIDE + 2 * PAD, lines.length * HIGH + 2 * PAD];
  const safe = (text: string) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  const rows = lines.map((line, i) => {
    // oxlint-disable-next-line no-control-regex
    const [, style = "", text = ""] = /^(?:\u001b\[([27])m)?(.*)$/.exec(line) ?? [];
    const y = PAD + i * HIGH;
    const back = `<rect x="${PAD}" y="${y}" width="${COLUMNS * WIDE}" height="${HIGH}" fill="#d8d8d2"/>`;
    const fill = style === "7" ? "#17181a" : style === "2" ? "#7d7d78" : "#d8d8d2";
    const said = `<text x="${PAD}" y="${y + 13}" fill="${fill}" textLength="${COLUMNS * WIDE}" lengthAdjust="spacingAndGlyphs" xml:space="preserve">${safe(text)}</text>`;
    return `${style === "7" ? back : ""}${text.trim() === "" ? "" : said}`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="DejaVu Sans Mono, Menlo, Consolas, monospace" font-size="13">
<rect width="${width}" height="${height}" rx="6" fill="#17181a"/>
${rows.filter((row) => row !== "").join("\n")}
</svg>
`;
}

async function live() {
  const told = await client.ask("live");
  if (!told.ok) throw new Error(told.error.message);
  // The hardware runs at what it was told, or nearly.
  for (const { domain, targetKhz } of told.value.domains)
    if (targetKhz !== undefined) meters?.measured(domain, Math.round(targetKhz * 0.997));
  return told.value;
}

host.scale("edge", 0, "min", "db-primary");
for (let vcpu = 0; vcpu < VMS["web.2"]; vcpu++) host.scale("web.2", vcpu, "turbo-off");
for (let s = 0; s < SECONDS; s++) {
  second(s);
  await Bun.sleep(1000);
  await live();
}
await client.ask("changeVm", { vm: "edge", ceiling: 2_000_000 });
await client.ask("setFreq", { cpus: [12], target: "min" });
const timer = setInterval(() => second(SECONDS), 1000);
await Bun.sleep(3000);
const before = await live();
await Bun.sleep(2000);
const options = { width: COLUMNS, height: LINES, blocks: true, styled: true };
writeFileSync(join(IMAGES, "top.svg"), svgOf(frame(glance(before, await live()), START, options)));
const browser = await chromium.launch({
  executablePath: Bun.which("chromium") ?? "chromium",
  args: ["--no-sandbox", "--disable-gpu"],
});
const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
await page.goto(host.url);
await page.getByText(/^CPUs \d+ % busy, package-0/).waitFor();
await Bun.sleep(2000);
const shot = (await page.screenshot({ fullPage: true })).toString("base64");
// WebP is a third of PNG's bytes, and the browser can write it.
const blank = await browser.newPage();
const url = await blank.evaluate<string>(`(async () => {
  const image = new Image();
  image.src = "data:image/png;base64,${shot}";
  await image.decode();
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [image.width, image.height];
  canvas.getContext("2d").drawImage(image, 0, 0);
  return canvas.toDataURL("image/webp", 0.85);
})()`);
writeFileSync(join(IMAGES, "page.webp"), Buffer.from(url.slice(url.indexOf(",") + 1), "base64"));
clearInterval(timer);
await browser.close();
await host.stop();
