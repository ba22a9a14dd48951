import { PauseCircleOutlined } from "@ant-design/icons";
import { lazy } from "react";
import type { PageEntry } from "../../app/pages";

export const PAGES: PageEntry[] = [
  {
    path: "/parked-events",
    page: lazy(() => import("./ParkedEvents")),
    permission: "admin.parked",
    menu: { group: "settings", text: "parked-events.menu", icon: <PauseCircleOutlined />, place: 64 },
  },
];
