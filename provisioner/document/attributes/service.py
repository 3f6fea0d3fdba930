"""services.* itself, what it depends on, and the plain keys that belong to no larger family."""

from __future__ import annotations

from dataclasses import replace

from provisioner.document.attributes.deploy import fold_update
from provisioner.document.attributes.shapes import (
    AS_TEXT,
    EXPLICIT_FLAG,
    FLAG,
    FREE,
    KEPT_STRUCT,
    LIST,
    STRUCT,
    TEXT,
    labels,
    named,
    names_to_mapping,
    null_is_text,
    one_of,
    text_key,
)
from provisioner.document.shape import (
    BOOLEAN,
    INTEGER,
    MAPPING,
    NULL,
    NUMBER,
    SEQUENCE,
    STRING,
    Merge,
    Place,
    Row,
    Shape,
    mapping,
    scalar,
    sequence,
)
from provisioner.model.node import Node

CONDITIONS = ("service_started", "service_healthy", "service_completed_successfully")


def _depends_on(node: Node, place: Place) -> Node | None:
    """A list of services: each must have started."""
    names = names_to_mapping(node, place)
    if names is None:
        return None
    entries = {
        name: mapping(
            {"condition": scalar("service_started", item), "required": scalar(True, item)}, Node({}, item.span)
        )
        for name, item in names.mapping.items()
    }
    return mapping(entries, node)


def _extends(node: Node, _place: Place) -> Node | None:
    return mapping({"service": Node(node.value, node.span, node.text)}, Node({}, node.span, None, {}, node.tag))


def _option(node: Node, _place: Place) -> Node | None:
    return sequence([replace(node, tag=None)], node)


def _pull_policy(node: Node) -> str:
    return "missing" if node.value == "if_not_present" else str(node.value)


_RESTART = Shape(
    (STRING,),
    "one of no, always, unless-stopped, on-failure, on-failure:N",
    # What a variable left empty is as good as nothing.
    pattern=r"(no|always|unless-stopped|on-failure(:[0-9]+)?)?",
)
_PULL = Shape(
    (STRING,),
    "one of always, never, missing, build, daily, weekly, every_<duration>",
    _pull_policy,
    pattern=r"always|never|if_not_present|missing|build|refresh|daily|weekly|every_([0-9]+[wdhms])+",
)
_CONTAINER_NAME = Shape((STRING,), "a name of letters, digits, '_', '.' and '-'", pattern=r"[a-zA-Z0-9][a-zA-Z0-9_.-]+")
_DEPENDENCY = replace(KEPT_STRUCT, required=("condition",))

ROWS = (
    Row("services", named("a mapping of services"), "What runs."),
    Row("services.*", KEPT_STRUCT, finish=fold_update),
    Row("services.*.image", TEXT, "The image it runs."),
    Row("services.*.container_name", _CONTAINER_NAME, "The container's name, in place of one that is made."),
    Row("services.*.platform", TEXT),
    Row("services.*.pull_policy", _PULL, "When its image is pulled."),
    Row("services.*.pull_refresh_after", TEXT),
    Row("services.*.restart", _RESTART, "What happens when it ends."),
    Row("services.*.init", EXPLICIT_FLAG, "Run it under an init process."),
    Row("services.*.attach", EXPLICIT_FLAG),
    Row("services.*.profiles", LIST, "It runs only with one of these profiles.", unique=text_key),
    Row("services.*.profiles.*", TEXT),
    Row(
        "services.*.depends_on",
        named("a list of services, or a mapping"),
        "What must be there before it starts.",
        _depends_on,
        (SEQUENCE,),
    ),
    Row("services.*.depends_on.*", _DEPENDENCY),
    Row("services.*.depends_on.*.condition", one_of(*CONDITIONS)),
    Row("services.*.depends_on.*.restart", FLAG, "Restart it when the other is updated."),
    Row("services.*.depends_on.*.required", EXPLICIT_FLAG, default=True),
    Row("services.*.links", LIST, unique=text_key),
    Row("services.*.links.*", TEXT),
    Row("services.*.external_links", LIST, unique=text_key),
    Row("services.*.external_links.*", TEXT),
    Row(
        "services.*.extends", replace(STRUCT, required=("service",)), "Start from another service.", _extends, (STRING,)
    ),
    Row("services.*.extends.service", TEXT),
    Row("services.*.extends.file", TEXT, location=True),
    Row("services.*.provider", replace(KEPT_STRUCT, required=("type",))),
    Row("services.*.provider.type", TEXT),
    Row("services.*.provider.options", FREE),
    Row("services.*.provider.options.*", LIST, expand=_option, short=(STRING, INTEGER, NUMBER, BOOLEAN)),
    Row("services.*.provider.options.*.*", AS_TEXT),
    Row("services.*.logging", KEPT_STRUCT, "Where its output goes.", merge=Merge.SAME_DRIVER),
    Row("services.*.logging.driver", TEXT),
    Row("services.*.logging.options", FREE),
    Row("services.*.logging.options.*", AS_TEXT, expand=null_is_text, short=(NULL,)),
    Row("services.*.cap_add", LIST, "Capabilities it gets.", unique=text_key),
    Row("services.*.cap_add.*", TEXT),
    Row("services.*.cap_drop", LIST, "Capabilities it loses.", unique=text_key),
    Row("services.*.cap_drop.*", TEXT),
    Row("services.*.security_opt", LIST, unique=text_key),
    Row("services.*.security_opt.*", TEXT),
    Row("services.*.privileged", FLAG),
    Row("services.*.read_only", FLAG, "Its file system can not be written."),
    Row("services.*.sysctls", FREE, "Kernel parameters.", labels, (SEQUENCE,)),
    Row("services.*.sysctls.*", AS_TEXT, expand=null_is_text, short=(NULL,)),
    Row("services.*.storage_opt", FREE),
    Row("services.*.storage_opt.*", AS_TEXT),
    Row("services.*.cgroup", one_of("host", "private")),
    Row("services.*.cgroup_parent", TEXT),
    Row("services.*.ipc", TEXT),
    Row("services.*.pid", Shape((STRING, NULL), "text")),
    Row("services.*.uts", TEXT),
    Row("services.*.userns_mode", TEXT),
    Row("services.*.isolation", TEXT),
    Row("services.*.runtime", TEXT),
    Row("services.*.use_api_socket", FLAG),
    Row("services.*.credential_spec", KEPT_STRUCT),
    Row("services.*.credential_spec.config", TEXT),
    Row("services.*.credential_spec.file", TEXT),
    Row("services.*.credential_spec.registry", TEXT),
    Row(
        "services.*.models",
        Shape((MAPPING,), "a list of models, or a mapping", keys=r".+"),
        "Language models.",
        names_to_mapping,
        (SEQUENCE,),
    ),
    Row("services.*.models.*", Shape((MAPPING, NULL), "a mapping", keep=True)),
    Row("services.*.models.*.endpoint_var", TEXT),
    Row("services.*.models.*.model_var", TEXT),
    Row("models", named("a mapping of models"), "Language models that services may use."),
    Row("models.*", replace(KEPT_STRUCT, required=("model",))),
    Row("models.*.name", TEXT),
    Row("models.*.model", TEXT),
    Row("models.*.context_size", replace(AS_TEXT, kinds=("integer",), convert=None, expected="a whole number")),
    Row("models.*.runtime_flags", LIST),
    Row("models.*.runtime_flags.*", TEXT),
)
