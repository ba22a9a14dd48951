import { UserOutlined } from "@ant-design/icons";
import { lazy } from "react";
import type { PageEntry } from "../../app/pages";
import { QUIET } from "../../shared/icons";

export const PAGES: PageEntry[] = [
  {
    path: "/me",
    page: lazy(() => import("./Me")),
    menu: { group: "home", text: "me.menu", icon: <UserOutlined {...QUIET} />, place: 9 },
    phone: 5,
    phoneOnly: true,
  },
];
