// The names of hosts and groups of a fleet: they become parts of keys.

/** Returns whether `name` can be a host's or a group's name. Names of Object's own members are none: what is kept by name would lose them. */
export const isWord = (name: string): boolean =>
  /^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$/.test(name) && !["constructor", "prototype"].includes(name);
/** How such a name is written. */
export const WORD_FORM = "1 to 63 small letters, digits, dots and dashes";
