import { FileTextOutlined } from "@ant-design/icons";
import { lazy } from "react";
import type { PageEntry } from "../../app/pages";
import { QUIET } from "../../shared/icons";

export const PAGES: PageEntry[] = [
  {
    path: "/applications",
    page: lazy(() => import("./ApplicationList")),
    permission: "applications.read",
    menu: { group: "credit", text: "applications.menu", icon: <FileTextOutlined {...QUIET} />, place: 1 },
  },
  {
    path: "/applications/new",
    page: lazy(() => import("./ApplicationForm")),
    permission: "applications.create",
  },
  {
    path: "/applications/:id",
    page: lazy(() => import("./ApplicationRecord")),
    permission: "applications.read",
  },
  {
    path: "/applications/:id/edit",
    page: lazy(() => import("./ApplicationForm")),
    permission: "applications.create",
  },
];
