import { useTranslation } from "react-i18next";
import { useMe } from "../api/me";
import { amount, chartNumber, instant } from "./formats";

/** How values are written for the person who looks: in their language, on the company's clock. */
export function useFormats() {
  const { i18n } = useTranslation();
  const zone = useMe().data?.timezone;
  return {
    amount,
    instant: (value: string | null | undefined) => instant(value, zone),
    chartNumber: (value: number) => chartNumber(value, i18n.language),
  };
}
