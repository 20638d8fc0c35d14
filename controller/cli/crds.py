"""`tenant-operator crds`: the CustomResourceDefinitions of this very version."""

import click

from controller.api.crd import custom_resource_definitions, to_yaml


@click.command()
def crds() -> None:
    """Print the CustomResourceDefinitions, for `kubectl apply -f -`."""
    click.echo("---\n".join(to_yaml(definition) for definition in custom_resource_definitions()), nl=False)
