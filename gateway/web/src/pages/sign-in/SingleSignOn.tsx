import { useQuery } from "@tanstack/react-query";
import { Alert, Spin } from "antd";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useSearchParams } from "react-router";
import { post } from "../../api/client";
import { told } from "../../api/problem";
import { Door } from "./Door";
import { SecondFactor } from "./SecondFactor";
import { type Step, useGoIn } from "./signIn";

/** Back from the company's sign-in service: the ticket is good once. */
export default function SingleSignOn() {
  const { t } = useTranslation();
  const [place] = useSearchParams();
  const goIn = useGoIn();
  const [step, setStep] = useState<Step | null>(null);
  const ticket = place.get("ticket") ?? "";
  const back = place.get("return_to");
  const redeemed = useQuery({
    queryKey: ["sso", ticket],
    queryFn: () => post<Step>("/api/v1/auth/sso:redeem", { body: { ticket } }),
    retry: false,
    staleTime: Number.POSITIVE_INFINITY,
    refetchOnWindowFocus: false,
  });
  const answer = redeemed.data;
  // biome-ignore lint/correctness/useExhaustiveDependencies: once for each answer, wherever the person then goes
  useEffect(() => {
    if (answer?.csrf_token) goIn(back);
    else if (answer?.ticket) setStep(answer);
  }, [answer]);
  if (step?.ticket) {
    return (
      <SecondFactor step={step} ticket={step.ticket} goIn={() => goIn(back)} restart={() => setStep(null)} />
    );
  }
  return (
    <Door title={t("sign-in.title")}>
      {redeemed.error ? (
        <Alert
          type="error"
          showIcon
          title={told(redeemed.error, t("sign-in.problem"))}
          description={<Link to="/sign-in">{t("sign-in.back")}</Link>}
        />
      ) : (
        <Spin />
      )}
    </Door>
  );
}
