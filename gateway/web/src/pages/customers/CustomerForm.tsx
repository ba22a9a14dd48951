import { MinusCircleOutlined, PlusOutlined } from "@ant-design/icons";
import { useQueryClient } from "@tanstack/react-query";
import { Alert, App, Button, Card, Col, Flex, Form, Input, Row, Space } from "antd";
import { useTranslation } from "react-i18next";
import { useNavigate, useParams } from "react-router";
import { patch, post } from "../../api/client";
import { type Customer, useCustomer } from "../../api/customers";
import { useMe } from "../../api/me";
import { FormFields, fromPlain, toPlain } from "../../forms/FormFields";
import { useForm } from "../../forms/useForm";
import { QUIET } from "../../shared/icons";
import { Page } from "../../shared/Page";
import { PersonSelect } from "../../shared/People";
import { useFormSubmit } from "../../shared/useFormSubmit";
import { useUnsaved } from "../../shared/useUnsaved";

const CORE = ["name", "code", "uscc", "region", "salesperson", "department"] as const;

/** Making a customer, or changing one: the core fields, contacts, and those of the company's own form. */
export default function CustomerForm() {
  const { t } = useTranslation();
  const { id } = useParams();
  const customer = useCustomer(id);
  const definition = useForm("customer");
  const ready = definition.data !== undefined && (id === undefined || customer.data !== undefined);
  return (
    <Page
      title={t(id ? "customers.editTitle" : "customers.new", { name: customer.data?.name })}
      permission={id ? "customers.update" : "customers.create"}
      loading={!ready && !definition.error && !customer.error}
      problem={definition.error ?? customer.error}
      retry={() => definition.refetch()}
    >
      {ready && <Fill customer={customer.data} />}
    </Page>
  );
}

function Fill({ customer }: { customer: Customer | undefined }) {
  const { t } = useTranslation();
  const { message } = App.useApp();
  const go = useNavigate();
  const known = useQueryClient();
  const me = useMe();
  const [form] = Form.useForm();
  const fields = useForm("customer").data?.fields ?? [];
  const unsaved = useUnsaved();
  const save = useFormSubmit(
    form,
    (values) => {
      const body = bodyOf(values, toPlain(fields, (values.fields ?? {}) as Record<string, unknown>));
      if (customer === undefined) return post<Customer>("/api/v1/customers", { body });
      const path = { customer_id: customer.id };
      return patch<Customer>("/api/v1/customers/{customer_id}", {
        path,
        body: { ...body, version: customer.version },
      });
    },
    (saved) => {
      unsaved.clear();
      known.invalidateQueries({ queryKey: ["customer"] });
      known.invalidateQueries({ queryKey: ["list"] });
      message.success(t("customers.saved"));
      go(`/customers/${saved.id}`, { replace: true });
    },
  );
  const needed = [{ required: true, message: t("sign-in.needed") }];
  const initial = customer
    ? { ...customer, fields: fromPlain(fields, customer.fields) }
    : { salesperson: me.data?.roles.includes("salesperson") ? me.data.user.username : undefined };
  return (
    <Form
      form={form}
      layout="vertical"
      onFinish={save.submit}
      onValuesChange={unsaved.mark}
      initialValues={initial}
      scrollToFirstError
      style={{ maxWidth: 960 }}
    >
      <Flex vertical gap={16}>
        {save.problem && <Alert type="error" showIcon title={save.problem} />}
        <Card size="small" title={t("customers.core")}>
          <Row gutter={16}>
            {CORE.map((name) => (
              <Col key={name} xs={24} md={12}>
                <Form.Item
                  name={name}
                  label={t(`customers.field.${name}`)}
                  rules={name === "name" ? needed : []}
                >
                  {name === "salesperson" ? <PersonSelect /> : <Input />}
                </Form.Item>
              </Col>
            ))}
          </Row>
        </Card>
        <Card size="small" title={t("customers.contacts")}>
          <Contacts />
        </Card>
        {fields.length > 0 && (
          <Card size="small" title={t("customers.more")}>
            <FormFields fields={fields} name="fields" />
          </Card>
        )}
        <Space>
          <Button type="primary" htmlType="submit" loading={save.pending} size="large">
            {t("customers.save")}
          </Button>
          <Button size="large" onClick={() => go(-1)}>
            {t("customers.cancel")}
          </Button>
        </Space>
      </Flex>
    </Form>
  );
}

function Contacts() {
  const { t } = useTranslation();
  return (
    <Form.List name="contacts">
      {(entries, { add, remove }) => (
        <Flex vertical gap={8} align="start">
          {entries.map(({ key, name }) => (
            <Row key={key} gutter={8} style={{ width: "100%" }} align="bottom">
              {(["name", "title", "mobile", "email"] as const).map((part) => (
                <Col key={part} xs={12} md={part === "email" ? 6 : 5}>
                  <Form.Item
                    name={[name, part]}
                    label={t(`customers.contact.${part}`)}
                    rules={part === "name" ? [{ required: true, message: t("sign-in.needed") }] : []}
                    style={{ marginBottom: 4 }}
                  >
                    <Input />
                  </Form.Item>
                </Col>
              ))}
              <Col flex="40px">
                <Button
                  type="text"
                  icon={<MinusCircleOutlined {...QUIET} />}
                  aria-label={t("customers.removeContact")}
                  onClick={() => remove(name)}
                />
              </Col>
            </Row>
          ))}
          <Button icon={<PlusOutlined {...QUIET} />} onClick={() => add()}>
            {t("customers.addContact")}
          </Button>
        </Flex>
      )}
    </Form.List>
  );
}

function bodyOf(values: Record<string, unknown>, fields: Record<string, unknown>) {
  const core = Object.fromEntries(
    CORE.filter((name) => values[name] !== undefined).map((name) => [
      name,
      values[name] === "" ? null : values[name],
    ]),
  );
  const contacts = ((values.contacts as Record<string, unknown>[] | undefined) ?? []).map((contact) =>
    Object.fromEntries(
      Object.entries(contact).filter(([, value]) => value !== "" && value !== null && value !== undefined),
    ),
  );
  return { ...core, contacts, fields };
}
