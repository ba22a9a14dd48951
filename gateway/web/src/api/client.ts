import createClient, { type Middleware } from "openapi-fetch";
import type { paths } from "./schema";
import { session } from "./session";

const authorized: Middleware = {
  onRequest({ request }) {
    const token = session.token();
    if (token !== null) request.headers.set("Authorization", `Bearer ${token}`);
    return request;
  },
  async onResponse({ request, response }) {
    if (response.status === 401 && !request.url.includes("/auth/")) session.end();
    return response;
  },
};

/** The API, typed by its OpenAPI document. Answers `{data}` or `{error}`; `ask` throws the error instead. */
export const api = createClient<paths>({ baseUrl: "/" });
api.use(authorized);
