import { DashboardOutlined } from "@ant-design/icons";
import { lazy } from "react";
import type { PageEntry } from "../../app/pages";

export const PAGES: PageEntry[] = [
  {
    path: "/system",
    page: lazy(() => import("./System")),
    permission: "admin.system",
    menu: { group: "settings", text: "system.menu", icon: <DashboardOutlined />, place: 65 },
  },
];
