"""`tenant-operator`: one command, three verbs."""

import click

from controller.cli.crds import crds
from controller.cli.run import run
from controller.cli.sandbox import sandbox


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="business-tenant-operator")
def main() -> None:
    """One BusinessTenant is one business with its phone number, its WhatsApp and its AI."""


main.add_command(run)
main.add_command(sandbox)
main.add_command(crds)

if __name__ == "__main__":
    main()
