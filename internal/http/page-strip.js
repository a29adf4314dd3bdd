// The strip of every CPU's last minutes and the story of one: drawn and told from what page-script.js was told.

const canvas = $("strip");
const pen = canvas.getContext("2d");
const image = document.createElement("canvas");
/** The row that was chosen; -1 for none. */
let chosen = -1;

const LEFT = 46;
const RIGHT = 242;
/** Where the column of how busy CPUs are stands right of the samples, and its width. */
const BUSY_AT = 4;
const BUSY_WIDE = 10;
const AXIS = 20;

/** What stands beneath the samples of each range. */
const AXES = {
  "10m": { all: 10, every: 2, unit: "min" },
  "1h": { all: 60, every: 10, unit: "min" },
  "24h": { all: 24, every: 4, unit: "h" },
};

const rowHeight = () => Math.max(3, Math.min(26, Math.floor(430 / Math.max(1, rows.length))));

/** What the kernel holds of a clock that nobody claims. */
const heldOf = ({ domain }) => {
  const { heldKhz, governor } = looks.get(domain) ?? {};
  if (heldKhz === undefined) return "–";
  return governor === "userspace" ? ghz(heldKhz) : `≤${ghz(heldKhz)}`;
};
const governorOf = ({ domain }) => looks.get(domain)?.governor;

/** Returns the theme's colours as functions of a frequency. */
function colours() {
  const style = getComputedStyle(document.documentElement);
  const read = (name) => style.getPropertyValue(name).trim();
  const parts = (name) => read(name).split(/[ %]+/).map(Number);
  const [low, high] = [parts("--low"), parts("--high")];
  const rgb = (text) => {
    pen.fillStyle = text;
    return Number.parseInt(pen.fillStyle.slice(1), 16);
  };
  const [free, turbo] = [rgb(read("--faint")), rgb(`hsl(${read("--turbo")})`)];
  const ramp = Array.from({ length: 65 }, (_, i) => {
    const mixed = low.map((value, part) => value + ((high[part] - value) * i) / 64);
    return rgb(`hsl(${mixed[0]} ${mixed[1]}% ${mixed[2]}%)`);
  });
  const of = (khz, { minKhz, nominalKhz }) => {
    if (khz === 0) return free;
    if (khz > nominalKhz) return turbo;
    const share = nominalKhz > minKhz ? (khz - minKhz) / (nominalKhz - minKhz) : 1;
    return ramp[Math.round(Math.max(0, Math.min(1, share)) * 64)];
  };
  return {
    of,
    free: read("--faint"),
    busy: read("--good"),
    text: read("--text"),
    dim: read("--dim"),
    pick: read("--pick"),
    card: read("--card"),
  };
}

