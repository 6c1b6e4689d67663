"""One file for each surface; what they share stands in private modules beside them, and none knows another."""

from collections.abc import Mapping

from trivium.gateway.seams import Upstream
from trivium.gateway.upstream.anthropic import Anthropic
from trivium.gateway.upstream.bedrock import Bedrock
from trivium.gateway.upstream.bedrock_mantle import BedrockMantle
from trivium.gateway.upstream.claude_aws import ClaudeAws
from trivium.gateway.upstream.claude_gcp import ClaudeGcp
from trivium.gateway.upstream.foundry import Foundry
from trivium.gateway.upstream.vertex import Vertex

UPSTREAMS: Mapping[str, Upstream] = {
    "anthropic": Anthropic(),
    "claude-aws": ClaudeAws(),
    "bedrock": Bedrock(),
    "bedrock-mantle": BedrockMantle(),
    "vertex": Vertex(),
    "claude-gcp": ClaudeGcp(),
    "foundry": Foundry(),
}
