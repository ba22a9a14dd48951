import {
  CheckCircleOutlined,
  ClockCircleOutlined,
  ExclamationCircleOutlined,
  LockOutlined,
  MinusCircleOutlined,
  RiseOutlined,
  StopOutlined,
} from "@ant-design/icons";
import { Tag } from "antd";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { GRADES, TONES } from "../app/theme";
import { QUIET } from "./icons";

interface Look {
  tone: keyof typeof TONES;
  icon: ReactNode;
}

const GOOD: Look = { tone: "good", icon: <CheckCircleOutlined {...QUIET} /> };
const WAITS: Look = { tone: "waits", icon: <ClockCircleOutlined {...QUIET} /> };
const WARNS: Look = { tone: "warns", icon: <ExclamationCircleOutlined {...QUIET} /> };
const STOPS: Look = { tone: "stops", icon: <LockOutlined {...QUIET} /> };
const OVER: Look = { tone: "over", icon: <RiseOutlined {...QUIET} /> };
const GONE: Look = { tone: "gone", icon: <MinusCircleOutlined {...QUIET} /> };
const REFUSED: Look = { tone: "stops", icon: <StopOutlined {...QUIET} /> };

/** The look of each state, the same everywhere: of credit accounts, applications, orders, tasks and documents. */
const LOOKS: Record<string, Look> = {
  amount: GOOD,
  unlimited: GOOD,
  unset: GONE,
  zero: GONE,
  expired: GONE,
  frozen: STOPS,
  "over-limit": OVER,
  over_limit: OVER,
  draft: GONE,
  submitted: WAITS,
  in_approval: WAITS,
  running: WAITS,
  open: WAITS,
  waiting: WAITS,
  returned: WARNS,
  effective: GOOD,
  approved: GOOD,
  done: GOOD,
  rejected: REFUSED,
  withdrawn: GONE,
  terminated: GONE,
  parked: WARNS,
  reserved: GOOD,
  held: WARNS,
  refused: REFUSED,
  closed: GONE,
  cancelled: GONE,
  released: GOOD,
  recorded: GOOD,
  reversed: GONE,
  approve: GOOD,
  reject: REFUSED,
  return: WARNS,
  superseded: GONE,
  paid: GOOD,
  granting: WAITS,
  grant_failed: WARNS,
};

/** A state as word, icon and colour; never by colour alone. */
export function StateTag({ kind, state }: { kind: string; state: string | null | undefined }) {
  const { t } = useTranslation();
  if (!state) return <>—</>;
  const { tone, icon } = LOOKS[state] ?? WAITS;
  return (
    <Tag icon={icon} variant="filled" style={{ ...TONES[tone], marginInlineEnd: 0 }}>
      {t(`state.${kind}.${state}`, { defaultValue: state })}
    </Tag>
  );
}

export function Grade({ grade }: { grade: string | null | undefined }) {
  const { t } = useTranslation();
  if (!grade) return <>—</>;
  return (
    <span
      role="img"
      aria-label={t("grade", { grade })}
      style={{
        display: "inline-grid",
        placeItems: "center",
        minWidth: 22,
        height: 22,
        borderRadius: 4,
        color: "#fff",
        fontWeight: 600,
        background: GRADES[grade.charAt(0)] ?? "#64748b",
      }}
    >
      {grade}
    </span>
  );
}
