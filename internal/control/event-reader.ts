// Server-sent events back into data: chunks end anywhere, events don't.

/** Most bytes of one event; past it the sender is not powermon. */
const MAX_EVENT = 1024 * 1024;

/** Yields the data of each event in `body`; comments are skipped. Throws when an event has no end. Source: WHATWG HTML, Server-sent events. */
export async function* readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const bytes of body) {
    text += decoder.decode(bytes, { stream: true });
    for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
      const data = text
        .slice(0, end)
        .split("\n")
        .filter((line) => line.startsWith("data:"))
        .map((line) => line.slice("data:".length).trimStart());
      text = text.slice(end + 2);
      if (data.length > 0) yield data.join("\n");
    }
    if (text.length > MAX_EVENT) throw new Error(`an event has more than ${MAX_EVENT} characters`);
  }
}
