#!/usr/bin/env bash
# Makes the example anew from the traces beside the checkout; about a minute. Usage: make example [TRACES=folder]
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
traces=${TRACES:-$here/../../../../shared/traces}
trivium=${TRIVIUM:-$(cd "$here/../../.." && pwd)/.venv/bin/trivium}
if [ ! -d "$traces/claude_code" ]; then
  echo "the traces are not at $traces: set TRACES" >&2
  exit 2
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
db=$work/ledger.db
out=${OUT:-$here}

"$trivium" ledger import "$traces/claude_code/requests.csv.gz" --workload "code-{model}" --start 2026-09-17 --session-gap 28m --db "$db"
"$trivium" ledger import "$traces/azure_2023/AzureLLMInferenceTrace_code.csv" --workload completion \
  --model claude-haiku-4-5 --surface anthropic --db "$db"
"$trivium" ledger import "$traces/servegen/client_usage_6h.csv.gz" --db "$db"
cd "$out"
"$trivium" plan --organisation "$here/trivium.toml" --db "$db" --at 2026-10-01 \
  --report report.html --report report.pdf --report decision.json \
  --calendar checkpoints.ics --sheets negotiation.md --write-routes routes.json --dry-run \
  > plan.txt || [ $? -eq 1 ]   # 1: something has no place, and the report says what
