"""A canonical document as YAML that every YAML reader, old or new, reads back as the same values."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import yaml

from provisioner.render.paint import INVISIBLE

if TYPE_CHECKING:
    from provisioner.model.node import JSON

# Only texts that no version of YAML takes for anything else stand without quotes.
_PLAIN = re.compile(
    r"[A-Za-z_/][A-Za-z0-9_./@+-]*(?::[A-Za-z0-9_./@+-]+)*|\.{0,2}/[A-Za-z0-9_./@+-]*|(?:[0-9]+(?:ms|[hms]))+"
)
_TAB_IN_LINE = re.compile(r"(?<=[^\s])\t+(?=[^\s])")
_RESERVED = frozenset(("y", "n", "yes", "no", "on", "off", "true", "false", "null"))


def config_yaml(document: JSON) -> str:
    """The document, ending with a newline."""
    text: str = yaml.dump(
        document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=False, width=1 << 20
    )
    # A string with such characters stands in double quotes, where their escapes mean the same.
    return INVISIBLE.sub(lambda match: f"\\U{ord(match[0]):08x}", text)


class _Dumper(yaml.SafeDumper):
    """Repeated values are written out each time: aliases are for writers, not for readers."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _represent(dumper: _Dumper, value: str) -> yaml.ScalarNode:
    # Characters that some version of YAML takes for a line break, or does not allow, are escaped.
    if not _TAB_IN_LINE.sub("", value).replace("\n", "").isprintable():
        style = '"'
    elif "\n" in value:
        style = "|"
    elif _PLAIN.fullmatch(value) and value.lower() not in _RESERVED:
        style = ""
    else:
        style = "'"
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style or None)


_Dumper.add_representer(str, _represent)
