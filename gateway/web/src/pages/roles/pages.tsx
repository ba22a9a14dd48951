import { SafetyOutlined } from "@ant-design/icons";
import { lazy } from "react";
import type { PageEntry } from "../../app/pages";

export const PAGES: PageEntry[] = [
  {
    path: "/roles",
    page: lazy(() => import("./Roles")),
    permission: "admin.roles",
    menu: { group: "settings", text: "roles.menu", icon: <SafetyOutlined />, place: 62 },
  },
];
