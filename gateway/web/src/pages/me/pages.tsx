import { UserOutlined } from "@ant-design/icons";
import { lazy } from "react";
import type { PageEntry } from "../../app/pages";

export const PAGES: PageEntry[] = [
  {
    path: "/me",
    page: lazy(() => import("./Me")),
    menu: { group: "home", text: "me.menu", icon: <UserOutlined />, place: 9 },
    phone: 5,
    phoneOnly: true,
  },
];
