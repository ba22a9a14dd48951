/**
 * The session of this page. Its token lives in a closure and in no storage that scripts of others could read;
 * it is gone with the page.
 */
type Listener = () => void;

function makeSession() {
  let token: string | null = null;
  const listeners = new Set<Listener>();
  const change = (next: string | null) => {
    token = next;
    for (const listener of listeners) listener();
  };
  return {
    token: () => token,
    begin: (accessToken: string) => change(accessToken),
    end: () => {
      if (token !== null) change(null);
    },
    /** For React's `useSyncExternalStore`. */
    subscribe: (listener: Listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

export const session = makeSession();
