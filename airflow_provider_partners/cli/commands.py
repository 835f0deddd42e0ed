"""The commands, their arguments and their help, as data. Both parsers are made from it: ours, and Airflow's.

Every ``airflow`` command loads this module, therefore it imports nothing of Airflow and nothing of the partners.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["COMMANDS", "DESCRIPTION", "EPILOG", "Argument", "Command"]


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument of a command.

    :param flags: its name, or its options such as ``("--json",)``
    :param options: further arguments of :meth:`argparse.ArgumentParser.add_argument`
    """

    flags: tuple[str, ...]
    help: str
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Command:
    """A command.

    :param name: what users write; the module of the same name in this package has its function ``run``
    :param help: one line for the list of commands
    :param description: what it does
    :param examples: complete commands after the program's name, each with what it is for
    """

    name: str
    help: str
    description: str
    examples: tuple[tuple[str, str], ...]
    arguments: tuple[Argument, ...]

    def epilog(self, program: str) -> str:
        """Return the examples, as the end of the command's help."""
        lines = ["examples:"]
        for purpose, example in self.examples:
            lines += [f"  # {purpose}", f"  {program} {example}"]
        return "\n".join(lines)


DESCRIPTION = "Check, look at and repair what this provider reads and writes: Yofi, Shopify, Voucherify and Yotpo."

EPILOG = (
    "exit codes: 0 all is well; 1 a problem or a difference was found; 2 the command was wrong; "
    "3 the command could not do its work."
)

JSON = Argument(("--json",), "print JSON to standard output, for scripts", {"action": "store_true"})
PERSONAL_DATA = Argument(
    ("--personal-data",), "show customers' names, addresses and contacts; masked by default", {"action": "store_true"}
)
ROUTES = Argument(
    ("--routes",),
    "file with the routes (JSON or YAML), as an absolute path or a URI; by default the Variable partner_shop_routes",
    {"metavar": "URI"},
)
SHOP = Argument(("--shop",), "the shop, such as a.myshopify.com or a", {"metavar": "SHOP"})
SHOPS = Argument(
    ("--shop",),
    "check this shop only; several with several --shop",
    {"metavar": "SHOP", "action": "append", "dest": "shops"},
)
SINCE = Argument(("--since",), "start of the time range, as ISO 8601 text such as 2026-05-01", {"metavar": "TIME"})
UNTIL = Argument(("--until",), "end of the time range, exclusive", {"metavar": "TIME"})

OPTIONS = Argument(("--options",), "options of the mapping that your Dag sets, as JSON", {"metavar": "JSON"})
POLICY = Argument(
    ("--policy",), "policy of the suppression that your Dag sets, as JSON or an import path", {"metavar": "JSON"}
)

