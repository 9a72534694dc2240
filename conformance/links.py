#!/usr/bin/env python3
"""Follows the relative links of Markdown files: links.py FILE...

A link's file must be there. What stands behind its # must be in it: a heading of a Markdown file, a function of a Rust,
C or Python file, the id of a vector. In a file that says so, <!-- every rule has its link -->, every item of a list
must have a link to a test or a vector.
"""

import functools
import json
import pathlib
import re
import sys

LINK = re.compile(r"\]\(([^)\s]+)\)")
STRICT = "<!-- every rule has its link -->"
EVIDENCE = (".rs", ".c", ".json", ".py")
DEFINITIONS = {
    ".rs": r"^\s*(?:pub(?:\(.*?\))? )?fn {}\b",
    ".c": r"^static (?:inline )?\w[\w *]*\b{}\s*\(",
    ".h": r"^static (?:inline )?\w[\w *]*\b{}\s*\(",
    ".py": r"^\s*def {}\b",
}


def main(names):
    troubles, links, rules = [], 0, 0
    for name in names:
        path = pathlib.Path(name)
        text = without_code(path.read_text(encoding="utf-8"))
        for target in LINK.findall(text):
            if "://" not in target:
                links += 1
                trouble = trouble_with(path, target)
                if trouble:
                    troubles.append(f"{name}: {target}: {trouble}")
        if STRICT in text:
            for rule in re.findall(r"^ *- (.*(?:\n {2,}(?!- ).*)*)", text, re.MULTILINE):
                rules += 1
                if not any(pathlib.PurePath(target.split("#")[0]).suffix in EVIDENCE for target in LINK.findall(rule)):
                    troubles.append(f"{name}: nothing checks: {' '.join(rule.split())[:100]}")
    for trouble in troubles:
        print(trouble)
    print(f"{links} links, {rules} rules, {len(troubles)} troubles")
    return 1 if troubles or not links else 0


def trouble_with(path, target):
    file, _, name = target.partition("#")
    file = (path.parent / file).resolve() if file else path.resolve()
    if not file.exists():
        return "no such file"
    if not name:
        return None
    if file.suffix == ".md":
        found = name in headings(file)
    elif file.suffix == ".json":
        found = name in vector_ids(file)
    elif file.suffix in DEFINITIONS:
        found = re.search(DEFINITIONS[file.suffix].format(re.escape(name)), text_of(file), re.MULTILINE)
    else:
        return "nothing can be looked for in such a file"
    return None if found else "not in this file"


def without_code(text):
    return re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)


@functools.lru_cache(maxsize=None)
def text_of(file):
    return file.read_text(encoding="utf-8")


@functools.lru_cache(maxsize=None)
def headings(file):
    titles = re.findall(r"^#+ (.*)$", without_code(text_of(file)), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@functools.lru_cache(maxsize=None)
def vector_ids(file):
    content = json.loads(text_of(file))
    return {case["id"] for case in content["cases"]} if isinstance(content, dict) and "cases" in content else set()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
