"""What people are told of a fault in a definition or a record, in Chinese and in English, by its code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from marshmallow import ValidationError

# Codes of `services.common.fields` are here with their English alone: their Chinese comes with the error.
TEXTS: dict[str, tuple[str, str]] = {
    "required": ("必填", "is required"),
    "null": ("不能为空", "must not be empty"),
    "unknown_field": ("未知字段", "is no field of this form"),
    "blank": ("不能为空", "must not be blank"),
    "not_text": ("应为文本", "must be a text"),
    "too_long": ("最多 {most} 个字符", "is longer than {most} characters"),
    "too_short": ("至少 {least} 个字符", "is shorter than {least} characters"),
    "control_character": ("包含不允许的控制字符", "contains a control character"),
    "not_a_number": ("应为数字", "must be a number"),
    "not_an_integer": ("应为整数", "must be a whole number"),
    "too_precise": ("最多 {most} 位小数", "has more than {most} decimals"),
    "below_minimum": ("不能小于 {least}", "must not be less than {least}"),
    "above_maximum": ("不能大于 {most}", "must not be more than {most}"),
    "off_step": ("应为 {least} 起每 {step} 一档", "must be {least} plus a multiple of {step}"),
    "amount_not_text": ("金额应为十进制数字文本", "must be decimal text"),
    "amount_malformed": ("金额格式不正确", "is no amount"),
    "amount_too_precise": ("小数位数超过币种的精度", "has more decimals than the currency"),
    "amount_too_large": ("金额过大", "is too large an amount"),
    "date_malformed": ("日期应为 YYYY-MM-DD", "must be a date, YYYY-MM-DD"),
    "date_unknown": ("日期不存在", "is a date that does not exist"),
    "date_range": ("日期超出范围", "is a date out of range"),
    "instant_malformed": ("时间应为带时区的 ISO 8601 格式", "must be an instant with its offset, ISO 8601"),
    "instant_unknown": ("时间不存在", "is an instant that does not exist"),
    "instant_range": ("时间超出范围", "is an instant out of range"),
    "time_malformed": ("时间应为 HH:MM 或 HH:MM:SS", "must be a time, HH:MM or HH:MM:SS"),
    "year_month_malformed": ("年月应为 YYYY-MM", "must be a month, YYYY-MM"),
    "range_reversed": ("结束不能早于开始", "ends before it begins"),
    "not_a_flag": ("应为 true 或 false", "must be true or false"),
    "not_a_list": ("应为列表", "must be a list"),
    "not_an_object": ("应为 JSON 对象", "must be a JSON object"),
    "not_a_choice": ("不在可选项中", "is none of the choices"),
    "choice_not_now": ("按联动条件当前不可选", "may not be chosen as the other fields stand"),
    "choice_twice": ("选项重复", "names a choice twice"),
    "too_few": ("至少 {least} 项", "has fewer than {least} items"),
    "too_many": ("最多 {most} 项", "has more than {most} items"),
    "not_a_region": ("不是有效的行政区划代码", "is no code of a region"),
    "region_level": ("应选到{level}", "must be a region at the level {level_en}"),
    "mobile": ("不是有效的手机号码", "is no mobile number"),
    "phone": ("不是有效的电话号码", "is no telephone number"),
    "email": ("不是有效的邮箱地址", "is no mail address"),
    "url": ("不是有效的网址 (http 或 https)", "is no web address (http or https)"),
    "uscc_length": ("统一社会信用代码应为 18 位", "must have 18 characters"),
    "uscc_character": ("统一社会信用代码含有不允许的字符", "has a character that no credit code has"),
    "uscc_check_character": ("统一社会信用代码校验位不正确", "has a wrong check character"),
    "id_card": ("不是有效的身份证号", "is no resident identity number"),
    "bank_account": ("银行账号应为 8 到 32 位数字", "must be an account number of 8 to 32 digits"),
    "bank_card_check": ("银行卡号校验位不正确", "has a wrong check digit"),
    "barcode": ("不是有效的 {symbology} 条码", "is no {symbology} code"),
    "colour": ("颜色应为 #RRGGBB", "must be a colour, #RRGGBB"),
    "not_a_file": ("应为文件 {{id, name, size_bytes, content_type}}",
                   "must be a file {{id, name, size_bytes, content_type}}"),
    "nobody": ("{what} 不存在", "names {what}, whom there is not"),
    "file_unknown": ("没有这个文件, 请先为该字段上传", "names a file that was not uploaded for this field"),
    "file_kind": ("不支持的文件类型, 允许 {allowed}", "is of a kind that is not allowed ({allowed})"),
    "file_size": ("文件不能超过 {most} MB", "is larger than {most} MB"),
    "not_an_id": ("应为 UUID", "must be a UUID"),
    "not_a_key": ("应为用户名、部门编码或角色代码", "must be a username, department code or role key"),
    "location": ("位置应为 {{longitude, latitude, address}}", "must be {{longitude, latitude, address}}"),
    "json_too_large": ("JSON 不能超过 {most} 字节", "is JSON of more than {most} bytes"),
    "read_only": ("只读, 不能填写", "is read-only"),
    "computed": ("由系统计算, 不能填写", "is computed and cannot be written"),
    "hidden_field": ("按显示条件当前不可填写", "is hidden as the other fields stand"),
    "no_value": ("布局元素没有值", "is a layout element without a value"),
    "pattern": ("格式不正确", "has another format"),
    "computing_failed": ("无法计算: {why}", "cannot be computed: {why_en}"),
    "relation_unknown": ("关联的记录不存在", "names a record that does not exist"),
    # Of definitions.
    "not_here": ("该表单由系统内置列保存, 不支持 {what}", "this form keeps typed columns and has no {what}"),
    "key_malformed": ("应以文字开头, 只含文字、数字和下划线, 最多 50 个字符",
                      "must begin with a letter and hold letters, digits and underscores, at most 50"),
    "key_twice": ("字段 {key} 重复", "field {key} is there twice"),
    "type_unknown": ("未知的字段类型 {type}", "unknown field type {type}"),
    "too_many_fields": ("字段最多 {most} 个", "a form has at most {most} fields"),
    "definition_too_large": ("表单定义最大 {most} KB", "a definition has at most {most} KB"),
    "options": ("需要选项", "needs options"),
    "options_twice": ("选项重复", "an option is there twice"),
    "pattern_invalid": ("正则表达式无法编译: {why}", "the pattern does not compile: {why}"),
    "field_missing": ("没有字段 {key}", "there is no field {key}"),
    "field_unfit": ("字段 {key} 不能用在这里", "field {key} cannot be used here"),
    "default_invalid": ("默认值不符合该字段: {why}", "the default does not fit the field: {why_en}"),
    "default_twice": ("默认值与默认公式只能填一个", "there is a default and a default formula"),
    "not_searchable": ("该类型不能建立检索", "a field of this type cannot be searchable"),
    "not_unique": ("该类型不能要求唯一", "a field of this type cannot be unique"),
    "range_empty": ("最小值大于最大值", "the minimum is above the maximum"),
    "nested": ("子表中不能再有 {type}", "a sub-table cannot hold a {type_en}"),
    "form_missing": ("没有表单 {key}", "there is no form {key}"),
}  # fmt: skip


@dataclass(frozen=True)
class Fault:
    """One fault: where (a path, `""` for the thing itself), its code, and its two texts."""

    path: str
    code: str
    zh: str
    en: str

    def below(self, start: str) -> Fault:
        """The same fault, seen from outside."""
        path = ".".join(part for part in (start, self.path) if part)
        return Fault(path, self.code, self.zh, self.en)

    def as_error(self) -> dict[str, Any]:
        """As answers tell it."""
        return {"field": self.path, "code": self.code, "message": self.zh, "message_en": self.en}


class Refused(Exception):
    """A value or a definition with faults."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("; ".join(fault.zh for fault in faults))
        self.faults = faults

    @property
    def english(self) -> str:
        """The same in English."""
        return "; ".join(fault.en for fault in self.faults)


def fault(code: str, path: str = "", /, **places: Any) -> Fault:
    """A fault with its texts filled in."""
    zh, en = TEXTS[code]
    return Fault(path, code, zh.format(**places), en.format(**places))


def refuse(code: str, path: str = "", /, **places: Any) -> Refused:
    """A single fault, to be raised."""
    return Refused([fault(code, path, **places)])


def faults_of(problem: ValidationError) -> list[Fault]:
    """The same of what the common fields refuse, whose Chinese comes with them."""
    found = []
    for path, message in _flat("", problem.messages):
        code = getattr(message, "code", "invalid")
        english = TEXTS.get(code, ("", code.replace("_", " ")))[1]
        found.append(Fault(path, code, str(message), english if "{" not in english else code))
    return found


def _flat(path: str, messages: Any) -> list[tuple[str, Any]]:
    if isinstance(messages, dict):
        return [
            pair
            for key, below in messages.items()
            for pair in _flat(".".join(p for p in (path, "" if key == "_schema" else str(key)) if p), below)
        ]
    if isinstance(messages, list):
        return [pair for message in messages for pair in _flat(path, message)]
    return [(path, messages)]
