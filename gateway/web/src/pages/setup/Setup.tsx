import { Flex } from "antd";
import { useTranslation } from "react-i18next";
import { Page } from "../../shared/Page";
import { Guide } from "./Guide";
import { SampleData } from "./SampleData";

/** What a fresh installation needs, in its order; or the sample company, to look around first. */
export default function Setup() {
  const { t } = useTranslation();
  return (
    <Page title={t("setup.title")} permission="admin.system">
      <Flex vertical gap={16} style={{ maxWidth: 860 }}>
        <Guide />
        <SampleData />
      </Flex>
    </Page>
  );
}
