import { InputNumber, type InputNumberProps } from "antd";

const GROUPED = /\B(?=(\d{3})+(?!\d))/g;

/** "1234567.5" as "1,234,567.5", as far as it has been typed. */
export function grouped(value: string | number | undefined): string {
  const [whole = "", fraction] = String(value ?? "").split(".");
  const text = whole.replace(GROUPED, ",");
  return fraction === undefined ? text : `${text}.${fraction}`;
}

/** An amount as decimal text, exact for any length, with thousands separators while it is typed. */
export function MoneyInput(props: Omit<InputNumberProps<string>, "formatter" | "parser" | "stringMode">) {
  return (
    <InputNumber<string>
      stringMode
      min="0"
      precision={2}
      style={{ width: "100%" }}
      {...props}
      formatter={grouped}
      parser={(text) => (text ?? "").replace(/[,\s]/g, "")}
    />
  );
}