COMMANDS = (
    Command(
        "check",
        "check every connection, its permissions, the staging folder and the rate limits",
        "Check what a run of the order sync needs, before it runs. Each line is one check: the routes, the staging "
        "folder (written, read, removed), the store of the rate limits, and for each route one cheap read with every "
        "connection. Shopify Admin tokens are also checked for the access scopes that orders need. Each failure comes "
        "with its remedy. Nothing is written to a partner.",
        (
            ("check all routes", "check"),
            ("check one shop", "check --shop a.myshopify.com"),
            ("names of failed checks, for a script", "check --json | jq '.checks[] | select(.state == \"failed\")'"),
        ),
        (
            SHOPS,
            ROUTES,
            Argument(
                ("--partner-conn-id",),
                "connection of the Shopify Partner API (default: shopify_partner_default); 'none' leaves it out",
                {"metavar": "CONN_ID", "default": "shopify_partner_default"},
            ),
            JSON,
        ),
    ),
    Command(
        "sample",
        "show a few records of any list of any partner",
        "Read a few records of a list and print them. The command 'resources' names the lists. Customers' data are "
        "masked, unless --personal-data is given.",
        (
            ("three returns of a shop", "sample yofi.returns --shop a.myshopify.com --limit 3"),
            ("orders that changed in May", "sample shopify_admin.orders --conn-id shopify_a --since 2026-05-01"),
            (
                "one order by its id, as JSON",
                'sample shopify_admin.orders --conn-id shopify_a --set match=\'{"id": ["6001"]}\' --json',
            ),
        ),
        (
            Argument(("resource",), "the list as PARTNER.NAME, such as yofi.returns", {"metavar": "RESOURCE"}),
            Argument(
                ("--conn-id",),
                "id of the Airflow connection; by default that of the partner, such as yofi_default",
                {"metavar": "CONN_ID", "dest": "conn_id"},
            ),
            Argument(SHOP.flags, f"{SHOP.help}, for Yofi and Shopify Admin", SHOP.options),
            Argument(("--limit",), "how many records (default: 5)", {"type": int, "default": 5, "metavar": "NUMBER"}),
            SINCE,
            UNTIL,
            Argument(
                ("--set",),
                "another argument of the client's extract(), such as app_id=1001; the value is JSON or text",
                {"metavar": "NAME=VALUE", "action": "append", "dest": "settings"},
            ),
            PERSONAL_DATA,
            JSON,
        ),
    ),
    Command(
        "diff",
        "compare one order in Shopify, Yofi and Yotpo",
        "Show one order side by side: what Shopify has, what Yofi knows of it, what the sync would send, and what "
        "Yotpo has. It also says why a review request is suppressed, or why the order is left out. The order is built "
        "with the shop's route; give the arguments that your Dag sets for all shops with --options and --policy. "
        "Nothing is written. The exit code is 1 when the next sync would write the order.",
        (
            ("by the order's number", "diff '#1042' --shop a.myshopify.com"),
            ("by its id, only what differs, as JSON", "diff 6001000000001 --shop a.myshopify.com --json"),
        ),
        (
            Argument(
                ("order",),
                "the order's id in Shopify, its gid://shopify/Order/…, or its name such as '#1042'",
                {"metavar": "ORDER"},
            ),
            Argument(SHOP.flags, SHOP.help, {**SHOP.options, "required": True}),
            ROUTES,
            OPTIONS,
            POLICY,
            Argument(("--all",), "list equal properties, too", {"action": "store_true", "dest": "show_all"}),
            PERSONAL_DATA,
            JSON,
        ),
    ),
    Command(
        "replay",
        "send rejected orders again",
        "Send the orders again that a run rejected, after the cause is mended. Each is read from Shopify again and "
        "built with its route, so its present state is sent. What arrives is closed: a second replay does not take it "
        "again. The Dag yotpo_replay_rejects does the same inside Airflow. The exit code is 1 when an order is "
        "rejected again.",
        (
            ("look first", "replay --shop a.myshopify.com --dry-run"),
            ("the rejects of one run", "replay --run scheduled__2026-05-01T10:00:00+00:00"),
        ),
        (
            Argument(("--run",), "id of the run whose rejects are sent again", {"metavar": "RUN_ID", "dest": "run_id"}),
            Argument(SHOP.flags, "the shop whose rejects are sent again; by default all of the run", SHOP.options),
            Argument(
                ("--dag-id",),
                "the Dag whose runs these are (default: yofi_shopify_to_yotpo)",
                {"metavar": "DAG_ID", "dest": "dag_id", "default": "yofi_shopify_to_yotpo"},
            ),
            Argument(("--dry-run",), "plan, but write nothing", {"action": "store_true", "dest": "dry_run"}),
            ROUTES,
            OPTIONS,
            POLICY,
            JSON,
        ),
    ),
    Command(
        "resources",
        "list the lists of all partners",
        "List what can be read, with the name that 'sample' and the extract operators take.",
        (
            ("everything of Voucherify", "resources --partner voucherify"),
            ("lists about orders", "resources orders"),
        ),
        (
            Argument(
                ("text",), "show lists whose name or description has this text", {"metavar": "TEXT", "nargs": "?"}
            ),
            Argument(
                ("--partner",),
                "one partner",
                {"choices": ("yofi", "shopify_partner", "shopify_admin", "voucherify", "yotpo")},
            ),
            JSON,
        ),
    ),
    Command(
        "dags",
        "write the files of this provider's Dags into a folder",
        "Write one file of three lines for each Dag of this provider. Airflow finds them in your folder of Dags. A "
        "file that exists with other content stays as it is, unless --force is given.",
        (
            ("all Dags", 'dags "$AIRFLOW_HOME/dags"'),
            ("the order sync alone", "dags ./dags --only yofi_shopify_to_yotpo"),
        ),
        (
            Argument(("directory",), "the folder; it is created if it is missing", {"metavar": "DIR"}),
            Argument(
                ("--only",),
                "write this Dag only; several with several --only",
                {"metavar": "DAG_ID", "action": "append"},
            ),
            Argument(("--force",), "replace files that have other content", {"action": "store_true"}),
            JSON,
        ),
    ),
)
