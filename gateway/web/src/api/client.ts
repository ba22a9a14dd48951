import createClient from "openapi-fetch";
import type { PathsWithMethod } from "openapi-typescript-helpers";
import { toProblem } from "./problem";
import type { paths } from "./schema";
import { session } from "./session";

type Method = "get" | "post" | "put" | "patch" | "delete";
export type ReadPath = PathsWithMethod<paths, "get">;

/** What an address takes: what stands in its braces, its query, its body, and the version that is changed. */
export interface Given {
  path?: Record<string, string>;
  query?: Record<string, string | number | boolean | undefined>;
  body?: unknown;
  version?: number | undefined;
  /** The same for each try of the same change; a new one unless told. */
  key?: string;
}

interface Answered {
  data?: unknown;
  error?: unknown;
  response: Response;
}
type Request_ = (method: Method, path: string, init: Record<string, unknown>) => Promise<Answered>;

function shown(request: Request): Request {
  request.headers.set("X-CSRF-Token", session.csrfToken());
  return request;
}

/** Sends; where the access token has run out meanwhile, renews it and sends once more. */
async function sent(request: Request): Promise<Response> {
  const again = request.clone();
  const answer = await fetch(shown(request));
  if (answer.status !== 401 || new URL(request.url).pathname.startsWith("/api/v1/auth/")) return answer;
  return (await session.renew()) ? fetch(shown(again)) : answer;
}

const client = createClient<paths>({ baseUrl: window.location.origin, fetch: sent });
const request = client.request as unknown as Request_;

async function asked<Answer>(method: Method, path: string, given: Given): Promise<Answer> {
  const headers: Record<string, string> = {};
  if (method !== "get") headers["Idempotency-Key"] = given.key ?? newKey();
  if (given.version !== undefined) headers["If-Match"] = String(given.version);
  if (path.startsWith("/api/v1/auth/")) headers["X-Session"] = "cookie";
  const params = { path: given.path ?? {}, query: given.query ?? {}, header: headers };
  const body = method === "get" ? {} : { body: given.body ?? {} };
  const { data, error, response } = await request(method, path, { params, headers, ...asBody(body) });
  if (!response.ok) throw toProblem(response.status, error);
  return data as Answer;
}

function asBody(init: { body?: unknown }): Record<string, unknown> {
  return init.body instanceof FormData ? { ...init, bodySerializer: (form: FormData) => form } : init;
}

/** The answer of an address of the API; `Problem` where it refuses. */
export function get<Answer>(path: ReadPath, given: Given = {}): Promise<Answer> {
  return asked("get", path, given);
}

export function post<Answer>(path: PathsWithMethod<paths, "post">, given: Given = {}): Promise<Answer> {
  return asked("post", path, given);
}

export function put<Answer>(path: PathsWithMethod<paths, "put">, given: Given = {}): Promise<Answer> {
  return asked("put", path, given);
}

export function patch<Answer>(path: PathsWithMethod<paths, "patch">, given: Given = {}): Promise<Answer> {
  return asked("patch", path, given);
}

export function remove<Answer>(path: PathsWithMethod<paths, "delete">, given: Given = {}): Promise<Answer> {
  return asked("delete", path, given);
}

/** A random key; also where the page came without https, and `crypto.randomUUID` is not there. */
export function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    byte.toString(16).padStart(2, "0"),
  ).join("");
}

const EVERY_PAGE = 200;

/** All items of a list that is short by nature, such as departments or roles. */
export async function everyItem<Item>(path: ReadPath, query: Given["query"] = {}): Promise<Item[]> {
  const items: Item[] = [];
  let after: string | null = "";
  while (after !== null) {
    const page: { items: Item[]; next: string | null } = await get(path, {
      query: { ...query, "page[size]": EVERY_PAGE, ...(after ? { "page[after]": after } : {}) },
    });
    items.push(...page.items);
    after = page.next;
  }
  return items;
}
