import { HomeOutlined } from "@ant-design/icons";
import { lazy } from "react";
import type { PageEntry } from "../../app/pages";
import { QUIET } from "../../shared/icons";

export const PAGES: PageEntry[] = [
  {
    path: "/",
    page: lazy(() => import("./Home")),
    menu: { group: "home", text: "home.menu", icon: <HomeOutlined {...QUIET} />, place: 1 },
    phone: 1,
  },
];
