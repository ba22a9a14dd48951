import { createRoot } from "react-dom/client";
import "./app/base.css";
import { App } from "./app/App";
import { chosen } from "./texts";

const root = document.getElementById("root");
if (root === null) throw new Error("the page has no #root");
const ready = createRoot(root);
chosen.then(() => ready.render(<App />));

// A new release has taken the files away that this page would load next.
window.addEventListener("vite:preloadError", () => window.location.reload());

if (import.meta.env.PROD && "serviceWorker" in navigator) {
  navigator.serviceWorker.register("/sw.js");
}
