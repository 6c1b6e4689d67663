#!/usr/bin/env bash
# Makes the example anew from the traces beside the checkout; about a minute. Usage: make example [TRACES=folder]
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
traces=${TRACES:-$here/../../../../shared/traces}
trivium=${TRIVIUM:-$here/../../../.venv/bin/trivium}
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
  --model claude-haiku-4-5 --surface anthropic --start 2026-09-30T14:00:00Z --db "$db"
"$trivium" ledger import "$traces/servegen/client_usage_6h.csv.gz" --db "$db"
"$trivium" plan --organisation "$here/trivium.toml" --db "$db" --at 2026-10-01 \
  --report "$out/report.html" --report "$out/report.pdf" --report "$out/decision.json" \
  --calendar "$out/checkpoints.ics" --sheets "$out/negotiation.md" --write-routes "$out/routes.json" --dry-run \
  > "$out/plan.txt" || [ $? -eq 1 ]   # 1: something has no place, and the report says what
