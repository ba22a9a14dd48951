import { QueryClientProvider } from "@tanstack/react-query";
import { ConfigProvider, App as Messages } from "antd";
import "dayjs/locale/zh-cn";
import dayjs from "dayjs";
import { lazy, Suspense, useEffect } from "react";
import { useTranslation } from "react-i18next";
import { HashRouter, Navigate, Route, Routes, useLocation } from "react-router";
import { useSession } from "../api/me";
import { queries } from "../api/queries";
import { locales } from "../texts";
import { Boundary } from "./Boundary";
import { useLook } from "./look";
import { THEMES } from "./theme";

const Inside = lazy(() => import("./Inside"));
const SignIn = lazy(() => import("../pages/sign-in/SignIn"));
const Forgotten = lazy(() => import("../pages/sign-in/Forgotten"));
const ResetPassword = lazy(() => import("../pages/sign-in/ResetPassword"));
const SingleSignOn = lazy(() => import("../pages/sign-in/SingleSignOn"));

/** Whoever asks their system for less motion gets none. */
const STILL = window.matchMedia("(prefers-reduced-motion: reduce)").matches;

export function App() {
  const { i18n, t } = useTranslation();
  const look = useLook();
  const english = i18n.language === "en";
  dayjs.locale(english ? "en" : "zh-cn");
  useEffect(() => {
    document.title = t("app.name");
    document.documentElement.dataset.look = look;
  }, [look, t]);
  return (
    <ConfigProvider
      theme={STILL ? { ...THEMES[look], token: { ...THEMES[look].token, motion: false } } : THEMES[look]}
      {...(locales[i18n.language] ? { locale: locales[i18n.language] } : {})}
      button={{ autoInsertSpace: false }}
      table={{ className: "dense" }}
    >
      <Messages style={{ height: "100%" }}>
        <QueryClientProvider client={queries}>
          <Boundary>
            <HashRouter>
              <Suspense fallback={<div aria-busy="true" />}>
                <Routes>
                  <Route path="/sign-in" element={<SignIn />} />
                  <Route path="/forgotten" element={<Forgotten />} />
                  <Route path="/reset-password/:token" element={<ResetPassword />} />
                  <Route path="/sso" element={<SingleSignOn />} />
                  <Route path="*" element={<SignedIn />} />
                </Routes>
              </Suspense>
            </HashRouter>
          </Boundary>
        </QueryClientProvider>
      </Messages>
    </ConfigProvider>
  );
}

function SignedIn() {
  const open = useSession();
  const { pathname, search } = useLocation();
  if (open) return <Inside />;
  const back = pathname === "/" ? "" : `?return_to=${encodeURIComponent(pathname + search)}`;
  return <Navigate to={`/sign-in${back}`} replace />;
}
