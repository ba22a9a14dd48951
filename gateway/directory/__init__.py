"""The directory of a company as one workbook: departments, positions and people, brought in and kept."""
