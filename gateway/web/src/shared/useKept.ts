import { useState } from "react";

/** A choice of this person at this browser, such as which columns they see; never anything of the company's. */
export function useKept<Value>(name: string, otherwise: Value): [Value, (value: Value) => void] {
  const key = `credit.${name}`;
  const [value, setValue] = useState<Value>(() => {
    try {
      return JSON.parse(localStorage.getItem(key) ?? "null") ?? otherwise;
    } catch {
      return otherwise;
    }
  });
  return [
    value,
    (next) => {
      localStorage.setItem(key, JSON.stringify(next));
      setValue(next);
    },
  ];
}
