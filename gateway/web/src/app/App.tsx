import { QueryClientProvider } from "@tanstack/react-query";
import { App as Messages, ConfigProvider } from "antd";
import enUS from "antd/locale/en_US";
import zhCN from "antd/locale/zh_CN";
import { lazy, Suspense } from "react";
import { useTranslation } from "react-i18next";
import { HashRouter, Navigate, Route, Routes, useLocation } from "react-router";
import { useToken } from "../api/me";
import { queries } from "../api/queries";
import { Frame } from "./Frame";
import { NotFound } from "./NotFound";
import { PAGES } from "./pages";
import { theme } from "./theme";

const SignIn = lazy(() => import("../pages/sign-in/SignIn"));
const Forgotten = lazy(() => import("../pages/sign-in/Forgotten"));
const ResetPassword = lazy(() => import("../pages/sign-in/ResetPassword"));
const SingleSignOn = lazy(() => import("../pages/sign-in/SingleSignOn"));

export function App() {
  const { i18n } = useTranslation();
  return (
    <ConfigProvider theme={theme} locale={i18n.language === "en" ? enUS : zhCN} button={{ autoInsertSpace: false }}>
      <Messages style={{ height: "100%" }}>
        <QueryClientProvider client={queries}>
          <HashRouter>
            <Suspense fallback={<div aria-busy="true" />}>
              <Routes>
                <Route path="/sign-in" element={<SignIn />} />
                <Route path="/forgotten" element={<Forgotten />} />
                <Route path="/reset-password/:token" element={<ResetPassword />} />
                <Route path="/sso" element={<SingleSignOn />} />
                <Route element={<SignedIn />}>
                  {PAGES.map(({ path, page: Page }) => (
                    <Route key={path} path={path} element={<Page />} />
                  ))}
                  <Route path="*" element={<NotFound />} />
                </Route>
              </Routes>
            </Suspense>
          </HashRouter>
        </QueryClientProvider>
      </Messages>
    </ConfigProvider>
  );
}

function SignedIn() {
  const token = useToken();
  const { pathname, search } = useLocation();
  if (token === null) {
    return <Navigate to={`/sign-in?return_to=${encodeURIComponent(pathname + search)}`} replace />;
  }
  return <Frame />;
}
