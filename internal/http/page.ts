// The page as one document with its policy: nothing is loaded from anywhere, and nothing but our own script runs.

import telling from "./page-script.js" with { type: "text" };
import machine from "./page-machine.js" with { type: "text" };
import strip from "./page-strip.js" with { type: "text" };
import style from "./page-style.css" with { type: "text" };

/** One script: each part goes on where the one before ends. */
const script = `${telling}\n${machine}\n${strip}`;

const BODY = `
<header>
  <h1>powermon <span id="host"></span></h1>
  <p id="summary" aria-live="off">Connecting</p>
  <p id="state" role="status" class="wait">connecting</p>
  <p id="machine" aria-live="off"></p>
  <p id="budget" aria-live="off"></p>
</header>
<main>
  <section aria-labelledby="clocks-title">
    <div class="bar">
      <h2 id="clocks-title">Clocks <select id="range" aria-label="How far back">
        <option value="10m">last 10 minutes<option value="1h">last hour<option value="24h">last 24 hours
      </select></h2>
      <p id="legend" aria-hidden="true"></p>
    </div>
    <div id="strip-box">
      <canvas id="strip" tabindex="0" role="application" aria-label="Frequency of every CPU over time, and how busy it is now. Up and down choose a CPU, Enter explains it." aria-describedby="strip-says"></canvas>
    </div>
    <p id="strip-says" aria-live="polite">Choose a CPU with the arrow keys or the mouse; Enter or a click explains it.</p>
  </section>
  <section aria-labelledby="vms-title">
    <h2 id="vms-title">VMs</h2>
    <div class="scroll" tabindex="0" role="region" aria-labelledby="vms-title"><table id="vms">
      <thead><tr><th scope="col">VM<th scope="col" class="n">channels<th scope="col" class="n">requests/s<th scope="col" class="n">refused<th scope="col" class="n">failed<th scope="col">policy</thead>
      <tbody></tbody>
    </table></div>
  </section>
  <section aria-labelledby="claims-title" class="tall">
    <div class="bar">
      <h2 id="claims-title">Claims <span class="dim">GHz</span></h2>
      <label class="dim">show only <input id="filter" type="search" maxlength="40" autocomplete="off" spellcheck="false"></label>
    </div>
    <div class="scroll" tabindex="0" role="region" aria-labelledby="claims-title"><table id="claims">
      <thead><tr><th scope="col">CPUs<th scope="col">held by<th scope="col" class="n">wishes<th scope="col" class="n">gets<th scope="col" class="n">ran at<th scope="col" class="n">busy<th scope="col" class="n">floor<th scope="col" class="n">ceiling<th scope="col" class="n">claims<th scope="col">clipped by</thead>
      <tbody></tbody>
    </table></div>
  </section>
  <section aria-labelledby="refusals-title">
    <h2 id="refusals-title">Refusals</h2>
    <div class="scroll" tabindex="0" role="region" aria-labelledby="refusals-title"><ol id="refusals" class="told"></ol></div>
  </section>
  <section aria-labelledby="changes-title">
    <h2 id="changes-title">Last changes</h2>
    <div class="scroll" tabindex="0" role="region" aria-labelledby="changes-title"><ol id="changes" class="told"></ol></div>
  </section>
</main>
<dialog id="why" aria-labelledby="why-title">
  <form method="dialog"><h2 id="why-title"></h2><button autofocus>close</button></form>
  <div id="why-body"></div>
</dialog>
<dialog id="vm" aria-labelledby="vm-title">
  <form method="dialog"><h2 id="vm-title"></h2><button autofocus>close</button></form>
  <p id="vm-says" class="dim"></p>
  <div class="scroll" tabindex="0" role="region" aria-labelledby="vm-title"><table id="vcpus">
    <thead><tr><th scope="col">vCPU<th scope="col">CPUs<th scope="col" class="n">busy<th scope="col" class="n">wishes<th scope="col" class="n">gets<th scope="col" class="n">ran at<th scope="col">why not, or the last refusal</thead>
    <tbody></tbody>
  </table></div>
  <ol id="vm-changes" class="told"></ol>
</dialog>
<noscript><p>This page needs its script to show anything; <a href="/metrics">/metrics</a> does not.</p></noscript>
`;

/** The document. */
export const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>powermon</title>
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<style>${style}</style>
</head>
<body>${BODY}<script>${script}</script>
</body>
</html>
`;

/** Its Content-Security-Policy: our own style and script by their hashes, talk with this listener, nothing else. */
export const PAGE_POLICY = [
  "default-src 'none'",
  `style-src '${hashOf(style)}'`,
  `script-src '${hashOf(script)}'`,
  "connect-src 'self'",
  "img-src data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

function hashOf(text: string): string {
  return `sha256-${new Bun.CryptoHasher("sha256").update(text).digest("base64")}`;
}
