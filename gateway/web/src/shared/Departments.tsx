import { useQuery } from "@tanstack/react-query";
import { TreeSelect } from "antd";
import { useTranslation } from "react-i18next";
import { everyItem } from "../api/client";
import { useMay } from "../api/me";

export interface Department {
  id: string;
  code: string;
  name: string;
  parent: string | null;
  head: string | null;
  version: number;
}

export interface DepartmentNode extends Department {
  children?: DepartmentNode[];
}

/** All departments, for those who may see them. */
export function useDepartments() {
  const may = useMay("admin.departments");
  return useQuery({
    queryKey: ["departments"],
    queryFn: () => everyItem<Department>("/api/v1/departments"),
    enabled: may,
  });
}

/** Departments below their parents; one whose parent is not there stands at the top. */
export function treeOf(departments: Department[]): DepartmentNode[] {
  const known = new Set(departments.map(({ code }) => code));
  const below = (parent: string | null): DepartmentNode[] =>
    departments
      .filter((each) =>
        parent === null ? each.parent === null || !known.has(each.parent) : each.parent === parent,
      )
      .map((each) => {
        const children = below(each.code);
        return children.length > 0 ? { ...each, children } : each;
      });
  return below(null);
}

/** A department's name, for its code. */
export function useDepartmentName(): (code: string | null | undefined) => string {
  const found = useDepartments();
  const names = new Map(found.data?.map(({ code, name }) => [code, name]));
  return (code) => (code ? (names.get(code) ?? code) : "—");
}

interface SelectProps {
  id?: string;
  several?: boolean;
  value?: string | string[];
  onChange?: (value: string | string[]) => void;
  /** A department that cannot be chosen, with all below it. */
  without?: string;
  label?: string;
}

/** Choosing departments, in their tree. */
export function DepartmentSelect({ several = false, without, label, ...rest }: SelectProps) {
  const { t } = useTranslation();
  const found = useDepartments();
  const nodes = (of: DepartmentNode[]): object[] =>
    of
      .filter(({ code }) => code !== without)
      .map(({ code, name, children }) => ({
        value: code,
        title: name,
        ...(children ? { children: nodes(children) } : {}),
      }));
  return (
    <TreeSelect<string | string[]>
      {...rest}
      {...(label ? { "aria-label": label } : {})}
      multiple={several}
      treeDefaultExpandAll
      allowClear
      showSearch={{ treeNodeFilterProp: "title" }}
      placeholder={t("departments.choose")}
      loading={found.isFetching}
      treeData={nodes(treeOf(found.data ?? []))}
      style={{ width: "100%" }}
    />
  );
}
