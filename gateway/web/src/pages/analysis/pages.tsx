import { FundOutlined } from "@ant-design/icons";
import { lazy } from "react";
import type { PageEntry } from "../../app/pages";
import { QUIET } from "../../shared/icons";

export const PAGES: PageEntry[] = [
  {
    path: "/analysis",
    page: lazy(() => import("./Dashboards")),
    permission: "dashboards.read",
    menu: { group: "analysis", text: "analysis.menu", icon: <FundOutlined {...QUIET} />, place: 1 },
    phone: 4,
  },
];
