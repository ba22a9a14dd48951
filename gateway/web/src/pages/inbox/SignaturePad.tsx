import { Button, theme } from "antd";
import { type PointerEvent, type Ref, useImperativeHandle, useRef, useState } from "react";
import { useTranslation } from "react-i18next";

export interface SignatureRef {
  /** What was drawn, as a PNG data URL; null when nothing was. */
  read: () => string | null;
}

const WIDTH = 440;
const HEIGHT = 140;

/** Where one signs with a finger, a pen or the mouse. */
export function SignaturePad({ ref }: { ref: Ref<SignatureRef> }) {
  const { t } = useTranslation();
  const { token } = theme.useToken();
  const canvas = useRef<HTMLCanvasElement>(null);
  const [drawn, setDrawn] = useState(false);
  useImperativeHandle(ref, () => ({
    read: () => (drawn ? (canvas.current?.toDataURL("image/png") ?? null) : null),
  }));
  const point = (event: PointerEvent<HTMLCanvasElement>): [number, number] => {
    const { left, top, width, height } = event.currentTarget.getBoundingClientRect();
    return [((event.clientX - left) * WIDTH) / width, ((event.clientY - top) * HEIGHT) / height];
  };
  const begin = (event: PointerEvent<HTMLCanvasElement>) => {
    event.currentTarget.setPointerCapture(event.pointerId);
    const pen = event.currentTarget.getContext("2d");
    if (pen === null) return;
    pen.lineWidth = 2.5;
    pen.lineCap = "round";
    pen.strokeStyle = "#111827";
    pen.beginPath();
    pen.moveTo(...point(event));
  };
  const draw = (event: PointerEvent<HTMLCanvasElement>) => {
    if (event.buttons === 0) return;
    const pen = event.currentTarget.getContext("2d");
    pen?.lineTo(...point(event));
    pen?.stroke();
    setDrawn(true);
  };
  const clear = () => {
    canvas.current?.getContext("2d")?.clearRect(0, 0, WIDTH, HEIGHT);
    setDrawn(false);
  };
  return (
    <div>
      <canvas
        ref={canvas}
        width={WIDTH}
        height={HEIGHT}
        onPointerDown={begin}
        onPointerMove={draw}
        aria-label={t("inbox.signature")}
        style={{
          width: "100%",
          touchAction: "none",
          background: "#fff",
          border: `1px dashed ${token.colorBorder}`,
          borderRadius: token.borderRadius,
        }}
      />
      <Button size="small" onClick={clear} disabled={!drawn}>
        {t("inbox.clear")}
      </Button>
    </div>
  );
}
