#!/usr/bin/env python3
"""Puts native libraries into the package, and makes a tarball of it for Unity's package manager.

    package.py --dist DIST --out FOLDER [--in-place] [--plugin PLACE=FILE ...]

The library in DIST goes where it belongs on the machine that this runs on; others, for other platforms, are named with
their place under Runtime/Plugins, as in Windows/x86_64=out/netcode.dll. With --in-place they are copied there, too, for
projects that use this folder as it is. The tarball has no .meta files of plugins that it does not have.
"""

import argparse
import gzip
import io
import json
import pathlib
import platform
import shutil
import sys
import tarfile

import metas

PACKAGE = metas.PACKAGE
LICENCES = PACKAGE.parent.parent / "packaging" / "THIRD-PARTY-LICENSES.txt"
NOTICES = "Third Party Notices.md"
NOT_SHIPPED = ("tools", "tools.meta", "Tests~")
HOST_PLUGINS = {
    ("Linux", "x86_64"): ("Linux/x86_64/libnetcode.so", "libnetcode.so"),
    ("Darwin", "arm64"): ("macOS/libnetcode.dylib", "libnetcode.dylib"),
    ("Darwin", "x86_64"): ("macOS/libnetcode.dylib", "libnetcode.dylib"),
    ("Windows", "AMD64"): ("Windows/x86_64/netcode.dll", "netcode.dll"),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dist", type=pathlib.Path, required=True, help="what make lib left")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="where the tarball goes")
    parser.add_argument("--in-place", action="store_true", help="copy the libraries into the package's folder, too")
    parser.add_argument("--plugin", action="append", default=[], metavar="PLACE=FILE")
    options = parser.parse_args()

    plugins = chosen_plugins(options)
    if options.in_place:
        for place, source in plugins.items():
            target = PACKAGE / metas.PLUGIN_FOLDER / place
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
            print(target)
    print(write_tarball(options.out, contents(plugins)))


def chosen_plugins(options):
    """Files by their place."""
    plugins = {}
    host = HOST_PLUGINS.get((platform.system(), platform.machine()))
    if host:
        plugins[host[0]] = options.dist / "lib" / host[1]
    for pair in options.plugin:
        folder, equals, source = pair.partition("=")
        places = [place for place in metas.PLUGINS if folder in (place, str(pathlib.PurePosixPath(place).parent))]
        if not equals or not places:
            sys.exit(f"package.py: no place {folder}; there are {', '.join(metas.PLUGINS)}")
        plugins[places[0]] = pathlib.Path(source)
    for source in plugins.values():
        if not source.is_file():
            sys.exit(f"package.py: no {source}")
    return plugins


def contents(plugins):
    """Bytes by the path in the package."""
    files = {}
    for path in sorted(PACKAGE.rglob("*")):
        name = path.relative_to(PACKAGE).as_posix()
        hidden = any(part.startswith(".") or part == "__pycache__" for part in path.relative_to(PACKAGE).parts)
        if path.is_file() and not hidden and name.split("/")[0] not in NOT_SHIPPED and not name.startswith(f"{metas.PLUGIN_FOLDER}/"):
            files[name] = path.read_bytes()
    files[NOTICES] += b"\n----\n\n" + LICENCES.read_bytes()
    for place, source in plugins.items():
        plugin = pathlib.PurePosixPath(metas.PLUGIN_FOLDER, place)
        files[str(plugin)] = source.read_bytes()
        for part in (plugin, *plugin.parents):
            if str(part).startswith(f"{metas.PLUGIN_FOLDER}/"):
                files[f"{part}.meta"] = metas.meta(str(part)).encode()
    return files


def write_tarball(folder, files):
    """The same bytes for the same files."""
    manifest = json.loads(files["package.json"])
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{manifest['name']}-{manifest['version']}.tgz"
    with open(path, "wb") as raw, gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as packed, \
            tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, data in sorted(files.items()):
            entry = tarfile.TarInfo(f"package/{name}")
            entry.size, entry.mode = len(data), 0o644
            archive.addfile(entry, io.BytesIO(data))
    return path


if __name__ == "__main__":
    main()
