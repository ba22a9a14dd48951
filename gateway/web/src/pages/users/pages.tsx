import { UserOutlined } from "@ant-design/icons";
import { lazy } from "react";
import type { PageEntry } from "../../app/pages";

export const PAGES: PageEntry[] = [
  {
    path: "/users",
    page: lazy(() => import("./Users")),
    permission: "admin.users",
    menu: { group: "settings", text: "users.menu", icon: <UserOutlined />, place: 60 },
  },
];
