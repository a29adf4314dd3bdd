// Typos are named by rooms that may not import cli too; this keeps nearest()'s old address in here.
export { editDistance, nearest } from "../nearest.ts";
