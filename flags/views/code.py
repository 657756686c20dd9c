"""The lines that use a flag. Pure."""

from ops_client.flags.defaults import variable

Lines = list[tuple[str, str]]


def uses(name: str, has_variants: bool) -> Lines:
    """How code asks for the flag: our client, OpenFeature, a template, and what answers where it is not defined."""
    context = '{"user_id": user.id}'
    client = f"ops.flags.is_enabled({name!r}, {context})"
    if has_variants:
        client = f"ops.flags.variant({name!r}, {context}).name"
    return [
        ("Python", client),
        ("OpenFeature", f"client.get_boolean_value({name!r}, False, EvaluationContext(str(user.id)))"),
        ("Template", f"{{% load waffle_tags %}}{{% flag {_in_template(name)} %}}…{{% endflag %}}"),
        ("Default if undefined", f"{variable(name)}=on"),
    ]


def _in_template(name: str) -> str:
    return f"'{name}'" if '"' in name else f'"{name}"'
