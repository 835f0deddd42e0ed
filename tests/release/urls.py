"""Write the project's public address where a release needs it: ``make urls BASE=https://forge.example/owner/repository``.

The repository doesn't know where it is published. Who publishes it runs this once, and commits the result:

- ``[project.urls]`` in ``pyproject.toml``, by the names that package indexes know
  (https://packaging.python.org/en/latest/specifications/well-known-project-urls/);
- absolute links in ``README.md``, because an index shows the file without the folder.

A second run replaces the address.
"""

from __future__ import annotations

import argparse
import re
import sys
import tomllib
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).parents[2]
_BEFORE = "[project.entry-points.apache_airflow_provider]"
_SECTION = re.compile(r"\[project\.urls\]\n(?:.+\n)*\n")
_LINK = re.compile(r"(?P<image>!?)(?P<text>\[[^\]]*\])\((?P<target>[^)\s]+)\)")
_PLACES = ("blob", "tree", "raw")


def main() -> int:
    """Write the address, and return 1 if it is none."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("base", help="address of the repository, such as https://forge.example/owner/repository")
    parser.add_argument("--docs", help="address of the published pages; by default the folder docs of the repository")
    parser.add_argument("--branch", default="main", help="branch that links lead to")
    arguments = parser.parse_args()
    try:
        write_urls(ROOT, arguments.base, docs=arguments.docs, branch=arguments.branch)
    except ValueError as error:
        print(error)
        return 1
    return 0


def write_urls(root: Path, base: str, *, docs: str | None = None, branch: str = "main") -> None:
    """Write the address into both files of a checkout.

    :param root: the checkout
    :param base: address of the repository
    :param docs: address of the published pages
    :param branch: branch that links lead to
    :raises ValueError: when an address is none
    """
    base = _checked(base)
    docs = _checked(docs) if docs else f"{base}/tree/{branch}/docs"
    project, readme = root / "pyproject.toml", root / "README.md"
    text = project.read_text()
    former = tomllib.loads(text)["project"].get("urls", {}).get("Source")
    urls = {
        "Homepage": base,
        "Documentation": docs,
        "Source": base,
        "Changelog": f"{base}/blob/{branch}/CHANGELOG.md",
        "Issues": f"{base}/issues",
    }
    section = "[project.urls]\n" + "".join(f'{name} = "{url}"\n' for name, url in urls.items()) + "\n"
    project.write_text(_SECTION.sub("", text).replace(_BEFORE, section + _BEFORE))
    links = _Links(root, base, branch, former)
    readme.write_text(_LINK.sub(links.absolute, readme.read_text()))


def _checked(address: str) -> str:
    parts = urlsplit(address)
    if parts.scheme != "https" or not parts.netloc or "@" in parts.netloc or parts.query or parts.fragment:
        message = f"{address!r} is no public address: write https://forge.example/owner/repository"
        raise ValueError(message)
    return address.rstrip("/").removesuffix(".git")


class _Links:
    """Makes links absolute.

    :param former: the address of an earlier run
    """

    def __init__(self, root: Path, base: str, branch: str, former: str | None) -> None:
        self._root, self._base, self._branch = root, base, branch
        self._former = re.compile(rf"{re.escape(former)}/(?:{'|'.join(_PLACES)})/[^/]+/") if former else None

    def absolute(self, link: re.Match[str]) -> str:
        """Return a link with the address; one to another site, or within the page, as it is."""
        target = self._former.sub("", link["target"]) if self._former else link["target"]
        if target.startswith("#") or urlsplit(target).scheme:
            return link[0]
        place = "raw" if link["image"] else "tree" if (self._root / target.partition("#")[0]).is_dir() else "blob"
        return f"{link['image']}{link['text']}({self._base}/{place}/{self._branch}/{target})"


if __name__ == "__main__":
    sys.exit(main())
