/** For an icon beside words: it says nothing of its own to those who hear the page, where its English name is read. */
export const QUIET = { "aria-hidden": true, "aria-label": undefined, role: undefined } as const;
