import { useCallback, useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";

/** Asks before what was filled in is left: by closing the page, or by a link of the frame. */
export function useUnsaved() {
  const { t } = useTranslation();
  const dirty = useRef(false);
  useEffect(() => {
    const leaving = (event: BeforeUnloadEvent) => dirty.current && event.preventDefault();
    const following = (event: MouseEvent) => {
      const link = event.target instanceof Element ? event.target.closest("a[href^='#']") : null;
      if (!dirty.current || link === null) return;
      if (window.confirm(t("page.unsaved"))) dirty.current = false;
      else {
        event.preventDefault();
        event.stopPropagation();
      }
    };
    window.addEventListener("beforeunload", leaving);
    document.addEventListener("click", following, true);
    return () => {
      window.removeEventListener("beforeunload", leaving);
      document.removeEventListener("click", following, true);
    };
  }, [t]);
  return {
    mark: useCallback(() => {
      dirty.current = true;
    }, []),
    clear: useCallback(() => {
      dirty.current = false;
    }, []),
  };
}
