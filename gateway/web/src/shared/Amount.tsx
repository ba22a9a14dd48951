import { amount } from "./formats";

interface Props {
  value: string | null | undefined;
  currency?: string | null | undefined;
  strong?: boolean;
}

/** An amount with its currency; in tables the currency stands once, in the head. */
export function Amount({ value, currency, strong }: Props) {
  const text = amount(value);
  return (
    <span className="amount" style={strong ? { fontWeight: 600 } : {}}>
      {currency && text !== "—" ? `${currency} ${text}` : text}
    </span>
  );
}
