import {
  Checkbox,
  Col,
  DatePicker,
  Divider,
  Form,
  Input,
  InputNumber,
  Radio,
  Rate,
  Row,
  Select,
  Slider,
  Switch,
  Typography,
} from "antd";
import dayjs, { type Dayjs } from "dayjs";
import { type ReactNode, useMemo } from "react";
import { useTranslation } from "react-i18next";
import { useMe } from "../api/me";
import { grouped, MoneyInput } from "../shared/MoneyInput";
import { PersonSelect } from "../shared/People";
import { type FormField, flat, labelOf } from "./definition";
import { liveOf } from "./live";

const WIDE = new Set(["textarea", "rich_text", "note", "divider", "checkbox_group"]);

interface Props {
  fields: FormField[];
  /** Below which name of the form's values they stand. */
  name: string;
}

/** The fields of a form's definition, with what is seen, needed and computed following what is filled in. */
export function FormFields({ fields, name }: Props) {
  const { i18n, t } = useTranslation();
  const zone = useMe().data?.timezone ?? "Asia/Shanghai";
  const values = (Form.useWatch(name) ?? {}) as Record<string, unknown>;
  const plain = useMemo(() => toPlain(fields, values), [fields, values]);
  const live = useMemo(() => {
    return liveOf(fields, plain, { now: new Date().toISOString(), zone });
  }, [fields, plain, zone]);
  return (
    <Row gutter={16}>
      {flat(fields).map((field) => {
        const state = live.states[field.key];
        if (state && !state.visible) return null;
        return (
          <Col key={field.key} xs={24} md={WIDE.has(field.type) ? 24 : 12}>
            {field.type === "divider" ? (
              <Divider titlePlacement="start">{labelOf(field.label, i18n.language)}</Divider>
            ) : field.type === "note" ? (
              <Typography.Paragraph type="secondary">
                {labelOf(field.text, i18n.language)}
              </Typography.Paragraph>
            ) : field.formula !== undefined ? (
              <Form.Item label={labelOf(field.label, i18n.language)}>
                <Typography.Text strong className="amount">
                  {written(live.computed[field.key])} {field.unit}
                </Typography.Text>
              </Form.Item>
            ) : (
              <Form.Item
                name={[name, field.key]}
                label={labelOf(field.label, i18n.language)}
                extra={labelOf(field.help, i18n.language)}
                {...(field.type === "switch" ? { valuePropName: "checked" } : {})}
                rules={state?.required ? [{ required: true, message: t("sign-in.needed") }] : []}
              >
                {input(field, i18n.language)}
              </Form.Item>
            )}
          </Col>
        );
      })}
    </Row>
  );
}

function input(field: FormField, language: string): ReactNode {
  const options =
    field.options?.map(({ value, label }) => ({ value, label: labelOf(label, language) })) ?? [];
  const wide = { style: { width: "100%" } };
  const bounds = {
    ...(field.minimum === undefined ? {} : { min: String(field.minimum) }),
    ...(field.maximum === undefined ? {} : { max: String(field.maximum) }),
  };
  switch (field.type) {
    case "select":
      return <Select allowClear showSearch={{ optionFilterProp: "label" }} options={options} />;
    case "radio":
      return <Radio.Group options={options} />;
    case "multi_select":
      return <Select mode="multiple" allowClear options={options} />;
    case "checkbox_group":
      return <Checkbox.Group options={options} />;
    case "tags":
      return <Select mode="tags" />;
    case "switch":
      return <Switch />;
    case "number":
    case "percent":
      return (
        <InputNumber stringMode {...bounds} {...wide} suffix={field.type === "percent" ? "%" : field.unit} />
      );
    case "money":
      return <MoneyInput {...bounds} />;
    case "rating":
      return <Rate count={field.stars ?? 5} />;
    case "slider":
      return <Slider min={Number(field.minimum ?? 0)} max={Number(field.maximum ?? 100)} />;
    case "date":
      return <DatePicker {...wide} />;
    case "datetime":
      return <DatePicker showTime {...wide} />;
    case "year_month":
      return <DatePicker picker="month" {...wide} />;
    case "user":
      return <PersonSelect />;
    case "textarea":
    case "rich_text":
      return <Input.TextArea autoSize={{ minRows: 2, maxRows: 8 }} {...lengthOf(field)} />;
    default:
      return <Input {...lengthOf(field)} />;
  }
}

function lengthOf({ max_length }: FormField): { maxLength?: number } {
  return max_length === undefined ? {} : { maxLength: max_length };
}

function written(value: unknown): string {
  if (value === null || value === undefined) return "—";
  return typeof value === "string" && /^-?\d+(\.\d+)?$/.test(value) ? grouped(value) : String(value);
}

const DATES: Record<string, string> = { date: "YYYY-MM-DD", year_month: "YYYY-MM" };

/** What a form's fields hold, as the API takes it. */
export function toPlain(fields: FormField[], values: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    flat(fields)
      .filter((field) => field.formula === undefined && values[field.key] !== undefined)
      .map((field) => {
        const value = values[field.key];
        if (!dayjs.isDayjs(value)) return [field.key, value === "" ? null : value];
        const format = DATES[field.type];
        return [field.key, format ? value.format(format) : value.toISOString()];
      }),
  );
}

/** What the API answers, as a form's fields hold it. */
export function fromPlain(fields: FormField[], values: Record<string, unknown>): Record<string, unknown> {
  const dated = (field: FormField, value: unknown): unknown | Dayjs =>
    typeof value === "string" && (field.type === "datetime" || DATES[field.type]) ? dayjs(value) : value;
  return Object.fromEntries(
    flat(fields)
      .filter(({ key }) => values[key] !== undefined && values[key] !== null)
      .map((field) => [field.key, dated(field, values[field.key])]),
  );
}
