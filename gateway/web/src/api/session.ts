/**
 * Whether somebody is signed in on this page. The tokens are in cookies that no script reads; what scripts see is
 * the cookie with the CSRF token, which every page of the session shows when it changes something.
 */
type Listener = () => void;

const CSRF_COOKIE = "credit_csrf";
const RENEW = "/api/v1/auth/refresh";
const listeners = new Set<Listener>();
let renewing: Promise<boolean> | null = null;

function tell(): void {
  for (const listener of listeners) listener();
}

function csrfToken(): string {
  const found = document.cookie.split("; ").find((each) => each.startsWith(`${CSRF_COOKIE}=`));
  return found?.slice(CSRF_COOKIE.length + 1) ?? "";
}

function end(): void {
  // biome-ignore lint/suspicious/noDocumentCookie: the Cookie Store API is missing in Firefox and without https
  document.cookie = `${CSRF_COOKIE}=; Max-Age=0; Path=/; SameSite=Strict`;
  tell();
}

async function renewOnce(): Promise<boolean> {
  const answer = await fetch(RENEW, { method: "POST", headers: { "X-Session": "cookie" } });
  // 409: another page of this browser has just renewed it, and its cookies are ours as well.
  if (answer.ok || answer.status === 409) return true;
  if (answer.status === 401 || answer.status === 403) end();
  return false;
}

export const session = {
  csrfToken,
  isOpen: () => csrfToken() !== "",
  begun: tell,
  end,
  /** A new access token; false where the session is over or cannot be renewed now. One at a time. */
  renew: (): Promise<boolean> => {
    renewing ??= renewOnce().finally(() => {
      renewing = null;
    });
    return renewing;
  },
  /** For React's `useSyncExternalStore`. */
  subscribe: (listener: Listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },
};
