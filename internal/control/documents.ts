// What the API says about itself: the list of its requests, and the OpenAPI document, which follows from the same table.

import openApi from "../api/openapi.json" with { type: "text" };
import { API } from "../api/table.ts";

/** What is no row of the table. */
const MORE = [
  { method: "GET", path: "/v1", about: "All requests, with a sentence about each." },
  { method: "GET", path: "/v1/openapi.json", about: "The API as OpenAPI document." },
  { method: "GET", path: "/v1/events", about: "What happens, as a stream of server-sent events." },
  { method: "GET", path: "/metrics", about: "Everything that is counted, as text for Prometheus." },
];

/** The documents as JSON, by their paths. */
export const DOCUMENTS: Readonly<Record<string, () => string>> = {
  "/v1": () => {
    const rows = Object.values(API).map(({ method, path, about }) => ({
      method,
      path: `/v1/${path}`,
      about,
    }));
    return `${JSON.stringify({ routes: [...MORE, ...rows] })}\n`;
  },
  // The types of a module that is imported as text are those of its JSON.
  "/v1/openapi.json": () => openApi as unknown as string,
};
