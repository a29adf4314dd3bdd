// Where the agent and those who ask it meet, when nobody says otherwise.

export const DEFAULT_SOCKET = "/run/vmpower-guest.sock";