function draw() {
  if (rows.length === 0) return;
  const high = rowHeight();
  const width = canvas.clientWidth;
  const height = rows.length * high + AXIS;
  const scale = devicePixelRatio || 1;
  if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
    canvas.style.height = `${height}px`;
  }
  const colour = colours();
  image.width = SAMPLES;
  image.height = rows.length;
  const picture = new ImageData(SAMPLES, rows.length);
  const pixels = new DataView(picture.data.buffer);
  rows.forEach(({ clock }, y) => {
    for (let x = 0; x < SAMPLES; x++) {
      const khz = clock.samples[x];
      if (khz >= 0) pixels.setUint32((y * SAMPLES + x) * 4, ((colour.of(khz, clock) << 8) | 0xff) >>> 0);
    }
  });
  image.getContext("2d").putImageData(picture, 0, 0);
  const right = high < 14 ? 20 : width < 640 ? 54 : RIGHT;
  const plot = width - LEFT - right;
  pen.setTransform(scale, 0, 0, scale, 0, 0);
  pen.clearRect(0, 0, width, height);
  pen.imageSmoothingEnabled = false;
  pen.drawImage(image, LEFT, 0, plot, rows.length * high);
  pen.font = "12px system-ui, sans-serif";
  pen.textBaseline = "middle";
  const every = 2 ** Math.ceil(Math.log2(14 / Math.min(14, high)));
  rows.forEach(({ cpu, clock }, y) => {
    const middle = y * high + high / 2;
    if (high >= 8) {
      pen.fillStyle = colour.card;
      pen.fillRect(LEFT, (y + 1) * high - 1, plot, 1);
    }
    const part = busy.get(cpu);
    if (part !== undefined) {
      const [top, tall] = [y * high, high >= 8 ? high - 1 : high];
      pen.fillStyle = colour.free;
      pen.fillRect(LEFT + plot + BUSY_AT, top, BUSY_WIDE, tall);
      pen.fillStyle = colour.busy;
      pen.fillRect(LEFT + plot + BUSY_AT, top, BUSY_WIDE * part, tall);
    }
    if (y % every === 0) {
      pen.fillStyle = y === chosen ? colour.text : colour.dim;
      pen.textAlign = "right";
      pen.fillText(String(cpu), LEFT - 8, Math.max(7, middle));
    }
    if (high >= 14) {
      pen.textAlign = "left";
      pen.fillStyle = clock.holder ? colour.text : colour.dim;
      const what = LEFT + plot + BUSY_AT + BUSY_WIDE + 6;
      pen.fillText(clock.holder ? ghz(clock.targetKhz) : heldOf(clock), what, middle);
      if (right === RIGHT) {
        pen.fillText(percent(part), what + 44, middle);
        const governor = governorOf(clock);
        const holder = clock.holder || governor === undefined ? holderOf(clock) : `nobody: ${governor}`;
        pen.fillText(holder, what + 90, middle, right - 114);
      }
    }
  });
  pen.fillStyle = colour.dim;
  pen.textAlign = "center";
  const { all, every: mark, unit } = AXES[range];
  for (let ago = 0; ago <= all; ago += mark) {
    pen.fillText(ago === 0 ? "now" : `−${ago} ${unit}`, LEFT + plot * (1 - ago / all), height - 8);
  }
  if (chosen >= 0) {
    pen.strokeStyle = colour.pick;
    pen.lineWidth = 1.5;
    pen.strokeRect(LEFT - 1, chosen * high - 1, plot + 2, high + 1);
  }
}

function choose(row) {
  const next = Math.max(0, Math.min(rows.length - 1, row));
  if (next === chosen) return;
  chosen = next;
  draw();
  say();
}

/** Says in words what the chosen row shows. */
function say() {
  const row = rows[chosen];
  if (!row) return;
  const { cpu, clock } = row;
  let what = clock.holder
    ? ` ${ghz(clock.targetKhz)} GHz${clock.targetKhz > clock.nominalKhz ? " (turbo)" : ""}, held by ${holderOf(clock)}, who wishes ${ghz(clock.holder.wishKhz)} GHz; ${ghz(clock.floorKhz)} to ${ghz(clock.ceilingKhz)} GHz allowed.`
    : ` nobody claims it: left to its governor${governorOf(clock) === undefined ? "" : ` ${governorOf(clock)}, at ${heldOf(clock)} GHz`}.`;
  const { measuredKhz } = looks.get(clock.domain) ?? {};
  const does = `${busy.has(cpu) ? ` ${percent(busy.get(cpu))} busy` : ""}${measuredKhz === undefined ? "" : `${busy.has(cpu) ? ", " : " "}ran at ${ghz(measuredKhz)} GHz`}`;
  what += does === "" ? "" : `${does}.`;
  const element = $("strip-says");
  const text = `CPU ${cpu}:${what}`;
  if (element.textContent === text) return;
  element.replaceChildren(withText("b", `CPU ${cpu}:`), what);
}

