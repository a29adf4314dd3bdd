// What bounds the control socket's clients, from the constants that the server goes by.

import { MAX_CONNECTIONS, MAX_HEAD, PATIENCE_MS } from "../../internal/control/http-front.ts";
import { HEARTBEAT_MS, MAX_STREAMS } from "../../internal/control/event-streams.ts";
import { BODY_MS, MAX_BODY, MAX_DEPTH } from "../../internal/control/read-body.ts";
import { KEPT } from "../../internal/events.ts";

const seconds = (ms: number) => `${ms / 1000} s`;
const size = (bytes: number) => `${bytes / 1024} KiB`;

/** Each with how much, how long or how many at most. */
export const LIMITS: readonly { readonly what: string; readonly most: string }[] = [
  { what: "connections at a time", most: `${MAX_CONNECTIONS}` },
  { what: "listeners to events at a time", most: `${MAX_STREAMS}` },
  { what: "a request's line and headers", most: `${size(MAX_HEAD)}, ${seconds(PATIENCE_MS)}` },
  { what: "a body", most: `${size(MAX_BODY)}, ${MAX_DEPTH} deep, ${seconds(BODY_MS)}` },
  { what: "a connection without a request, and reading an answer", most: seconds(PATIENCE_MS) },
  { what: "events that are kept", most: `${KEPT}` },
  { what: "time between two comments of a stream of events", most: seconds(HEARTBEAT_MS) },
];
