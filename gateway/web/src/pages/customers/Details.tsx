import { Descriptions, Flex } from "antd";
import { useTranslation } from "react-i18next";
import type { Customer } from "../../api/customers";
import { type FormField, flat, labelOf } from "../../forms/definition";
import { useForm } from "../../forms/useForm";
import { DataTable } from "../../shared/DataTable";
import { amount } from "../../shared/formats";
import { Person } from "../../shared/People";

/** What is known of a customer: the core, its contacts, and the fields of the company's own form. */
export default function Details({ customer }: { customer: Customer }) {
  const { t, i18n } = useTranslation();
  const fields = flat(useForm("customer").data?.fields ?? []);
  return (
    <Flex vertical gap={16}>
      <Descriptions
        bordered
        size="small"
        column={{ xs: 1, md: 2 }}
        items={[
          { key: "code", label: t("customers.field.code"), children: customer.code },
          { key: "uscc", label: t("customers.field.uscc"), children: customer.uscc ?? "—" },
          { key: "region", label: t("customers.field.region"), children: customer.region ?? "—" },
          {
            key: "salesperson",
            label: t("customers.field.salesperson"),
            children: <Person username={customer.salesperson} />,
          },
          { key: "department", label: t("customers.field.department"), children: customer.department ?? "—" },
          ...fields
            .filter(({ key }) => customer.fields[key] !== undefined && customer.fields[key] !== null)
            .map((field) => ({
              key: field.key,
              label: labelOf(field.label, i18n.language),
              children: shown(field, customer.fields[field.key], i18n.language, t("yes"), t("no")),
            })),
        ]}
      />
      <DataTable
        rowKey={(contact) => `${contact.name}${contact.mobile}${contact.email}`}
        dataSource={customer.contacts}
        scroll={{ x: 500 }}
        locale={{ emptyText: t("customers.empty.contacts") }}
        columns={(["name", "title", "mobile", "phone", "email"] as const).map((part) => ({
          key: part,
          title: t(`customers.contact.${part}`),
          dataIndex: part,
        }))}
      />
    </Flex>
  );
}

function shown(field: FormField, value: unknown, language: string, yes: string, no: string): string {
  const word = (each: unknown) =>
    labelOf(field.options?.find((option) => option.value === each)?.label, language) || String(each);
  if (typeof value === "boolean") return value ? yes : no;
  if (Array.isArray(value)) return value.map(word).join("、");
  if (field.type === "money") return amount(String(value));
  return typeof value === "object" ? JSON.stringify(value) : word(value);
}
