import { useTranslation } from "react-i18next";
import { Person } from "../../shared/People";

const OF_SERVICE = "service:";

/** A person by name; what a service does by itself is told as such. */
export function Actor({ name }: { name: string }) {
  const { t } = useTranslation();
  if (!name.startsWith(OF_SERVICE)) return <Person username={name} />;
  return <>{t("audit.byItself", { name: t(`system.service.${name.slice(OF_SERVICE.length)}`) })}</>;
}
