"""HTML made of elements, with all text escaped unless it is `Html` already."""

import base64
import hashlib
import html
import json
import re
from importlib.resources import files
from string import Template
from typing import Any, TypeAlias


class Html(str):
    """Text that is HTML and goes into a page as it is."""

    __slots__ = ()


Attribute: TypeAlias = str | int | float | bool | None

_VOID = frozenset(("rect", "line", "path", "br", "col"))
_UNENCODABLE = re.compile("[\ud800-\udfff]")
_UNSAFE_IN_SCRIPT = re.compile("[<>&\u2028\u2029\ud800-\udfff]")


def escape(text: str) -> Html:
    """Give text as HTML; a lone surrogate, which no file can hold, becomes U+FFFD.

    >>> escape('<b title="&">')
    '&lt;b title=&quot;&amp;&quot;&gt;'
    """
    return text if isinstance(text, Html) else Html(html.escape(_UNENCODABLE.sub("\ufffd", text)))


def element(name: str, *children: str, **attributes: Attribute) -> Html:
    """Give an element; ``class_`` means `class`, ``aria_label`` `aria-label`; attributes that are None or False go.

    >>> element("p", "a < b", class_="x", aria_hidden="true", hidden=False)
    '<p class="x" aria-hidden="true">a &lt; b</p>'
    """
    opening = name + "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape("" if value is True else str(value))}"'
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    if name in _VOID and not children:
        return Html(f"<{opening}/>")
    return Html(f"<{opening}>{join(*children)}</{name}>")


def join(*parts: str) -> Html:
    """Put parts one after the other, escaping those that are plain text."""
    return Html("".join(map(escape, parts)))


def script_json(value: Any) -> Html:
    r"""Give JSON that can stand inside a script element, whatever the text: no ``</script>``, no U+2028.

    >>> print(script_json("</script>"))
    "\u003c/script\u003e"
    """
    source = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return Html(_UNSAFE_IN_SCRIPT.sub(lambda match: f"\\u{ord(match[0]):04x}", source))


def asset(name: str) -> Html:
    """Read one of the files in the package's ``assets`` folder."""
    return Html((files("unappeal.pages") / "assets" / name).read_text(encoding="utf-8"))


def page(title: str, body: str, style: str, script: str = "", data: Any = None) -> str:
    """Give a whole page.

    ``script`` finds ``data`` as JSON in the element ``#data``. The policy allows this script and no other, so that
    nothing in a document could run even if it were not escaped.
    """
    scripts = Html()
    if script:
        content = element("script", script_json(data), type="application/json", id="data")
        scripts = join(content, Html("\n"), element("script", Html(script)))
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return Template(asset("page.html")).substitute(
        title=escape(title),
        style=style,
        body=body,
        scripts=scripts,
        script_source=f"'sha256-{digest}'" if script else "'none'",
    )
