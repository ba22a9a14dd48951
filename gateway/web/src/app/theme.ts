import { theme as antd, type ThemeConfig } from "antd";

/** Every colour, size and font of the application, by light and by dark. */
const COMMON = {
  colorPrimary: "#1456f0",
  borderRadius: 6,
  fontSize: 14,
  fontFamily:
    'system-ui, -apple-system, "PingFang SC", "Noto Sans CJK SC", "Microsoft YaHei", "Segoe UI", sans-serif',
};

const LIGHT: ThemeConfig = {
  token: {
    ...COMMON,
    // Darker, not lighter: white words on it stay readable.
    colorPrimaryHover: "#0f47cc",
    colorSuccess: "#18794e",
    colorWarning: "#ad4e00",
    colorError: "#c62a2f",
    // Ant Design would make greys of such dark colours; the words on these have to be readable.
    colorSuccessBg: "#e9f6ef",
    colorWarningBg: "#fff4e5",
    colorErrorBg: "#fdecec",
    colorLink: "#1456f0",
    colorBgLayout: "#f4f6fa",
    colorTextDescription: "#5c6470",
    colorTextSecondary: "#4a515c",
    colorTextTertiary: "#5c6470",
    colorTextPlaceholder: "#6b7280",
    colorTextDisabled: "#6b7280",
    colorBorderSecondary: "#e6e9ef",
  },
  components: {
    Table: { cellPaddingBlockMD: 9, cellPaddingInlineMD: 12, headerBg: "#f7f8fb", headerColor: "#4a515c" },
    Layout: { siderBg: "#ffffff", headerBg: "#ffffff", headerHeight: 52, headerPadding: "0 20px" },
    Menu: { itemHeight: 38, itemBorderRadius: 6, subMenuItemBg: "transparent" },
    Statistic: { contentFontSize: 24 },
  },
};

const DARK: ThemeConfig = {
  algorithm: antd.darkAlgorithm,
  token: { ...COMMON, colorPrimary: "#5b8cff", colorLink: "#7ea6ff", colorBgLayout: "#0f1216" },
  components: {
    Table: { cellPaddingBlockMD: 9, cellPaddingInlineMD: 12 },
    Layout: { siderBg: "#16191f", headerBg: "#16191f", headerHeight: 52, headerPadding: "0 20px" },
    Menu: { itemHeight: 38, itemBorderRadius: 6, subMenuItemBg: "transparent" },
    Statistic: { contentFontSize: 24 },
  },
};

export const THEMES = { light: LIGHT, dark: DARK };
export type ThemeName = keyof typeof THEMES;

/** The stages of exposure, in the order in which an order passes them; one palette for bars and charts. */
export const STAGES = {
  reserved: "#7aa7ff",
  delivered: "#2f6bff",
  receivable: "#12389a",
  overdue: "#d9363e",
};
export const CHART = ["#1456f0", "#12a594", "#f59e0b", "#8b5cf6", "#e5484d", "#64748b", "#0891b2", "#ca8a04"];
/** Grades A–E on one sequential scale. */
export const GRADES: Record<string, string> = {
  A: "#0b7a4b",
  B: "#4b8f29",
  C: "#8f6a00",
  D: "#b4530a",
  E: "#b3261e",
};
/** The colours of states, as words on their ground; readable by light and by dark. */
export const TONES = {
  good: { color: "#14532d", background: "#dcf5e3" },
  waits: { color: "#0b3fa8", background: "#e3edff" },
  warns: { color: "#7c3a00", background: "#ffefd6" },
  stops: { color: "#98141b", background: "#ffe5e5" },
  over: { color: "#5b21b6", background: "#efe6ff" },
  gone: { color: "#4a515c", background: "#eceef2" },
};
