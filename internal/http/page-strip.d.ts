// What page.ts gets for page-strip.js: its text, which runs in browsers and not here.

declare const script: string;
export default script;
