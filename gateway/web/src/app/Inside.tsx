import { Route, Routes } from "react-router";
import "../texts/pages";
import { Frame } from "./Frame";
import { NotFound } from "./NotFound";
import { PAGES } from "./pages";

/** Everything behind the door; loaded once somebody is signed in. */
export default function Inside() {
  return (
    <Routes>
      <Route element={<Frame />}>
        {PAGES.map(({ path, page: Page }) => (
          <Route key={path} path={path} element={<Page />} />
        ))}
        <Route path="*" element={<NotFound />} />
      </Route>
    </Routes>
  );
}
