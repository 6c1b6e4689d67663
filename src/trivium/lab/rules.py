"""What the Messages API refuses: fields, limits, version rules, thinking, tool choice. Facts: the model table."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from trivium.lab._messages import check_messages
from trivium.lab.models import Model
from trivium.lab.surfaces._base import Call, invalid

VERSIONS = ("2023-06-01", "2026-10-21")
_SAMPLING_DEFAULTS: Mapping[str, Any] = {"temperature": 1, "top_p": None, "top_k": None}
_GENERAL = frozenset(
    {
        "max_tokens", "messages", "cache_control", "container", "diagnostics", "inference_geo", "metadata",
        "output_config", "service_tier", "speed", "stop_sequences", "system", "thinking", "tool_choice", "tools",
    },
)  # fmt: skip
_BETA = {  # field → the beginning of a beta that admits it; "" admits it with any beta
    "context_management": ("context-management-", "compact-"),
    "mcp_servers": ("mcp-client-",),
    "compaction": ("compact-",),
    "thread": ("message-threads-",),
    "fallbacks": ("server-side-fallback-",),
    "fallback_credit_token": ("fallback-credit-",),
    "output_format": ("structured-outputs-",),
    "user_profile_id": ("user-profiles-",),
    "billing_policy": ("",),
}
_NOT_COUNTED = ("max_tokens", "stream", "temperature", "top_p", "top_k", "metadata", "stop_sequences", "service_tier")
_EFFORTS = ("low", "medium", "high", "xhigh", "max")
_CHOICES = {"service_tier": ("auto", "standard_only"), "speed": ("standard", "fast")}
_TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")
_CUSTOM_TOOL = frozenset(
    {
        "type", "name", "description", "input_schema", "cache_control", "strict", "eager_input_streaming",
        "defer_loading", "allowed_callers", "input_examples",
    },
)  # fmt: skip
_SERVER_TOOLS = (  # beginnings of the types of tools that the API defines
    "bash_", "text_editor_", "memory_", "computer_", "browser_toolset_", "code_execution_", "web_search_", "web_fetch_",
    "tool_search_tool_", "mcp_toolset", "advisor_",
)  # fmt: skip
_BUDGET_TOKENS_MIN = 1024
_MESSAGES_MAX = 100_000


def check(call: Call, model: Model, *, counting: bool, system_messages: bool) -> None:
    """Refuse what the surface would refuse before it reads the prompt; raises Refused."""
    fields = call.fields
    _check_names(call, counting=counting)
    if not counting:
        _check_max_tokens(fields, model)
    _check_types(fields)
    _check_sampling(call, model)
    _check_tools(fields, model)
    _check_thinking(fields, model)
    _check_output(fields, model)
    messages = fields.get("messages")
    if not isinstance(messages, list):
        raise invalid("messages: Field required" if messages is None else "messages: Input should be a valid list")
    if not messages:
        raise invalid("messages: at least one message is required")
    if len(messages) > _MESSAGES_MAX:
        raise invalid(f"messages: at most {_MESSAGES_MAX} messages are allowed")
    check_messages(messages, version=call.version, system_messages=system_messages, prefill=model.prefill)


def _check_names(call: Call, *, counting: bool) -> None:
    for name in call.fields:
        if name in _GENERAL or name in _SAMPLING_DEFAULTS:
            if counting and name in _NOT_COUNTED:
                raise invalid(f"{name}: Extra inputs are not permitted")
            continue
        starts = _BETA.get(name, ())
        if not any(beta.startswith(start) for start in starts for beta in call.betas):
            raise invalid(f"{name}: Extra inputs are not permitted")


def _check_max_tokens(fields: Mapping[str, Any], model: Model) -> None:
    value = fields.get("max_tokens")
    if value is None:
        raise invalid("max_tokens: Field required")
    if isinstance(value, bool) or not isinstance(value, int):
        raise invalid("max_tokens: Input should be a valid integer")
    if value < 1:
        raise invalid("max_tokens: Input should be greater than or equal to 1")
    if value > model.output_tokens_max:
        raise invalid(
            f"max_tokens: {value} > {model.output_tokens_max}, which is the maximum allowed number of output tokens "
            f"for {model.names['anthropic'] or model.id}",
        )


def _check_types(fields: Mapping[str, Any]) -> None:
    _check_system(fields.get("system"))
    stops = fields.get("stop_sequences")
    if stops is not None:
        if not isinstance(stops, list) or not all(isinstance(stop, str) for stop in stops):
            raise invalid("stop_sequences: Input should be a valid list of strings")
        if any(not stop.strip() for stop in stops):
            raise invalid("stop_sequences: each stop sequence must contain non-whitespace")
    for name, values in _CHOICES.items():
        if fields.get(name) not in (None, *values):
            raise invalid(f"{name}: Input should be {' or '.join(repr(value) for value in values)}")
    metadata = fields.get("metadata")
    if metadata is None:
        return
    if not isinstance(metadata, dict):
        raise invalid("metadata: Input should be a valid dictionary")
    for name in metadata.keys() - {"user_id"}:
        raise invalid(f"metadata.{name}: Extra inputs are not permitted")


def _check_system(system: object) -> None:
    if system is None or isinstance(system, str):
        return
    if not isinstance(system, list):
        raise invalid("system: Input should be a valid string or list")
    for index, block in enumerate(system):
        if not isinstance(block, dict) or block.get("type") != "text" or not isinstance(block.get("text"), str):
            raise invalid(f"system.{index}: Input should be a text block")
        if not block["text"]:
            raise invalid("system: text content blocks must be non-empty")


def _check_sampling(call: Call, model: Model) -> None:
    for name, default in _SAMPLING_DEFAULTS.items():
        if name not in call.fields:
            continue
        value = call.fields[name]
        if call.version == VERSIONS[1]:
            raise invalid(f"{name}: Extra inputs are not permitted on API version {call.version}")
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise invalid(f"{name}: Input should be a valid number")
        if not model.sampling and value is not None and value != default:
            raise invalid(f"`{name}` is not supported for this model.")
    temperature = call.fields.get("temperature")
    if temperature is not None and not 0 <= temperature <= 1:
        raise invalid("temperature: range: 0..1")


def _check_tools(fields: Mapping[str, Any], model: Model) -> None:
    tools = fields.get("tools")
    names: set[str] = set()
    if tools is not None and not isinstance(tools, list):
        raise invalid("tools: Input should be a valid list")
    for index, tool in enumerate(tools or ()):
        if not isinstance(tool, dict):
            raise invalid(f"tools.{index}: Input should be a valid dictionary")
        kind = str(tool.get("type", "custom"))
        if kind == "custom":
            _check_custom_tool(tool, index)
        elif not kind.startswith(_SERVER_TOOLS):
            raise invalid(
                f"tools.{index}: Input tag '{kind}' found using 'type' does not match any of the expected tags"
            )
        name = tool.get("name")
        if isinstance(name, str):
            if name in names:
                raise invalid("tools: Tool names must be unique.")
            names.add(name)
    _check_tool_choice(fields.get("tool_choice"), names, model, declared=bool(tools))


def _check_tool_choice(choice: Any, names: set[str], model: Model, *, declared: bool) -> None:
    if choice is None:
        return
    kind = str(choice.get("type")) if isinstance(choice, dict) else ""
    if kind not in {"auto", "any", "tool", "none"}:
        raise invalid("tool_choice: Input should be an object with type 'auto', 'any', 'tool' or 'none'")
    if not declared and kind != "none":
        raise invalid("tool_choice: may only be specified while providing tools")
    if kind in {"any", "tool"} and not model.forced_tools:
        raise invalid('tool_choice: type "tool" and "any" are not supported for this model.')
    if kind == "tool" and str(choice.get("name")) not in names:
        raise invalid(f"tool_choice: Tool '{choice.get('name')}' not found in provided tools")


def _check_custom_tool(tool: Mapping[str, Any], index: int) -> None:
    name = tool.get("name")
    if not isinstance(name, str):
        raise invalid(f"tools.{index}.custom.name: Field required")
    if not _TOOL_NAME.fullmatch(name):
        raise invalid(f"tools.{index}.custom.name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'")
    if not isinstance(tool.get("input_schema"), dict):
        raise invalid(f"tools.{index}.custom.input_schema: Field required")
    for extra in tool.keys() - _CUSTOM_TOOL:
        raise invalid(f"tools.{index}.custom.{extra}: Extra inputs are not permitted")


def _check_thinking(fields: Mapping[str, Any], model: Model) -> None:
    thinking = fields.get("thinking")
    if thinking is None:
        return
    kind = str(thinking.get("type")) if isinstance(thinking, dict) else ""
    if kind not in {"adaptive", "enabled", "disabled", "between_tools"}:
        raise invalid("thinking.type: Input should be 'adaptive', 'enabled', 'disabled' or 'between_tools'")
    if str(thinking.get("display", "omitted")) not in {"summarized", "omitted", "updates"}:
        raise invalid("thinking.display: Input should be 'summarized' or 'omitted'")
    if kind not in model.thinking and not (kind == "disabled" and not model.thinking):
        remedy = (
            'Use "thinking.type.adaptive" and "output_config.effort" to control thinking behavior.'
            if "adaptive" in model.thinking
            else "Extended thinking is set with `enabled` or not at all."
        )
        raise invalid(f'"thinking.type.{kind}" is not supported for this model. {remedy}')
    if kind == "enabled":
        _check_budget(thinking.get("budget_tokens"), fields)
    elif "budget_tokens" in thinking:
        raise invalid(f"thinking.{kind}.budget_tokens: Extra inputs are not permitted")
    if kind in {"enabled", "adaptive"}:
        if (fields.get("tool_choice") or {}).get("type") in {"any", "tool"}:
            raise invalid("Thinking may not be enabled when tool_choice forces tool use.")
        if fields.get("temperature") not in (None, 1):
            raise invalid("`temperature` may only be set to 1 when thinking is enabled.")


def _check_budget(budget: object, fields: Mapping[str, Any]) -> None:
    if isinstance(budget, bool) or not isinstance(budget, int):
        raise invalid("thinking.enabled.budget_tokens: Field required")
    if budget < _BUDGET_TOKENS_MIN:
        raise invalid("thinking.enabled.budget_tokens: Input should be greater than or equal to 1024")
    if "max_tokens" in fields and budget >= fields["max_tokens"]:
        raise invalid("`max_tokens` must be greater than `thinking.budget_tokens`.")


def _check_output(fields: Mapping[str, Any], model: Model) -> None:
    config = fields.get("output_config")
    if config is None:
        return
    if not isinstance(config, dict):
        raise invalid("output_config: Input should be a valid dictionary")
    for name in config.keys() - {"effort", "format", "task_budget"}:
        raise invalid(f"output_config.{name}: Extra inputs are not permitted")
    effort = config.get("effort")
    if effort is not None:
        if effort not in _EFFORTS:
            raise invalid("output_config.effort: Input should be 'low', 'medium', 'high', 'xhigh' or 'max'")
        if not model.effort:
            raise invalid("This model does not support the effort parameter.")
    form = config.get("format")
    if form is not None and (
        not isinstance(form, dict) or form.get("type") != "json_schema" or not isinstance(form.get("schema"), dict)
    ):
        raise invalid("output_config.format: Input should be an object with type 'json_schema' and a schema")