const rowAt = ({ clientY }) => {
  const row = Math.floor((clientY - canvas.getBoundingClientRect().top) / rowHeight());
  return row < rows.length ? row : -1;
};
canvas.addEventListener("mousemove", (event) => rowAt(event) >= 0 && choose(rowAt(event)));
canvas.addEventListener("click", (event) => {
  const row = rows[rowAt(event)];
  if (row) explain(row.cpu);
});
canvas.addEventListener("keydown", (event) => {
  const page = 16;
  const moves = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity };
  const move = moves[event.key];
  if (move !== undefined) choose(chosen + move);
  else if ((event.key === "Enter" || event.key === " ") && rows[chosen]) explain(rows[chosen].cpu);
  else return;
  event.preventDefault();
});

// --- Why ---

async function explain(cpu) {
  const body = $("why-body");
  $("why-title").textContent = `CPU ${cpu}`;
  body.replaceChildren("Asking.");
  if (!$("why").open) $("why").showModal();
  try {
    const response = await fetch(`/explain/${cpu}`);
    const found = await response.json();
    body.replaceChildren(...(response.ok ? story(found) : [found.error.message]));
  } catch {
    body.replaceChildren("powermon does not answer.");
  }
}

function story(found) {
  const khz = (value) => (value === undefined ? "not known" : `${ghz(value)} GHz`);
  const claim = ({ by, vm, vcpu, wishKhz, clippedKhz }) =>
    `${vm === undefined ? "the operator" : `${vm} vCPU ${vcpu}`}${by === "policy" ? " by policy" : ""} wishes ${khz(wishKhz)}${clippedKhz === wishKhz ? "" : `, its limits make it ${khz(clippedKhz)}`}`;
  const facts = [
    ["powermon told it", found.targetKhz === undefined ? "nothing" : khz(found.targetKhz)],
    ["the kernel holds", khz(found.currentKhz)],
    [
      "it goes from",
      `${khz(found.minKhz)} to ${khz(found.nominalKhz)}${found.maxKhz > found.nominalKhz ? `, ${khz(found.maxKhz)} with turbo` : ""}`,
    ],
    ["driver, governor", `${found.driver}, ${found.governor ?? "not known"}`],
    ["shares its clock with", found.sharedWith.length > 0 ? `CPU ${found.sharedWith.join(", ")}` : "nobody"],
    ["claims", [...found.claims, ...found.siblingClaims].map(claim).join("; ") || "none"],
    [
      "last written",
      found.lastWrite
        ? `${timeOfDay(found.lastWrite.at)}${found.lastWrite.error ? `: ${found.lastWrite.error}` : ""}`
        : "never",
    ],
  ];
  const list = document.createElement("ul");
  list.append(...found.why.map((sentence) => withText("li", sentence)));
  const terms = document.createElement("dl");
  for (const [name, value] of facts) terms.append(withText("dt", name), withText("dd", value));
  const refused = found.lastRefusals.map(({ at, vm, vcpu, message }) =>
    withText("li", `${timeOfDay(at)} ${vm} vCPU ${vcpu}: ${message}`),
  );
  if (refused.length === 0) return [list, terms];
  const refusals = document.createElement("ul");
  refusals.append(...refused);
  return [list, terms, withText("h2", "Refused here"), refusals];
}

function withText(name, text) {
  const element = document.createElement(name);
  element.textContent = text;
  return element;
}

// --- Start ---

function legend() {
  const part = (kind, text) => {
    const swatch = document.createElement("i");
    swatch.className = kind;
    return [swatch, text];
  };
  $("legend").replaceChildren(
    ...part("free", "unclaimed"),
    ...part("ramp", "lowest to nominal"),
    ...part("turbo", "turbo"),
    ...part("busy", "busy now"),
  );
}

$("range").addEventListener("change", ({ target }) => {
  range = target.value;
  listen();
});
$("filter").addEventListener("input", () => report && showClaims());
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
new ResizeObserver(draw).observe($("strip-box"));
legend();
