// The exit statuses that both executables share.

/** What a command's end means to the shell. */
export const STATUS = { done: 0, failed: 1, usage: 2, refused: 3, noAnswer: 4, unsupported: 5 } as const;
export type Status = (typeof STATUS)[keyof typeof STATUS];
