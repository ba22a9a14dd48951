"""The empty table that people fill in: a heading for each column, with hints and choices in an xlsx."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

from services.common.imports.reading import ROWS_MAX

_PROMPT_LENGTH_MAX = 255
_TITLE_LENGTH_MAX = 32
_CHOICES_SHEET = "选项"


def xlsx(columns: Sequence[Mapping[str, Any]]) -> bytes:
    """A workbook with the headings of these columns (as `Column.view` shows them).

    Whoever selects a cell reads the column's hint; a column with choices offers them, and warns of others.
    """
    import openpyxl
    from openpyxl.styles import Font, PatternFill
    from openpyxl.utils import get_column_letter
    from openpyxl.worksheet.datavalidation import DataValidation

    book = openpyxl.Workbook()
    sheet, choices = book.worksheets[0], book.create_sheet(_CHOICES_SHEET)
    sheet.title = "导入"
    sheet.freeze_panes = "A2"
    choices.sheet_state = "hidden"
    listed = 0
    for place, column in enumerate(columns, 1):
        head = sheet.cell(1, place, column["label"])
        # Never a formula, whatever it begins with.
        head.data_type = "s"
        head.font = Font(bold=True)
        if column["required"]:
            head.fill = PatternFill("solid", fgColor="FFE7BA")
        letter = get_column_letter(place)
        sheet.column_dimensions[letter].width = max(12, min(40, 2 * len(column["label"]) + 4))
        # Long numbers stay as they are typed.
        sheet.column_dimensions[letter].number_format = "@"
        options = column["options"] or (["是", "否"] if column["kind"] == "switch" else [])
        formula = None
        if options:
            listed += 1
            for line, option in enumerate(options, 1):
                choices.cell(line, listed, option).data_type = "s"
            side = get_column_letter(listed)
            formula = f"'{_CHOICES_SHEET}'!${side}$1:${side}${len(options)}"
        asked = DataValidation(
            type="list" if options else None,
            formula1=formula,
            allow_blank=True,
            showInputMessage=True,
            showErrorMessage=bool(options),
            errorStyle="warning",
            error="不在可选项中" if options else None,
            promptTitle=column["label"][:_TITLE_LENGTH_MAX],
            prompt=column["hint"][:_PROMPT_LENGTH_MAX] or None,
        )
        asked.add(f"{letter}2:{letter}{ROWS_MAX + 1}")
        sheet.add_data_validation(asked)
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()
