"""``smyth dev --watch``: what changes in the checkout is deployed within seconds.

A change of a function or of our package needs no synthesis: the deployed template stays as it is but for the names of
archives, which are their hashes. So CloudFormation still knows what is deployed, and the next start finds no drift.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from watchfiles import PythonFilter, awatch

from smyth.aws.clients import client
from smyth.local import deploy
from smyth.local.assembly import PROJECT, Assembly, Asset, inputs_hash, synthesised
from smyth.local.cloud import Running
from smyth.local.folder import LocalCloudError
from smyth.local.scripted_models import with_scripted_models
from smyth.platform.routes import STREAMED

_FUNCTIONS, _PACKAGE, _INFRA = PROJECT / "functions", PROJECT / "shared" / "smyth", PROJECT / "infra"
_WATCHED = PythonFilter(extra_extensions=(".yaml", ".json"))


async def redeploy_on_change(cloud: Running, *, tell: Callable[[str], None]) -> None:
    """Deploy what changes, until cancelled; what cannot be deployed is told and what runs stays."""
    async for changes in awatch(_FUNCTIONS, _PACKAGE, _INFRA, watch_filter=_WATCHED, debounce=200):
        started = time.monotonic()
        try:
            what = await redeploy(cloud, {Path(path) for _, path in changes})
        except LocalCloudError as error:
            tell(f"[red]not redeployed:[/red] {error}")
            continue
        if what:
            tell(f"[green]redeployed[/green] {what} in {time.monotonic() - started:.1f} s")


async def redeploy(cloud: Running, changed: set[Path]) -> str:
    """Deploy changed files.

    Returns:
        What was deployed, for people; empty when the files are part of nothing that is deployed.

    Raises:
        LocalCloudError: The stack failed.
    """
    if any(path.is_relative_to(_INFRA) for path in changed):
        inputs = await asyncio.to_thread(inputs_hash)
        assembly = with_scripted_models(await synthesised(cloud.folder.assembly, inputs), cloud.model_server)
        what = {"the whole stack"}
    else:
        inputs = ""  # The next start shall look at everything.
        assembly = await asyncio.to_thread(_with_changes, cloud, changed)
        what = {path.relative_to(PROJECT).parts[1] for path in changed}
    if not assembly.assets:
        return ""
    cloud.folder.remember(deployed="")
    await asyncio.to_thread(deploy.deploy, assembly, cloud.emulator.url)
    cloud.folder.remember(deployed=inputs)
    if what & {*STREAMED, _PACKAGE.name, "the whole stack"}:
        await cloud.streams.restart()
    return ", ".join(sorted(what))


def _with_changes(cloud: Running, changed: set[Path]) -> Assembly:
    """The deployed stack with those archives made anew that hold a changed file; they are its only assets."""
    template = dict(client("cloudformation", cloud.emulator.url).get_template(StackName=cloud.stack)["TemplateBody"])
    assets = []
    for place, files in _archives(template, cloud.stack, changed):
        content = _renewed(_download(place, cloud.emulator.url), files)
        key = f"{hashlib.sha256(content).hexdigest()}.zip"
        if key == place["S3Key"]:
            continue
        source = cloud.folder.temporary / key
        source.write_bytes(content)
        assets.append(Asset(key, place["S3Bucket"], source, "file"))
        place["S3Key"] = key
    return Assembly(cloud.stack, template, tuple(assets))


def _archives(
    template: dict[str, Any], stack: str, changed: set[Path]
) -> Iterator[tuple[dict[str, str], dict[str, Path]]]:
    """Where the template names an archive that holds changed files, and those files by their place inside."""
    for resource in template["Resources"].values():
        properties = resource.get("Properties", {})
        if resource["Type"] == "AWS::Lambda::Function":
            place, root, below = (
                properties["Code"],
                _FUNCTIONS / properties["FunctionName"].removeprefix(f"{stack}-"),
                "",
            )
        elif resource["Type"] == "AWS::Lambda::LayerVersion":
            place, root, below = properties["Content"], _PACKAGE, "python/smyth/"
        else:
            continue
        files = {below + path.relative_to(root).as_posix(): path for path in changed if path.is_relative_to(root)}
        if files:
            yield place, files


def _download(place: dict[str, str], url: str) -> bytes:
    content: bytes = client("s3", url).get_object(Bucket=place["S3Bucket"], Key=place["S3Key"])["Body"].read()
    return content


def _renewed(old: bytes, files: dict[str, Path]) -> bytes:
    """An archive with some files as they are now; files of folders that it does not have stay out, as they did."""
    with zipfile.ZipFile(io.BytesIO(old)) as archive:
        contents = {name: archive.read(name) for name in archive.namelist() if not name.endswith("/")}
    folders = {name.rpartition("/")[0] for name in contents}
    for name, path in files.items():
        if not path.is_file():
            contents.pop(name, None)
        elif name.rpartition("/")[0] in folders:
            contents[name] = path.read_bytes()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, content in sorted(contents.items()):
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content)
    return buffer.getvalue()
