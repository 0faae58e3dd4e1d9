#!/usr/bin/env python3
"""Copies the examples in README.md and docs/ from the sources that compile them.

A page says <!-- snippet: FILE NAME --> before a block; the file marks the piece
by the lines "// [NAME]" and "// [/NAME]".
"""
import pathlib
import re
import sys

root = pathlib.Path(__file__).resolve().parent.parent


def snippet(file, name):
    lines = (root / file).read_text().splitlines()
    marks = [i for i, line in enumerate(lines)
             if line.strip() in (f"// [{name}]", f"// [/{name}]")]
    if len(marks) != 2:
        sys.exit(f"{file} does not mark [{name}] once")
    return "\n".join(lines[marks[0] + 1:marks[1]])


def block(match):
    return (f"<!-- snippet: {match[1]} {match[2]} -->\n```cpp\n"
            f"{snippet(match[1], match[2])}\n```")


for page in [root / "README.md", *sorted((root / "docs").glob("*.md"))]:
    text = page.read_text()
    page.write_text(re.sub(
        r"<!-- snippet: (\S+) (\S+) -->\n```cpp\n.*?```", block, text,
        flags=re.S))
