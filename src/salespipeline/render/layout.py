"""How the default mails look: one subject, one text and one HTML page, into which the sentences are put.

The HTML is made for mail programs: tables and inline styles, 600 pixels wide at most, nothing from elsewhere.
Colours stand inline for light; the style sheet turns them for dark, in programs that read style sheets. More than
twelve lines belong in the document alone.
"""

from __future__ import annotations

__all__ = [
    "HTML", "RECEIPT_HTML", "RECEIPT_SUBJECT", "RECEIPT_TEXT", "SEVERAL_HTML", "SEVERAL_SUBJECT", "SEVERAL_TEXT", "SUBJECT",
    "TEXT",
]  # fmt: skip

SUBJECT = (
    "{{ document.type_label }}{% if document.reference %} {{ document.reference }}{% endif %}"
    "{% if document.subject %}: {{ document.subject }}{% endif %}"
)

RECEIPT_SUBJECT = "[[receipt]] " + SUBJECT

SEVERAL_SUBJECT = (
    "{% for one in documents %}{{ one.type_label }}{% if one.reference %} {{ one.reference }}{% endif %}"
    "{% if not loop.last %}, {% endif %}{% endfor %}"
)

_CLOSING = """\
{% if document.accept_link %}
[[closing_linked]]
{% else %}
[[closing]]
{% endif %}

[[regards]]
{{ seller.name }}
{% if seller.phone %}
{{ seller.phone }}
{% endif %}
{% if seller.email %}
{{ seller.email }}
{% endif %}
{% if seller.website %}
{{ seller.website }}
{% endif %}
"""

_TEXT = (
    """\
[[greeting]]

[[opening]]

{% set priced = document.type != "delivery_note" %}
{{ document.type_label }}{% if document.reference %} {{ document.reference }}{% endif +%}
{% if document.subject %}
{{ document.subject | wrap(64) }}
{% endif %}

{% if document.date %}
{{ document.date_label | left(22) }}{{ document.date }}
{% endif %}
{% if document.due %}
{{ document.due_label | left(22) }}{{ document.due }}
{% endif %}

{% if lines and lines | length <= 12 %}
----------------------------------------------------------------
{% for line in lines %}
{{ line.description | wrap(64) }}
{% set quantity = line.quantity | number ~ (" " ~ line.unit if line.unit else "") %}
{% if priced %}
{% set sum = "  " ~ quantity ~ " × " ~ line.unit_price | price(document.currency) %}
{{ (sum ~ (" − " ~ line.discount if line.discount else "")) | left(40) }}{{ line.net | right(24) }}
{% else %}
{{ "  " ~ quantity }}
{% endif %}
{% endfor %}
{% endif %}
----------------------------------------------------------------
{% if priced %}
{% if taxes %}
{{ "net" | label | left(40) }}{{ document.net | right(24) }}
{% for tax in taxes %}
{{ tax.label | left(40) }}{{ tax.tax | right(24) }}
{% endfor %}
{% endif %}
{{ document.total_label | upper | left(40) }}{{ document.total | right(24) }}
----------------------------------------------------------------
{% endif %}

{% if document.note %}
{{ document.note | wrap(72) }}

{% endif %}
RECEIPT
{% if document.accept_link %}
[[accept]]
{{ document.accept_link }}

{% endif %}
{% if payment and document.type in ["invoice", "pro_forma", "application_for_payment"] %}
{{ "payment" | label }}
{% for row in payment %}
{{ ("  " ~ row.label) | left(22) }}{{ row.value }}
{% endfor %}

{% endif %}
"""
    + _CLOSING
)

TEXT = _TEXT.replace("RECEIPT\n", "")
RECEIPT_TEXT = _TEXT.replace(
    "RECEIPT\n",
    """\
{{ "[[accepted_by]]" | left(22) }}{{ document.accepted_by }}
{% if document.accepted_on %}
{{ "[[accepted_on]]" | left(22) }}{{ document.accepted_on }}
{% endif %}
[[fingerprint]]
{{ document.fingerprint }}

""",
)

SEVERAL_TEXT = (
    """\
[[greeting]]

[[opening]]

{% for one in documents %}
{% set name = one.type_label ~ (" " ~ one.reference if one.reference else "") %}
{% if one.type != "delivery_note" %}
{{ name | left(40) }}{{ one.total | right(24) }}
{% else %}
{{ name }}
{% endif %}
{% if one.subject %}
{{ one.subject | wrap(60, 2) }}
{% endif %}
{% if one.due %}
{{ "  " ~ one.due_label ~ " " ~ one.due }}
{% endif %}
{% if one.accept_link %}
  [[accept]]
  {{ one.accept_link }}
{% endif %}
{% endfor %}

"""
    + _CLOSING
)

