import { InboxOutlined } from "@ant-design/icons";
import { lazy } from "react";
import type { PageEntry } from "../../app/pages";
import { QUIET } from "../../shared/icons";

export const PAGES: PageEntry[] = [
  {
    path: "/inbox",
    page: lazy(() => import("./Inbox")),
    permission: "tasks.read",
    menu: { group: "home", text: "inbox.menu", icon: <InboxOutlined {...QUIET} />, place: 2 },
    phone: 2,
  },
];
