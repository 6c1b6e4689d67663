"""The command tree and the one place where errors become exit codes.

Exit codes: 0 done · 1 the check found something · 2 wrong input · 3 no answer (no claim, no price) ·
4 a surface, the ledger or the environment failed · 5 a defect of Trivium itself.
"""

from __future__ import annotations

import importlib
import sys
import traceback
from typing import Any

import typer
from typer.core import TyperGroup

from trivium.core import FactError, PriceError, TriviumError, UserError

# command name -> (module in this package, one line of help); a module offers `app` (a Typer group) or `command`.
COMMANDS: dict[str, tuple[str, str]] = {
    "up": ("up", "Run everything on this machine: lab, gateway, a replay of real usage, and the plan."),
    "init": ("init", "Write a commented organisation file: by asking, or from the ledger."),
    "serve": ("serve", "Run the gateway from trivium.toml."),
    "doctor": ("doctor", "Check configuration, credentials and environment; name each remedy."),
    "facts": ("facts", "List, explain, check, compare and propose dated claims."),
    "price": ("price", "The exact price of a request or of a table of usage."),
    "ledger": ("ledger", "Import, export, back up, restore, migrate and prune the ledger."),
    "why": ("why", "Where a request went and why, attempt by attempt, and what its amount rests on."),
    "spend": ("spend", "What was spent, by any tag."),
    "key": ("key", "Create, list and revoke virtual keys."),
    "plan": ("plan", "Where each workload should run, why, and what would change the answer."),
    "assess": ("assess", "One workload through the five questions; --ask needs no usage at all."),
    "whatif": ("whatif", "The plan if a price, a discount, demand or growth were different."),
    "commit": ("commit", "Which commitment to sign, with its cone of saving and its regret."),
    "compare": ("compare", "Two plans beside each other: what moved, and why."),
    "ask": ("ask", "An answer from dated claims, with grades, conflicts and sources."),
    "capital": ("capital", "Who finances whom, what comes round, and what a failure would set off."),
    "contract": ("contract", "Import commitments in FOCUS form; list what is signed or offered."),
    "quote": ("quote", "Request prices, enter the answers, and see what expires when."),
    "seats": ("seats", "What exports of GitHub Copilot, Microsoft 365 and Copilot Studio say."),
    "limit": ("limit", "Spend limits and their alerts."),
    "profile": ("profile", "Measure the shape of real sessions; draw sessions from it."),
    "conform": ("conform", "Check any gateway against what Claude Code asks of one."),
    "certify": ("certify", "Hold the lab against a live surface, with your own credentials and a budget."),
    "lab": ("lab", "Run the emulated surfaces alone, to test your own clients."),
    "drill": ("drill", "Take a surface away under replayed traffic: what is lost, and what it costs."),
}

EXIT_FINDING, EXIT_USER, EXIT_NO_ANSWER, EXIT_FAILED, EXIT_DEFECT = 1, 2, 3, 4, 5


class _LateGroup(TyperGroup):
    """A group that imports a command's module only when that command is called."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002  the signature is click's
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        module_name, short_help = COMMANDS[cmd_name]
        module = importlib.import_module(f"trivium.cli.{module_name}")
        found: Any
        if hasattr(module, "app"):
            found = typer.main.get_group(module.app)
        else:
            single = typer.Typer(add_completion=False)
            single.command()(module.command)
            found = typer.main.get_command(single)
        found.name = cmd_name
        found.short_help = short_help
        return found

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


root = typer.Typer(cls=_LateGroup, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@root.callback()
def _root() -> None:
    """Trivium: know, decide, run, meter and verify Claude on more than one cloud."""


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; every deliberate error becomes one line on stderr and an exit code."""
    try:
        root(args=arguments, standalone_mode=True)
    except UserError as error:
        _fail(error, EXIT_USER)
    except (FactError, PriceError) as error:
        _fail(error, EXIT_NO_ANSWER)
    except TriviumError as error:
        _fail(error, EXIT_FAILED)
    except BrokenPipeError:
        sys.exit(EXIT_FAILED)
    except Exception:  # noqa: BLE001  shown whole; Python would end with 1, which a script takes for a finding
        traceback.print_exc()
        sys.exit(EXIT_DEFECT)


def _fail(error: TriviumError, code: int) -> None:
    from trivium.cli._output import harmless

    print(f"trivium: {harmless(str(error))}", file=sys.stderr)  # noqa: T201  this is the command line
    sys.exit(code)