_FONT = "-apple-system,BlinkMacSystemFont,'Segoe UI',Roboto,Helvetica,Arial,sans-serif"
_STYLE = """\
:root{color-scheme:light dark;supported-color-schemes:light dark}
@media (max-width:620px){.pad{padding-left:20px!important;padding-right:20px!important}.page{padding:0!important}}
@media (prefers-color-scheme:dark){
.page{background:#12161b!important}.card{background:#1c2229!important;border-color:#313a44!important}
.ink{color:#e9edf1!important}.soft{color:#a4b0bc!important}.rule{border-color:#37424d!important}
.accent{color:#86c8f2!important}.box{background:#242c35!important}
.button{background:#86c8f2!important}.button a{color:#12161b!important}.bar{background:#86c8f2!important}}"""

_START = """\
<!doctype html>
<html lang="[[language]]">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<title>TITLE</title>
<style>
STYLE
</style>
</head>
<body class="page" style="margin:0;padding:0;background:#f1f3f5;-webkit-text-size-adjust:100%">
"""
_PREHEADER = """\
{% set priced = document.type != "delivery_note" %}
<div style="display:none;max-height:0;overflow:hidden;mso-hide:all">
{%- if priced %}{{ document.total_label }} {{ document.total }}
{%- if document.due %} · {{ document.due_label }} {{ document.due }}{% endif %}
{%- else %}{{ document.date_label }} {{ document.date or "" }}{% endif %}
{%- for at in PREHEADER %}&#847;&zwnj;&nbsp;{% endfor %}
</div>
"""
_TOP = """\
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" class="page" style="background:#f1f3f5">
<tr><td align="center" class="page" style="padding:28px 12px">
<!--[if mso]><table role="presentation" width="600" cellpadding="0" cellspacing="0"><tr><td><![endif]-->
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" class="card"
 style="max-width:600px;background:#ffffff;border:1px solid #dfe3e8;border-radius:8px;border-collapse:separate;
font-family:FONT;font-size:15px;line-height:23px">
<tr><td class="pad" style="padding:26px 36px 0">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0"><tr>
<td class="accent" style="font-size:17px;font-weight:bold;color:#0c4a6e">{{ seller.name }}</td>
</tr><tr><td style="padding-top:14px"><table role="presentation" width="44" cellpadding="0" cellspacing="0" border="0">
<tr><td class="bar" height="3" style="height:3px;line-height:3px;font-size:0;background:#0c4a6e">&nbsp;</td></tr>
</table></td></tr></table>
</td></tr>
<tr><td class="pad ink" style="padding:22px 36px 0;color:#1b2430">
<p style="margin:0 0 14px">[[greeting]]</p>
<p style="margin:0 0 22px">[[opening]]</p>
</td></tr>
"""
_ONE = """\
<tr><td class="pad" style="padding:0 36px">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" class="box"
 style="background:#f5f8fa;border-radius:6px">
<tr><td valign="top" style="padding:16px 18px">
<div class="ink" style="font-size:16px;font-weight:bold;color:#1b2430">
{{ document.type_label }} {{ document.reference }}</div>
{% if document.subject %}
<div class="soft" style="color:#566270">{{ document.subject }}</div>
{% endif %}
</td>
{% if priced %}
<td valign="top" align="right" style="padding:16px 18px;text-align:right">
<div class="soft" style="font-size:13px;color:#566270">{{ document.total_label }}</div>
<div class="accent" style="font-size:20px;line-height:27px;font-weight:bold;color:#0c4a6e;white-space:nowrap">
{{ document.total }}</div>
</td>
{% endif %}
</tr>
</table>
</td></tr>
<tr><td class="pad" style="padding:14px 36px 0">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" style="font-size:14px;line-height:21px">
{% if document.date %}
<tr><td class="soft" style="padding:2px 0;color:#566270">{{ document.date_label }}</td>
<td class="ink" align="right" style="padding:2px 0;text-align:right;color:#1b2430">{{ document.date }}</td></tr>
{% endif %}
{% if document.due %}
<tr><td class="soft" style="padding:2px 0;color:#566270">{{ document.due_label }}</td>
<td class="ink" align="right" style="padding:2px 0;text-align:right;font-weight:bold;color:#1b2430">
{{ document.due }}</td></tr>
{% endif %}
</table>
</td></tr>
{% if priced or (lines and lines | length <= 12) %}
<tr><td class="pad" style="padding:14px 36px 0">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" style="font-size:14px;line-height:21px">
{% if lines | length <= 12 %}
{% for line in lines %}
<tr><td class="ink rule" valign="top" style="padding:9px 16px 9px 0;border-top:1px solid #dfe3e8;color:#1b2430">
{% for row in line.description | rows %}{{ row }}{% if not loop.last %}<br>{% endif %}{% endfor %}
{% if priced %}
<div class="soft" style="font-size:13px;color:#566270">{{ line.quantity }}{% if line.unit %} {{ line.unit }}{% endif %} ×
{{ line.unit_price | price(document.currency) }}{% if line.discount %} − {{ line.discount }}{% endif %}</div>
{% endif %}
</td>
<td class="ink rule" valign="top" align="right"
 style="padding:9px 0;border-top:1px solid #dfe3e8;text-align:right;white-space:nowrap;color:#1b2430">
{% if priced %}{{ line.net }}{% else %}{{ line.quantity }} {{ line.unit }}{% endif %}</td></tr>
{% endfor %}
{% endif %}
{% if priced %}
{% if taxes %}
<tr><td class="soft rule" style="padding:9px 16px 1px 0;border-top:1px solid #dfe3e8;color:#566270">{{ "net" | label }}</td>
<td class="ink rule" align="right"
 style="padding:9px 0 1px;border-top:1px solid #dfe3e8;text-align:right;white-space:nowrap;color:#1b2430">
{{ document.net }}</td></tr>
{% for tax in taxes %}
<tr><td class="soft" style="padding:1px 16px 1px 0;color:#566270">{{ tax.label }}</td>
<td class="ink" align="right" style="padding:1px 0;text-align:right;white-space:nowrap;color:#1b2430">{{ tax.tax }}</td></tr>
{% endfor %}
{% endif %}
<tr><td class="ink" style="padding:7px 16px 0 0;font-size:15px;font-weight:bold;color:#1b2430">{{ document.total_label }}</td>
<td class="ink" align="right"
 style="padding:7px 0 0;text-align:right;white-space:nowrap;font-size:15px;font-weight:bold;color:#1b2430">
{{ document.total }}</td></tr>
{% endif %}
</table>
</td></tr>
{% endif %}
{% if document.note %}
<tr><td class="pad ink" style="padding:22px 36px 0;color:#1b2430">
{% for row in document.note | rows %}{{ row }}{% if not loop.last %}<br>{% endif %}{% endfor %}
</td></tr>
{% endif %}
{% if payment and document.type in ["invoice", "pro_forma", "application_for_payment"] %}
<tr><td class="pad" style="padding:22px 36px 0">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" class="box"
 style="background:#f5f8fa;border-radius:6px"><tr><td style="padding:14px 18px">
<div class="soft" style="padding-bottom:4px;font-size:13px;color:#566270">{{ "payment" | label }}</div>
<table role="presentation" cellpadding="0" cellspacing="0" border="0" style="font-size:14px;line-height:21px">
{% for row in payment %}
<tr><td class="soft" valign="top" style="padding:1px 20px 1px 0;color:#566270">{{ row.label }}</td>
<td class="ink" style="padding:1px 0;color:#1b2430">{{ row.value }}</td></tr>
{% endfor %}
</table></td></tr></table>
</td></tr>
{% endif %}
"""
# A button that every mail program draws: a cell with a colour, and a link that fills it.
_BUTTON = """\
{% if document.accept_link %}
<tr><td class="pad" style="padding:22px 36px 0">
<table role="presentation" cellpadding="0" cellspacing="0" border="0"><tr>
<td class="button" align="center" style="border-radius:6px;background:#0c4a6e">
<a href="{{ document.accept_link | url }}" style="display:inline-block;padding:11px 22px;font-size:15px;line-height:22px;\
font-weight:bold;color:#ffffff;text-decoration:none">[[accept_button]]</a></td>
</tr></table>
</td></tr>
{% endif %}
"""
_RECEIPT = """\
<tr><td class="pad" style="padding:22px 36px 0">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" class="box"
 style="background:#f5f8fa;border-radius:6px"><tr><td style="padding:14px 18px;font-size:14px;line-height:21px">
<div class="ink" style="color:#1b2430"><span class="soft" style="color:#566270">[[accepted_by]]</span>
<strong>{{ document.accepted_by }}</strong></div>
{% if document.accepted_on %}
<div class="ink" style="color:#1b2430"><span class="soft" style="color:#566270">[[accepted_on]]</span>
{{ document.accepted_on }}</div>
{% endif %}
<div class="soft" style="padding-top:6px;font-size:12px;line-height:18px;color:#566270">[[fingerprint]]<br>
<span style="font-family:Menlo,Consolas,monospace;font-size:11px;word-break:break-all">{{ document.fingerprint }}</span></div>
</td></tr></table>
</td></tr>
"""
_SEVERAL = """\
<tr><td class="pad" style="padding:0 36px">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" class="box"
 style="background:#f5f8fa;border-radius:6px;font-size:14px;line-height:21px">
{% for one in documents %}
{% set line = "0" if loop.first else "1px" %}
<tr><td class="ink rule" valign="top"
 style="padding:12px 18px;border-top:{{ line }} solid #dfe3e8;color:#1b2430">
<strong>{{ one.type_label }} {{ one.reference }}</strong>
{% if one.subject %}<div class="soft" style="color:#566270">{{ one.subject }}</div>{% endif %}
{% if one.due %}<div class="soft" style="font-size:13px;color:#566270">{{ one.due_label }} {{ one.due }}</div>{% endif %}
{% if one.accept_link %}<div style="padding-top:4px"><a href="{{ one.accept_link | url }}" class="accent"
 style="font-weight:bold;color:#0c4a6e">[[accept_button]]</a></div>{% endif %}
</td>
<td class="accent rule" valign="top" align="right"
 style="padding:12px 18px;border-top:{{ line }} solid #dfe3e8;text-align:right;white-space:nowrap;font-weight:bold;color:#0c4a6e">
{% if one.type != "delivery_note" %}{{ one.total }}{% endif %}</td></tr>
{% endfor %}
</table>
</td></tr>
"""
_END = """\
<tr><td class="pad ink" style="padding:22px 36px 28px;color:#1b2430">
<p style="margin:0 0 18px">{% if document.accept_link %}[[closing_linked]]{% else %}[[closing]]{% endif %}</p>
<p style="margin:0">[[regards]]<br><strong>{{ seller.name }}</strong></p>
</td></tr>
<tr><td class="pad soft rule"
 style="padding:14px 36px 18px;border-top:1px solid #dfe3e8;font-size:12px;line-height:18px;color:#566270">
{% if seller.phone %}<span style="white-space:nowrap">{{ seller.phone }}</span>{% endif %}
{% if seller.email %}{% if seller.phone %} · {% endif %}
<a href="mailto:{{ seller.email }}" class="accent" style="color:#0c4a6e;text-decoration:none">{{ seller.email }}</a>{% endif %}
{% if seller.website %}{% if seller.phone or seller.email %} · {% endif %}
<a href="{{ seller.website | url }}" class="accent" style="color:#0c4a6e;text-decoration:none">
{{- seller.website | replace("https://", "") | replace("http://", "") }}</a>{% endif %}
{% if seller.address %}<br>{{ seller.name }}, {{ seller.address | join(", ") }}{% endif %}
{% for id in seller.ids %}{% if loop.first %}<br>{% else %} · {% endif %}{{ id.label }} {{ id.value }}{% endfor %}
</td></tr>
</table>
<!--[if mso]></td></tr></table><![endif]-->
</td></tr>
</table>
</body>
</html>
"""


def _page(title: str, *parts: str) -> str:
    spaces = ("&#847;&zwnj;&nbsp;" * 10 + "\n") * 6
    page = "".join((_START.replace("TITLE", title), *parts))
    page = page.replace("{%- for at in PREHEADER %}&#847;&zwnj;&nbsp;{% endfor %}\n", spaces)
    return page.replace("STYLE", _STYLE).replace("FONT", _FONT)


_TITLE = "{{ document.type_label }} {{ document.reference }}"
HTML = _page(_TITLE, _PREHEADER, _TOP, _ONE, _BUTTON, _END)
RECEIPT_HTML = _page(_TITLE, _PREHEADER, _TOP, _ONE, _RECEIPT, _END)
SEVERAL_HTML = _page("{{ seller.name }}", _TOP, _SEVERAL, _END)
